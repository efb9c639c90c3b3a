package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/slotdiff/slotdiff/wire/resp"
)

// testNode is a node that runs inside the test.
type testNode struct {
	t    testing.TB
	port int
	dir  string
	log  *syncBuffer
	stop func() int
}

// syncBuffer is a buffer that several goroutines may use.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// freePort finds a port that is free together with its bus port.
func freePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		p := 10000 + rand.IntN(6000)
		var ls []net.Listener
		for _, x := range []int{p, p + 10000} {
			if l, err := net.Listen("tcp4", "127.0.0.1:"+strconv.Itoa(x)); err == nil {
				ls = append(ls, l)
			}
		}
		for _, l := range ls {
			l.Close()
		}
		if len(ls) == 2 {
			return p
		}
	}
	t.Fatal("no free port")
	return 0
}

// start runs Main until the test ends or stop is called.
func start(t testing.TB, dir string, args ...string) *testNode {
	t.Helper()
	n := &testNode{t: t, port: freePort(t), dir: dir, log: &syncBuffer{}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	args = append([]string{
		"--port", strconv.Itoa(n.port), "--bind", "127.0.0.1", "--cluster-enabled", "yes",
		"--dir", dir, "--cluster-node-timeout", "2000", "--enable-debug-command", "yes",
	}, args...)
	go func() { done <- Main(ctx, args, n.log, n.log) }()
	n.stop = sync.OnceValue(func() int {
		cancel()
		select {
		case code := <-done:
			return code
		case <-time.After(10 * time.Second):
			t.Error("the node does not end")
			return -1
		}
	})
	t.Cleanup(func() { n.stop() })
	eventually(t, "Ready to accept connections tcp", func() bool {
		return strings.Contains(n.log.String(), "Ready to accept connections tcp")
	})
	return n
}

// eventually waits for a condition, which is what it says.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// dialClient opens a raw connection.
func (n *testNode) dialClient() (net.Conn, *resp.Reader) {
	n.t.Helper()
	c, err := net.Dial("tcp", n.addr())
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c, resp.NewReader(c, resp.Limits{})
}

func (n *testNode) addr() string { return "127.0.0.1:" + strconv.Itoa(n.port) }

// do runs one command on a connection of its own and returns the raw reply.
func (n *testNode) do(words ...string) string {
	n.t.Helper()
	c, r := n.dialClient()
	defer c.Close()
	c.Write(resp.AppendCommandStrings(nil, words...))
	raw, err := r.ReadRaw()
	if err != nil {
		n.t.Fatalf("%v: %v", words, err)
	}
	return string(raw)
}

func TestPipelineAndInline(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	c, r := n.dialClient()
	io.WriteString(c, "PING\r\n*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\n\r\nCLUSTER KEYSLOT foo\r\n")
	for _, want := range []string{"+PONG\r\n", "+PONG\r\n", "$3\r\na\r\n\r\n", ":12182\r\n"} {
		if got, err := r.ReadRaw(); err != nil || string(got) != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
}

// TestGarbage sends what is no command and no packet; the node answers as Redis
// does and lives on.
func TestGarbage(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for in, want := range map[string]string{
		"*1\r\nfoo\r\n":                     "-ERR Protocol error: expected '$', got 'f'\r\n",
		"*99999999999\r\n":                  "-ERR Protocol error: invalid multibulk length\r\n",
		"*1\r\n$999999999999\r\n":           "-ERR Protocol error: invalid bulk length\r\n",
		"SET \"a\r\n":                       "-ERR Protocol error: unbalanced quotes in request\r\n",
		"PING\r\n*1\r\nx\r\n":               "+PONG\r\n-ERR Protocol error: expected '$', got 'x'\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n": "", // Redis drops the answer to GET too
	} {
		c, _ := n.dialClient()
		io.WriteString(c, in)
		got, err := io.ReadAll(c)
		if err != nil || string(got) != want {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
	bus := "127.0.0.1:" + strconv.Itoa(n.port+10000)
	random := make([]byte, 4096)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	random[0] = 'X' // no packet begins so
	for _, in := range [][]byte{[]byte("GET / HTTP/1.1\r\n\r\n"), random, []byte("RCmb\x00\x00\x00\x07")} {
		c, err := net.Dial("tcp", bus)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(10 * time.Second))
		c.Write(in)
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("the bus answered %q", in)
		} else if ne, ok := err.(net.Error); ok && ne.Timeout() {
			t.Errorf("the bus kept the link after %q", in)
		}
		c.Close()
	}
	if got := n.do("PING"); got != "+PONG\r\n" {
		t.Errorf("PING after garbage: %q", got)
	}
}

// TestSlowReader checks that a client that does not read holds up nobody, and
// that it gets everything in the end.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	own(t, n)
	value := strings.Repeat("x", 1<<20)
	if got := n.do("SET", "k", value); got != "+OK\r\n" {
		t.Fatal(got)
	}
	c, r := n.dialClient()
	const times = 64
	var in []byte
	for range times {
		in = resp.AppendCommandStrings(in, "GET", "k")
	}
	c.Write(in)
	if got := n.do("PING"); got != "+PONG\r\n" {
		t.Fatal(got)
	}
	for i := range times {
		if v, err := r.Read(); err != nil || len(v.Str) != len(value) {
			t.Fatalf("reply %d: %d bytes, %v", i, len(v.Str), err)
		}
	}
}

// own gives a lone node all slots and waits until it serves them.
func own(t testing.TB, n *testNode) {
	t.Helper()
	if got := n.do("CLUSTER", "ADDSLOTSRANGE", "0", "16383"); got != "+OK\r\n" {
		t.Fatal(got)
	}
	eventually(t, "cluster_state:ok", func() bool { return strings.Contains(n.do("CLUSTER", "INFO"), "cluster_state:ok") })
}

func TestRestartKeepsIdentity(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, dir)
	own(t, n)
	id := n.do("CLUSTER", "MYID")
	second := &syncBuffer{}
	code := Main(context.Background(), []string{"--port", strconv.Itoa(freePort(t)), "--cluster-enabled", "yes", "--dir", dir}, second, second)
	if code != 1 || !strings.Contains(second.String(), "Sorry, the cluster configuration file nodes.conf is already used by a different Redis Cluster node. Please make sure") {
		t.Errorf("a second node in the same directory: exit %d, %s", code, second)
	}
	if code := n.stop(); code != 0 {
		t.Fatalf("exit %d\n%s", code, n.log)
	}
	n = start(t, dir)
	if got := n.do("CLUSTER", "MYID"); got != id {
		t.Errorf("the id was %q and is %q", id, got)
	}
	if got := n.do("CLUSTER", "INFO"); !strings.Contains(got, "cluster_slots_assigned:16384") {
		t.Errorf("slots were lost: %s", got)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*tmp*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files left: %v %v", left, err)
	}
}

func TestCorruptNodesConf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nodes.conf"), []byte("nonsense\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := &syncBuffer{}
	code := Main(context.Background(), []string{"--port", strconv.Itoa(freePort(t)), "--cluster-enabled", "yes", "--dir", dir}, out, out)
	if code != 1 || !strings.Contains(out.String(), "corrupted cluster config file") {
		t.Errorf("exit %d: %s", code, out)
	}
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp4", "127.0.0.1:"+strconv.Itoa(freePort(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	_, port, _ := net.SplitHostPort(busy.Addr().String())
	for _, tc := range []struct{ args, want string }{
		{"--port 7000", "start it with --cluster-enabled yes"},
		{"--nosuch 1", "at line 1\n>>> 'nosuch \"1\"'\n"},
		{"--port x", "argument couldn't be parsed into an integer"},
		{"/no/such/file", "can't open config file '/no/such/file': no such file or directory"},
		{"--cluster-enabled yes --dir /no/such/dir", "Can't chdir to '/no/such/dir': no such file or directory"},
		{"--cluster-enabled yes --port 60000 --dir " + t.TempDir(), "Your Redis port number must be 55535 or less."},
		{"--cluster-enabled yes --bind 127.0.0.1 --dir " + t.TempDir() + " --port " + port, "Could not create server TCP listening socket 127.0.0.1:" + port},
	} {
		out := &syncBuffer{}
		if code := Main(context.Background(), strings.Fields(tc.args), out, out); code != 1 || !strings.Contains(out.String(), tc.want) {
			t.Errorf("%s: exit %d: %s\nwant %s", tc.args, code, out, tc.want)
		}
	}
	out := &syncBuffer{}
	if code := Main(context.Background(), []string{"--version"}, out, out); code != 0 || !strings.HasPrefix(out.String(), "Redis server v=8.6.3 ") {
		t.Errorf("--version: exit %d: %s", code, out)
	}
}

func TestConfigFileAndRewrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "redis.conf")
	if err := os.WriteFile(file, []byte("# mine\ncluster-enabled yes\ncluster-node-timeout 3000\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	n := &testNode{t: t, port: port, log: &syncBuffer{}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	go func() {
		done <- Main(ctx, []string{file, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir}, n.log, n.log)
	}()
	defer func() { cancel(); <-done }()
	eventually(t, "Ready", func() bool { return strings.Contains(n.log.String(), "Ready to accept") })
	if got := n.do("CONFIG", "SET", "cluster-node-timeout", "4000", "timeout", "100"); got != "+OK\r\n" {
		t.Fatal(got)
	}
	if got := n.do("CONFIG", "REWRITE"); got != "+OK\r\n" {
		t.Fatal(got)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# mine\n", "cluster-node-timeout 4000\n", "timeout 100\n", fmt.Sprintf("port %d\n", port)} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %q in\n%s", want, b)
		}
	}
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	c, r := n.dialClient()
	c.Write(resp.AppendCommandStrings(nil, "SHUTDOWN", "NOSAVE"))
	if _, err := r.ReadRaw(); err == nil {
		t.Error("SHUTDOWN was answered")
	}
	eventually(t, "bye bye", func() bool { return strings.Contains(n.log.String(), "bye bye") })
	if code := n.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// TestBlockedClientKeepsOrder pipelines behind a blocked command from two reads
// and checks that nothing overtakes it.
func TestBlockedClientKeepsOrder(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	own(t, n)
	c, r := n.dialClient()
	io.WriteString(c, "CLIENT SETNAME waiter\r\nBLPOP list 0\r\nSET after 1\r\n")
	if got, _ := r.ReadRaw(); string(got) != "+OK\r\n" {
		t.Fatalf("%q", got)
	}
	eventually(t, "blocked_clients:1", func() bool { return strings.Contains(n.do("INFO", "clients"), "blocked_clients:1\r\n") })
	io.WriteString(c, "GET after\r\n*1\r\nbad\r\n")
	if got := n.do("GET", "after"); got != "$-1\r\n" {
		t.Fatalf("a command overtook the blocked one: %q", got)
	}
	if got := n.do("RPUSH", "list", "x"); got != ":1\r\n" {
		t.Fatal(got)
	}
	rest, err := io.ReadAll(c)
	all := string(r.Buffered()) + string(rest)
	if want := "*2\r\n$4\r\nlist\r\n$1\r\nx\r\n+OK\r\n$1\r\n1\r\n-ERR Protocol error: expected '$', got 'b'\r\n"; err != nil || all != want {
		t.Errorf("got %q, %v\nwant %q", all, err, want)
	}
}

// TestClusterClient drives three nodes with an ordinary cluster client.
func TestClusterClient(t *testing.T) {
	t.Parallel()
	nodes := []*testNode{start(t, t.TempDir()), start(t, t.TempDir()), start(t, t.TempDir())}
	for i, r := range [][2]string{{"0", "5460"}, {"5461", "10922"}, {"10923", "16383"}} {
		n := nodes[i]
		for _, got := range []string{
			n.do("CLUSTER", "ADDSLOTSRANGE", r[0], r[1]),
			n.do("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1)),
		} {
			if got != "+OK\r\n" {
				t.Fatal(got)
			}
		}
	}
	for _, n := range nodes[1:] {
		if got := nodes[0].do("CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(n.port)); got != "+OK\r\n" {
			t.Fatal(got)
		}
	}
	for _, n := range nodes {
		eventually(t, "a cluster of three", func() bool {
			info := n.do("CLUSTER", "INFO")
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3") && strings.Contains(info, "cluster_size:3")
		})
	}
	ctx := context.Background()
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{nodes[0].addr()}})
	defer c.Close()
	for i := range 300 {
		k := fmt.Sprintf("key%d", i)
		if err := c.Set(ctx, k, i, 0).Err(); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Get(ctx, k).Int(); err != nil || got != i {
			t.Fatalf("%s = %d, %v", k, got, err)
		}
	}
	pipe := c.Pipeline()
	for i := range 300 {
		pipe.Incr(ctx, fmt.Sprintf("key%d", i))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "{t}a", 1, 0)
		p.Incr(ctx, "{t}a")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, n := range nodes {
		var size int64
		fmt.Sscanf(n.do("DBSIZE"), ":%d", &size)
		if size == 0 {
			t.Errorf("node %d holds no key", n.port)
		}
		total += size
	}
	if total != 301 {
		t.Errorf("%d keys, want 301", total)
	}
	sub := c.SSubscribe(ctx, "channel")
	defer sub.Close()
	if _, err := sub.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	if got, err := c.SPublish(ctx, "channel", "hi").Result(); err != nil || got != 1 {
		t.Fatalf("SPUBLISH: %d, %v", got, err)
	}
	if m, err := sub.ReceiveMessage(ctx); err != nil || m.Payload != "hi" {
		t.Fatalf("message %v, %v", m, err)
	}
	// A message of PUBLISH crosses the bus.
	l, r := nodes[2].dialClient()
	io.WriteString(l, "SUBSCRIBE news\r\n")
	if _, err := r.ReadRaw(); err != nil {
		t.Fatal(err)
	}
	nodes[0].do("PUBLISH", "news", "x")
	if got, err := r.ReadRaw(); err != nil || string(got) != "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\nx\r\n" {
		t.Fatalf("got %q, %v", got, err)
	}
}

func BenchmarkPipelinedSetGet(b *testing.B) {
	n := start(b, b.TempDir())
	own(b, n)
	c, r := n.dialClient()
	c.SetDeadline(time.Time{})
	const window = 256
	var in []byte
	for i := range window / 2 {
		in = resp.AppendCommandStrings(in, "SET", fmt.Sprintf("key:%d", i), "value")
		in = resp.AppendCommandStrings(in, "GET", fmt.Sprintf("key:%d", i))
	}
	b.ResetTimer()
	for i := 0; i < b.N; i += window {
		c.Write(in)
		for range window {
			if _, err := r.ReadRaw(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkGetRoundTrip(b *testing.B) {
	n := start(b, b.TempDir())
	own(b, n)
	c, r := n.dialClient()
	c.SetDeadline(time.Time{})
	in := resp.AppendCommandStrings(nil, "GET", "key")
	for b.Loop() {
		c.Write(in)
		if _, err := r.ReadRaw(); err != nil {
			b.Fatal(err)
		}
	}
}
