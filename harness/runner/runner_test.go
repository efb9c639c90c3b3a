package runner

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

const header = `# A test.

scenario: FR-P2C-007-E003
contract: B03
anchors:  A03
class:    normal
reason:   cluster.redirect_reply_contract_violation
source:   none
deadline: 20s

`

func parseCase(t *testing.T, steps string) *scenario.Case {
	t.Helper()
	c, err := scenario.Parse("test/case.case", []byte(header+steps))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const setGet = `node a
----
ok

a SET foo bar
----
+OK

a GET foo
----
"bar"
`

func TestVerdicts(t *testing.T) {
	wrong := map[string]string{"GET FOO": "$3\r\nbaz\r\n"}
	for _, tc := range []struct {
		what           string
		steps          string
		oracle, target map[string]string
		noOracle       bool
		want           verdict.Verdict
		cause          string
	}{
		{what: "all agree", steps: setGet, want: verdict.Pass},
		{what: "target differs", steps: setGet, target: wrong, want: verdict.Fail, cause: `baz`},
		{what: "target differs from the recording", steps: setGet, noOracle: true, target: wrong, want: verdict.Fail, cause: `baz`},
		{what: "oracle differs from the recording", steps: setGet, oracle: wrong, target: wrong, want: verdict.Unknown, cause: "recording"},
		{what: "both differ from each other and the recording", steps: setGet, oracle: wrong, target: map[string]string{"GET FOO": "$-1\r\n"}, want: verdict.Fail},
		{what: "target crashes", steps: setGet, target: map[string]string{"GET FOO": "die"}, want: verdict.Fail, cause: "crash of a"},
		{what: "oracle crashes", steps: setGet, oracle: map[string]string{"GET FOO": "die"}, want: verdict.OracleFault, cause: "crash of a"},
		{what: "target crashes with a report", steps: setGet, target: map[string]string{"GET FOO": "report"}, want: verdict.Fail, cause: "crash of a"},
		{what: "target hangs up", steps: setGet, target: map[string]string{"GET FOO": "close"}, want: verdict.Fail, cause: "closed"},
		{what: "target talks nonsense", steps: setGet, target: map[string]string{"GET FOO": "?what\r\n"}, want: verdict.Fail, cause: "malformed reply"},
		{what: "error reply differs", steps: setGet, target: map[string]string{"SET FOO BAR": "-ERR no\r\n"}, want: verdict.Fail, cause: "-ERR no"},

		{what: "myself twice", steps: setGet, target: map[string]string{"CLUSTER NODES": bulk(line1 + line1)}, want: verdict.Fail, cause: "myself stands twice"},
		{what: "no myself", steps: setGet, target: map[string]string{"CLUSTER NODES": bulk(strings.Replace(line1, "myself,", "", 1))}, want: verdict.Fail, cause: "no line is myself"},
		{what: "bad id", steps: setGet, target: map[string]string{"CLUSTER NODES": bulk("X" + line1[1:])}, want: verdict.Fail, cause: "40 digits and small letters"},
		{what: "control character", steps: setGet, target: map[string]string{"CLUSTER NODES": bulk(strings.Replace(line1, "127", "\x01", 1))}, want: verdict.Fail, cause: "control character"},
		{what: "address", steps: setGet, target: map[string]string{"CLUSTER NODES": bulk(strings.Replace(line1, "127.0.0.1", "1.2.3", 1))}, want: verdict.Fail, cause: "cannot be dialled|not an address"},
		{what: "port", steps: setGet, target: map[string]string{"CLUSTER NODES": bulk(strings.Replace(line1, ":7000", ":0", 1))}, want: verdict.Fail, cause: "not a port"},
		{what: "no address, only named", steps: setGet, target: map[string]string{"CLUSTER NODES": bulk(line1 + homeless("fail?"))}, want: verdict.Pass},
		{what: "no address in a handshake", steps: setGet, target: map[string]string{"CLUSTER NODES": bulk(line1 + homeless("handshake"))}, want: verdict.Fail, cause: "not a port"},
		{what: "no address, a master", steps: setGet, target: map[string]string{"CLUSTER NODES": bulk(line1 + homeless("master,fail?"))}, want: verdict.Fail, cause: "not a port"},
		{what: "role", steps: setGet, target: map[string]string{"ROLE": "*1\r\n$5\r\nslave\r\n"}, want: verdict.Fail, cause: "ROLE says"},
		{what: "info", steps: setGet, target: map[string]string{"INFO REPLICATION": bulk("# Replication\r\nrole:slave\r\n")}, want: verdict.Fail, cause: "role:master"},
		{what: "slot count", steps: setGet, target: map[string]string{"CLUSTER COUNTKEYSINSLOT 12182": ":2\r\n"}, want: verdict.Fail, cause: "COUNTKEYSINSLOT 12182 is 2"},
		{what: "key of another slot", steps: setGet, target: map[string]string{"CLUSTER GETKEYSINSLOT 12182 1000000": "*1\r\n$1\r\nx\r\n"}, want: verdict.Fail, cause: "hashes to 16287"},
		{what: "DBSIZE", steps: setGet, target: map[string]string{"DBSIZE": ":7\r\n"}, want: verdict.Fail, cause: "DBSIZE is 7"},
		{what: "DBSIZE counts keys whose time is over", steps: setGet, target: map[string]string{"DBSIZE": ":7\r\n", "INFO KEYSPACE": bulk("# Keyspace\r\ndb0:keys=7,expires=7,avg_ttl=0\r\n")}, want: verdict.Pass},
		{what: "DBSIZE counts more than keys whose time is over", steps: setGet, target: map[string]string{"DBSIZE": ":8\r\n", "INFO KEYSPACE": bulk("# Keyspace\r\ndb0:keys=8,expires=6,avg_ttl=0\r\n")}, want: verdict.Fail, cause: "DBSIZE is 8"},
		{what: "DBSIZE, no key has a time", steps: setGet, target: map[string]string{"DBSIZE": ":7\r\n", "INFO KEYSPACE": bulk("# Keyspace\r\ndb0:keys=7,expires=0,avg_ttl=0\r\n")}, want: verdict.Fail, cause: "DBSIZE is 7"},
		{what: "a command named COMMAND", steps: "node a\n----\nok\n\na COMMAND GETKEYS GET foo\n----\n*1\n  \"foo\"\n", target: map[string]string{"COMMAND GETKEYS GET FOO": "*1\r\n$3\r\nfoo\r\n"}, noOracle: true, want: verdict.Pass},
		{what: "a harness fault ends the case", steps: "node a\n----\nok\n\na GET foo | bar\n----\nx\n\na GET foo\n----\n\"bar\"\n", noOracle: true, target: map[string]string{"GET FOO": ":1\r\n"}, want: verdict.Unknown, cause: "a pipe takes the fields of a text"},
		{what: "fresh connection after an error", steps: "node a\n----\nok\n\na NONSENSE\n----\n-ERR unknown command\n", target: map[string]string{"EVAL_RO RETURN 1 0": "close"}, want: verdict.Fail, cause: "fresh connection"},
		{what: "SAVECONFIG", steps: setGet, target: map[string]string{"CLUSTER SAVECONFIG": "-ERR disk\r\n"}, want: verdict.Fail, cause: "SAVECONFIG answers"},
		{what: "restart", steps: setGet, target: map[string]string{"(restart)": "corrupt nodes.conf"}, want: verdict.Fail, cause: "does not start again"},
		{what: "the same of the oracle", steps: setGet, oracle: map[string]string{"DBSIZE": ":7\r\n"}, want: verdict.OracleFault, cause: "DBSIZE is 7"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			t.Parallel()
			cfg := Config{Target: newFake(t, tc.target), Seed: 1, Mode: "strict"}
			if !tc.noOracle {
				cfg.Oracle = newFake(t, tc.oracle)
			}
			res := Run(t.Context(), parseCase(t, tc.steps), cfg)
			if res.Verdict != tc.want {
				t.Fatalf("verdict is %s (%s), want %s", res.Verdict, res.Cause, tc.want)
			}
			if !containsAny(res.Cause, tc.cause) {
				t.Errorf("cause is %q, want %q in it", res.Cause, tc.cause)
			}
			if (res.Reason != "") != (tc.want == verdict.Fail) {
				t.Errorf("reason code of a %s is %q", res.Verdict, res.Reason)
			}
		})
	}
}

// line1 is a healthy line of CLUSTER NODES.
const line1 = "0000000000000000000000000000000000000abc 127.0.0.1:7000@17000 myself,master - 0 0 0 connected\n"

// homeless is a line of a node without an address.
func homeless(flags string) string {
	return "0000000000000000000000000000000000000def :0@0 " + flags + " - 0 0 0 disconnected\n"
}

func bulk(s string) string { return "$" + itoa(len(s)) + "\r\n" + s + "\r\n" }

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

func containsAny(s, alternatives string) bool {
	for a := range strings.SplitSeq(alternatives, "|") {
		if strings.Contains(s, a) {
			return true
		}
	}
	return false
}

func TestNoReply(t *testing.T) {
	t.Parallel()
	target := newFake(t, map[string]string{"GET FOO": "hang"})
	res := Run(t.Context(), parseCase(t, setGet), Config{Oracle: newFake(t, nil), Target: target, Mode: "strict"})
	if res.Verdict != verdict.Fail || !strings.Contains(res.Cause, "nothing") {
		t.Errorf("a reply that never comes: %s (%s)", res.Verdict, res.Cause)
	}
}

// An answer that comes after the wait has given it up for this round is that of its own question, and not
// of the next.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	c := parseCase(t, "node a\n----\nok\n\nwait a within=30s\nGET late\n----\n\"x\"\n\na GET other\n----\n$-1\n")
	res := Run(t.Context(), c, Config{Target: newFake(t, map[string]string{"GET LATE": "late:$1\r\nx\r\n"}), Mode: "strict"})
	if res.Verdict != verdict.Pass {
		t.Errorf("an answer that comes late: %s (%s)", res.Verdict, res.Cause)
	}
}

func TestHang(t *testing.T) {
	t.Parallel()
	n := &node{name: "a", live: must(newFake(t, map[string]string{"PING": "hang"}).Start(t.Context(), oracle.NodeSpec{Name: "a"}))}
	defer n.live.Stop()
	if err := n.ping(t.Context()); err == nil || !strings.Contains(err.Error(), "hang") {
		t.Errorf("a node that does not answer PING: %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestSkipNamesTheNeed(t *testing.T) {
	target := newFake(t, nil)
	target.Caps &^= oracle.CapKill
	c := parseCase(t, "node a\n----\nok\n\nkill a\n----\nok\n")
	res := Run(t.Context(), c, Config{Target: target, Mode: "strict"})
	if res.Verdict != verdict.Skip || !strings.Contains(res.Cause, "kill") {
		t.Errorf("verdict %s (%s), want a skip that names kill", res.Verdict, res.Cause)
	}
}

func TestDigests(t *testing.T) {
	run := func(seed uint64, answers map[string]string) *verdict.Result {
		return Run(t.Context(), parseCase(t, setGet), Config{Target: newFake(t, answers), Seed: seed, Mode: "strict"})
	}
	a, b, other := run(1, nil), run(1, nil), run(2, nil)
	if a.InputDigest != b.InputDigest || a.OutputDigest != b.OutputDigest {
		t.Error("equal input and behaviour give other digests")
	}
	if a.InputDigest == other.InputDigest {
		t.Error("another seed gives the same input digest")
	}
	if wrong := run(1, map[string]string{"GET FOO": "$-1\r\n"}); wrong.OutputDigest == a.OutputDigest {
		t.Error("another answer gives the same output digest")
	}
}

func TestRecord(t *testing.T) {
	src := header + strings.ReplaceAll(setGet, `"bar"`, `"old"`)
	out, _, err := Record(t.Context(), "test/case.case", []byte(src), newFake(t, nil), 1)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(out); !strings.Contains(text, "a GET foo\n----\n\"bar\"\n") || !strings.Contains(text, "recorded: redis 8.6.3") {
		t.Errorf("recorded:\n%s", text)
	}
	ours := newFake(t, nil)
	ours.Product = "slotnode"
	if _, _, err := Record(t.Context(), "test/case.case", []byte(src), ours, 1); err == nil {
		t.Error("a case was recorded from our own node")
	}
	crashing := newFake(t, map[string]string{"GET FOO": "die"})
	if _, _, err := Record(t.Context(), "test/case.case", []byte(src), crashing, 1); err == nil {
		t.Error("a crash was recorded as an answer")
	}
}

func TestWaitAndHold(t *testing.T) {
	for _, tc := range []struct {
		what, steps string
		want        verdict.Verdict
	}{
		{"condition met", "node a\n----\nok\n\nwait a within=2s\nGET foo\n----\n$-1\n", verdict.Pass},
		{"condition never met", "node a\n----\nok\n\nwait a within=200ms\nGET foo\n----\n\"bar\"\n", verdict.Fail},
		{"held", "node a\n----\nok\n\nhold a for=200ms\nGET foo\n----\n$-1\n", verdict.Pass},
		{"not held", "node a\n----\nok\n\nhold a for=200ms\nGET foo\n----\n\"bar\"\n", verdict.Fail},
	} {
		t.Run(tc.what, func(t *testing.T) {
			t.Parallel()
			res := Run(t.Context(), parseCase(t, tc.steps), Config{Target: newFake(t, nil), Mode: "strict"})
			if res.Verdict != tc.want {
				t.Errorf("verdict is %s (%s), want %s", res.Verdict, res.Cause, tc.want)
			}
		})
	}
}

func TestWaitFailsAtOnceWhenTheNodeDies(t *testing.T) {
	c := parseCase(t, "node a\n----\nok\n\nwait a within=19s\nGET foo\n----\n\"bar\"\n")
	start := time.Now()
	res := Run(t.Context(), c, Config{Target: newFake(t, map[string]string{"GET FOO": "die"}), Mode: "strict"})
	if res.Verdict != verdict.Fail || !strings.Contains(res.Cause, "crash of a") {
		t.Errorf("verdict is %s (%s)", res.Verdict, res.Cause)
	}
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("it waited %v for a dead node", took)
	}
}

func TestPuppet(t *testing.T) {
	steps := `node a
----
ok

puppet p role=master slots=0-9 auto=pong
----
ok

puppet q
----
ok

q dial p
----
ok

q send PING
----
ok

q recv PONG within=5s link=out
----
PONG sender=$p.id
  ver=1 port=$p.port pport=0 cport=$p.cport ip=-
  currentEpoch=0 configEpoch=0 offset=0
  slots=0-9 replicaof=-
  flags=master,myself state=ok mflags=000000

q close
----
ok

p recv within=5s link=in1
----
PING sender=$q.id
  ver=1 port=$q.port pport=0 cport=$q.cport ip=-
  currentEpoch=0 configEpoch=0 offset=0
  slots=- replicaof=-
  flags=master,myself state=ok mflags=000000

p recv within=5s link=in1
----
closed

p recv within=100ms
----
nothing
`
	res := Run(t.Context(), parseCase(t, steps), Config{Target: newFake(t, nil), Mode: "strict"})
	if res.Verdict != verdict.Pass {
		t.Errorf("verdict is %s (%s)\n%s", res.Verdict, res.Cause, res.Sides[verdict.Target].Transcript)
	}
	bus := 0
	for _, f := range res.Sides[verdict.Target].Frames {
		if f.Bus {
			bus++
		}
	}
	if bus == 0 {
		t.Error("the evidence has no bus traffic")
	}
}

func TestRunAllStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cases := []*scenario.Case{parseCase(t, setGet), parseCase(t, setGet), parseCase(t, setGet)}
	results := RunAll(ctx, cases, Config{Target: newFake(t, nil), Mode: "strict"}, 1, Events{
		Finished: func(*scenario.Case, *verdict.Result) { cancel() },
	})
	if results[0] == nil || results[2] != nil {
		t.Errorf("after a cancel in the first case: results are %v", results)
	}
}

// A case that the end of the suite cut short has no result: it says nothing of a server.
func TestRunAllDropsWhatWasCutShort(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	long := parseCase(t, "node a\n----\nok\n\na PING\n----\n+PONG\n\nhold a for=15s\nPING\n----\n+PONG\n")
	cfg := Config{Target: newFake(t, nil), Mode: "strict", OnStep: func(s *verdict.Step) {
		if s.Text == "a PING" {
			cancel()
		}
	}}
	finished := 0
	results := RunAll(ctx, []*scenario.Case{long}, cfg, 1, Events{Finished: func(*scenario.Case, *verdict.Result) { finished++ }})
	if results[0] != nil || finished != 0 {
		t.Errorf("the case that was cut short: %+v, finished %d", results[0], finished)
	}
}

func TestCheck(t *testing.T) {
	for steps, want := range map[string]string{
		"node a hello\n----\nok\n":                                         `node: "hello" is not directive=value`,
		"node a\n----\nok\n\na PING\nPING\n----\n+PONG\n":                  `a: it takes no input lines, the first is "PING"`,
		"node a\n----\nok\n\na CLUSTER INFO |\n----\nok\n":                 `a: a field is missing after |`,
		"node a\n----\nok\n\na GET $a.idd\n----\nok\n":                     `a: $a.idd: no field "idd"; there are id addr port`,
		"node a\n----\nok\n\na/x recv\n----\nok\n":                         `a/x recv: within= is missing, e.g. within=2s`,
		"node a\n----\nok\n\nwait a within=1s\n----\nok\n":                 `wait: want one input line, the question, have 0`,
		"node a\n----\nok\n\nwait a for=1s\nPING\n----\nok\n":              `wait: unexpected word "for=1s"`,
		"node a\n----\nok\n\nhold a\nPING\n----\nok\n":                     `hold: for= is missing`,
		"node a\n----\nok\n\nhold a for=-1s\nPING\n----\nok\n":             `hold: for=-1s: not a positive duration`,
		"node a\n----\nok\n\nwait a within=1s\nsnapshot moon\n----\nok\n":  `no view "moon"`,
		"node a\n----\nok\n\nsnapshot a\n----\nok\n":                       `snapshot: want a node and one view of`,
		"puppet p colour=blue\n----\nok\n":                                 `puppet: word "colour=blue": unknown key`,
		"puppet p\n----\nok\n\np set slots=5-99999\n----\nok\n":            `p set: word "slots=5-99999"`,
		"puppet p\n----\nok\n\np send NOSUCH\n----\nok\n":                  `p send: bus: packet type: "NOSUCH" is neither`,
		"puppet p\n----\nok\n\np send PING wobble=3\n----\nok\n":           `a PING packet has no field "wobble"`,
		"puppet p\n----\nok\n\np send PING times=0\n----\nok\n":            `p send: times=0: not a whole number above 0`,
		"puppet p\n----\nok\n\np send PING\next nope x\n----\nok\n":        `ext: "nope" is neither`,
		"puppet p\n----\nok\n\np recv PONG within=abc\n----\nok\n":         `p recv: within=abc: not a positive duration`,
		"puppet p\n----\nok\n\np recv PONG within=1s show=all\n----\nok\n": `p recv: show=all: want header, extensions or sections`,
		"puppet p\n----\nok\n\np recv NOSUCH within=1s\n----\nok\n":        `p recv: "NOSUCH" is neither a number nor`,
		"puppet p\n----\nok\n\np reply PING within=1s\n----\nok\n":         `p reply: want the type to wait for and`,
		"puppet p\n----\nok\n\np shout\n----\n":                            `unknown verb "shout"`,
		"node a\n----\nok\n\nsnapshot a moon\n----\n":                      `no view "moon"`,
		"node a\n----\nok\n\n[telepathy] a PING\n----\n+PONG\n":            `capability "telepathy"`,
		"node a\n----\nok\n\nadvance 1s\n----\n":                           "not a verb of live nodes",
	} {
		err := Check(parseCase(t, steps))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "test/case.case:") {
			t.Errorf("%q: error is %v, want %q with file and line", steps, err, want)
		}
	}
	c := parseCase(t, setGet)
	c.Header.Omit = "ext=shardid flags=lots"
	if err := Check(c); err == nil || !strings.Contains(err.Error(), `omit: flags=: "lots" is neither a number`) {
		t.Errorf("omit: %v", err)
	}
	if err := Check(parseCase(t, setGet)); err != nil {
		t.Errorf("a sound case: %v", err)
	}
}

// A play with the fast clock counts where it passed, and where a server failed by itself.
func TestMayBeLateness(t *testing.T) {
	t.Parallel()
	fault := func(kind verdict.FaultKind) []verdict.Step {
		return []verdict.Step{{Target: &verdict.Answer{}}, {Target: &verdict.Answer{Fault: &verdict.Fault{Kind: kind}}}}
	}
	for _, tc := range []struct {
		verdict verdict.Verdict
		steps   []verdict.Step
		want    bool
	}{
		{verdict.Pass, nil, false},
		{verdict.Skip, nil, false},
		{verdict.Fail, nil, true},
		{verdict.Unknown, fault(verdict.FaultHarness), true},
		{verdict.Fail, fault(verdict.FaultCrash), false},
		{verdict.Fail, fault(verdict.FaultHang), false},
		{verdict.Fail, fault(verdict.FaultInvariant), false},
	} {
		if got := mayBeLateness(&verdict.Result{Verdict: tc.verdict, Steps: tc.steps}); got != tc.want {
			t.Errorf("%s %v: %t", tc.verdict, tc.steps, got)
		}
	}
}

// unstartable is a driver whose servers do not start, or not from the nodes.conf of another.
type unstartable struct {
	*fakeDriver
	cause error
	once  bool
}

func (d unstartable) Start(ctx context.Context, spec oracle.NodeSpec) (oracle.Node, error) {
	if d.once && spec.Files == nil {
		return d.fakeDriver.Start(ctx, spec)
	}
	return nil, d.cause
}

// A server that does not start has crashed, but where it was not even tried, for want of a port.
func TestStartFails(t *testing.T) {
	for _, tc := range []struct {
		cause error
		want  verdict.Verdict
	}{
		{&oracle.StartError{Node: "a", Stage: "start", Cause: errors.New("no"), Addr: netip.MustParseAddrPort("127.0.0.1:16400")}, verdict.Fail},
		{&oracle.StartError{Node: "a", Stage: "reserve ports", Cause: errors.New("no free pair")}, verdict.Unknown},
	} {
		for _, once := range []bool{false, true} {
			res := Run(t.Context(), parseCase(t, "node a\n----\nok\n"), Config{Target: unstartable{newFake(t, nil), tc.cause, once}, Mode: "strict"})
			if res.Verdict != tc.want {
				t.Errorf("%v, once %v: %s (%s)", tc.cause, once, res.Verdict, res.Cause)
			}
		}
	}
}

// A server that does not come up from the nodes.conf of another the first time has a second one, for the machine may be busy.
func TestStartsAgainLate(t *testing.T) {
	late := &lateOnce{fakeDriver: newFake(t, nil)}
	res := Run(t.Context(), parseCase(t, "node a\n----\nok\n"), Config{Target: late, Mode: "strict"})
	if res.Verdict != verdict.Pass || late.starts != 3 {
		t.Errorf("%s (%s) after %d starts", res.Verdict, res.Cause, late.starts)
	}
}

// lateOnce is a driver whose second server does not start in time.
type lateOnce struct {
	*fakeDriver
	starts int
}

func (d *lateOnce) Start(ctx context.Context, spec oracle.NodeSpec) (oracle.Node, error) {
	if d.starts++; d.starts == 2 {
		return nil, &oracle.StartError{Node: "a", Stage: "wait for readiness", Cause: context.DeadlineExceeded}
	}
	return d.fakeDriver.Start(ctx, spec)
}

// tardy is a driver whose servers do not come up again.
type tardy struct{ *fakeDriver }

type tardyNode struct{ oracle.Node }

func (d tardy) Start(ctx context.Context, spec oracle.NodeSpec) (oracle.Node, error) {
	n, err := d.fakeDriver.Start(ctx, spec)
	return tardyNode{n}, err
}

func (n tardyNode) Restart(ctx context.Context) error {
	if err := n.Kill(); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

// A case that is over while a server that it has ended is not up again says nothing of the server.
func TestRestartTakesTooLong(t *testing.T) {
	t.Parallel()
	c := parseCase(t, "node a\n----\nok\n\nrestart a\n----\nok\n")
	c.Header.Deadline = time.Second
	res := Run(t.Context(), c, Config{Target: tardy{newFake(t, nil)}, Mode: "strict"})
	if res.Verdict != verdict.Unknown {
		t.Errorf("%s (%s)", res.Verdict, res.Cause)
	}
}
