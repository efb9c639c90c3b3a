package bundled_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/bundled"
	"github.com/slotdiff/slotdiff/oracle/oracletest"
	"github.com/slotdiff/slotdiff/oracle/probe"
)

// realEnv names the program that the test binary executes when it is started as a
// node.
const realEnv = "SLOTDIFF_TEST_REAL"

func TestMain(m *testing.M) {
	if os.Getenv(realEnv) != "" {
		bundled.Main(func(args []string) int {
			argv := append([]string{os.Getenv(realEnv)}, args...)
			err := syscall.Exec(argv[0], argv, os.Environ())
			fmt.Fprintln(os.Stderr, err)
			return 1
		})
	}
	os.Exit(m.Run())
}

// The program built of cmd/slotnode.
func TestBuilt(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	d := oracletest.Bundled(t)
	if id := d.Identity(); id.Product != bundled.Product || id.How != oracle.Bundled || id.Digest == "" {
		t.Errorf("identity: %+v", id)
	}
	n := oracletest.Start(t, d, oracle.NodeSpec{Directives: [][2]string{{"cluster-node-timeout", "2000"}}})
	info, err := probe.Ask(t.Context(), n.Addr())
	if err != nil || !info.Cluster || info.Port != n.Addr().Port() {
		t.Errorf("%+v %v", info, err)
	}
	if err := n.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := n.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Nodes that share a process end one by one: by a crash, by an order of ours, by
// themselves.
func TestShared(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	d := oracletest.Bundled(t)
	nodes := map[string]oracle.Node{}
	pids := map[int]int{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		n := oracletest.Start(t, d, oracle.NodeSpec{Name: name, Shared: true})
		info, err := probe.Ask(t.Context(), n.Addr())
		if err != nil {
			t.Fatal(err)
		}
		nodes[name] = n
		pids[info.PID]++
		if n.Pause() == nil {
			t.Errorf("%s was paused, and with it its neighbours", name)
		}
	}
	if len(pids) > runtime.NumCPU() {
		t.Errorf("nodes by process: %v", pids)
	}
	ended := func(name string) error {
		t.Helper()
		select {
		case <-nodes[name].Done():
		case <-time.After(10 * time.Second):
			t.Fatalf("%s does not end", name)
		}
		return nodes[name].Err()
	}
	do := func(name string, args ...any) {
		c := probe.Client(nodes[name].Addr())
		defer c.Close()
		_ = c.Do(t.Context(), args...).Err() // the connection ends with the node
	}

	do("a", "DEBUG", "PANIC")
	var exit *oracle.ExitError
	if err := ended("a"); !errors.As(err, &exit) || !exit.Crashed || exit.Status != "exit status 1" || !strings.Contains(exit.Log, "DEBUG PANIC") {
		t.Errorf("after a crash: %v", err)
	}
	do("b", "SHUTDOWN", "NOSAVE")
	if err := ended("b"); !errors.As(err, &exit) || exit.Crashed || exit.Status != "exit status 0" {
		t.Errorf("after SHUTDOWN: %v", err)
	}
	if err := nodes["c"].Kill(); err != nil || ended("c") != nil || strings.Contains(nodes["c"].Log(), "bye bye") {
		t.Errorf("after Kill: %v, %v, log %q", err, nodes["c"].Err(), nodes["c"].Log())
	}
	// A kill comes through a command that keeps the node busy.
	busy := make(chan struct{})
	go func() { defer close(busy); do("d", "DEBUG", "SLEEP", "60") }()
	if err := nodes["d"].Stop(); err != nil {
		t.Error(err)
	}
	<-busy

	for _, name := range []string{"a", "b", "c"} {
		if err := nodes[name].Restart(t.Context()); err != nil {
			t.Error(err)
		}
	}
	for name, n := range nodes {
		info, err := probe.Ask(t.Context(), n.Addr())
		if name == "d" {
			continue
		}
		if err != nil || pids[info.PID] == 0 {
			t.Errorf("%s: %+v, %v; the processes were %v", name, info, err, pids)
		}
	}

	// A host that ends takes its nodes with it, and each says so.
	for pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGABRT); err != nil {
			t.Fatal(err)
		}
	}
	for name := range nodes {
		if name == "d" {
			continue
		}
		if err := ended(name); !errors.As(err, &exit) || !exit.Crashed || !strings.Contains(exit.Log, "SIGABRT") {
			t.Errorf("%s after its host's end: %v", name, err)
		}
	}
	oracletest.Start(t, d, oracle.NodeSpec{Name: "again", Shared: true})
}

// The clock of a node may run faster than the wall's, and in its next life too.
func TestPaced(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	d := oracletest.Bundled(t)
	if p, ok := d.(oracle.Paced); !ok || !p.Paced() {
		t.Fatal("the driver says it cannot")
	}
	pace := func(times int, ahead time.Duration) oracle.Pace {
		return oracle.Pace{Times: times, At: time.Now(), Shows: time.Now().Add(ahead)}
	}
	n := oracletest.Start(t, d, oracle.NodeSpec{Name: "a", Shared: true, Pace: pace(1, time.Hour)})
	expect := func(when string, least, most time.Duration) {
		t.Helper()
		c := probe.Client(n.Addr())
		defer c.Close()
		for { // what was told is heard soon
			now, err := c.Time(t.Context()).Result()
			ahead := time.Until(now)
			if err != nil || ahead > most {
				t.Fatalf("%s: ahead of the wall by %v, want %v; %v", when, ahead, least, err)
			}
			if ahead >= least {
				return
			}
		}
	}
	expect("at its start", 59*time.Minute, time.Hour)
	n.(oracle.PacedNode).SetPace(pace(1000, time.Hour))
	expect("with a fast clock", 61*time.Minute, 5*time.Hour)
	n.(oracle.PacedNode).SetPace(pace(1, 9*time.Hour))
	expect("later", 8*time.Hour, 9*time.Hour)
	if err := n.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect("started again", 8*time.Hour, 9*time.Hour)
}
