package triage_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/harness/contract"
	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/faketest"
)

// steps makes a case of steps alone, as an engine may.
func steps(lines ...string) *scenario.Case {
	var sec scenario.Section
	for _, l := range lines {
		words, _, err := scenario.ParseWords(l)
		if err != nil {
			panic(err)
		}
		sec.Steps = append(sec.Steps, scenario.Step{Actor: words[0].String(), Words: words[1:]})
	}
	return &scenario.Case{Sections: []scenario.Section{sec}}
}

func newTriage(t *testing.T, oracleAnswers, targetAnswers map[string]string, change func(*triage.Options)) *triage.Triage {
	t.Helper()
	o := triage.Options{
		Oracle: faketest.New(oracleAnswers), Target: faketest.New(targetAnswers),
		Dir: filepath.Join(t.TempDir(), "findings"), ReduceBudget: time.Minute,
	}
	if change != nil {
		change(&o)
	}
	return triage.New(o)
}

func add(t *testing.T, tri *triage.Triage, c triage.Candidate) *triage.Group {
	t.Helper()
	g, err := tri.Add(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var moved = map[string]string{"GET FOO": "-MOVED 12182 127.0.0.1:7000\r\n"}

// A candidate becomes a reduced case with the oracle's answers, a folder, and a replay command; playing the case again
// gives the same digest.
func TestFinding(t *testing.T) {
	var told []triage.Group
	tri := newTriage(t, nil, moved, func(o *triage.Options) {
		o.TargetFlag = "debian:redis@7.0"
		o.OnGroup = func(g triage.Group, _ *verdict.Result) { told = append(told, g) }
	})
	g := add(t, tri, triage.Candidate{
		Case: steps("node a", "a SET key value", "a PING", "a GET foo", "a DBSIZE"),
		Kind: triage.Divergence, Note: "GET: -MOVED 12182 127.0.0.1:7000, not $-1", Seed: 7, Episode: 3,
	})
	if g.Kind != triage.Divergence || g.Cause != "divergence GET: -MOVED, not nil" || g.Confirmed != 3 || g.Noise != 0 || g.Steps != 2 || g.Count != 1 {
		t.Errorf("%+v", g)
	}
	if want := "go run ./cmd/slotdiff replay " + g.Path + " --mode strict --seed 7 --target debian:redis@7.0"; g.Replay != want {
		t.Errorf("replay %q, want %q", g.Replay, want)
	}
	if len(told) != 1 || told[0].Path != g.Path {
		t.Errorf("told of %v", told)
	}
	c, err := scenario.LoadFile(g.Path)
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, st := range c.Steps() {
		text = append(text, st.Text()+" => "+strings.Join(st.Expect, "\n"))
	}
	if got := strings.Join(text, "; "); got != "node a => ok; a GET foo => $-1" {
		t.Errorf("the case is %s", got)
	}
	res := runner.Run(t.Context(), c, runner.Config{Oracle: faketest.New(nil), Target: faketest.New(moved), Seed: 7, Mode: "strict"})
	if res.Verdict != verdict.Fail || res.OutputDigest != g.Digest {
		t.Errorf("played again: %s %s, digest %s, want %s", res.Verdict, res.Cause, res.OutputDigest, g.Digest)
	}
	for _, name := range []string{"original.case", "diff.txt", "oracle.txt", "target.txt", "finding.json", "oracle-a.log", "bus.pcapng"} {
		if st, err := os.Stat(filepath.Join(g.Dir, name)); err != nil || st.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	b, err := os.ReadFile(filepath.Join(g.Dir, "finding.json"))
	var saved triage.Group
	if err == nil {
		err = json.Unmarshal(b, &saved)
	}
	if err != nil || saved.Cause != g.Cause {
		t.Errorf("finding.json: %v, %+v", err, saved)
	}
}

// Promotion is a copy: the case of a finding has all that a committed case must have, and plays.
func TestPromotion(t *testing.T) {
	tri := newTriage(t, nil, moved, nil)
	g := add(t, tri, triage.Candidate{Case: steps("node a", "a GET foo"), Note: "GET"})
	text, err := os.ReadFile(g.Path)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "regress"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "regress", "get_of_nothing.case"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	cases, err := scenario.Load(os.DirFS(root))
	if err != nil || len(cases) != 1 {
		t.Fatal(len(cases), err)
	}
	c := cases[0]
	h := c.Header
	s, known := contract.ScenarioByID(h.Scenario)
	if c.Name() != "regress/get_of_nothing" || !known || h.Contract != s.Row || h.Reason != s.Reason || len(h.Anchors) == 0 ||
		!h.Class.Valid() || h.Source == "" || h.Recorded != "redis 8.6.3" || len(c.Comments) == 0 {
		t.Errorf("header of %s: %+v", c.Name(), h)
	}
	if err := runner.Check(c); err != nil {
		t.Error(err)
	}
	if string(scenario.Format(c)) != string(text) {
		t.Error("the case is not in canonical form")
	}
	healthy := runner.Run(t.Context(), c, runner.Config{Oracle: faketest.New(nil), Target: faketest.New(nil), Mode: "strict"})
	if healthy.Verdict != verdict.Pass {
		t.Errorf("with the fault mended it is %s: %s", healthy.Verdict, healthy.Cause)
	}
}

// A thousand hits of one fault are one group with a count, and are hardly ever played.
func TestThousandHits(t *testing.T) {
	tri := newTriage(t, nil, moved, nil)
	for i := range 1000 {
		add(t, tri, triage.Candidate{Case: steps("node a", "a GET foo"), Kind: triage.Divergence, Note: fmt.Sprintf("GET: -MOVED %d, not nil", i)})
	}
	if groups := tri.Groups(); len(groups) != 1 || groups[0].Count != 1000 {
		t.Errorf("%d groups, %+v", len(groups), groups[0])
	}
	if tri.Plays() > 40 {
		t.Errorf("%d plays", tri.Plays())
	}
}

// Candidates without notes are told apart by their causes, not by what was asked for.
func TestTwoFaults(t *testing.T) {
	tri := newTriage(t, nil, map[string]string{"GET FOO": ":1\r\n", "GET BAR": ":2\r\n", "TIME": ":1\r\n"}, nil)
	first := add(t, tri, triage.Candidate{Case: steps("node a", "a GET foo")})
	second := add(t, tri, triage.Candidate{Case: steps("node a", "a TIME")})
	third := add(t, tri, triage.Candidate{Case: steps("node a", "a GET bar")})
	if first.Cause == second.Cause || third.Cause != first.Cause || third.Count != 2 {
		t.Errorf("%+v\n%+v\n%+v", first, second, third)
	}
}

// A fault of the oracle is a kind of its own, and the target is judged for how it bears the same.
func TestOracleFaults(t *testing.T) {
	for _, tc := range []struct {
		what           string
		oracle, target map[string]string
		kind           triage.Kind
		survival       string
		groups         int
	}{
		{"a crash", map[string]string{"GET FOO": "die"}, nil, triage.OracleCrash, "lives", 1},
		{"a crash of both", map[string]string{"GET FOO": "die"}, map[string]string{"GET FOO": "die"}, triage.OracleCrash, "target-crash", 2},
		{"the same corruption of both", map[string]string{"CLUSTER NODES": "$3\r\na b\r\n"}, map[string]string{"CLUSTER NODES": "$3\r\na b\r\n"}, triage.OracleCorrupt, "shows the same", 1},
		{"a corruption", map[string]string{"CLUSTER NODES": "$3\r\na b\r\n"}, nil, triage.OracleCorrupt, "lives", 1},
	} {
		t.Run(tc.what, func(t *testing.T) {
			tri := newTriage(t, tc.oracle, tc.target, nil)
			g := add(t, tri, triage.Candidate{Case: steps("node a", "a PING", "a GET foo"), Note: tc.what})
			if g.Kind != tc.kind || !strings.HasPrefix(g.Survival, tc.survival) || g.Confirmed == 0 {
				t.Errorf("%+v", g)
			}
			groups := tri.Groups()
			if len(groups) != tc.groups {
				t.Fatalf("%d groups: %+v\n%+v", len(groups), groups[0], groups[len(groups)-1])
			}
			if tc.groups == 2 && (groups[0].Kind != triage.TargetCrash && groups[1].Kind != triage.TargetCrash) {
				t.Errorf("%+v, %+v", groups[0], groups[1])
			}
		})
	}
}

// A difference before a fault of the oracle does not hide it: what is taken for one is looked for on the oracle alone.
func TestOracleFaultBehindADifference(t *testing.T) {
	tri := newTriage(t, map[string]string{"GET FOO": "die"}, map[string]string{"GET BAR": "$1\r\nx\r\n"}, nil)
	g := add(t, tri, triage.Candidate{Case: steps("node a", "a GET bar", "a GET foo"), Kind: triage.OracleCrash, Note: "oracle: crash"})
	if g.Kind != triage.OracleCrash || g.Confirmed != 3 || g.Steps != 2 || g.Survival != "lives" {
		t.Errorf("%+v", g)
	}
	// What the oracle alone does not show may be a difference.
	g = add(t, tri, triage.Candidate{Case: steps("node a", "a GET bar"), Kind: triage.OracleHang, Note: "oracle: hang"})
	if g.Kind != triage.Divergence || g.Confirmed != 3 {
		t.Errorf("%+v", g)
	}
	// Unless differences say nothing.
	g = add(t, tri, triage.Candidate{Case: steps("node a", "a GET bar", "a PING"), Kind: triage.OracleCrash, Note: "oracle: other", Undefined: true})
	if g.Kind != triage.OracleCrash || g.Confirmed != 0 || !strings.Contains(g.Title, "did not come again") {
		t.Errorf("%+v", g)
	}
}

// flaky answers as one map or another, by turns.
type flaky struct {
	oracle.Driver
	other oracle.Driver
	n     atomic.Int32
}

func (d *flaky) Start(ctx context.Context, spec oracle.NodeSpec) (oracle.Node, error) {
	if d.n.Add(1)%2 == 0 {
		return d.other.Start(ctx, spec)
	}
	return d.Driver.Start(ctx, spec)
}

// A case in which the oracle differs from itself says nothing of the target: it is marked as noise.
func TestNoise(t *testing.T) {
	five := map[string]string{"GET FOO": ":5\r\n"}
	tri := newTriage(t, nil, five, func(o *triage.Options) {
		o.Oracle = &flaky{Driver: faketest.New(nil), other: faketest.New(five)}
		o.ReduceBudget = 5 * time.Second
		o.Parallel = 1
	})
	g := add(t, tri, triage.Candidate{Case: steps("node a", "a GET foo"), Note: "GET"})
	if g.Confirmed == 0 || g.Noise == 0 {
		t.Errorf("%+v", g)
	}
}

// What does not come again is kept, whole, and said to be unconfirmed.
func TestUnconfirmed(t *testing.T) {
	tri := newTriage(t, nil, nil, nil)
	g := add(t, tri, triage.Candidate{Case: steps("node a", "a GET foo"), Kind: triage.TargetHang, Note: "GET foo hangs"})
	if g.Confirmed != 0 || g.Kind != triage.TargetHang || !strings.Contains(g.Title, "did not come again") {
		t.Errorf("%+v", g)
	}
	if again := add(t, tri, triage.Candidate{Case: steps("node a", "a GET foo"), Kind: triage.TargetHang, Note: "GET foo hangs"}); again.Count != 2 {
		t.Errorf("%+v", again)
	}
}

// A known difference is told apart, and a case that is none is an error.
func TestKnownAndMalformed(t *testing.T) {
	tri := newTriage(t, nil, moved, func(o *triage.Options) {
		o.Known = func(c cause.Cause, id oracle.Identity) (string, bool) {
			return "by design of " + id.Short(), c.Key() == "divergence GET: -MOVED, not nil"
		}
	})
	if g := add(t, tri, triage.Candidate{Case: steps("node a", "a GET foo")}); g.Known != "by design of redis 8.6.3" {
		t.Errorf("%+v", g)
	}
	if _, err := tri.Add(t.Context(), triage.Candidate{Case: steps("a GET foo")}); err == nil || !strings.Contains(err.Error(), "triage") {
		t.Errorf("a case without node: %v", err)
	}
}

// Groups of an earlier life go on being counted.
func TestRestore(t *testing.T) {
	first := newTriage(t, nil, moved, nil)
	c := triage.Candidate{Case: steps("node a", "a GET foo"), Kind: triage.Divergence, Note: "GET: MOVED"}
	add(t, first, c)
	second := newTriage(t, nil, moved, nil)
	second.Restore(first.Groups())
	if g := add(t, second, c); g.Count != 2 || second.Plays() != 0 {
		t.Errorf("%+v after %d plays", g, second.Plays())
	}
}

// Hits that come in while the first is being worked on are counted, each once, whatever their notes.
func TestConcurrentHits(t *testing.T) {
	tri := newTriage(t, nil, moved, nil)
	var wg sync.WaitGroup
	const hits = 40
	for i := range hits {
		wg.Go(func() {
			note := []string{"GET: MOVED", "GET: another note", ""}[i%3]
			if _, err := tri.Add(t.Context(), triage.Candidate{Case: steps("node a", "a GET foo"), Note: note}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if groups := tri.Groups(); len(groups) != 1 || groups[0].Count != hits {
		t.Errorf("%d groups, the first with %d hits", len(groups), groups[0].Count)
	}
}

// A difference accuses somebody only if it comes every time; a crash that comes once is one.
func TestSteady(t *testing.T) {
	for _, tc := range []struct {
		kind      triage.Kind
		confirmed int
		want      bool
	}{
		{triage.Divergence, 0, false},
		{triage.Divergence, 2, false},
		{triage.Divergence, 3, true},
		{triage.TargetCrash, 0, false},
		{triage.TargetCrash, 1, true},
		{triage.OracleHang, 2, true},
	} {
		if g := (&triage.Group{Kind: tc.kind, Confirmed: tc.confirmed, Times: 3}); g.Steady() != tc.want {
			t.Errorf("%s, %d of 3: %v", tc.kind, tc.confirmed, !tc.want)
		}
	}
}
