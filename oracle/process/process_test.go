package process_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/oracletest"
	"github.com/slotdiff/slotdiff/oracle/probe"
	"github.com/slotdiff/slotdiff/oracle/process"
)

// noLeftovers checks, when the test ends, that no run directory is left in a
// TMPDIR of its own.
func noLeftovers(t *testing.T) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	t.Cleanup(func() {
		left, err := filepath.Glob(filepath.Join(os.TempDir(), "slotdiff-*", "run-*"))
		if err != nil || len(left) > 0 {
			t.Errorf("left: %q %v", left, err)
		}
	})
}

func open(t *testing.T, opt process.Options) *process.Driver {
	t.Helper()
	d, err := process.Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func do(t *testing.T, n oracle.Node, args ...any) (any, error) {
	t.Helper()
	c := probe.Client(n.Addr())
	defer c.Close()
	return c.Do(t.Context(), args...).Result()
}

func pid(t *testing.T, n oracle.Node) int {
	t.Helper()
	info, err := probe.Ask(t.Context(), n.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return info.PID
}

func runs(pid int) bool { return syscall.Kill(pid, 0) == nil }

// await waits until the condition holds.
func await(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

func TestNodeLife(t *testing.T) {
	noLeftovers(t)
	d := open(t, process.Options{Binary: oracletest.Binary(t), Product: "redis", Version: "8.6"})
	id := d.Identity()
	if id.Product != "redis" || !strings.HasPrefix(id.Version, "8.6.") || id.BuildID == "" || id.How != oracle.Process || !strings.HasPrefix(id.Digest, "sha256:") || id.Argv[len(id.Argv)-1] != "{conf}" {
		t.Errorf("identity: %+v", id)
	}
	n := oracletest.Start(t, d, oracle.NodeSpec{
		Name:       "a",
		Directives: [][2]string{{"cluster-node-timeout", "2345"}},
		Files:      map[string][]byte{"note": []byte("hello")},
	})
	if got, err := do(t, n, "CONFIG", "GET", "cluster-node-timeout"); err != nil || fmt.Sprint(got) != "[cluster-node-timeout 2345]" {
		t.Errorf("directive: %v, %v", got, err)
	}
	if n.BusAddr().Port() != n.Addr().Port()+10000 || !n.Addr().Addr().IsLoopback() {
		t.Errorf("addresses: %v %v", n.Addr(), n.BusAddr())
	}
	if c, err := net.Dial("tcp", n.BusAddr().String()); err != nil {
		t.Errorf("bus: %v", err)
	} else {
		c.Close()
	}
	if b, err := n.ReadFile("note"); err != nil || string(b) != "hello" {
		t.Errorf("file: %q %v", b, err)
	}
	if _, err := n.ReadFile("../note"); err == nil {
		t.Error("a file of another directory can be read")
	}
	if !strings.Contains(n.Conf(), "cluster-node-timeout 2345\n") || !strings.Contains(n.Log(), "Ready to accept connections") {
		t.Errorf("conf %q, log %q", n.Conf(), n.Log())
	}

	// nodes.conf survives a kill; the process does not.
	myid, err := do(t, n, "CLUSTER", "MYID")
	if err != nil {
		t.Fatal(err)
	}
	p := pid(t, n)
	done := n.Done()
	if err := n.Kill(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	default:
		t.Error("Done is open after Kill")
	}
	if n.Err() != nil || runs(p) {
		t.Errorf("after Kill: %v, runs %v", n.Err(), runs(p))
	}
	if err := n.Kill(); err != nil {
		t.Errorf("second Kill: %v", err)
	}
	if err := n.Pause(); err == nil {
		t.Error("a dead node was paused")
	}
	if err := n.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-n.Done():
		t.Error("Done is closed after Restart")
	default:
	}
	if again, err := do(t, n, "CLUSTER", "MYID"); err != nil || again != myid {
		t.Errorf("id was %v, is %v, %v", myid, again, err)
	}
	if strings.Count(n.Log(), "Ready to accept connections") != 2 {
		t.Errorf("log of two lives: %s", n.Log())
	}

	// A paused node accepts nothing, a resumed one answers what waited.
	if err := n.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	if _, err := probe.Ask(ctx, n.Addr()); err == nil {
		t.Error("a paused node answers")
	}
	cancel()
	if err := n.Resume(); err != nil {
		t.Fatal(err)
	}
	if _, err := probe.Ask(t.Context(), n.Addr()); err != nil {
		t.Errorf("after Resume: %v", err)
	}
	if err := n.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := n.Kill(); err != nil {
		t.Errorf("Kill of a paused node: %v", err)
	}

	log := n.Log()
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := n.Stop(); err != nil {
		t.Errorf("second Stop: %v", err)
	}
	if n.Log() != log {
		t.Error("the log is gone after Stop")
	}
	if _, err := n.ReadFile("note"); err == nil {
		t.Error("files are left after Stop")
	}
	if err := n.Restart(t.Context()); err == nil {
		t.Error("a stopped node was restarted")
	}
}

// A pair of ports that the caller holds outlives the node: the next one gets it.
func TestPortOfTheCaller(t *testing.T) {
	d := oracletest.Redis(t)
	port, err := oracle.AcquirePort()
	if err != nil {
		t.Fatal(err)
	}
	defer port.Release()
	var conf []byte
	for _, name := range []string{"first", "second"} {
		spec := oracle.NodeSpec{Name: name, Port: port}
		if conf != nil {
			spec.Files = map[string][]byte{"nodes.conf": conf}
		}
		n, err := d.Start(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		if n.Addr().Port() != port.Client() || n.BusAddr().Port() != port.Bus() {
			t.Errorf("%s listens on %s and %s, want port %d", name, n.Addr(), n.BusAddr(), port.Client())
		}
		id, err := do(t, n, "CLUSTER", "MYID")
		if err != nil {
			t.Fatal(err)
		}
		if conf != nil && !strings.HasPrefix(string(conf), id.(string)+" ") {
			t.Errorf("%s has the id %s, and was given\n%s", name, id, conf)
		}
		if conf, err = n.ReadFile("nodes.conf"); err != nil {
			t.Fatal(err)
		}
		if err := n.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCrashAndExit(t *testing.T) {
	noLeftovers(t)
	d := open(t, process.Options{Binary: oracletest.Binary(t)})
	n := oracletest.Start(t, d, oracle.NodeSpec{})
	do(t, n, "DEBUG", "SEGFAULT")
	<-n.Done()
	var e *oracle.ExitError
	if !errors.As(n.Err(), &e) || !e.Crashed || !strings.Contains(e.Log, "BUG REPORT START") || !strings.Contains(e.Status, "segmentation fault") {
		t.Errorf("crash: %v", n.Err())
	}
	if err := n.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n.Err() != nil {
		t.Errorf("after Restart: %v", n.Err())
	}
	do(t, n, "SHUTDOWN", "NOSAVE")
	<-n.Done()
	if !errors.As(n.Err(), &e) || e.Crashed || e.Status != "exit status 0" {
		t.Errorf("shutdown: %v", n.Err())
	}
}

func TestBadDirective(t *testing.T) {
	noLeftovers(t)
	d := open(t, process.Options{Binary: oracletest.Binary(t)})
	_, err := d.Start(t.Context(), oracle.NodeSpec{Name: "a", Directives: [][2]string{{"maxmemory", "much"}}})
	var e *oracle.StartError
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "maxmemory much") {
		t.Errorf("error: %v", err)
	}
	if _, err := d.Start(t.Context(), oracle.NodeSpec{Name: "a", Directives: [][2]string{{"port", "1"}}}); !errors.As(err, &e) || e.Stage != "write configuration" {
		t.Errorf("error: %v", err)
	}
	if _, err := d.Start(t.Context(), oracle.NodeSpec{Name: "../a"}); err == nil {
		t.Error("a node outside of the run's directory was started")
	}
}

// script writes an executable shell script.
func script(t *testing.T, text string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server.sh")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return []string{"/bin/sh", path}
}

func TestBadBinaries(t *testing.T) {
	noLeftovers(t)
	for _, c := range []struct {
		name string
		opt  process.Options
		want []string
	}{
		{"missing", process.Options{Binary: process.Binary{Argv: []string{"/nonexistent/redis-server"}}}, []string{"/nonexistent/redis-server"}},
		{"dies", process.Options{Binary: process.Binary{Argv: script(t, "echo I cannot; exit 3")}}, []string{"exit status 3", "I cannot"}},
		{"hangs", process.Options{Binary: process.Binary{Argv: script(t, "echo thinking; exec sleep 1000")}, StartTimeout: 200 * time.Millisecond}, []string{"wait for readiness", "deadline", "thinking"}},
		{"lies", process.Options{Binary: process.Binary{Argv: script(t, "echo Ready to accept connections; exec sleep 1000")}}, []string{"check identity", "connection refused"}},
		{"other version", process.Options{Binary: oracletest.Binary(t), Version: "8.0"}, []string{"want 8.0", "redis 8.6"}},
		{"other product", process.Options{Binary: oracletest.Binary(t), Product: "valkey"}, []string{"want valkey", "redis 8.6"}},
	} {
		d, err := process.Open(t.Context(), c.opt)
		if err == nil {
			t.Errorf("%s: opened", c.name)
			d.Close()
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in: %v", c.name, want, err)
			}
		}
	}
}

func TestStartIsCancelled(t *testing.T) {
	noLeftovers(t)
	// Hangs as a node only, so that the driver opens.
	bin := oracletest.Binary(t)
	bin.Argv = append(script(t, "for c in \"$@\"; do :; done\nif grep -q cluster-node-timeout \"$c\"; then echo $$; exec sleep 1000; fi\nexec \"$@\"\n"), bin.Argv...)
	d := open(t, process.Options{Binary: bin})
	ctx, cancel := context.WithCancel(t.Context())
	defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
	_, err := d.Start(ctx, oracle.NodeSpec{Name: "a", Directives: [][2]string{{"cluster-node-timeout", "1"}}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v", err)
	}
	// Close ends what is being started.
	result := make(chan error)
	go func() {
		_, err := d.Start(t.Context(), oracle.NodeSpec{Name: "a", Directives: [][2]string{{"cluster-node-timeout", "1"}}})
		result <- err
	}()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := <-result; err == nil {
		t.Error("a closed driver started a node")
	}
}

// A server of somebody else takes the port between its being reserved and its being
// bound: the driver must not be fooled, and takes another.
func TestPortClash(t *testing.T) {
	bin := oracletest.Binary(t)
	noLeftovers(t)
	server := strings.Join(bin.Argv, " ")
	for _, c := range []struct{ name, then string }{
		{"bind fails", "exec " + server + " \"$1\""},
		{"says ready without the port", "echo Ready to accept connections; exec sleep 1000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			// The first node finds a server of a session of its own on its port.
			text := fmt.Sprintf(`
if grep -q cluster-enabled "$1" && mkdir %[1]s/once 2>/dev/null; then
	port=$(sed -n 's/^port //p' "$1")
	cd %[1]s
	setsid %[2]s --port $port --bind 127.0.0.1 --save "" >log 2>&1 &
	echo $! > pid
	echo $port > port
	until grep -q Ready log; do sleep 0.01; done
	%[3]s
fi
exec %[2]s "$1"
`, dir, server, c.then)
			t.Cleanup(func() {
				b, err := os.ReadFile(filepath.Join(dir, "pid"))
				if err != nil {
					t.Error(err)
					return
				}
				stray, err := strconv.Atoi(strings.TrimSpace(string(b)))
				if err != nil {
					t.Error(err)
					return
				}
				syscall.Kill(stray, syscall.SIGKILL)
			})
			d := open(t, process.Options{Binary: process.Binary{Argv: script(t, text), Env: os.Environ()}})
			n := oracletest.Start(t, d, oracle.NodeSpec{})
			b, err := os.ReadFile(filepath.Join(dir, "port"))
			if err != nil {
				t.Fatal(err)
			}
			if taken := strings.TrimSpace(string(b)); taken == fmt.Sprint(n.Addr().Port()) {
				t.Errorf("the node has the stranger's port %s", taken)
			}
			if _, err := n.ReadFile("nodes.conf"); err != nil {
				t.Errorf("the node is not in its directory: %v", err)
			}
		})
	}
}

func TestOtherServers(t *testing.T) {
	for _, v := range [][2]string{{"redis", "7.0"}, {"redis", "8.0"}, {"valkey", "9"}} {
		t.Run(v[0]+v[1], func(t *testing.T) {
			if testing.Short() {
				t.Skip("downloads a server")
			}
			d := oracletest.Server(t, v[0], v[1])
			if err := d.Identity().CheckVersion(v[0], v[1]); err != nil {
				t.Error(err)
			}
			n := oracletest.Start(t, d, oracle.NodeSpec{Directives: [][2]string{{"cluster-node-timeout", "2000"}}})
			if got, err := do(t, n, "DEBUG", "SLEEP", "0"); err != nil || got != "OK" {
				t.Errorf("DEBUG: %v %v", got, err)
			}
		})
	}
}

func BenchmarkStart(b *testing.B) {
	d := oracletest.Redis(b)
	for b.Loop() {
		n, err := d.Start(b.Context(), oracle.NodeSpec{Name: "a"})
		if err != nil {
			b.Fatal(err)
		}
		if err := n.Stop(); err != nil {
			b.Fatal(err)
		}
	}
}
