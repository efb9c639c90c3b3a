package oracle

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// The client ports slotdiff gives out. They are never below the number of slots, so
// that a port in a transcript is not taken for a slot, and their bus ports
// (port + BusOffset) stay below 32768, where ephemeral ports begin.
const (
	PortMin   = 16400
	PortMax   = 22767
	BusOffset = 10000
)

// Port is a reserved pair of ports, free when it was given out. Until Release no
// other slotdiff process of this user, and no other caller in this one, gets it.
type Port struct {
	client uint16
	once   sync.Once
}

// Client is the port for RESP.
func (p *Port) Client() uint16 { return p.client }

// Bus is the port for the cluster bus.
func (p *Port) Bus() uint16 { return p.client + BusOffset }

// Release gives the pair back. It is idempotent.
func (p *Port) Release() {
	p.once.Do(func() { ports.release(p.client) })
}

// AcquirePort reserves a pair of ports that nobody listens on. Reservations vanish
// with the process, however it ends.
//
// Numbers are given out in turn, from a random start, so that a port is reused as
// late as possible: peers of a node that is gone keep dialling it for a while and
// must not reach a stranger.
func AcquirePort() (*Port, error) { return ports.acquire() }

// KeepPorts keeps the pairs that are given back from now on from being given out again
// until done is called. It is for who still starts a peer that will dial them. done is idempotent.
func KeepPorts() (done func()) { return ports.keep() }

var ports allocator

type allocator struct {
	mu    sync.Mutex
	lock  *os.File // byte p-PortMin is locked while port p is taken or in quarantine
	next  int      // offset from PortMin
	taken [PortMax - PortMin + 1]bool
	freed []freed // in quarantine, in the order of their release; their bytes are locked
	keeps map[*time.Time]bool
	clock clock
}

// clock is the time that an allocator goes by; the zero value is the machine's.
type clock struct {
	read func() time.Time
	wait func(time.Duration)
}

func (c clock) now() time.Time {
	if c.read == nil {
		return time.Now()
	}
	return c.read()
}

func (c clock) sleep(d time.Duration) {
	if c.wait == nil {
		time.Sleep(d)
		return
	}
	c.wait(d)
}

// freed is a pair that was given back.
type freed struct {
	off  int // from PortMin
	when time.Time
}

const (
	// quarantine is how long a pair that was given back is not given out again: peers
	// of a node that is gone dial it until they are gone too. Other processes do not get it
	// either, unless this one ends before: then its nodes, the peers, are gone.
	quarantine = 30 * time.Second
	// shortage is the quarantine where no other pair is left. A whole suite has more pairs
	// in a quarantine's length than there are, where the machine is fast or several
	// processes play; the peers that run end within a moment, for others there is KeepPorts.
	shortage = 5 * time.Second
	// patience is how long a caller waits for a pair.
	patience = time.Minute
	// again is how often it looks for one meanwhile, since those of other processes
	// become free without a word.
	again = 50 * time.Millisecond
)

// acquire waits where every pair is taken or rests: that many are in use for a
// moment only, and no case is to fail of it.
func (a *allocator) acquire() (*Port, error) {
	for late := a.clock.now().Add(patience); ; a.clock.sleep(again) {
		switch p, err := a.look(); {
		case p != nil || err != nil:
			return p, err
		case a.clock.now().After(late):
			return nil, fmt.Errorf("ports: no free pair between %d and %d for %v", PortMin, PortMax, patience)
		}
	}
}

// look returns nil and no error where no pair can be had now.
func (a *allocator) look() (*Port, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lock == nil {
		// Ports are the machine's, whatever TMPDIR a process was given.
		dir, err := userDir("/tmp")
		if err != nil {
			dir, err = UserTempDir()
		}
		if err != nil {
			return nil, fmt.Errorf("ports: %w", err)
		}
		a.lock, err = os.OpenFile(filepath.Join(dir, "ports"), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("ports: %w", err)
		}
		a.next = rand.IntN(len(a.taken))
	}
	a.endQuarantine(quarantine, len(a.freed))
	p, err := a.scan()
	if p == nil && err == nil && a.endQuarantine(shortage, 1) > 0 {
		p, err = a.scan()
	}
	return p, err
}

// endQuarantine frees those pairs whose rest was that long, the oldest first and at
// most so many, and returns how many it freed.
func (a *allocator) endQuarantine(rest time.Duration, most int) (n int) {
	for n < most && len(a.freed) > 0 && a.clock.now().Sub(a.freed[0].when) >= rest && !a.kept(a.freed[0].when) {
		off := a.freed[0].off
		a.freed = a.freed[1:]
		a.taken[off] = false
		unlockByte(a.lock, int64(off))
		n++
	}
	return n
}

// keep is KeepPorts.
func (a *allocator) keep() (done func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.keeps == nil {
		a.keeps = map[*time.Time]bool{}
	}
	since := a.clock.now()
	a.keeps[&since] = true
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.keeps, &since)
	}
}

// kept reports whether a pair that was given back then is to rest on. a.mu is held.
func (a *allocator) kept(when time.Time) bool {
	for since := range a.keeps {
		if !when.Before(*since) {
			return true
		}
	}
	return false
}

// scan tries every pair once.
func (a *allocator) scan() (*Port, error) {
	for range a.taken {
		off := a.next
		a.next = (a.next + 1) % len(a.taken)
		if a.taken[off] {
			continue
		}
		switch err := lockByte(a.lock, int64(off)); {
		case errors.Is(err, errLocked):
			continue
		case err != nil:
			return nil, fmt.Errorf("ports: lock %s: %w", a.lock.Name(), err)
		}
		client := uint16(PortMin + off)
		if !portFree(client) || !portFree(client+BusOffset) {
			unlockByte(a.lock, int64(off))
			continue
		}
		a.taken[off] = true
		return &Port{client: client}, nil
	}
	return nil, nil
}

func (a *allocator) release(client uint16) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.freed = append(a.freed, freed{off: int(client) - PortMin, when: a.clock.now()})
}

// UserTempDir is a directory of this user alone, below os.TempDir, that holds one
// directory a run. It is made where it is missing.
func UserTempDir() (string, error) {
	return userDir(os.TempDir())
}

// userDir is a directory of this user alone below base.
func userDir(base string) (string, error) {
	dir := filepath.Join(base, "slotdiff-"+strconv.Itoa(os.Getuid()))
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return "", err
	}
	fi, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if st, ok := fi.Sys().(*syscall.Stat_t); !fi.IsDir() || ok && int(st.Uid) != os.Getuid() {
		return "", fmt.Errorf("%s exists and is not a directory of this user: remove it, or set TMPDIR", dir)
	}
	return dir, nil
}
