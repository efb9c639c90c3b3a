//go:build !linux

package process

import (
	"os/exec"
	"syscall"
)

// spawn starts cmd in a process group of its own. No kernel but Linux ends it with
// its parent; Close does, and the next run's sweep where it can.
func spawn(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd.Start()
}

// awaitExit cannot wait without reaping here, and says so.
func awaitExit(int) bool { return false }

// isStopped knows no way to see a process's state.
func isStopped(int) (stopped, ok bool) { return false, false }

func spawnLazy(cmd *exec.Cmd, _ time.Duration) error { return spawn(cmd) }
