package process

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// spawn starts cmd in a process group of its own, so that a Ctrl-C at the terminal
// reaches slotdiff alone, and tells the kernel to kill it when slotdiff dies.
func spawn(cmd *exec.Cmd) error {
	spawner.Do(func() { go spawnLoop() })
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	done := make(chan error)
	spawnQueue <- spawnRequest{cmd, done}
	return <-done
}

type spawnRequest struct {
	cmd  *exec.Cmd
	done chan<- error
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
		req.done <- req.cmd.Start()
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
