package command

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/command/config"
	"github.com/slotdiff/slotdiff/node/nodesconf"
	"github.com/slotdiff/slotdiff/node/store"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// The two nodes of every test: me owns the lower half of the slots. Slot 866
// ({hello}) is migrating to the other, slot 12182 ({foo}) is imported from it.
const (
	me    = "1111111111111111111111111111111111111111"
	other = "2222222222222222222222222222222222222222"
	world = me + " 127.0.0.1:7000@17000,,tls-port=0,shard-id=" + me + " myself,master - 0 0 1 connected 0-8191 [866->-" + other + "] [12182-<-" + other + "]\n" +
		other + " 127.0.0.1:7001@17001,,tls-port=0,shard-id=" + other + " master - 0 0 2 connected 8192-16000\n" +
		"vars currentEpoch 2 lastVoteEpoch 0\n"
)

// testHost records what the engine asks for.
type testHost struct {
	slept int64
	log   []string
}

func (h *testHost) Log(_ cluster.Level, text string) { h.log = append(h.log, text) }
func (h *testHost) Sleep(us int64)                   { h.slept += us }
func (h *testHost) Apply(string) error               { return nil }
func (h *testHost) Rewrite(*config.Config) error     { return nil }

// rig is an engine with its core and named clients.
type rig struct {
	t       testing.TB
	e       *Engine
	host    *testHost
	now     int64 // ms
	clients map[string]*Client
}

func newRig(t testing.TB, directives ...string) *rig {
	t.Helper()
	saved, err := nodesconf.Parse([]byte(world))
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.New()
	text := "cluster-enabled yes\ncluster-node-timeout 60000\ncluster-require-full-coverage no\nenable-debug-command yes\nport 7000\n" + strings.Join(directives, "\n")
	if err := cfg.Load(text, nil); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, host: &testHost{}, now: 1_000_000, clients: map[string]*Client{}}
	chance := rand.NewPCG(1, 2)
	core, err := cluster.New(cluster.Config{Now: r.now, Rand: chance, Saved: saved, Settings: Settings(cfg)})
	if err != nil {
		t.Fatal(err)
	}
	r.e = New(Options{Cluster: core, DB: store.New(), Config: cfg, Host: r.host, Rand: chance})
	r.advance(6000) // past the delay after which a restarted master writes
	if !strings.Contains(string(core.AppendInfo(nil)), "cluster_state:ok") {
		t.Fatalf("the cluster is not up:\n%s", core.AppendInfo(nil))
	}
	return r
}

// advance moves the time in steps of the cron.
func (r *rig) advance(ms int64) {
	for end := r.now + ms; r.now < end; {
		r.now = min(r.now+100, end)
		r.e.SetNow(r.now * 1000)
		if err := r.e.Cluster.Step(r.now, cluster.Tick{}); err != nil {
			r.t.Fatal(err)
		}
		r.e.Tick()
		r.settle()
	}
}

// settle performs the core's effects as a driver does.
func (r *rig) settle() {
	for r.e.Cluster.HasReady() {
		for _, op := range r.e.Cluster.Ready().Data {
			r.e.Perform(op)
		}
	}
}

func (r *rig) client(name string) *Client {
	if r.clients[name] == nil {
		r.clients[name] = r.e.Connect("127.0.0.1:5000", "127.0.0.1:7000")
	}
	return r.clients[name]
}

// take returns and clears a client's output.
func (r *rig) take(name string) string {
	c := r.client(name)
	out := string(c.Out)
	c.Out = nil
	return out
}

// run plays lines of the form "client WORDS... => reply", where the reply has "|"
// for CRLF and is empty when nothing is answered; "client <= reply" only reads;
// "advance MS" lets time pass.
func (r *rig) run(script string) {
	r.t.Helper()
	for line := range strings.SplitSeq(script, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if ms, ok := strings.CutPrefix(line, "advance "); ok {
			n := int64(0)
			for _, d := range ms {
				n = n*10 + int64(d-'0')
			}
			r.advance(n)
			continue
		}
		who, rest, _ := strings.Cut(line, " ")
		words, want, sends := strings.Cut(rest, " =>")
		if !sends {
			_, want, _ = strings.Cut(rest, "<=")
		} else {
			argv, ok := resp.SplitArgs([]byte(words))
			if !ok {
				r.t.Fatalf("unbalanced quotes: %s", line)
			}
			r.e.SetNow(r.now * 1000)
			r.e.Execute(r.client(who), argv)
			r.settle()
		}
		want = strings.TrimPrefix(want, " ")
		if want != "" && !strings.HasSuffix(want, "|") {
			want += "|"
		}
		if got := strings.ReplaceAll(r.take(who), "\r\n", "|"); got != want {
			r.t.Fatalf("%s\n got %s\nwant %s", line, got, want)
		}
	}
}

func TestRouting(t *testing.T) {
	newRig(t).run(`
		a GET foo => -MOVED 12182 127.0.0.1:7001
		a GET {hello}1 => -ASK 866 127.0.0.1:7001
		a SET b 1 => +OK
		a GET b => $1|1
		a MGET b c => -CROSSSLOT Keys in request don't hash to the same slot
		a MGET {x}1 {y}2 => -CROSSSLOT Keys in request don't hash to the same slot
		a GET {x}1 => -CLUSTERDOWN Hash slot not served
		a ASKING => +OK
		a SET foo 1 => +OK
		a GET foo => -MOVED 12182 127.0.0.1:7001
		a ASKING => +OK
		a GET foo => $1|1
		a ASKING => +OK
		a MGET foo {foo}absent => -TRYAGAIN Multiple keys request during rehashing of slot
		a ASKING => +OK
		a GET foo extra => -ERR wrong number of arguments for 'get' command
		a GET foo => -MOVED 12182 127.0.0.1:7001
		a XADD foo * f v => -MOVED 12182 127.0.0.1:7001
		a XADD b * f v => -ERR slotnode does not execute 'xadd'
		a PSYNC ? -1 => -NOMASTERLINK slotnode does not execute 'psync'
		a XADD b => -ERR wrong number of arguments for 'xadd' command
		a EVAL return 1 foo => -MOVED 12182 127.0.0.1:7001
		a SPUBLISH foo m => -MOVED 12182 127.0.0.1:7001
		a SSUBSCRIBE foo b => -CROSSSLOT Keys in request don't hash to the same slot
		a SSUBSCRIBE b => *3|$10|ssubscribe|$1|b|:1
	`)
}

func TestMigratingSlot(t *testing.T) {
	r := newRig(t)
	r.e.DB.Put([]byte("hello"), &store.Object{Str: []byte("x")}, 0)
	r.run(`
		a GET hello => $1|x
		a MGET hello {hello}1 => -TRYAGAIN Multiple keys request during rehashing of slot
		a DEL {hello}1 {hello}2 => -ASK 866 127.0.0.1:7001
		a MIGRATE 127.0.0.1 7001 '' 0 10 KEYS {hello}1 {hello}2 => +NOKEY
		a MIGRATE 127.0.0.1 7001 hello 0 10 => -ERR slotnode does not execute 'migrate'
		a CLUSTER COUNTKEYSINSLOT 866 => :1
		a CLUSTER GETKEYSINSLOT 866 10 => *1|$5|hello
		a CLUSTER SETSLOT 866 NODE ` + other + ` => -ERR Can't assign hashslot 866 to a different node while I still hold keys for this hash slot.
		a DEL hello => :1
		a CLUSTER SETSLOT 866 NODE ` + other + ` => +OK
		a GET hello => -MOVED 866 127.0.0.1:7001
	`)
}

func TestTransactions(t *testing.T) {
	newRig(t).run(`
		a MULTI => +OK
		a SET b 1 => +QUEUED
		a GET b => +QUEUED
		a EXEC => *2|+OK|$1|1
		a MULTI => +OK
		a GET foo => -MOVED 12182 127.0.0.1:7001
		a EXEC => -EXECABORT Transaction discarded because of previous errors.
		a GET b => $1|1
		a MULTI => +OK
		a GET b => +QUEUED
		a GET f => +QUEUED
		a EXEC => -CROSSSLOT Keys in request don't hash to the same slot
		a EXEC => -ERR EXEC without MULTI
		a MULTI => +OK
		a nosuch => -ERR unknown command 'nosuch'
		a EXEC => -EXECABORT Transaction discarded because of previous errors.
		a MULTI => +OK
		a EXEC 1 => -EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command
		a EXEC => -ERR EXEC without MULTI
		a WATCH b => +OK
		c SET b 2 => +OK
		a MULTI => +OK
		a EXEC => *-1
		a WATCH b => +OK
		a MULTI => +OK
		a WATCH b => -ERR WATCH inside MULTI is not allowed
		a MULTI => -ERR MULTI calls can not be nested
		a DISCARD => +OK
		c SET b 3 => +OK
		a MULTI => +OK
		a EXEC => *0
		a ASKING => +OK
		a MULTI => +OK
		a SET foo 1 => +QUEUED
		a EXEC => *1|+OK
		a GET foo => -MOVED 12182 127.0.0.1:7001
		a MULTI => +OK
		a ASKING => +QUEUED
		a DISCARD => +OK
	`)
}

// TestScripts checks what a script may touch; the answers are those of redis 8.6.3.
func TestScripts(t *testing.T) {
	newRig(t).run(`
		a EVAL "return redis.call('set', KEYS[1], ARGV[1])" 1 b v => +OK
		a EVAL "return {1, 2.9, 'x', {3}, false, true, nil, 5}" 0 => *6|:1|:2|$1|x|*1|:3|$-1|:1
		a EVAL "return redis.call('get', ARGV[1])" 0 foo => -ERR Script attempted to access a non local key in a cluster node script: 9769d4f2aac8a14015734fe7006aaf1532343e9c, on @user_script:1.
		a EVAL "return redis.pcall('get', ARGV[1])" 0 foo => -ERR Script attempted to access a non local key in a cluster node
		a EVAL "return redis.call('mget', ARGV[1], ARGV[2])" 0 b c => -ERR Command 'mget' in script attempted to access keys that don't hash to the same slot script: 9ac1891a127d8bc03ce2562c427d9da19e20987c, on @user_script:1.
		a EVAL "#!lua\nredis.call('get', ARGV[1]); return redis.call('get', ARGV[2])" 0 b f => -ERR Script attempted to access keys that do not hash to the same slot script: 774000a43c1e86818f8e3216de8fcd3a1ca3183d, on @user_script:2.
		a EVAL "#!lua flags=no-cluster\nreturn 1" 0 => -ERR Can not run script on cluster, 'no-cluster' flag is set.
		a EVAL_RO "return redis.call('set', KEYS[1], 'x')" 1 b => -ERR Write commands are not allowed from read-only scripts. script: ee5bed0f6963e93a14eebfb64f07c299c1b4313f, on @user_script:1.
		a EVAL "return nosuch" 0 => -ERR user_script:1: Script attempted to access nonexistent global variable 'nosuch' script: 100e7d6e08587ed416717dc6d703eca312809a20, on @user_script:1.
		a EVALSHA ffffffffffffffffffffffffffffffffffffffff 0 => -NOSCRIPT No matching script. Please use EVAL.
		a SCRIPT LOAD "return KEYS[1]" => $40|4a2267357833227dd98abdedb8cf24b15a986445
		a EVALSHA 4A2267357833227DD98ABDEDB8CF24B15A986445 1 b => $1|b
		a EVALSHA 4A2267357833227DD98ABDEDB8CF24B15A986445 1 foo => -MOVED 12182 127.0.0.1:7001
	`)
}

// TestSlotLostWhileWatched checks that taking a slot's keys away is a change to
// its watchers.
func TestSlotLostWhileWatched(t *testing.T) {
	r := newRig(t)
	r.run("a SET b 1 => +OK\na WATCH b => +OK")
	var drop cluster.DropKeys
	drop.Slots.Add(3300)
	r.e.Perform(drop)
	r.run("a MULTI => +OK\na EXEC => *-1")
}

func TestBlocking(t *testing.T) {
	r := newRig(t)
	r.run(`
		a BLPOP b {b}2 0 =>
		c BLPOP b 0 =>
		d RPUSH b 1 => :1
		a <= *2|$1|b|$1|1
		c <=
		d MULTI => +OK
		d RPUSH b 2 => +QUEUED
		d LPUSH b 3 => +QUEUED
		d EXEC => *2|:1|:2
		c <= *2|$1|b|$1|3
		a BRPOP b 0 => *2|$1|b|$1|2
		a BLPOP b 0.25 =>
		advance 200
		a <=
		advance 100
		a <= *-1
		a MULTI => +OK
		a BLPOP b 0 => +QUEUED
		a EXEC => *1|*-1
		a BLPOP b 0 =>
		d CLUSTER DELSLOTS 3300 => +OK
		advance 100
		a <= -CLUSTERDOWN Hash slot not served
		a PING => +PONG
	`)
}

func TestPause(t *testing.T) {
	newRig(t).run(`
		a CLIENT PAUSE 250 WRITE => +OK
		a GET b => $-1
		a SET b 1 =>
		c PUBLISH ch x =>
		advance 200
		a <=
		advance 100
		a <= +OK
		c <= :0
		a CLIENT PAUSE 1000 ALL => +OK
		c PING =>
		advance 1000
		c <= +PONG
	`)
}

func TestPubSub(t *testing.T) {
	newRig(t).run(`
		a SUBSCRIBE x => *3|$9|subscribe|$1|x|:1
		a GET b => -ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
		a PING => *2|$4|pong|$0||
		c PUBLISH x hi => :1
		a <= *3|$7|message|$1|x|$2|hi
		a UNSUBSCRIBE => *3|$11|unsubscribe|$1|x|:0
		a UNSUBSCRIBE => *3|$11|unsubscribe|$-1|:0
		c PUBLISH x hi => :0
		a SSUBSCRIBE b => *3|$10|ssubscribe|$1|b|:1
		c CLUSTER DELSLOTS 3300 => +OK
		a <= *3|$12|sunsubscribe|$1|b|:0
	`)
}

func TestAuthentication(t *testing.T) {
	newRig(t, "requirepass secret").run(`
		a GET foo => -NOAUTH Authentication required.
		a nosuch => -ERR unknown command 'nosuch'
		a GET => -ERR wrong number of arguments for 'get' command
		a AUTH wrong => -WRONGPASS invalid username-password pair or user is disabled.
		a AUTH default secret => +OK
		a GET foo => -MOVED 12182 127.0.0.1:7001
		a RESET => +RESET
		a GET foo => -NOAUTH Authentication required.
	`)
}

func TestReplyModes(t *testing.T) {
	newRig(t).run(`
		a CLIENT REPLY OFF =>
		a PING =>
		a CLIENT REPLY ON => +OK
		a CLIENT REPLY SKIP =>
		a PING =>
		a PING => +PONG
	`)
}

// TestReplica checks what a replica without data answers.
func TestReplica(t *testing.T) {
	newRig(t).run(`
		a CLUSTER DELSLOTSRANGE 0 8191 => +OK
		a CLUSTER REPLICATE ` + other + ` => +OK
		a ROLE => *5|$5|slave|$9|127.0.0.1|:7001|$7|connect|:-1
		a GET foo => -MOVED 12182 127.0.0.1:7001
		a READONLY => +OK
		a GET foo => $-1
		a SET foo 1 => -MOVED 12182 127.0.0.1:7001
		a FLUSHALL => -READONLY You can't write against a read only replica.
		a CONFIG SET replica-serve-stale-data no => +OK
		a GET foo => -MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.
		a CLUSTER KEYSLOT foo => :12182
		a CONFIG SET replica-serve-stale-data yes => +OK
		a READWRITE => +OK
		a GET foo => -MOVED 12182 127.0.0.1:7001
	`)
}

// TestRoleChangesAtOnce asks for the role before the core's effects are performed,
// as a pipeline does.
func TestRoleChangesAtOnce(t *testing.T) {
	r := newRig(t)
	r.run("a CLUSTER DELSLOTSRANGE 0 8191 => +OK")
	c := r.client("a")
	for _, words := range []string{"CLUSTER REPLICATE " + other, "ROLE", "FLUSHALL", "CLUSTER RESET", "ROLE"} {
		var argv [][]byte
		for w := range strings.FieldsSeq(words) {
			argv = append(argv, []byte(w))
		}
		r.e.Execute(c, argv)
	}
	want := "+OK|*5|$5|slave|$9|127.0.0.1|:7001|$7|connect|:-1|-READONLY You can't write against a read only replica.|+OK|*3|$6|master|:0|*0|"
	if got := strings.ReplaceAll(r.take("a"), "\r\n", "|"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestEveryCommandAnswers runs each command of the table with several argument
// counts: one reply each, whole, and no panic.
func TestEveryCommandAnswers(t *testing.T) {
	for name := range byCommand {
		if !slices.Contains([]string{"shutdown", "client|reply"}, name.Name) {
			testAnswers(t, name.Name)
		}
	}
	for _, d := range []string{"xadd", "eval", "georadius", "migrate", "vadd", "function|load", "xgroup|create"} {
		testAnswers(t, d)
	}
}

func testAnswers(t *testing.T, name string) {
	for extra := range 6 {
		for _, word := range []string{"1", "b", "", "-1", "\xff\r\n"} {
			r := newRigOnce(t)
			var argv [][]byte
			for w := range strings.SplitSeq(name, "|") {
				argv = append(argv, []byte(w))
			}
			for range extra {
				argv = append(argv, []byte(word))
			}
			c := r.e.Connect("127.0.0.1:1", "127.0.0.1:2")
			r.e.Execute(c, argv)
			if c.Blocked() {
				r.e.Disconnect(c)
				continue
			}
			rest := c.Out
			replies := 0
			for len(rest) > 0 {
				_, n, err := resp.Parse(rest)
				if err != nil {
					t.Fatalf("%s with %d times %q: %v in %q", name, extra, word, err, c.Out)
				}
				rest = rest[n:]
				replies++
			}
			want := 1
			if strings.HasSuffix(name, "subscribe") && len(c.Out) > 0 && c.Out[0] == '*' {
				want = max(extra, 1)
			}
			if replies != want {
				t.Fatalf("%s with %d times %q: %d replies in %q", name, extra, word, replies, c.Out)
			}
			r.e.Disconnect(c)
		}
	}
}

var onceRig *rig

// newRigOnce shares one rig, which the commands that are tried out change.
func newRigOnce(t testing.TB) *rig {
	if onceRig == nil {
		onceRig = newRig(t)
	}
	return onceRig
}

func BenchmarkRoute(b *testing.B) {
	r := newRig(b)
	for _, bm := range []struct{ name, words string }{
		{"moved", "GET foo"}, {"get", "GET b"}, {"mget", "MGET b {b}1 {b}2 {b}3"}, {"set", "SET b 1"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			var argv [][]byte
			for w := range strings.FieldsSeq(bm.words) {
				argv = append(argv, []byte(w))
			}
			c := r.client("a")
			b.ReportAllocs()
			for b.Loop() {
				c.Out = c.Out[:0]
				r.e.Execute(c, argv)
			}
		})
	}
}
