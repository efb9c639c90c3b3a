// Package triage makes findings of candidates: it plays a candidate again on fresh servers, reduces the
// case, fills in what the oracle answers, names the cause, groups the case with the other hits of that cause and
// saves it so that one command replays it.
//
// An engine hands over whatever looks wrong to it and goes on. Candidates of one kind whose notes are
// equal once folded (cause.Fold: numbers, quoted texts, ids and names) are taken for hits of one fault: the
// first is played, and of the rest ever fewer. So a note should say what was sent and what came from either side, such
// as `GET: -MOVED 866 $p.addr, not "x"`. A candidate without a note is always played.
//
// It refuses to generate anything, and to judge: package runner does.
package triage

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/fuzz/reduce"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

// Kind says what sort of finding it is; see package cause.
type Kind = cause.Kind

// The kinds of finding.
const (
	Divergence    = cause.Divergence
	OracleCrash   = cause.OracleCrash
	OracleHang    = cause.OracleHang
	OracleCorrupt = cause.OracleCorrupt
	TargetCrash   = cause.TargetCrash
	TargetHang    = cause.TargetHang
	Invariant     = cause.Invariant
)

// Candidate is something that an engine saw and that may be a finding.
type Candidate struct {
	// Case is complete: it starts its nodes and puppets, makes its topology, and does what was done.
	// Its expected blocks may be empty, but for those of wait and hold steps, which are their conditions. What
	// its header lacks is filled in.
	Case *scenario.Case
	// Kind is what the engine takes it for. What it is, playing the case decides.
	Kind Kind
	// Note is one line: what was sent and what came back from either side.
	Note string
	// Seed and Episode say where it comes from: the campaign's seed and the episode's index. The seed also gives
	// the puppets of the case their ids.
	Seed    uint64
	Episode int
	// Again says that the engine handed the very case over before: it is counted and not played.
	Again bool
	// Undefined says that what is sent leaves what Redis defines: a difference says nothing, and what the engine takes for a fault of the oracle
	// is no other finding.
	Undefined bool
	// Small says that the engine has made the case small: its reduction gets SmallBudget at most.
	Small bool
}

// SmallBudget bounds the reduction of a case that is small.
const SmallBudget = 8 * time.Second

// Options say what a Triage works with.
type Options struct {
	Oracle, Target oracle.Driver
	// Dir is the folder for findings, one folder a group. Empty: nothing is saved.
	Dir string
	// ReduceBudget bounds the reduction of one finding. Zero: reduce.DefaultBudget.
	ReduceBudget time.Duration
	// Parallel is how many plays a reduction does at once. Zero: reduce.DefaultParallel.
	Parallel int
	// Times is how often a case is played to confirm it. Zero: DefaultTimes.
	Times int
	// Quirks are the known faults of the oracle, which say of a finding that it is one of them. It may be nil.
	Quirks *quirks.List
	// Known looks a cause up among the known differences. It may be nil.
	Known func(c cause.Cause, target oracle.Identity) (reason string, ok bool)
	// OracleFlag and TargetFlag are repeated in replay commands; empty for the defaults.
	OracleFlag, TargetFlag string
	// Command is that of replay commands; empty: replay.
	Command string
	// OnGroup, if set, is told of every new group and of what its reduced case came to, one call at a time.
	OnGroup func(g Group, res *verdict.Result)
}

// DefaultTimes is how often a reduced case is played to confirm it.
const DefaultTimes = 3

// Group is one fault with all its hits.
type Group struct {
	Kind  Kind   `json:"kind"`
	Cause string `json:"cause"` // the key, see cause.Cause
	Title string `json:"title"` // one line of the first hit
	Count int    `json:"count"` // hits so far
	// Dir is the folder of the finding, Path its reduced case, Replay the command that plays that. Empty if nothing is saved.
	Dir    string `json:"dir"`
	Path   string `json:"path"`
	Replay string `json:"replay_cmd"`
	// Digest is the output digest of the reduced case. Equal behaviour gives equal digests.
	Digest string `json:"output_digest"`
	// Confirmed is how often Times plays of the reduced case showed the fault. Zero: it did not come again.
	Confirmed int `json:"confirmed"`
	Times     int `json:"times"`
	Steps     int `json:"steps"` // of the reduced case
	// Reduction is one line on what the reduction did.
	Reduction string `json:"reduction"`
	// Survival says, of a fault of the oracle, how the target alone bore the same case: "lives", "shows the same", or its own cause.
	Survival string `json:"survival,omitempty"`
	// Noise is how often Times plays of the reduced case on two instances of the oracle differ as well. Not zero: the
	// case says nothing of the target.
	Noise int `json:"noise"`
	// Known is the reason, where the difference is a known one.
	Known string `json:"known,omitempty"`
	// Seed and Episode are those of the first hit.
	Seed    uint64 `json:"seed"`
	Episode int    `json:"episode"`
	Note    string `json:"note,omitempty"` // of the first hit
}

// Steady reports whether the fault came again, and, where it is a difference, every time: one that comes and goes is up to time, on either
// side.
func (g *Group) Steady() bool {
	return g.Confirmed > 0 && (g.Kind != Divergence || g.Confirmed == g.Times)
}

// Triage collects candidates into groups. It is safe for concurrent use.
type Triage struct {
	opts Options

	mu     sync.Mutex
	groups []*Group
	byKey  map[string]*Group
	byNote map[string]*seen
	plays  int
	budget time.Duration // of a reduction
}

// seen is what is known of a folded note or of a key before reduction.
type seen struct {
	group   *Group // nil while the first hit is being worked on
	same    *seen  // the key that the first hit of a note came to, while that is being worked on
	hits    int
	waiting int // hits that the group, once it is there, has still to be told of
}

// end is what same leads to.
func (s *seen) end() *seen {
	for s.same != nil {
		s = s.same
	}
	return s
}

// count adds hits to the group, or has them wait for it.
func (s *seen) count(hits int) {
	if s = s.end(); s.group != nil {
		s.group.Count += hits
	} else {
		s.waiting += hits
	}
}

// New makes an empty Triage.
func New(opts Options) *Triage {
	if opts.Times == 0 {
		opts.Times = DefaultTimes
	}
	return &Triage{opts: opts, byKey: map[string]*Group{}, byNote: map[string]*seen{}, budget: opts.ReduceBudget}
}

// Hurry gives reductions that begin from now on at most so much time.
func (t *Triage) Hurry(budget time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.budget = min(budget, cmp.Or(t.budget, reduce.DefaultBudget))
}

// Restore takes up the groups of an earlier Triage, so that their further hits are counted with them.
func (t *Triage) Restore(groups []*Group) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range groups {
		own := *g
		t.groups = append(t.groups, &own)
		t.byKey[own.Cause] = &own
		if own.Note != "" {
			t.byNote[noteKey(own.Kind, own.Note)] = &seen{group: &own, hits: 1}
		}
	}
}

// Groups returns a copy of all groups, in the order in which they were filed.
func (t *Triage) Groups() []*Group {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]*Group, len(t.groups))
	for i, g := range t.groups {
		copied := *g
		out[i] = &copied
	}
	return out
}

// Plays is how often a case was played on both sides so far.
func (t *Triage) Plays() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.plays
}

// Hits is how many candidates came in so far.
func (t *Triage) Hits() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, g := range t.groups {
		n += g.Count
	}
	return n
}

// worthPlaying reports whether the hit with that number of a note or key is played: the first, and one at every power of
// four, because two faults may look alike until they are reduced.
func worthPlaying(hit int) bool {
	for hit > 1 {
		if hit%4 != 0 {
			return false
		}
		hit /= 4
	}
	return hit == 1
}

// note counts a hit of a folded text and reports whether that is all: the hit needs no playing. Its group is nil
// while the first hit is still being worked on. A hit that comes again is never played.
func (t *Triage) note(text string, again bool) (g *Group, counted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.byNote[text]
	if s == nil {
		s = &seen{}
		t.byNote[text] = s
	}
	if again {
		s.count(1)
		return s.end().group, true
	}
	if s.hits++; worthPlaying(s.hits) {
		return nil, false
	}
	s.count(1)
	return s.end().group, true
}

// settle ties a text to the group that a hit of it came to, or, where that is still being worked on, to the text of its key.
func (t *Triage) settle(text string, g *Group, key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.byNote[text]
	if s == nil || s.group != nil || s.same != nil {
		return
	}
	waiting := s.waiting
	switch k := t.byNote[key]; {
	case g != nil:
		s.group = g
	case k != nil && k.end() != s:
		s.same = k
	default:
		return
	}
	s.waiting = 0
	s.count(waiting)
}

// Add plays a candidate and files it. It takes as long as confirming and reducing take, unless its note says that its
// fault is known already. The group is a copy; it is nil for a further hit of a fault that is still being worked on. The
// error is a mistake in the candidate, or ctx's.
func (t *Triage) Add(ctx context.Context, c Candidate) (*Group, error) {
	text := ""
	if c.Note != "" {
		text = noteKey(c.Kind, c.Note)
		if g, counted := t.note(text, c.Again); counted {
			return t.copy(g), nil
		}
	}
	g, key, err := t.add(ctx, c)
	if text != "" {
		t.settle(text, g, key)
	}
	return t.copy(g), err
}

func noteKey(k Kind, note string) string { return "note " + string(k) + " " + cause.Fold(note) }

// Reduce plays one candidate and makes its case small, without filing it. The case has the oracle's answers. A
// case that shows no fault is an error.
func (t *Triage) Reduce(ctx context.Context, c Candidate) (*Group, *scenario.Case, error) {
	source := c.Case.Header.Source
	whole, err := prepare(c, source)
	if err != nil {
		return nil, nil, err
	}
	res, causes, alone := t.show(ctx, whole, c)
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if causes == nil {
		why := "the sides agree"
		if failed, ok := cause.HarnessFailed(res); ok {
			why = failed
		} else if res.Verdict == verdict.Skip {
			why = res.Cause
		}
		return nil, nil, fmt.Errorf("reduce: %s shows no fault: %s", c.Case.Path, why)
	}
	f := finding{cause: causes[0], candidate: c, whole: whole, result: res, alone: alone}
	if err := t.reduce(ctx, &f); err != nil {
		return nil, nil, err
	}
	small, err := record(f.small, f.result, t.opts.Oracle.Identity())
	if err != nil {
		return nil, nil, err
	}
	return &Group{
		Kind: f.cause.Kind, Cause: f.cause.Key(), Title: f.cause.Title, Count: 1, Confirmed: f.confirmed, Noise: f.noise,
		Times: t.opts.Times, Digest: f.result.OutputDigest, Reduction: f.report.String(), Seed: c.Seed,
	}, small, nil
}

func (t *Triage) copy(g *Group) *Group {
	if g == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	out := *g
	return &out
}

// add plays a candidate and files what it shows. key is the text of the first cause.
func (t *Triage) add(ctx context.Context, c Candidate) (first *Group, key string, err error) {
	whole, err := prepare(c, fmt.Sprintf("slotdiff fuzz, seed %d, episode %d", c.Seed, c.Episode))
	if err != nil {
		return nil, "", err
	}
	res, causes, alone := t.show(ctx, whole, c)
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	if causes == nil {
		first, err = t.unconfirmed(c, whole, res)
		return first, "", err
	}
	for i, ca := range causes {
		g, err := t.file(ctx, &finding{cause: ca, candidate: c, whole: whole, result: res, alone: alone})
		if err != nil {
			return first, key, err
		}
		if i == 0 {
			first, key = g, keyText(ca)
		}
	}
	return first, key, nil
}

// keyText is what a cause before reduction is noted by.
func keyText(c cause.Cause) string { return "key " + c.Key() }

// show plays a case until it shows something, a few times at most. What an engine takes for a fault of the oracle is looked for on the oracle
// alone first, for a difference before it would end a play of both.
func (t *Triage) show(ctx context.Context, whole *scenario.Case, c Candidate) (res *verdict.Result, causes []cause.Cause, alone bool) {
	for _, alone := range []bool{true, false} {
		if alone && !c.Kind.OfOracle() || !alone && c.Kind.OfOracle() && c.Undefined {
			continue
		}
		for range t.opts.Times {
			if res, causes = t.play(ctx, whole, how{c.Seed, true, alone}); causes != nil || ctx.Err() != nil {
				return res, causes, alone
			}
		}
	}
	return res, nil, false
}

// file finds the group of a cause that a case was seen to show, or reduces the case and makes one.
func (t *Triage) file(ctx context.Context, f *finding) (*Group, error) {
	raw := keyText(f.cause)
	if g, counted := t.note(raw, false); counted {
		return g, nil
	}
	if err := t.reduce(ctx, f); err != nil {
		return nil, err
	}
	g, err := t.save(ctx, f)
	t.settle(raw, g, "")
	return g, err
}
