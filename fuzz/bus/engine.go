package bus

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/slotdiff/slotdiff/fuzz/campaign"
	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/harness/scenario"
	wire "github.com/slotdiff/slotdiff/wire/bus"
)

// DefaultLanes is how many pairs of nodes an engine works with: while some wait for the ticks of their nodes, others
// keep the processors busy.
const DefaultLanes = 8

// huntEvery is how many seeds of a campaign there are to one whose last episode is a hunt, which sends what leaves what Redis defines: a third of
// the hunts find something, and to make that small takes as long as many episodes.
const huntEvery = 4

// Engine is the campaign's engine of the bus.
type Engine struct {
	lanes  []*lane
	proven proven
	quirks *quirks.List
	hunts  bool
	omit   wire.Omit
	hidden hidden
	// underway counts the packets of the episode that is being played.
	underway atomic.Uint64
}

var (
	_ campaign.Engine   = (*Engine)(nil)
	_ campaign.Total    = (*Engine)(nil)
	_ campaign.Underway = (*Engine)(nil)
)

// New makes an engine with as many lanes; 0: DefaultLanes. Servers start with the first episode.
func New(env campaign.Env, lanes int) (*Engine, error) {
	if lanes <= 0 {
		lanes = DefaultLanes
	}
	// Where the target is real Redis too, nobody survives what a hunt sends.
	e := &Engine{quirks: env.Quirks, hunts: env.Oracle != env.Target, omit: env.Omit}
	var err error
	if e.hidden, err = hide(env.Views); err != nil {
		return nil, fmt.Errorf("fuzz bus: %w", err)
	}
	for range lanes {
		ln, err := newLane(env.Oracle, env.Target, &e.proven, env.Quirks)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("fuzz bus: %w", err), e.Close())
		}
		ln.omit, ln.hidden = env.Omit, e.hidden
		e.lanes = append(e.lanes, ln)
	}
	return e, nil
}

// Close ends all servers of the engine.
func (e *Engine) Close() error {
	for _, ln := range e.lanes {
		ln.close()
	}
	return nil
}

// Name is "bus".
func (e *Engine) Name() string { return "bus" }

// subEpisodes is how many episodes one seed of a campaign makes, whatever the number of lanes: what is sent follows from
// the seed alone.
const subEpisodes = 4 * DefaultLanes

// Episode plays the episodes of a seed, as many at a time as there are lanes.
func (e *Engine) Episode(ctx context.Context, seed uint64) (campaign.Stats, []triage.Candidate, error) {
	results := make([]result, subEpisodes)
	next := make(chan int, subEpisodes)
	for i := range subEpisodes {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	var first *Episode
	for _, ln := range e.lanes {
		wg.Go(func() {
			for i := range next {
				if ctx.Err() != nil {
					return
				}
				ep := Generate(campaign.EpisodeSeed(seed, uint64(i)), e.hunts && i == subEpisodes-1 && seed%huntEvery == 0, e.quirks)
				results[i] = ln.episode(ctx, ep)
				e.underway.Add(results[i].packets)
				if i == 0 {
					first = ep // it may become a case of the corpus; the memory of the others is used again
				} else {
					ep.mem.free()
				}
			}
		})
	}
	wg.Wait()
	e.underway.Store(0)
	st := campaign.Stats{Held: map[string]uint64{}}
	tokens := map[string]bool{}
	var candidates []triage.Candidate
	var errs []error
	h := sha256.New()
	for i := range results {
		r := &results[i]
		if !r.played {
			continue
		}
		st.Packets += r.packets
		st.Windows += r.segments
		st.Restarts += r.restarts
		if r.cut {
			st.Cut++
		}
		if r.flaky {
			st.Flaky++
		}
		for name, n := range r.held {
			st.Held[name] += n
		}
		if r.err == nil { // else it was not sent to its end
			maps.Copy(tokens, r.tokens)
		}
		h.Write(r.digest[:])
		if r.candidate != nil {
			candidates = append(candidates, *r.candidate)
		}
		if r.err != nil && ctx.Err() == nil {
			errs = append(errs, r.err)
		}
	}
	st.Tokens = slices.Sorted(maps.Keys(tokens))
	h.Sum(st.Digest[:0])
	if first != nil {
		st.Case = func() *scenario.Case {
			c := caseOf(first, nil, e.hidden)
			c.Header.Omit = e.omit.String()
			return c
		}
	}
	return st, candidates, errors.Join(append(errs, ctx.Err())...)
}

// result is what came of one episode.
type result struct {
	played    bool
	digest    [sha256.Size]byte
	held      map[string]uint64
	tokens    map[string]bool
	packets   uint64
	segments  uint64
	restarts  uint64
	cut       bool
	flaky     bool
	candidate *triage.Candidate
	err       error
}

// episode plays an episode. What it shows is played again, on the lane, before it is handed over.
func (ln *lane) episode(ctx context.Context, e *Episode) (r result) {
	r = result{played: true, digest: e.Digest(), held: e.Held, tokens: e.Tokens}
	started := ln.started
	f, err := ln.play(ctx, e, false)
	r.packets, r.segments, r.cut = ln.sent, ln.waited, ln.cut != ""
	if err != nil {
		r.err = fmt.Errorf("fuzz bus: seed %d: %w", e.Seed, err)
		return r
	}
	if f != nil {
		small, last, again := ln.shrink(ctx, e, f)
		r.flaky = !again && ctx.Err() == nil
		if again {
			c := caseOf(small, last, ln.hidden)
			c.Header.Omit = ln.omit.String()
			r.candidate = &triage.Candidate{Case: c, Kind: last.kind, Note: last.note, Undefined: e.Hunt}
		}
	}
	r.restarts = uint64(ln.started - started)
	return r
}

// Underway is how many packets the episode that is being played has sent so far.
func (e *Engine) Underway() (commands, packets uint64) { return 0, e.underway.Load() }

// AllTokens are the rules and packets that an episode can reach; what the twin logs besides is not counted beforehand.
func (e *Engine) AllTokens() []string {
	var all []string
	for _, r := range wire.Rules() {
		if !unreachable[r] {
			all = append(all, "rule:"+r.String())
		}
	}
	for t := range wire.Type(wire.TypeCount + 1) {
		for _, action := range []wire.Action{wire.Accept, wire.Ignore} {
			all = append(all, "packet:"+typeToken(t)+":"+action.String())
		}
	}
	return all
}

// unreachable are rules that no stream of bytes leads to, or only a debugging command.
var unreachable = map[wire.Rule]bool{wire.RuleFrameLength: true, wire.RuleDebugDrop: true}
