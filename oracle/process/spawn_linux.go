package process

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// spawn starts cmd in a process group of its own, so that a Ctrl-C at the terminal
// reaches slotdiff alone, and tells the kernel to kill it when slotdiff dies.
func spawn(cmd *exec.Cmd) error { return spawnLazy(cmd, 0) }

// spawnLazy is spawn of a process whose timers the kernel may let expire late by that
// much, so that those of one moment wake it once; 0 leaves the kernel's 50 us. A Go
// program that is idle every other millisecond, as a host is, else spends a tenth of
// its time in the naps of its scheduler's watchdog.
func spawnLazy(cmd *exec.Cmd, slack time.Duration) error {
	spawner.Do(func() { go spawnLoop() })
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	done := make(chan error)
	spawnQueue <- spawnRequest{cmd, slack, done}
	return <-done
}

type spawnRequest struct {
	cmd   *exec.Cmd
	slack time.Duration
	done  chan<- error
}

var (
	spawner    sync.Once
	spawnQueue = make(chan spawnRequest)
)

// spawnLoop starts all children on one thread that never ends: the kernel sends the
// parent-death signal when the thread that forked ends, not the process.
func spawnLoop() {
	runtime.LockOSThread()
	for req := range spawnQueue {
		// Inherited by the child, and 0 is this thread's default again. Where the
		// kernel refuses, the child is not lazy.
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(req.slack), 0, 0, 0)
		err := req.cmd.Start()
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0)
		req.done <- err
	}
}

// awaitExit returns true when the child has ended, without reaping it.
func awaitExit(pid int) bool {
	for {
		var si unix.Siginfo
		if err := unix.Waitid(unix.P_PID, pid, &si, unix.WEXITED|unix.WNOWAIT, nil); err != unix.EINTR {
			return err == nil
		}
	}
}

// isStopped reports whether the process is frozen; ok is false when it is gone.
func isStopped(pid int) (stopped, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	i := bytes.LastIndexByte(b, ')')
	if err != nil || i < 0 || i+2 >= len(b) {
		return false, false
	}
	return b[i+2] == 'T', true
}
