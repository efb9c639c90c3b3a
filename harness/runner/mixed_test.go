package runner

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

// mixable is a fake driver that tells whom it started, and from which files.
type mixable struct {
	*fakeDriver
	mu      sync.Mutex
	started []string
}

func newMixable(t *testing.T, product string, answers map[string]string) *mixable {
	d := &mixable{fakeDriver: newFake(t, answers)}
	d.Product = product
	return d
}

func (d *mixable) Start(ctx context.Context, spec oracle.NodeSpec) (oracle.Node, error) {
	d.mu.Lock()
	d.started = append(d.started, spec.Name+" "+strings.TrimSpace(string(spec.Files["nodes.conf"])))
	d.mu.Unlock()
	return d.fakeDriver.Start(ctx, spec)
}

// starts lists the starts before the first that only proves a nodes.conf.
func (d *mixable) starts() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.started, ", ")
}

const mixedCase = `node a make=oracle
----
ok

node b
----
ok

agree within=5s
GET foo
----
$-1
`

func TestMixedCluster(t *testing.T) {
	redis, ours := newMixable(t, "redis", nil), newMixable(t, "slotnode", nil)
	proven := new(Proven) // both sides end alike: nothing is started to prove it
	proven.first(verdict.Oracle, redis, "fake nodes.conf")
	proven.first(verdict.Target, redis, "fake nodes.conf")
	proven.first(verdict.Target, ours, "fake nodes.conf")
	res := Run(t.Context(), parseCase(t, mixedCase), Config{Oracle: redis, Target: ours, Seed: 1, Mode: "strict", Proven: proven})
	if res.Verdict != verdict.Pass {
		t.Fatalf("verdict is %s: %s", res.Verdict, res.Cause)
	}
	if got := ours.starts(); got != "b " {
		t.Errorf("the target's server played %q, want b alone", got)
	}
	if n := len(redis.started); n != 3 {
		t.Errorf("real Redis played %d nodes (%s), want both of its own side and a", n, redis.starts())
	}
	side := res.Sides[verdict.Target]
	if side.Makes["a"] != "redis 8.6.3" || side.Makes["b"] != "slotnode 8.6.3" {
		t.Errorf("makes are %v", side.Makes)
	}
	if side.NodeLogs["a.redis-8.6.3"] == "" || side.NodeLogs["b"] == "" || len(side.NodesConf["a.redis-8.6.3"]) == 0 {
		t.Errorf("logs are %v, files %v", side.NodeLogs, side.NodesConf)
	}
	if res.Sides[verdict.Oracle].Makes != nil {
		t.Errorf("the oracle side is no mix, and says %v", res.Sides[verdict.Oracle].Makes)
	}
	if !strings.Contains(string(side.Transcript), "node a is redis 8.6.3") {
		t.Errorf("the transcript does not say what a is:\n%s", side.Transcript)
	}
}

func TestMixedClusterNeedsTheOracle(t *testing.T) {
	for _, steps := range []string{mixedCase, "node a\n----\nok\n\nrestart a make=other\n----\nok\n\na GET foo\n----\n$-1\n"} {
		res := Run(t.Context(), parseCase(t, steps), Config{Target: newFake(t, nil), Seed: 1, Mode: "strict"})
		if res.Verdict != verdict.Skip || !strings.Contains(res.Cause, "needs real Redis beside the target") {
			t.Errorf("without an oracle: %s (%s)", res.Verdict, res.Cause)
		}
	}
}

func TestOtherMakeTakesThePlace(t *testing.T) {
	redis, ours := newMixable(t, "redis", nil), newMixable(t, "slotnode", nil)
	steps := "node a\n----\nok\n\na SET foo bar\n----\n+OK\n\nrestart a make=other\n----\nok\n\na GET foo\n----\n$-1\n\nrestart a make=other\n----\nok\n\na GET foo\n----\n$-1\n"
	c := parseCase(t, steps)
	// On the oracle side it is a restart, where the fake node keeps its keys.
	res := Run(t.Context(), c, Config{Oracle: redis, Target: ours, Seed: 1, Mode: "strict"})
	if res.Verdict != verdict.Fail || !strings.Contains(res.Cause, `line 23: target says "$-1", not "\"bar\""`) {
		t.Fatalf("verdict is %s: %s", res.Verdict, res.Cause)
	}
	const from = "a fake nodes.conf"
	if got := ours.starts(); got != "a " {
		t.Errorf("the target's server started as %q", got)
	}
	if got := redis.starts(); !strings.Contains(got, from) {
		t.Errorf("real Redis did not start from the nodes.conf of the other: %q", got)
	}
	side := res.Sides[verdict.Target]
	if side.NodeLogs["a"] == "" || side.NodeLogs["a.redis-8.6.3"] == "" || side.Makes["a"] != "redis 8.6.3" {
		t.Errorf("logs are %v, makes %v", side.NodeLogs, side.Makes)
	}

	refused := newMixable(t, "redis", map[string]string{"(restart)": "corrupt"})
	res = Run(t.Context(), c, Config{Oracle: refused, Target: ours, Seed: 1, Mode: "strict"})
	if res.Verdict != verdict.Fail || !strings.Contains(res.Cause, "redis 8.6.3 does not start from the nodes.conf that slotnode 8.6.3 wrote: corrupt") {
		t.Errorf("a nodes.conf that the other cannot read: %s (%s)", res.Verdict, res.Cause)
	}
}

func TestCheckOfMakes(t *testing.T) {
	for steps, want := range map[string]string{
		"node d make=redis\n----\n":           "make=redis: want make=oracle",
		"restart a make=own\n----\n":          "make=own: want make=other",
		"agree a\nGET x\n----\n":              "within= is missing",
		"agree within=1s\n----\n":             "want one input line",
		"agree within=1s\nsnapshot x\n----\n": `no view "x"`,
	} {
		if err := Check(parseCase(t, twoNodes+steps)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want %q", steps, err, want)
		}
	}
}

func TestNodesOfALimitedDriver(t *testing.T) {
	redis, ours := limitedFake{newFake(t, nil)}, limitedFake{newFake(t, nil)}
	cfg := Config{Oracle: redis, Target: ours}
	c := parseCase(t, mixedCase)
	if o, n := nodesOf(c, cfg, redis), nodesOf(c, cfg, ours); o != 3 || n != 1 {
		t.Errorf("the case needs %d nodes of the oracle and %d of the target, want 3 and 1", o, n)
	}
	cfg.Target = redis
	if n := nodesOf(c, cfg, redis); n != 4 {
		t.Errorf("a control needs %d nodes, want 4", n)
	}
}

type limitedFake struct{ *fakeDriver }

func (limitedFake) Limit() int { return 9 }
