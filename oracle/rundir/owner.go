package rundir

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process identifies a process beyond the reuse of its number: by the machine's
// boot, the namespace the number belongs to, and the time the process started.
type Process struct {
	Boot  string // /proc/sys/kernel/random/boot_id
	NS    string // the pid namespace, "pid:[4026531836]"
	PID   int
	Start uint64 // clock ticks since boot
}

// Lookup returns the identification of a running process.
func Lookup(pid int) (Process, error) {
	here, err := machine()
	if err != nil {
		return Process{}, err
	}
	here.PID = pid
	here.Start, _, err = stat(pid)
	return here, err
}

// machine is what all processes that this one sees have in common.
var machine = sync.OnceValues(func() (p Process, err error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return p, err
	}
	p.Boot = strings.TrimSpace(string(boot))
	p.NS, err = os.Readlink("/proc/self/ns/pid")
	return p, err
})

// stat returns the start time and the state of a process.
func stat(pid int) (start uint64, state byte, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	// The second field is the program's name in parentheses and may hold anything.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	const starttime = 22 - 3 // proc(5) counts from 1, and two fields are gone
	if len(fields) <= starttime {
		return 0, 0, fmt.Errorf("/proc/%d/stat: %d fields after the name", pid, len(fields))
	}
	start, err = strconv.ParseUint(fields[starttime], 10, 64)
	return start, fields[0][0], err
}

// String is the form ParseProcess reads.
func (p Process) String() string {
	return fmt.Sprintf("%s %s %d %d", p.Boot, p.NS, p.PID, p.Start)
}

// ParseProcess reads the form of String.
func ParseProcess(s string) (Process, error) {
	f := strings.Fields(s)
	if len(f) != 4 {
		return Process{}, fmt.Errorf("process record %q: want four words", s)
	}
	pid, err := strconv.Atoi(f[2])
	if err != nil || pid <= 1 {
		return Process{}, fmt.Errorf("process record %q: bad process number", s)
	}
	start, err := strconv.ParseUint(f[3], 10, 64)
	if err != nil {
		return Process{}, fmt.Errorf("process record %q: bad start time", s)
	}
	return Process{f[0], f[1], pid, start}, nil
}

// Gone reports whether the process certainly no longer runs. A process of another
// pid namespace of this boot cannot be seen and is never certainly gone.
func (p Process) Gone() bool {
	self, err := Lookup(os.Getpid())
	if err != nil {
		return false
	}
	if self.Boot != p.Boot {
		return true
	}
	if self.NS != p.NS {
		return false
	}
	start, state, err := stat(p.PID)
	if err != nil {
		return os.IsNotExist(err) || strings.Contains(err.Error(), syscall.ESRCH.Error())
	}
	return start != p.Start || state == 'Z' || state == 'X'
}

// Kill ends the process if it is the recorded one and mark stands in its command
// line, and reports whether it did. It returns once the process has ended.
func (p Process) Kill(mark string) bool {
	self, err := Lookup(os.Getpid())
	if err != nil || self.Boot != p.Boot || self.NS != p.NS {
		return false
	}
	// The handle, where the kernel has such, pins the process: what is checked
	// after it was opened is what gets signalled.
	proc, err := os.FindProcess(p.PID)
	if err != nil {
		return false
	}
	defer func() { _ = proc.Release() }()
	start, state, err := stat(p.PID)
	if err != nil || start != p.Start || state == 'Z' || state == 'X' {
		return false
	}
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.PID))
	if err != nil || !bytes.Contains(cmdline, []byte(mark)) {
		return false
	}
	if proc.Kill() != nil {
		return false
	}
	for deadline := time.Now().Add(5 * time.Second); !p.Gone() && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	return true
}
