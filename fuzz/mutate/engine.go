// Package mutate is the engine of `slotdiff fuzz cases`: it takes recorded cases, changes and splices their steps, and
// plays what comes out on both sides.
//
// Recordings stand at places that are hard to reach for a generator; this one looks around them. It refuses to know what
// is right.
package mutate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/campaign"
	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// DefaultBatch is how many mutants an episode has, and atOnce how many are played at a time: they wait more than they compute, and the
// slowest wait for several times as long as the others, so that an episode is to have more than are played at once.
const (
	DefaultBatch = 96
	atOnce       = 32
)

// Engine implements campaign.Engine.
type Engine struct {
	env   campaign.Env
	seeds []*scenario.Case
	pool  *pool
	batch int
	stood sync.Map // keys of the causes that have come again each time
}

// New makes an engine of the corpus. batch is how many mutants an episode plays; zero: DefaultBatch.
func New(env campaign.Env, batch int) (*Engine, error) {
	e := &Engine{env: env, batch: cmp.Or(batch, DefaultBatch)}
	for _, c := range env.Corpus {
		if usable(c) {
			e.seeds = append(e.seeds, c)
		}
	}
	if len(e.seeds) == 0 {
		return nil, fmt.Errorf("fuzz cases: the corpus has no case that can be played on live nodes")
	}
	e.pool = newPool(e.seeds)
	return e, nil
}

// Seeds is how many cases the engine mutates.
func (e *Engine) Seeds() int { return len(e.seeds) }

// Name implements campaign.Engine.
func (e *Engine) Name() string { return "cases" }

// maxNodes bounds the nodes of a case that is worth mutating: what more of them say to each other depends on time.
const maxNodes = 2

// usable reports whether mutants of the case can be compared. Those in which nodes keep metrics of slots (processor time, memory of
// the allocator) can not: two servers never have the same.
func usable(c *scenario.Case) bool {
	nodes := 0
	for _, st := range c.Steps() {
		switch st.Actor {
		case "node":
			nodes++
			if text := st.Text(); strings.Contains(text, "cluster-slot-stats-enabled=") && !strings.Contains(text, "cluster-slot-stats-enabled=net") {
				return false
			}
		case "cut", "heal", "delay", "pause", "resume", "advance":
			return false
		}
		if len(st.Conds) > 0 {
			return false
		}
	}
	return nodes > 0 && nodes <= maxNodes && !slices.Contains(c.Header.Needs, "sim")
}

// Mutants are the cases of a seed. Equal seeds and corpora give equal mutants.
func (e *Engine) Mutants(seed uint64) []*scenario.Case {
	r := rand.New(rand.NewPCG(seed, 0x6d7574617465))
	var out []*scenario.Case
	for tries := 0; len(out) < e.batch && tries < 20*e.batch; tries++ {
		m := mutation{Rand: r, pool: e.pool, c: clone(e.seeds[r.IntN(len(e.seeds))])}
		if own, err := bus.ParseOmit(m.c.Header.Omit); err == nil { // else the check of the mutant refuses it
			m.c.Header.Omit = own.Join(e.env.Omit).String()
		}
		m.apply()
		if c := m.finish(); c != nil {
			out = append(out, c)
		}
	}
	return out
}

// Episode implements campaign.Engine.
func (e *Engine) Episode(ctx context.Context, seed uint64) (campaign.Stats, []triage.Candidate, error) {
	stats := campaign.Stats{Held: map[string]uint64{}, Windows: 1}
	h := sha256.New()
	var play []*scenario.Case
	for _, c := range e.Mutants(seed) {
		fmt.Fprintf(h, "%s\n", scenario.Format(c))
		if q := e.env.Quirks.MatchCase(e.env.Oracle.Identity().Version, c); q != nil {
			stats.Held[q.Name]++
			continue
		}
		if name := hazard(c); name != "" {
			stats.Held[name]++
			continue
		}
		play = append(play, c)
	}
	copy(stats.Digest[:], h.Sum(nil))

	results := make([]*verdict.Result, len(play))
	causes := make([][]cause.Cause, len(play))
	var flaky, unexecuted, byClock atomic.Uint64
	each(len(play), atOnce, func(i int) {
		results[i] = e.play(ctx, play[i], seed, 0)
		causes[i] = cause.Of(play[i], results[i])
		switch {
		case !differs(causes[i]):
		case cause.Unexecuted(results[i]):
			causes[i] = nil
			unexecuted.Add(1)
		case tellsOfTask(results[i]):
			causes[i] = nil
			byClock.Add(1)
		}
	})
	each(len(play), calm, func(i int) {
		if differs(causes[i]) && !e.comesAgain(ctx, play[i], seed, causes[i][0]) {
			causes[i] = nil
			flaky.Add(1)
		}
	})
	stats.Flaky = flaky.Load()
	if n := unexecuted.Load(); n > 0 {
		stats.Held["target-does-not-execute"] = n
	}
	if n := byClock.Load(); n > 0 {
		stats.Held[taskByClock] = n
	}
	var found []triage.Candidate
	tokens := map[string]bool{}
	var longest *scenario.Case // of the mutants, the one whose tokens are the most
	most := 0
	for i, res := range results {
		count(&stats, play[i], res)
		before := len(tokens)
		tally(tokens, play[i], res)
		if n := len(tokens) - before; n > most {
			longest, most = play[i], n
		}
		for _, ca := range causes[i] {
			found = append(found, triage.Candidate{Case: play[i], Kind: ca.Kind, Note: ca.Key()})
		}
	}
	if err := ctx.Err(); err != nil {
		return stats, nil, err
	}
	for token := range tokens {
		stats.Tokens = append(stats.Tokens, token)
	}
	slices.Sort(stats.Tokens)
	if longest != nil {
		stats.Case = func() *scenario.Case { return longest }
	}
	return stats, found, nil
}

// A mutant may have lost the wait that a recorded case has for good reason, or had too short a one on a busy machine. So a difference is
// looked for again when the machine has less to do: calm plays at once, again times, or once if its cause has stood that before. patience
// is how much longer one side may take than the other.
const (
	calm     = 4
	again    = 4
	patience = 10 * time.Second
)

// comesAgain reports whether a difference shows in every further play.
func (e *Engine) comesAgain(ctx context.Context, c *scenario.Case, seed uint64, ca cause.Cause) bool {
	plays := again
	if _, stood := e.stood.Load(ca.Key()); stood {
		plays = 1
	}
	for range 2 * plays {
		res := e.play(ctx, c, seed, patience)
		switch {
		case ctx.Err() != nil:
			return false
		case outOfStep(res):
			continue
		case !slices.ContainsFunc(cause.Of(c, res), ca.Same):
			return false
		}
		if plays--; plays == 0 {
			if !e.standsFenced(ctx, c, seed) {
				return false
			}
			e.stood.Store(ca.Key(), true)
			return true
		}
	}
	return false
}

// standsFenced reports whether the sides still differ, in whatever, where each packet has been processed before anybody else speaks. Where
// they do not, the difference was which of two came first.
func (e *Engine) standsFenced(ctx context.Context, c *scenario.Case, seed uint64) bool {
	f := fenced(c)
	return f == nil || len(cause.Of(f, e.play(ctx, f, seed, patience))) > 0
}

// maxAge is how much older a server of one side may be than that of the other: as the target's starts when the oracle's is up, on a busy
// machine one has its delays behind it that are still before the other.
const maxAge = 700 * time.Millisecond

// outOfStep reports whether a play says nothing of a difference, for the servers of one side are older than those of the other.
func outOfStep(res *verdict.Result) bool {
	return slices.ContainsFunc(res.Steps, func(st verdict.Step) bool {
		actor, _, _ := strings.Cut(st.Text, " ")
		return (actor == "node" || actor == "restart") && st.Oracle != nil && st.Target != nil && st.Target.Duration-st.Oracle.Duration > maxAge
	})
}

// differs reports whether what a play shows is a difference.
func differs(causes []cause.Cause) bool { return len(causes) > 0 && causes[0].Kind == cause.Divergence }

// each calls f for every index below n, at most so many at once.
func each(n, atOnce int, f func(i int)) {
	var wg sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for i := range n {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			f(i)
		})
	}
	wg.Wait()
}

func (e *Engine) play(ctx context.Context, c *scenario.Case, seed uint64, patience time.Duration) *verdict.Result {
	return runner.Run(ctx, c, runner.Config{
		Oracle: e.env.Oracle, Target: e.env.Target, Seed: seed, Mode: "strict", Explore: true, Patience: patience,
	})
}

// count adds what was compared.
func count(stats *campaign.Stats, c *scenario.Case, res *verdict.Result) {
	lines := map[int]bool{}
	for i := range res.Steps {
		lines[res.Steps[i].Line] = true
	}
	for _, p := range runner.Packets(c) {
		if lines[p.Step.Line] {
			stats.Packets++
			delete(lines, p.Step.Line)
		}
	}
	stats.Commands += uint64(len(lines))
}

// tally collects the coverage tokens of a played case: commands, packet types, rules, and the kinds of answers.
func tally(tokens map[string]bool, c *scenario.Case, res *verdict.Result) {
	played := map[int]*verdict.Step{}
	for i := range res.Steps {
		played[res.Steps[i].Line] = &res.Steps[i]
	}
	for _, st := range c.Steps() {
		step := played[st.Line]
		if step == nil {
			continue
		}
		what := runner.Describe(c, st)
		if what != "" && what[0] >= 'A' && what[0] <= 'Z' {
			tokens["command:"+token(what)] = true
			if step.Oracle != nil && len(step.Oracle.Lines) > 0 {
				tokens["answer:"+token(cause.AnswerClass(step.Oracle.Lines))] = true
			}
		}
	}
	for _, p := range runner.Packets(c) {
		if played[p.Step.Line] == nil {
			continue
		}
		tokens["rule:"+bus.Check(p.Frame).Rule.String()] = true
		if parsed, err := bus.Parse(p.Frame); err == nil {
			tokens["packet:"+token(parsed.Type.String())] = true
		}
	}
}

// AllTokens implements campaign.Total, for what has an end: rules and packet types.
func (e *Engine) AllTokens() []string {
	var out []string
	for _, r := range bus.Rules() {
		out = append(out, "rule:"+r.String())
	}
	for t := bus.TypePing; t <= bus.TypeModule; t++ {
		out = append(out, "packet:"+token(t.String()))
	}
	return out
}

// token makes one word of a text.
func token(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c <= ' ' || c > '~' {
			b[i] = '-'
		}
	}
	return string(b)
}
