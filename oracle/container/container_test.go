package container_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/container"
	"github.com/slotdiff/slotdiff/oracle/oracletest"
	"github.com/slotdiff/slotdiff/oracle/probe"
)

// toolEnv makes the test binary a tool that runs two containers until it is killed.
const toolEnv = "SLOTDIFF_TEST_TOOL"

func TestMain(m *testing.M) {
	if os.Getenv(toolEnv) != "" {
		if err := tool(); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func tool() error {
	d, err := container.Open(context.Background(), container.Options{})
	if err != nil {
		return err
	}
	for range 2 {
		n, err := d.Start(context.Background(), oracle.NodeSpec{Name: "a"})
		if err != nil {
			return err
		}
		fmt.Println(n.Addr())
	}
	select {}
}

// engine is a connection of the test's own, to see what is really there.
func engine(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(client.FromEnv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// containers lists those of slotdiff that this test's own processes made: each test
// has a directory for its runs, which its containers have mounted.
func containers(t *testing.T) (ids []string) {
	t.Helper()
	list, err := engine(t).ContainerList(context.Background(), client.ContainerListOptions{
		All: true, Filters: make(client.Filters).Add("label", "slotdiff.run"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list.Items {
		for _, m := range c.Mounts {
			if strings.HasPrefix(m.Source, os.TempDir()) {
				ids = append(ids, c.ID)
			}
		}
	}
	return ids
}

// begin skips the test without an engine and checks at its end that neither
// containers nor files are left.
func begin(t *testing.T) {
	t.Helper()
	if _, err := container.Available(t.Context()); err != nil {
		oracletest.Unavailable(t, err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	t.Cleanup(func() {
		if ids := containers(t); len(ids) > 0 {
			t.Errorf("containers left: %q", ids)
		}
		left, err := filepath.Glob(filepath.Join(os.TempDir(), "slotdiff-*", "run-*"))
		if err != nil || len(left) > 0 {
			t.Errorf("left: %q %v", left, err)
		}
	})
}

func open(t *testing.T) *container.Driver {
	t.Helper()
	begin(t)
	d, err := container.Open(t.Context(), container.Options{Progress: func(s string) { t.Log(s) }})
	if err != nil {
		oracletest.Unavailable(t, err)
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

func TestNodeLife(t *testing.T) {
	d := open(t)
	id := d.Identity()
	if id.Product != "redis" || !strings.HasPrefix(id.Version, "8.6.") || id.How != oracle.Container || !strings.HasPrefix(id.Digest, "sha256:") || !strings.Contains(id.Source, "image ") {
		t.Errorf("identity: %+v", id)
	}
	n := oracletest.Start(t, d, oracle.NodeSpec{
		Directives: [][2]string{{"cluster-node-timeout", "2345"}},
		Files:      map[string][]byte{"note": []byte("hello")},
	})
	if got, err := do(t, n, "CONFIG", "GET", "cluster-node-timeout"); err != nil || fmt.Sprint(got) != "[cluster-node-timeout 2345]" {
		t.Errorf("directive: %v, %v", got, err)
	}
	if b, err := n.ReadFile("note"); err != nil || string(b) != "hello" {
		t.Errorf("file: %q %v", b, err)
	}
	myid, err := do(t, n, "CLUSTER", "MYID")
	if err != nil {
		t.Fatal(err)
	}
	done := n.Done()
	if err := n.Kill(); err != nil {
		t.Fatal(err)
	}
	<-done
	if n.Err() != nil {
		t.Errorf("after Kill: %v", n.Err())
	}
	if b, err := n.ReadFile("nodes.conf"); err != nil || !strings.Contains(string(b), fmt.Sprint(myid)) {
		t.Errorf("nodes.conf of a killed node: %q %v", b, err)
	}
	if err := n.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again, err := do(t, n, "CLUSTER", "MYID"); err != nil || again != myid {
		t.Errorf("id was %v, is %v, %v", myid, again, err)
	}
	if strings.Count(n.Log(), "Ready to accept connections") != 2 {
		t.Errorf("log of two lives: %s", n.Log())
	}
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
	if err := n.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	do(t, n, "DEBUG", "SEGFAULT")
	<-n.Done()
	var e *oracle.ExitError
	if !errors.As(n.Err(), &e) || !e.Crashed || !strings.Contains(e.Log, "BUG REPORT START") {
		t.Errorf("crash: %v", n.Err())
	}
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(n.Log(), "BUG REPORT START") {
		t.Error("the log is gone after Stop")
	}
	if err := n.Restart(t.Context()); err == nil {
		t.Error("a stopped node was restarted")
	}
	if err := n.Pause(); err == nil {
		t.Error("a stopped node was paused")
	}
}

// A container is used again, and the next node sees nothing of the one before.
func TestReuse(t *testing.T) {
	d := open(t)
	first, err := d.Start(t.Context(), oracle.NodeSpec{Name: "a", Directives: [][2]string{{"maxmemory-policy", "allkeys-lru"}}, Files: map[string][]byte{"note": []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range [][]any{
		{"CLUSTER", "ADDSLOTSRANGE", 0, 16383}, {"CONFIG", "SET", "maxmemory", "100mb"}, {"FUNCTION", "LOAD", "#!lua name=f\nredis.register_function('f', function() return 1 end)"},
	} {
		if _, err := do(t, first, cmd...); err != nil {
			t.Fatalf("%v: %v", cmd, err)
		}
	}
	id, err := do(t, first, "CLUSTER", "MYID")
	if err != nil {
		t.Fatal(err)
	}
	done := first.Done()
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	<-done
	if _, err := do(t, first, "PING"); err == nil {
		t.Error("a stopped node answers")
	}
	if first.Err() != nil {
		t.Errorf("after Stop: %v", first.Err())
	}
	second := oracletest.Start(t, d, oracle.NodeSpec{Name: "b"})
	if n := len(containers(t)); n != 1 {
		t.Errorf("%d containers for two nodes, one after the other", n)
	}
	for want, cmd := range map[string][]any{
		"[maxmemory 0]":                 {"CONFIG", "GET", "maxmemory"},
		"[maxmemory-policy noeviction]": {"CONFIG", "GET", "maxmemory-policy"},
		"[]":                            {"FUNCTION", "LIST"},
	} {
		if got, err := do(t, second, cmd...); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%v: %v, %v; want %s", cmd, got, err, want)
		}
	}
	if got, err := do(t, second, "CLUSTER", "MYID"); err != nil || got == id {
		t.Errorf("id %v, %v", got, err)
	}
	if got, err := do(t, second, "CLUSTER", "INFO"); err != nil || !strings.Contains(fmt.Sprint(got), "cluster_slots_assigned:0") {
		t.Errorf("slots: %v, %v", got, err)
	}
	if _, err := second.ReadFile("note"); !os.IsNotExist(err) {
		t.Errorf("a file of the first node is seen: %v", err)
	}
	if strings.Contains(second.Log(), fmt.Sprint(id)) || strings.Count(second.Log(), "Ready to accept") != 1 {
		t.Errorf("log: %s", second.Log())
	}
}

// Nodes that will not become idle are removed with their containers.
func TestStubborn(t *testing.T) {
	d := open(t)
	for name, cmds := range map[string][][]any{
		"password": {{"CONFIG", "SET", "requirepass", "secret"}},
		"acl":      {{"ACL", "SETUSER", "default", "-debug"}},
		"shutdown": {{"SHUTDOWN", "NOSAVE"}},
		"paused":   nil,
	} {
		n, err := d.Start(t.Context(), oracle.NodeSpec{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		for _, cmd := range cmds {
			do(t, n, cmd...)
		}
		if cmds == nil {
			if err := n.Pause(); err != nil {
				t.Fatal(err)
			}
		}
		if err := n.Stop(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if ids := containers(t); len(ids) != 0 {
			t.Errorf("%s: containers left: %q", name, ids)
		}
	}
}

func TestBadDirective(t *testing.T) {
	d := open(t)
	_, err := d.Start(t.Context(), oracle.NodeSpec{Name: "a", Directives: [][2]string{{"maxmemory", "much"}}})
	var e *oracle.StartError
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "maxmemory much") {
		t.Errorf("error: %v", err)
	}
}

func TestTwentyCyclesOfSix(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 120 nodes")
	}
	d := open(t)
	for range 20 {
		nodes := make([]oracle.Node, 6)
		var wg sync.WaitGroup
		for i := range nodes {
			wg.Go(func() {
				var err error
				if nodes[i], err = d.Start(t.Context(), oracle.NodeSpec{Name: "n"}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if t.Failed() {
			return
		}
		ports := map[uint16]bool{}
		for _, n := range nodes {
			ports[n.Addr().Port()] = true
		}
		if len(ports) != len(nodes) {
			t.Errorf("six nodes on ports %v", ports)
		}
		for _, n := range nodes {
			wg.Go(func() {
				if err := n.Stop(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

// Starts that are given up half way leave nothing, nor does a driver that is closed
// meanwhile.
func TestInterrupted(t *testing.T) {
	d := open(t)
	for delay := range 8 {
		ctx, cancel := context.WithCancel(t.Context())
		timer := time.AfterFunc(time.Duration(delay)*20*time.Millisecond, cancel)
		n, err := d.Start(ctx, oracle.NodeSpec{Name: "a"})
		timer.Stop()
		cancel()
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error: %v", err)
			}
			continue
		}
		if n.Err() != nil {
			t.Errorf("the context of a start ended, and the node with it: %v", n.Err())
		}
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if n, err := d.Start(t.Context(), oracle.NodeSpec{Name: "b"}); err == nil && n.Err() != nil {
				t.Errorf("closing looks like a crash: %v", n.Err())
			}
		})
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if _, err := d.Start(t.Context(), oracle.NodeSpec{Name: "c"}); err == nil {
		t.Error("a closed driver started a node")
	}
}

func TestSweepAfterSIGKILL(t *testing.T) {
	begin(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), toolEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	r := bufio.NewReader(out)
	for range 2 {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "error") {
			oracletest.Unavailable(t, errors.New(line))
		}
	}
	if n := len(containers(t)); n != 2 {
		t.Fatalf("the tool has %d containers", n)
	}
	// The containers of a tool that lives are let alone.
	d, err := container.Open(t.Context(), container.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if n := len(containers(t)); n != 2 {
		t.Fatalf("%d containers of a living tool are left", n)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	var mu sync.Mutex
	var said []string
	d, err = container.Open(t.Context(), container.Options{Progress: func(s string) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, s)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if n := strings.Count(strings.Join(said, "\n"), "left: container"); n < 2 {
		t.Errorf("said: %q", said)
	}
}

func TestNoEngine(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for host, want := range map[string]string{
		"unix://" + filepath.Join(t.TempDir(), "dead.sock"): "no engine answers",
		"tcp://10.255.255.1:2375":                           "not on this machine",
	} {
		t.Setenv("DOCKER_HOST", host)
		if _, err := container.Open(t.Context(), container.Options{}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), host) {
			t.Errorf("%s: %v", host, err)
		}
		if about, err := container.Available(t.Context()); err == nil {
			t.Errorf("%s: %s", host, about)
		}
	}
}

func TestNoImage(t *testing.T) {
	begin(t)
	for _, image := range []string{"localhost/slotdiff-absent:1", "localhost/absent:1"} {
		_, err := container.Open(t.Context(), container.Options{Image: image})
		if err == nil || !strings.Contains(err.Error(), image) {
			t.Errorf("%s: %v", image, err)
		}
	}
}

func TestWrongVersion(t *testing.T) {
	begin(t)
	_, err := container.Open(t.Context(), container.Options{Version: "7.0"})
	if err == nil || !strings.Contains(err.Error(), "want 7.0") {
		t.Errorf("error: %v", err)
	}
}

func BenchmarkStart(b *testing.B) {
	d, err := container.Open(b.Context(), container.Options{})
	if err != nil {
		oracletest.Unavailable(b, err)
	}
	for b.Loop() {
		n, err := d.Start(b.Context(), oracle.NodeSpec{Name: "a"})
		if err != nil {
			b.Fatal(err)
		}
		if err := n.Stop(); err != nil {
			b.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		b.Fatal(err)
	}
}
