package rundir

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childEnv makes the test binary a run that starts a program, records it as the
// variable says, and waits.
const childEnv = "SLOTDIFF_TEST_RUN_CHILD"

func TestMain(m *testing.M) {
	if how := os.Getenv(childEnv); how != "" {
		if err := child(how); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child prints its run's directory and the number of a process that works there.
func child(how string) error {
	d, _, err := Open()
	if err != nil {
		return err
	}
	dir, err := d.Node("a")
	if err != nil {
		return err
	}
	mark := filepath.Join(dir, "conf")
	if how == "stranger" {
		mark = "elsewhere"
	}
	cmd := exec.Command("sh", "-c", "while :; do sleep 1000; done", mark)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := d.Record(dir, cmd.Process.Pid); err != nil {
		return err
	}
	fmt.Println(d.Path(), cmd.Process.Pid)
	io.Copy(io.Discard, os.Stdin)
	return nil
}

func startChild(t *testing.T, how string) (run *exec.Cmd, path string, pid int) {
	t.Helper()
	run = exec.Command(os.Args[0])
	run.Env = append(os.Environ(), childEnv+"="+how)
	if _, err := run.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(line, &path, &pid); err != nil {
		t.Fatalf("child said %q", line)
	}
	group := pid
	t.Cleanup(func() {
		run.Process.Kill()
		run.Wait()
		syscall.Kill(-group, syscall.SIGKILL)
	})
	return run, path, pid
}

// gone waits until a process has ended: an orphan is reaped by the system's init
// in its own time.
func gone(t *testing.T, pid int) bool {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, state, err := stat(pid); err != nil || state == 'Z' {
			return true
		}
	}
	return false
}

func TestSweepAfterSIGKILL(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	run, path, pid := startChild(t, "own")

	other, swept, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil || len(swept) > 0 {
		t.Fatalf("a run that lives was swept: %v, %q", err, swept)
	}
	if err := run.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	run.Wait()
	d, swept, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the dead run's directory is left: %v", err)
	}
	if !gone(t, pid) {
		t.Errorf("process %d is left", pid)
	}
	if text := strings.Join(swept, "\n"); !strings.Contains(text, path) || !strings.Contains(text, fmt.Sprint("process ", pid)) {
		t.Errorf("swept: %q", swept)
	}
	if _, err := os.Stat(other.Path()); err != nil {
		t.Errorf("a living run of this process was swept: %v", err)
	}
	for _, d := range []*Dir{d, other} {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error("second Close:", err)
		}
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "slotdiff-*", prefix+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %q %v", left, err)
	}
}

func TestSweepSparesStrangers(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	run, path, pid := startChild(t, "stranger")
	run.Process.Kill()
	run.Wait()
	d, _, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the dead run's directory is left: %v", err)
	}
	if _, state, err := stat(pid); err != nil || state == 'Z' {
		t.Errorf("a process with another command line was killed: %c %v", state, err)
	}
}

func TestProcessIdentity(t *testing.T) {
	self, err := Lookup(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseProcess(self.String())
	if err != nil || back != self {
		t.Errorf("%v became %v, %v", self, back, err)
	}
	if self.Gone() {
		t.Error("this process is gone")
	}
	reused := self
	reused.Start++
	if !reused.Gone() || reused.Kill("") {
		t.Error("another start time is the same process")
	}
	elsewhere := self
	elsewhere.NS = "pid:[1]"
	if elsewhere.Gone() || elsewhere.Kill("") {
		t.Error("a process of another namespace is judged")
	}
	before := self
	before.Boot = "earlier"
	if !before.Gone() || before.Kill("") {
		t.Error("a process of an earlier boot is thought to live")
	}
	for _, s := range []string{"", "a b c d", "b n 1 1", "b n -3 1", "b n 5 x", "b n 5"} {
		if _, err := ParseProcess(s); err == nil {
			t.Errorf("%q parses", s)
		}
	}
}

func TestNodeNames(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	d, _, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	a, err := d.Node("a")
	b, err2 := d.Node("a")
	if err != nil || err2 != nil || a == b {
		t.Errorf("%q %v, %q %v", a, err, b, err2)
	}
	for _, bad := range []string{"", "../x", "a b", "a/b", "."} {
		if _, err := d.Node(bad); err == nil {
			t.Errorf("name %q is let through", bad)
		}
	}
	if err := d.Remove(a); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(a); !os.IsNotExist(err) {
		t.Errorf("%s is left", a)
	}
}
