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
//
// While all are taken it waits, as long as some of those that rest after use may be free again, and fails then.
func AcquirePort() (*Port, error) { return ports.await(2 * quarantine) }

var errNoPort = fmt.Errorf("ports: no free pair between %d and %d", PortMin, PortMax)

var ports allocator

type allocator struct {
	mu    sync.Mutex
	lock  *os.File // byte p-PortMin is locked while port p is taken or in quarantine
	next  int      // offset from PortMin
	taken [PortMax - PortMin + 1]bool
	freed []freed // in quarantine, in the order of their release; their bytes are locked
}

// freed is a pair that was given back.
type freed struct {
	off  int // from PortMin
	when time.Time
}

// quarantine is how long a pair that was given back is not given out again: peers
// of a node that is gone dial it until they are gone too. Other processes do not get it
// either, unless this one ends before: then its nodes, the peers, are gone.
const quarantine = 30 * time.Second

// await acquires a pair. While there is none it tries again until the time is over.
func (a *allocator) await(patience time.Duration) (*Port, error) {
	for deadline := time.Now().Add(patience); ; time.Sleep(quarantine / 500) {
		p, err := a.acquire()
		if !errors.Is(err, errNoPort) || time.Now().After(deadline) {
			return p, err
		}
	}
}

func (a *allocator) acquire() (*Port, error) {
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
	for len(a.freed) > 0 && time.Since(a.freed[0].when) >= quarantine {
		off := a.freed[0].off
		a.freed = a.freed[1:]
		a.taken[off] = false
		unlockByte(a.lock, int64(off))
	}
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
	return nil, errNoPort
}

func (a *allocator) release(client uint16) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.freed = append(a.freed, freed{off: int(client) - PortMin, when: time.Now()})
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
