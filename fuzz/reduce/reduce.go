// Package reduce makes a case small while it still shows the same fault. It drops actors, steps, words,
// packet fields, gossip entries and extensions (ddmin of Zeller and Hildebrandt), shortens slot ranges, numbers,
// values and bytes, and renames keys to short ones.
//
// It refuses to know what the fault is: the caller says whether a case still shows it.
package reduce

import (
	"context"
	"fmt"
	"time"

	"github.com/slotdiff/slotdiff/harness/scenario"
)

// DefaultBudget is how long the reduction of one finding may take.
const DefaultBudget = time.Minute

// DefaultParallel is how many cases are tried at once: they wait more than they compute.
const DefaultParallel = 4

// Shows reports whether a case still shows the fault. It is called concurrently and must not change its argument,
// which has been parsed from its own text and has passed runner.Check.
type Shows func(ctx context.Context, c *scenario.Case) bool

// Options bound a reduction. The zero Options are good ones.
type Options struct {
	// Budget is the time it may take. Zero: DefaultBudget.
	Budget time.Duration
	// Parallel is how many cases are tried at once. Zero: DefaultParallel.
	Parallel int
}

// Report says what a reduction did.
type Report struct {
	Tries                   int // cases that were played
	StepsBefore, StepsAfter int
	BytesBefore, BytesAfter int // of the case's text
	Took                    time.Duration
	OutOfTime               bool // the budget ended it: what is left may be reducible
}

// String is one line for people.
func (r Report) String() string {
	s := fmt.Sprintf("reduced from %d steps to %d, %d bytes to %d, in %d tries and %s",
		r.StepsBefore, r.StepsAfter, r.BytesBefore, r.BytesAfter, r.Tries, r.Took.Round(100*time.Millisecond))
	if r.OutOfTime {
		s += "; time ran out"
	}
	return s
}

// Case reduces c, of which shows must hold, and returns the smallest case found. c itself is not changed. A fault that
// shows up by chance may keep more than it needs: what does not show it once counts as needed.
func Case(ctx context.Context, c *scenario.Case, opts Options, shows Shows) (*scenario.Case, Report) {
	if opts.Budget == 0 {
		opts.Budget = DefaultBudget
	}
	if opts.Parallel == 0 {
		opts.Parallel = DefaultParallel
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, opts.Budget)
	defer cancel()
	best, err := reparse(c)
	if err != nil {
		best = clone(c)
	}
	r := &reducer{ctx: ctx, best: best, parallel: opts.Parallel, shows: shows, tried: map[string]bool{}}
	rep := Report{StepsBefore: steps(best), BytesBefore: len(scenario.Format(best))}
	for _, pass := range []func(){r.actors, r.steps, r.lines, r.words, r.slots, r.values, r.steps, r.rename} {
		if ctx.Err() == nil {
			pass()
		}
	}
	rep.Tries, rep.Took, rep.OutOfTime = r.tries, time.Since(start), ctx.Err() != nil
	rep.StepsAfter, rep.BytesAfter = steps(r.best), len(scenario.Format(r.best))
	return r.best, rep
}

func steps(c *scenario.Case) int {
	n := 0
	for range c.Steps() {
		n++
	}
	return n
}
