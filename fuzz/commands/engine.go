package commands

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/campaign"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/oracle"
)

// What Options mean by zero.
const (
	DefaultWindow   = 512
	DefaultCommands = 50_000
)

// Options say what an Engine works with.
type Options struct {
	Oracle, Target oracle.Driver
	// Window is how many commands a window has at most. Zero: DefaultWindow.
	Window int
	// Commands is how many an episode sends. Zero: DefaultCommands.
	Commands int
	// Lockstep sends one command at a time.
	Lockstep bool
	// ShrinkBudget bounds how long the stream of a new difference is shortened before it is handed
	// over. Zero: 20 s. Negative: it is not shortened.
	ShrinkBudget time.Duration
	// Corpus are cases whose commands come up in streams.
	Corpus []*scenario.Case
	// Progress is told in one line what takes time. It may be nil.
	Progress func(line string)
}

// Engine is a campaign.Engine. It starts its two nodes at the first episode; Close stops them.
type Engine struct {
	opts      Options
	st        *stage
	executes  []bool // by command
	absent    []bool // by command: the target does not have it
	probed    bool
	windows   []*window           // reused by every episode
	known     map[string]*reduced // by cause
	forbidden map[uint16][]string // option words of commands that the target runs without them only
	snippets  []snippet
	reached   map[string]bool    // tokens, in all episodes
	missing   []triage.Candidate // a command each that the target does not have; the first episode hands them over
	last      []op               // the stream of the candidate made last, and its topology
	lastTopo  *topology
	before    func() (*topology, []op) // what was played last; nil: nothing
}

// reduced is what was made of the first difference of a cause.
type reduced struct {
	c    *scenario.Case
	kind triage.Kind
	note string
}

// New makes an engine; nothing is started yet.
func New(opts Options) *Engine {
	if opts.Window == 0 {
		opts.Window = DefaultWindow
	}
	if opts.Commands == 0 {
		opts.Commands = DefaultCommands
	}
	if opts.ShrinkBudget == 0 {
		opts.ShrinkBudget = 20 * time.Second
	}
	if opts.Progress == nil {
		opts.Progress = func(string) {}
	}
	return &Engine{
		opts:     opts,
		st:       &stage{sides: [2]*side{{name: "oracle", driver: opts.Oracle}, {name: "target", driver: opts.Target}}},
		snippets: snippets(opts.Corpus), reached: map[string]bool{},
		known: map[string]*reduced{}, forbidden: map[uint16][]string{}, absent: make([]bool, len(loadCatalog().all)),
	}
}

// Close stops the nodes.
func (e *Engine) Close() error {
	e.st.close()
	return nil
}

// Name implements campaign.Engine.
func (e *Engine) Name() string { return "commands" }

// prepare starts the nodes and learns what the target executes.
func (e *Engine) prepare(ctx context.Context) error {
	if e.probed {
		return nil
	}
	runs, err := e.probe(ctx)
	if err != nil {
		return err
	}
	e.executes, e.probed = runs, true
	return e.probeTable()
}

// episode is one run of a seed.
type episode struct {
	e     *Engine
	seed  uint64
	topo  *topology
	gen   *generator
	p     *player
	sum   [sha256.Size]byte
	every int             // windows between two looks at the keys
	again map[string]bool // causes that had been met before the episode
}

// newEpisode makes the stream of a seed; nothing is sent.
func (e *Engine) newEpisode(seed uint64) *episode {
	ep := &episode{e: e, seed: seed, topo: newTopology(rand.New(rand.NewPCG(seed, 1))), every: 16, again: map[string]bool{}}
	nodes := [][]byte{[]byte(nodeID(nodeName)), []byte(nodeID("p")), []byte(nodeID("q"))}
	ep.gen = newGenerator(seed, ep.topo, nodes, e.executes, e.absent, e.opts.Window)
	ep.gen.f.forbidden, ep.gen.snippets = e.forbidden, e.snippets
	ep.p = &player{st: e.st, tally: newTally(), gen: ep.gen, lockstep: e.opts.Lockstep, learn: e.learn}
	ep.p.known = func(d *difference) bool {
		cause := d.cause()
		if e.known[cause] == nil {
			return false
		}
		ep.again[cause] = true
		return true
	}
	return ep
}

// learn notes that the target does not run a command after all. It counts from the next episode on, so that a stream
// follows from its seed and from what is known at its start.
func (e *Engine) learn(id uint16) {
	if e.probed && e.executes[id] {
		next := make([]bool, len(e.executes))
		copy(next, e.executes)
		next[id] = false
		e.executes = next
		e.opts.Progress("the target does not execute " + loadCatalog().all[id].name() + " with every argument: from now on only its route is compared")
	}
}

// window is the n-th of the episode, to be filled.
func (e *Engine) window(n int) *window {
	for len(e.windows) <= n {
		e.windows = append(e.windows, &window{})
	}
	return e.windows[n]
}

// Episode implements campaign.Engine.
func (e *Engine) Episode(ctx context.Context, seed uint64) (campaign.Stats, []triage.Candidate, error) {
	if err := e.prepare(ctx); err != nil {
		return campaign.Stats{}, nil, err
	}
	ep := e.newEpisode(seed)
	err := e.fallen()
	if err == nil {
		err = e.st.build(ctx, ep.topo)
	}
	if err != nil {
		err = e.troubled(ctx, err)
		if errors.Is(err, errLate) {
			late := e.missing
			e.missing = nil
			return campaign.Stats{Restarts: 1}, late, nil
		}
		return campaign.Stats{}, nil, err
	}
	e.before = func() (*topology, []op) { return ep.topo, ep.ops(&difference{window: -1}) }
	d, err := ep.run(ctx)
	stats := campaign.Stats{Commands: ep.p.pairs, Windows: ep.p.windows, Tokens: ep.p.tally.tokens(), Digest: ep.sum, Held: ep.gen.held, Case: e.keep(ep)}
	if err != nil && ctx.Err() != nil {
		return stats, nil, ctx.Err()
	}
	if err != nil {
		return stats, nil, fmt.Errorf("fuzz commands: seed %d: %w", seed, err)
	}
	found := e.missing
	e.missing = nil
	for _, cause := range slices.Sorted(maps.Keys(ep.again)) {
		k := e.known[cause]
		found = append(found, triage.Candidate{Case: k.c, Kind: k.kind, Note: k.note, Again: true})
	}
	if d == nil && seed%huntEvery == 0 && !ep.p.tainted && !ep.topo.replica && ep.topo.state() == "ok" {
		tokens, faults, err := e.hunt(ctx, ep)
		if found = append(found, faults...); err != nil {
			return stats, found, err
		}
		stats.Tokens = append(stats.Tokens, tokens...)
		slices.Sort(stats.Tokens)
	}
	if d == nil {
		return stats, found, nil
	}
	if d.fault != faultDiffers {
		stats.Restarts++
		e.bury(d)
	}
	c, err := e.candidate(ctx, ep, d)
	if c != nil {
		found = append(found, *c)
	}
	return stats, found, err
}

// bury stops the side that has a fault, and the other if it has the same: under --control both are of one make.
func (e *Engine) bury(d *difference) {
	for i, s := range e.st.sides {
		if s.node != nil && (i == d.side || s.alive() != nil) {
			s.stop()
		}
	}
}

// run plays the stream. While the servers work on one window the next is made.
func (ep *episode) run(ctx context.Context) (*difference, error) {
	sum := sha256.New()
	w := ep.e.window(0)
	ep.gen.next(w)
	for n := 1; ; n++ {
		if err := ep.p.send(w); err != nil {
			return nil, err
		}
		sum.Write(w.buf)
		next := ep.e.window(n)
		ep.gen.next(next)
		d, err := ep.p.receive(ctx)
		if d == nil && err == nil {
			d, err = ep.between(ctx, n)
		}
		if d != nil || err != nil || ep.p.tainted {
			return d, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		w = next
		if ep.p.pairs >= uint64(ep.e.opts.Commands) {
			break
		}
	}
	sum.Sum(ep.sum[:0])
	return ep.final(ctx)
}

// between compares states after a window.
func (ep *episode) between(ctx context.Context, n int) (*difference, error) {
	if ep.p.tainted {
		return nil, nil
	}
	if w := ep.p.played[len(ep.p.played)-1]; ep.e.opts.Lockstep && w.len() < 8 {
		return nil, nil
	}
	d, err := ep.p.counts(ep.topo)
	if d == nil && err == nil && n%ep.every == 0 {
		d, err = ep.p.keys(4, n/ep.every)
	}
	if d == nil && err == nil && n%(4*ep.every) == 0 {
		d, err = ep.p.invariants(ctx)
	}
	return d, err
}

// final compares everything at the end.
func (ep *episode) final(ctx context.Context) (*difference, error) {
	d, err := ep.p.keys(1, 0)
	if d == nil && err == nil {
		d, _, err = ep.p.ask(views)
	}
	if d == nil && err == nil {
		d, err = ep.p.invariants(ctx)
	}
	return d, err
}

// ops is the stream up to the difference, with the questions that show it. After a crash it is the whole window: a server
// writes the replies to many commands at once, so one of them may have been executed and not answered.
func (ep *episode) ops(d *difference) []op {
	var out []op
	for i, w := range ep.p.played {
		ops := w.ops()
		if i == d.window && w.mode == modeCount && d.fault == faultDiffers && d.command >= 0 && d.command < len(ops) {
			ops = ops[:d.command+1]
		}
		out = append(out, ops...)
	}
	return append(out, d.after...)
}

var faultKinds = map[fault][2]triage.Kind{
	faultDiffers:   {triage.Divergence, triage.Divergence},
	faultCrash:     {triage.OracleCrash, triage.TargetCrash},
	faultHang:      {triage.OracleHang, triage.TargetHang},
	faultInvariant: {triage.OracleCorrupt, triage.Invariant},
}

// candidate is a difference as package triage takes it. The stream of a new cause is shortened on the live nodes
// first: a case of thousands of steps would take minutes to play. Later hits of a cause come with the case of the first. A nil
// candidate: the difference is a fault of the oracle that is known and does not come again.
func (e *Engine) candidate(ctx context.Context, ep *episode, d *difference) (*triage.Candidate, error) {
	cause := d.cause()
	if k := e.known[cause]; k != nil {
		return &triage.Candidate{Case: k.c, Kind: k.kind, Note: k.note, Again: true}, nil
	}
	k := &reduced{kind: faultKinds[d.fault][d.side], note: d.note()}
	ops, topo := ep.ops(d), ep.topo
	if e.opts.ShrinkBudget > 0 {
		e.opts.Progress(fmt.Sprintf("seed %d: %s: shortening %d commands", ep.seed, k.note, len(ops)))
		s, err := e.shrink(ctx, topo, ops, d)
		if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errLate) {
			return nil, err
		}
		if s.last == nil && staleErrno(d) {
			return nil, nil
		}
		ops, topo = s.ops, s.topo
		e.opts.Progress(fmt.Sprintf("seed %d: %d commands are left", ep.seed, len(ops)))
		if s.last != nil {
			k.note = s.last.note()
			e.avoid(s.last, ops)
		}
	}
	e.last, e.lastTopo = ops, topo
	k.c = caseOf(topo, ops, k.note, ep.seed)
	e.known[cause] = k
	return &triage.Candidate{Case: k.c, Kind: k.kind, Note: k.note, Small: true}, nil
}
