package cause_test

import (
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

const src = `# A finding.

scenario: FR-P2C-007-E009
contract: B09
anchors:  A12
class:    adversarial
reason:   cluster.packet_parse_failclosed_violation
source:   a test

node a
----

puppet p
----

p dial a
----

p send PING ver=2
----

snapshot a nodes
----

a GET foo
----

a COMMAND GETKEYSANDFLAGS set foo v
----

p recv PONG within=1s
----
`

func parse(t *testing.T) *scenario.Case {
	t.Helper()
	c, err := scenario.Parse("x.case", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// result is what c came to if its step with that text went so.
func result(t *testing.T, c *scenario.Case, text string, v verdict.Verdict, oracle, target *verdict.Answer) *verdict.Result {
	t.Helper()
	res := &verdict.Result{Verdict: v, Sides: map[verdict.Witness]*verdict.Side{}}
	for _, st := range c.Steps() {
		step := verdict.Step{Line: st.Line, Text: st.Text(), Verdict: verdict.Pass, Oracle: &verdict.Answer{}, Target: &verdict.Answer{}}
		if st.Text() == text {
			step.Verdict, step.Oracle, step.Target = v, oracle, target
			res.Steps = append(res.Steps, step)
			return res
		}
		res.Steps = append(res.Steps, step)
	}
	t.Fatalf("no step %q", text)
	return nil
}

func lines(s string) *verdict.Answer { return &verdict.Answer{Lines: strings.Split(s, "\n")} }

func fault(k verdict.FaultKind, detail string) *verdict.Answer {
	return &verdict.Answer{Fault: &verdict.Fault{Kind: k, Node: "a", Detail: detail}}
}

func TestDivergences(t *testing.T) {
	c := parse(t)
	for _, tc := range []struct{ step, want, got, key string }{
		{"a GET foo", `"x"`, "-MOVED 12182 127.0.0.1:7001", "divergence GET: -MOVED, not bulk"},
		{"a GET foo", `"x"`, `"y"`, "divergence GET: bulk of another value"},
		{"a GET foo", "$-1", "$a.id", "divergence GET: line, not nil after PING version"},
		{"a GET foo", ":1", ":17", "divergence GET: integer of another value"},
		{"a GET foo", "*2\n  :1\n  :2", "*2\n  :1\n  \"x\"", "divergence GET: in array bulk, not integer"},
		{"a GET foo", "-ERR value is not 17", "-ERR value is not 18", "divergence GET: -ERR value is not N of another value"},
		{"a GET foo", "-ERR unknown command 'x', with", "+OK", "divergence GET: an answer, not -ERR unknown command"},
		{"a GET foo", "-MOVED 1 h:2", `-"ERR unknown command 'GET', with args beginning with: 'foo' "`, "divergence GET: -ERR unknown command"},
		{"a GET foo", "-MOVED 1 h:2", "-ERR wrong number of arguments for 'get' command", "divergence GET: -ERR wrong number of arguments"},
		{"a GET foo", "-ERR wrong number of arguments for 'get' command", "$-1", "divergence GET: an answer, not -ERR wrong number of arguments"},
		{"a GET foo", "-ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT HELP.", ":0", "divergence GET: an answer, not -ERR wrong number of arguments"},
		{"a GET foo", "-ERR unknown argument: any 12", "$-1", "divergence GET: nil, not -ERR unknown argument:"},
		{"a GET foo", "$-1", `-"ERR wrong \x00 number"`, "divergence GET: -ERR wrong \x00 number, not nil"},
		{"snapshot a nodes", "$a.id :1@2 myself,master - 0", "$a.id :1@2 myself,slave - 0", "divergence snapshot nodes: word 3 slave more and master fewer after PING version"},
		{"snapshot a nodes", strings.Repeat("b", 40) + " :1@2 master - 0", strings.Repeat("b", 40) + " :1@2 master,fail - 0", "divergence snapshot nodes: word 3 fail more after PING version"},
		{"a COMMAND GETKEYSANDFLAGS set foo v", "*1\n  +RW", "*1\n  +OW", "divergence COMMAND GETKEYSANDFLAGS of SET: in array +OW, not +RW"},
		{"a COMMAND GETKEYSANDFLAGS set foo v", "*1\n  +RW", "-ERR Invalid command specified", "divergence COMMAND GETKEYSANDFLAGS: -ERR Invalid command specified, not array"},
		{"snapshot a nodes", "cluster_state:ok", "cluster_state:fail", "divergence snapshot nodes: cluster_state after PING version"},
		{"snapshot a nodes", "x", "x\ny", "divergence snapshot nodes: line, not the end after PING version"},
		{"p recv PONG within=1s", "PONG sender=$a.id\n  ver=1 port=2", "PONG sender=$a.id\n  ver=1 port=3", "divergence recv PONG: port after PING version"},
		{"p recv PONG within=1s", "flags=master,myself state=ok mflags=040000", "flags=master,myself,extensions,0x1800 state=ok mflags=040000", "divergence any packet: flags extensions,0x1800 more"},
		{"p recv PONG within=1s", "flags=master,extensions state=ok", "flags=master,0x800 state=ok", "divergence any packet: flags 0x800 more and extensions fewer"},
		{"p recv PONG within=1s", "flags=master,myself state=ok", "flags=slave,myself state=ok", "divergence recv PONG: flags after PING version"},
		{"p recv PONG within=1s", "flags=master state=ok mflags=040000", "flags=master state=ok mflags=000000", "divergence any packet: mflags 000000, not 040000"},
		{"p recv PONG within=1s", "PONG sender=$a.id", "nothing", "divergence recv PONG: nothing, not line after PING version"},
	} {
		causes := cause.Of(c, result(t, c, tc.step, verdict.Fail, lines(tc.want), lines(tc.got)))
		if len(causes) != 1 || causes[0].Key() != tc.key {
			t.Errorf("%s: %q and %q give %+v, want %s", tc.step, tc.want, tc.got, causes, tc.key)
		}
	}
}

// A command that the target does not run is no divergence, unless the oracle refused it before it ran.
func TestUnexecuted(t *testing.T) {
	c := parse(t)
	for _, tc := range []struct {
		want, got string
		is        bool
	}{
		{"*1\n  :0", "-ERR slotnode does not execute 'bitfield'", true},
		{"-ERR syntax error", "-ERR slotnode does not execute 'bitfield'", true},
		{"-MOVED 1 h:2", "-ERR slotnode does not execute 'bitfield'", false},
		{"-ERR unknown command 'bitfield', with", "-ERR slotnode does not execute 'bitfield'", false},
		{"-ERR unknown subcommand 'X'. Try XGROUP HELP.", "-ERR slotnode does not execute 'xgroup'", false},
		{"-ERR unknown subcommand or wrong number of arguments for 'X'. Try XGROUP HELP.", "-ERR slotnode does not execute 'xgroup'", true},
		{"*1\n  :0", "-ERR syntax error", false},
		{"-ERR slotnode does not execute 'bitfield'", "*1\n  :0", false},
	} {
		if got := cause.Unexecuted(result(t, c, "a GET foo", verdict.Fail, lines(tc.want), lines(tc.got))); got != tc.is {
			t.Errorf("%q and %q: %v", tc.want, tc.got, got)
		}
	}
	if cause.Unexecuted(result(t, c, "a GET foo", verdict.Pass, lines("$-1"), lines("$-1"))) {
		t.Error("sides that agree")
	}
}

const transaction = `# A finding.
scenario: FR-P2C-007-E009
contract: B09
anchors:  A12
class:    adversarial
reason:   cluster.packet_parse_failclosed_violation
source:   a test

node a
----

a/x GET before
----
+QUEUED

a/x MULTI
----
+OK

a/y GET elsewhere
----
+QUEUED

a/x CLUSTER INFO
----
+QUEUED

a/x COMMAND COUNT
----
+QUEUED

a/x EXEC
----
`

// What differs in the answer to EXEC is said of the command that was queued, as if it stood alone, so that a smaller case may do
// without the transaction.
func TestExecNamesTheCommand(t *testing.T) {
	c, err := scenario.Parse("x.case", []byte(transaction))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ want, got, key string }{
		{"*2\n  $text\n  | a:1\n  :1", "*2\n  $text\n  | a:1\n  :2", "divergence COMMAND COUNT: integer of another value after MULTI"},
		{"*2\n  $text\n  | a:1\n  | b:1\n  :1", "*2\n  $text\n  | a:1\n  | b:2\n  :1", "divergence CLUSTER INFO: in text b after GET"},
		{"*2\n  *2\n    :1\n    :2\n  :1", "*2\n  *2\n    :1\n    :3\n  :2", "divergence CLUSTER INFO: in array integer of another value after MULTI"},
		{"*2\n  \"x\"\n  :1", "*2\n  \"x\"\n  -ERR unknown command", "divergence COMMAND COUNT: -ERR unknown command after MULTI"},
		{"*2\n  \"x\"\n  :1", "-EXECABORT x", "divergence EXEC: -EXECABORT x, not array"},
		{"*2\n  \"x\"\n  :1", "*1\n  :1", "divergence EXEC: array of another value"},
	} {
		res := result(t, c, "a/x EXEC", verdict.Fail, lines(tc.want), lines(tc.got))
		i := 0
		for _, st := range c.Steps() {
			if i < len(res.Steps)-1 {
				res.Steps[i].Oracle, res.Steps[i].Target = &verdict.Answer{Lines: st.Expect}, &verdict.Answer{Lines: st.Expect}
			}
			i++
		}
		causes := cause.Of(c, res)
		if len(causes) != 1 || causes[0].Key() != tc.key {
			t.Errorf("%q and %q give %+v, want %s", tc.want, tc.got, causes, tc.key)
		}
	}
}

const segfault = `1270:M 27 Nov 2026 # Redis 8.6.3 crashed by signal: 11, si_code: 1

------ STACK TRACE ------
EIP:
redis-server(clusterProcessPacket+0x144) [0x7f1f7256e554]

1289 bio_aof
/usr/lib/libc.so.6(+0x9cefe) [0x7f1f710a6efe]
redis-server(bioProcessBackgroundJobs+0x1e2) [0x7f1f72581932]

1270 ld-linux-x86-64 *
/usr/lib/libc.so.6(+0x406b0) [0x7f1f7104a6b0]
redis-server(clusterProcessPacket+0x144) [0x7f1f7256e554]
redis-server(clusterReadHandler+0x14b) [0x7f1f7256faab]
redis-server(+0x1ee47a) [0x7f1f725ee47a]

1/5 expected stacktraces.

------ STACK TRACE DONE ------
`

func TestFaults(t *testing.T) {
	c := parse(t)
	const ping = "p send PING ver=2"
	healthy := lines("ok")
	for _, tc := range []struct {
		what           string
		oracle, target *verdict.Answer
		keys           string // joined by "; "
	}{
		{"a signal", fault(verdict.FaultCrash, segfault), healthy, "oracle-crash signal 11 in clusterProcessPacket < clusterReadHandler"},
		{
			"an assertion", fault(verdict.FaultCrash, "=== ASSERTION FAILED ===\n==> cluster_legacy.c:1234 'n->slaveof == NULL' is not true"), healthy,
			"oracle-crash assertion cluster_legacy.c n->slaveof == NULL",
		},
		{
			"a panic", healthy, fault(verdict.FaultCrash, "panic: runtime error: index out of range [7] with length 3\n\ngoroutine 1 [running]:\ngithub.com/slotdiff/slotdiff/node/cluster.(*Node).Step(0xc0)\n"),
			"target-crash panic runtime error: index out of range [N] with length N in cluster.(*Node).Step",
		},
		{"no report", fault(verdict.FaultCrash, "server ended: exit status 1"), healthy, "oracle-crash server ended: exit status N after PING version"},
		{"a hang", fault(verdict.FaultHang, "no answer to PING"), healthy, "oracle-hang hang after PING version"},
		{
			"an invariant", healthy, fault(verdict.FaultInvariant, "CLUSTER NODES: \"x y\" has 9 fields, want at least 8"),
			"invariant CLUSTER NODES: '' has N fields, want at least N after PING version",
		},
		{
			"a file", fault(verdict.FaultInvariant, "it does not start again from the nodes.conf it wrote: node a: start\nUnrecoverable error: corrupted cluster config file \"x\"."), healthy,
			"oracle-corrupt it does not start again from the nodes.conf it wrote: node a: start corrupted cluster config file ''. after PING version",
		},
		{"both", fault(verdict.FaultHang, "x"), fault(verdict.FaultHang, "x"), "oracle-hang hang after PING version; target-hang hang after PING version"},
		{"the harness", fault(verdict.FaultHarness, "x"), healthy, ""},
	} {
		v := verdict.Fail
		if tc.oracle.Fault != nil {
			v = verdict.OracleFault
		}
		var keys []string
		for _, ca := range cause.Of(c, result(t, c, ping, v, tc.oracle, tc.target)) {
			keys = append(keys, ca.Key())
		}
		if got := strings.Join(keys, "; "); got != tc.keys {
			t.Errorf("%s gives\n%s, want\n%s", tc.what, got, tc.keys)
		}
	}
}

// What one side says today and the other tomorrow is the same difference, and nothing else is.
func TestEitherWay(t *testing.T) {
	c := parse(t)
	of := func(want, got string) cause.Cause {
		return cause.Of(c, result(t, c, "p recv PONG within=1s", verdict.Fail, lines(want), lines(got)))[0]
	}
	one := of("PONG sender=$a.id", "nothing")
	if other := of("nothing", "PONG sender=$a.id"); one.Same(other) || !one.SameEitherWay(other) || !other.SameEitherWay(one) {
		t.Errorf("%+v, %+v", one, other)
	}
	if other := of("PONG sender=$a.id\n  port=1", "PONG sender=$a.id\n  port=2"); one.SameEitherWay(other) || !other.SameEitherWay(other) {
		t.Errorf("%+v, %+v", one, other)
	}
}

// Hits of one fault have one key whatever was asked for, and two faults have two.
func TestFold(t *testing.T) {
	for _, tc := range []struct{ a, b string }{
		{`GET: -MOVED 866 127.0.0.1:7000, not "x y"`, `GET: -MOVED 12 127.0.0.1:7001, not "\"z"`},
		{"node 1111111111111111111111111111111111111111 at 0x1f", "node 2222222222222222222222222222222222222222 at 0xff"},
		{"$a.id and ${p.addr}", "$b.id and $q.addr"},
	} {
		if cause.Fold(tc.a) != cause.Fold(tc.b) {
			t.Errorf("%q and %q", cause.Fold(tc.a), cause.Fold(tc.b))
		}
	}
	if cause.Fold("-MOVED 1") == cause.Fold("-ASK 1") {
		t.Error("MOVED is taken for ASK")
	}
	long := cause.Cause{Kind: cause.Divergence, Core: strings.Repeat("x/y ", 50)}
	other := cause.Cause{Kind: cause.Divergence, Core: strings.Repeat("x/y ", 51)}
	if long.Slug() == other.Slug() || len(long.Slug()) > 80 || strings.ContainsAny(long.Slug(), "/ ") {
		t.Errorf("%s, %s", long.Slug(), other.Slug())
	}
}
