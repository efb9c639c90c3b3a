// Package rundir gives a driver a directory that cannot outlive it for long: a run
// holds a lock on its directory, the kernel drops the lock however the run ends, and
// the next run removes what is unlocked, with the servers recorded in it.
//
// It refuses to guess: a process is only signalled when its number, its start time
// and its command line are those that were recorded.
package rundir

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/slotdiff/slotdiff/oracle"
)

const (
	prefix   = "run-"
	lockName = "owner.lock"
	pidExt   = ".pid"
)

// Dir is the directory of one driver of one run.
type Dir struct {
	path string
	lock *os.File

	mu   sync.Mutex
	seen map[string]int // how often a node name was used
}

// Open sweeps what dead runs left and makes a new directory for servers to work in: in
// memory where there is room, for they sync their files before they go on, which takes
// the longer the busier the disk is. swept names what was removed.
func Open() (d *Dir, swept []string, err error) {
	disk, err := oracle.UserTempDir()
	if err != nil {
		return nil, nil, fmt.Errorf("run directory: %w", err)
	}
	memory, ok := oracle.UserMemoryDir()
	if !ok {
		return open(disk)
	}
	// An earlier run may have found no room there.
	swept, err = sweepAll(disk)
	if err != nil {
		return nil, swept, err
	}
	d, more, err := open(memory)
	return d, append(swept, more...), err
}

// OpenOnDisk is as Open, of a directory that programs may be run from.
func OpenOnDisk() (d *Dir, swept []string, err error) {
	base, err := oracle.UserTempDir()
	if err != nil {
		return nil, nil, fmt.Errorf("run directory: %w", err)
	}
	return open(base)
}

// sweepAll is sweep when nobody else makes or sweeps directories there.
func sweepAll(base string) (swept []string, err error) {
	gate, err := lockFile(filepath.Join(base, "runs.lock"), true)
	if err != nil {
		return nil, fmt.Errorf("run directory: %w", err)
	}
	defer gate.Close()
	if swept, err = sweep(base); err != nil {
		return swept, fmt.Errorf("run directory: sweep: %w", err)
	}
	return swept, nil
}

func open(base string) (d *Dir, swept []string, err error) {
	// One run at a time sweeps or makes a directory, so that none is seen
	// between being made and being locked.
	gate, err := lockFile(filepath.Join(base, "runs.lock"), true)
	if err != nil {
		return nil, nil, fmt.Errorf("run directory: %w", err)
	}
	defer gate.Close()
	swept, err = sweep(base)
	if err != nil {
		return nil, swept, fmt.Errorf("run directory: sweep: %w", err)
	}
	path := filepath.Join(base, fmt.Sprintf("%s%d-%06x", prefix, os.Getpid(), rand.IntN(1<<24)))
	if err := os.Mkdir(path, 0o700); err != nil {
		return nil, swept, fmt.Errorf("run directory: %w", err)
	}
	lock, err := lockFile(filepath.Join(path, lockName), false)
	if err != nil {
		return nil, swept, errors.Join(fmt.Errorf("run directory: %w", err), os.RemoveAll(path))
	}
	return &Dir{path: path, lock: lock, seen: map[string]int{}}, swept, nil
}

// Path is the directory's absolute path.
func (d *Dir) Path() string { return d.path }

// ID is the run's name, unique on this machine.
func (d *Dir) ID() string { return strings.TrimPrefix(filepath.Base(d.path), prefix) }

// Node makes a new directory for a node's files. Names may repeat.
func (d *Dir) Node(name string) (string, error) {
	for _, r := range name {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", r) {
			return "", fmt.Errorf("node name %q: want letters, digits, '-' and '_'", name)
		}
	}
	if name == "" {
		return "", errors.New("node name: empty")
	}
	d.mu.Lock()
	d.seen[name]++
	n := d.seen[name]
	d.mu.Unlock()
	dir := filepath.Join(d.path, name+"."+strconv.Itoa(n))
	return dir, os.Mkdir(dir, 0o700)
}

// Record writes down which processes work in the node directory dir, in place of an
// earlier record, so that a later run can end them should this one be unable to.
// Only a process whose command line contains dir will be ended.
func (d *Dir) Record(dir string, pids ...int) error {
	var text []byte
	for _, pid := range pids {
		p, err := Lookup(pid)
		if err != nil {
			return err
		}
		text = append(text, p.String()+"\n"...)
	}
	return os.WriteFile(dir+pidExt, text, 0o600)
}

// Remove removes a node's directory and its record.
func (d *Dir) Remove(dir string) error {
	err := os.Remove(dir + pidExt)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// Close removes the directory and gives up the lock. It is idempotent.
func (d *Dir) Close() error {
	return errors.Join(os.RemoveAll(d.path), ignoreClosed(d.lock.Close()))
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// sweep ends the recorded processes of every run whose lock is free and removes its
// directory.
func sweep(base string) (swept []string, err error) {
	runs, err := filepath.Glob(filepath.Join(base, prefix+"*"))
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, run := range runs {
		lock, err := lockFile(filepath.Join(run, lockName), false)
		if errors.Is(err, errHeld) {
			continue
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
			continue
		}
		records, err := filepath.Glob(filepath.Join(run, "*"+pidExt))
		errs = append(errs, err)
		for _, rec := range records {
			text, err := os.ReadFile(rec)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			for line := range strings.Lines(string(text)) {
				p, err := ParseProcess(line)
				if err != nil {
					continue // cut short when the run was killed: the kernel ended the process with it
				}
				if p.Kill(strings.TrimSuffix(rec, pidExt)) {
					swept = append(swept, fmt.Sprintf("process %d of %s", p.PID, filepath.Base(run)))
				}
			}
		}
		errs = append(errs, os.RemoveAll(run))
		swept = append(swept, run)
		if lock != nil {
			errs = append(errs, lock.Close())
		}
	}
	return swept, errors.Join(errs...)
}
