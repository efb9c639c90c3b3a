package campaign_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/campaign"
	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/fuzz/corpus"
	"github.com/slotdiff/slotdiff/fuzz/mutate"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/harness/evidence"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/faketest"
)

const getFoo = `# A case.

scenario: FR-P2C-007-E003
contract: B03
anchors:  A03
class:    normal
reason:   cluster.redirect_reply_contract_violation
source:   a test

node a
----

a GET foo
----
`

func parse(t *testing.T, text string) *scenario.Case {
	t.Helper()
	c, err := scenario.Parse("x.case", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fake is an engine that records the seeds it is given and finds something in some episodes.
type fake struct {
	t     *testing.T
	seeds []uint64
	finds func(n int) bool // by how many episodes came before
	err   error            // of the second episode
	wait  bool             // until the end of the campaign, from the second episode on
	none  bool             // waits in the first already
}

func (f *fake) Name() string { return "fake" }

func (f *fake) AllTokens() []string { return []string{"rule:a", "rule:b", "rule:c"} }

func (f *fake) Episode(ctx context.Context, seed uint64) (campaign.Stats, []triage.Candidate, error) {
	n := len(f.seeds)
	f.seeds = append(f.seeds, seed)
	if f.err != nil && n == 1 {
		return campaign.Stats{}, nil, f.err
	}
	if f.wait && n > 0 || f.none {
		<-ctx.Done()
		return campaign.Stats{Commands: 7, Packets: 9, Tokens: []string{"rule:b"}}, nil, ctx.Err()
	}
	s := campaign.Stats{
		Commands: 2, Windows: 1, Cut: 1, Flaky: 2, Restarts: 3, Tokens: []string{"rule:a"}, Held: map[string]uint64{"some-quirk": 1},
		Digest: sha256.Sum256(fmt.Append(nil, seed)), Case: func() *scenario.Case { return parse(f.t, getFoo) },
	}
	var found []triage.Candidate
	if f.finds != nil && f.finds(n) {
		found = append(found, triage.Candidate{Case: parse(f.t, getFoo), Kind: triage.Divergence, Note: "GET"})
	}
	return s, found, nil
}

func options(t *testing.T, out *bytes.Buffer) campaign.Options {
	return campaign.Options{
		Seed: 5, Execs: 6, Dir: t.TempDir(), Out: out, Every: time.Hour,
		Triage: triage.Options{
			Oracle: faketest.New(nil), Target: faketest.New(map[string]string{"GET FOO": ":1\r\n"}), Times: 1,
		},
	}
}

func run(t *testing.T, e campaign.Engine, o campaign.Options) *campaign.Summary {
	t.Helper()
	sum, err := campaign.Run(t.Context(), e, o)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// Shards split one sequence: together they play each episode once.
func TestShards(t *testing.T) {
	whole := &fake{t: t}
	run(t, whole, options(t, quiet()))
	var parts []uint64
	for i := range 3 {
		o := options(t, quiet())
		var err error
		if o.Shard, err = campaign.ParseShard(fmt.Sprintf("%d/3", i+1)); err != nil {
			t.Fatal(err)
		}
		o.Execs = 2
		e := &fake{t: t}
		run(t, e, o)
		parts = append(parts, e.seeds...)
	}
	slices.Sort(parts)
	want := slices.Sorted(slices.Values(whole.seeds))
	if !slices.Equal(parts, want) || len(slices.Compact(want)) != 6 {
		t.Errorf("%v, want %v", parts, want)
	}
	for _, bad := range []string{"", "0/2", "3/2", "1", "a/b", "1/0"} {
		if _, err := campaign.ParseShard(bad); err == nil {
			t.Errorf("%q is read as a shard", bad)
		}
	}
}

// quiet takes output that a test does not look at.
func quiet() *bytes.Buffer { return &bytes.Buffer{} }

// A resumed campaign goes on in the sequence, and ends with the same totals, stream and findings as one that was never
// interrupted.
func TestResume(t *testing.T) {
	always := func(int) bool { return true }
	o := options(t, quiet())
	whole := &fake{t: t, finds: always}
	want := run(t, whole, o)

	o = options(t, quiet())
	o.Execs = 2
	first := &fake{t: t, finds: always}
	half := run(t, first, o)
	o.Resume, o.Execs = filepath.Join(half.Dir, "state.json"), 6
	second := &fake{t: t, finds: always}
	got := run(t, second, o)

	if !slices.Equal(append(first.seeds, second.seeds...), whole.seeds) {
		t.Errorf("%v then %v, want %v", first.seeds, second.seeds, whole.seeds)
	}
	if got.Stream != want.Stream || got.Stream == "" || got.Totals.Episodes != 6 || got.Totals.Commands != want.Totals.Commands || got.Lives != 2 {
		t.Errorf("%+v, want %+v", got, want)
	}
	if len(got.Findings) != 1 || got.Findings[0].Count != 6 || got.Findings[0].Cause != want.Findings[0].Cause {
		t.Errorf("%+v", got.Findings)
	}
	o.Resume = filepath.Join(o.Dir, "latest")
	if again := run(t, &fake{t: t}, o); again.Dir != half.Dir || again.Lives != 3 || again.Totals.Episodes != 6 {
		t.Errorf("resumed by the link: %+v", again)
	}
	if latest, err := os.Readlink(o.Resume); err != nil || latest != filepath.Base(half.Dir) {
		t.Errorf("latest is %s, %v", latest, err)
	}
	o.Corpus = "another"
	if _, err := campaign.Run(t.Context(), &fake{t: t}, o); err == nil || !strings.Contains(err.Error(), "corpus") {
		t.Errorf("resumed with another corpus: %v", err)
	}
}

// Equal seeds give equal streams and digests of findings, byte for byte.
func TestSameSeedSameStream(t *testing.T) {
	list := seeds(t)
	var texts, streams []string
	for range 2 {
		o := options(t, quiet())
		o.Execs, o.Corpus = 3, corpus.Digest(list)
		env := campaign.Env{Oracle: o.Triage.Oracle, Target: o.Triage.Target, Corpus: list}
		e, err := mutate.New(env, 3)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		for i := range uint64(20) {
			for _, c := range e.Mutants(campaign.EpisodeSeed(5, i)) {
				text.Write(scenario.Format(c))
			}
		}
		texts = append(texts, text.String())
		streams = append(streams, run(t, e, o).Stream)
	}
	if texts[0] != texts[1] || len(texts[0]) < 1000 {
		t.Error("equal seeds give other mutants")
	}
	if streams[0] != streams[1] || streams[0] == "" {
		t.Errorf("%q, %q", streams[0], streams[1])
	}
}

// seeds are small cases that the fake servers bear.
func seeds(t *testing.T) []*scenario.Case {
	t.Helper()
	var out []*scenario.Case
	for i, more := range []string{"a SET k v\n----\n", "a GET k\n----\n\na DBSIZE\n----\n", "a PING\n----\n"} {
		c := parse(t, getFoo+"\n"+more)
		c.Path = fmt.Sprintf("x/%c.case", 'a'+i)
		out = append(out, c)
	}
	return out
}

// A campaign leaves a state, a summary, a log whose lines have the contract's fields, the findings, and a corpus; and
// says what was covered and what not.
func TestEvidence(t *testing.T) {
	var out bytes.Buffer
	o := options(t, &out)
	sum := run(t, &fake{t: t, finds: func(n int) bool { return n == 2 }}, o)
	if sum.ExitCode != 1 || len(sum.Findings) != 1 || sum.Totals.Held["some-quirk"] != 6 || sum.Kept != 1 {
		t.Errorf("%+v", sum)
	}
	g := sum.Findings[0]
	for _, name := range []string{"state.json", "summary.json", "log.jsonl"} {
		if st, err := os.Stat(filepath.Join(sum.Dir, name)); err != nil || st.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if latest, err := os.Readlink(filepath.Join(o.Dir, "latest")); err != nil || latest != filepath.Base(sum.Dir) {
		t.Errorf("latest is %s, %v", latest, err)
	}
	entries, err := corpus.Read(filepath.Join(sum.Dir, "corpus"))
	if err != nil || len(entries) != 1 || !slices.Equal(entries[0].Tokens, []string{"rule:a"}) {
		t.Errorf("corpus: %v %v", entries, err)
	}
	text, err := os.ReadFile(filepath.Join(sum.Dir, "log.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var line evidence.Line
	if err := json.Unmarshal(text, &line); err != nil {
		t.Fatal(err)
	}
	if line.ReplayCmd != g.Replay || line.OutputDigest != g.Digest || line.Outcome != "fail" || line.ReasonCode == "" || line.Seed != 5 {
		t.Errorf("%+v", line)
	}
	for _, ref := range line.ArtifactRefs {
		if _, err := os.Stat(filepath.Join(sum.Dir, ref)); err != nil {
			t.Error(err)
		}
	}
	for _, want := range []string{
		"covered 1 of 3 rule, not rule:b rule:c", "held back 6 inputs: some-quirk",
		"6 streams ended early", "12 differences did not come a second time", "18 sides were started again", "DIVERGENCE, 1 times: GET: :1, not $-1", g.Replay,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

// Every way in which a campaign ends has its exit code.
func TestEnds(t *testing.T) {
	for _, tc := range []struct {
		what   string
		engine *fake
		change func(*campaign.Options)
		plays  int
		code   int
	}{
		{"nothing found", &fake{}, nil, 6, 0},
		{"a finding", &fake{finds: func(n int) bool { return n == 0 }}, nil, 6, 1},
		{"until a finding", &fake{finds: func(n int) bool { return n == 0 }, wait: true}, func(o *campaign.Options) { o.UntilFinding = true }, 2, 1},
		{"time", &fake{wait: true}, func(o *campaign.Options) { o.Duration = 50 * time.Millisecond }, 2, 0},
		{"a known one", &fake{finds: func(int) bool { return true }}, func(o *campaign.Options) {
			o.Triage.Known = func(cause.Cause, oracle.Identity) (string, bool) { return "by design", true }
		}, 6, 0},
		{"the oracle's fault", &fake{finds: func(int) bool { return true }}, func(o *campaign.Options) {
			o.Triage.Oracle, o.Triage.Target = faketest.New(map[string]string{"GET FOO": "die"}), faketest.New(nil)
		}, 6, 2},
		{"not confirmed", &fake{finds: func(int) bool { return true }}, func(o *campaign.Options) { o.Triage.Target = faketest.New(nil) }, 6, 2},
		{"one at a time", &fake{finds: func(int) bool { return true }}, func(o *campaign.Options) { o.Serial = true }, 6, 1},
	} {
		t.Run(tc.what, func(t *testing.T) {
			tc.engine.t = t
			o := options(t, quiet())
			if tc.change != nil {
				tc.change(&o)
			}
			sum := run(t, tc.engine, o)
			if sum.ExitCode != tc.code || len(tc.engine.seeds) != tc.plays {
				t.Errorf("exit code %d after %d episodes, want %d after %d: %+v", sum.ExitCode, len(tc.engine.seeds), tc.code, tc.plays, sum.Findings)
			}
		})
	}
}

// An error of the engine ends the campaign, with its place; what was done is kept.
func TestEngineError(t *testing.T) {
	broken := errors.New("socket: broken")
	sum, err := campaign.Run(t.Context(), &fake{t: t, err: broken}, options(t, quiet()))
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "fake: episode 1: ") || sum.Totals.Episodes != 1 {
		t.Errorf("%v, %+v", err, sum)
	}
}

// An interrupted campaign says so, and its state is that of whole episodes.
func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	e := &fake{t: t, wait: true}
	time.AfterFunc(50*time.Millisecond, cancel)
	sum, err := campaign.Run(ctx, e, options(t, quiet()))
	if err != nil || !sum.Interrupted || sum.Totals.Episodes != 1 {
		t.Errorf("%v, %+v", err, sum)
	}
}

// What was done of an episode that was cut off stands in the summary, and not in the state, from which it is played again.
func TestCutOff(t *testing.T) {
	var out bytes.Buffer
	o := options(t, &out)
	o.Execs, o.Duration = 0, 50*time.Millisecond
	sum := run(t, &fake{t: t, none: true}, o)
	if got := sum.Totals; got.Episodes != 0 || got.Commands != 7 || got.Packets != 9 || sum.Partial != (campaign.Partial{Commands: 7, Packets: 9}) || sum.ExitCode != 0 {
		t.Errorf("%+v", sum)
	}
	if c := sum.Coverage; len(c) != 1 || c[0].Reached != 1 {
		t.Errorf("coverage %+v", c)
	}
	for _, want := range []string{"0 episodes, 7 commands, 9 packets", "of these, 7 commands and 9 packets are of an episode that was cut off"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	o.Resume, o.Duration, o.Execs = sum.Dir, 0, 1
	if again := run(t, &fake{t: t}, o); again.Totals.Commands != 2 || again.Totals.Packets != 0 || again.Partial != (campaign.Partial{}) {
		t.Errorf("resumed: %+v", again)
	}
}

// JSON output is one object a line, the summary last.
func TestJSON(t *testing.T) {
	var out bytes.Buffer
	o := options(t, &out)
	o.JSON, o.Every = true, time.Millisecond
	run(t, &fake{t: t, finds: func(int) bool { return true }}, o)
	last := ""
	for line := range bytes.Lines(out.Bytes()) {
		var v struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal(line, &v); err != nil || v.Type == "" {
			t.Fatalf("%s: %v", line, err)
		}
		last = v.Type
	}
	if last != "summary" || !bytes.Contains(out.Bytes(), []byte(`"type":"finding"`)) {
		t.Errorf("ends with %q\n%s", last, out.String())
	}
}
