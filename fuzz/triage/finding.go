package triage

import (
	"cmp"
	"context"
	"slices"

	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/fuzz/reduce"
	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// finding is a candidate on its way to a group.
type finding struct {
	cause     cause.Cause
	candidate Candidate
	whole     *scenario.Case
	small     *scenario.Case
	result    *verdict.Result // of the smallest case that was seen to show the cause
	// recording is whose oracle answers fill the expected blocks; nil: result's.
	recording *verdict.Result
	report    reduce.Report
	confirmed int
	noise     int
	alone     bool // the cause was seen on the oracle alone
}

// reduce makes the case of a finding small and plays the result Times times. A reduction that was lucky once, or that
// ends in a case in which the oracle differs from itself, is done again with a stricter look, and at last given
// up for the whole case.
func (t *Triage) reduce(ctx context.Context, f *finding) error {
	short, end := cut(f.whole, f.result)
	patience := patienceOf(f.result)
	shows := func(ctx context.Context, c *scenario.Case) bool {
		_, causes := t.play(ctx, patience.limit(c), how{f.candidate.Seed, end, f.alone})
		return slices.ContainsFunc(causes, f.cause.Same)
	}
	strictly := func(ctx context.Context, c *scenario.Case) bool {
		for range 2 {
			if !shows(ctx, c) {
				return false
			}
		}
		return !t.noisy(ctx, c, f)
	}
	t.mu.Lock()
	opts := reduce.Options{Budget: t.budget, Parallel: t.opts.Parallel}
	t.mu.Unlock()
	if f.candidate.Small {
		opts.Budget = min(SmallBudget, cmp.Or(opts.Budget, reduce.DefaultBudget))
	}

	f.small, f.report = reduce.Case(ctx, short, opts, shows)
	t.together(ctx, f, end)
	if t.prove(ctx, f, end); f.sound() || ctx.Err() != nil {
		return ctx.Err()
	}
	f.small = short
	if t.prove(ctx, f, end); f.sound() && ctx.Err() == nil {
		proven := *f
		if f.small, f.report = reduce.Case(ctx, short, opts, strictly); ctx.Err() == nil {
			if t.prove(ctx, f, end); !f.sound() {
				*f = proven
			}
		}
		return ctx.Err()
	}
	if f.confirmed == 0 {
		f.small = f.whole
		t.prove(ctx, f, true)
	}
	return ctx.Err()
}

// together goes on with both sides, as whoever replays the case does, if what the oracle alone showed is seen there too.
func (t *Triage) together(ctx context.Context, f *finding, end bool) {
	if f.alone && ctx.Err() == nil {
		_, causes := t.play(ctx, f.small, how{f.candidate.Seed, end, false})
		f.alone = !slices.ContainsFunc(causes, f.cause.Same)
	}
}

// sound reports whether the case of a finding shows its cause, and only against the target.
func (f *finding) sound() bool { return f.confirmed > 0 && f.noise == 0 }

// prove plays the case of a finding Times times on both sides and, where it shows a difference, on two instances of
// the oracle.
func (t *Triage) prove(ctx context.Context, f *finding, end bool) {
	t.confirm(ctx, f, end)
	f.noise = 0
	if f.confirmed == 0 || f.cause.Kind != Divergence {
		return
	}
	for range t.opts.Times {
		if t.noisy(ctx, f.small, f) {
			f.noise++
		}
	}
}

// noisy reports whether two instances of the oracle part in a case as the cause of a finding says, either way round.
func (t *Triage) noisy(ctx context.Context, c *scenario.Case, f *finding) bool {
	res := runner.Run(ctx, c, runner.Config{
		Oracle: t.opts.Oracle, Target: t.opts.Oracle, Seed: f.candidate.Seed, Mode: mode, Explore: true, SkipEnd: true,
	})
	return slices.ContainsFunc(cause.Of(c, res), f.cause.SameEitherWay)
}

// confirm counts how often the case of a finding shows its cause, and keeps the result and the cause of a play that does.
func (t *Triage) confirm(ctx context.Context, f *finding, end bool) {
	f.confirmed = 0
	for range t.opts.Times {
		res, causes := t.play(ctx, f.small, how{f.candidate.Seed, end, f.alone})
		i := slices.IndexFunc(causes, f.cause.Same)
		if i < 0 {
			continue
		}
		if f.confirmed++; f.confirmed == 1 {
			f.result, f.cause = res, causes[i]
		}
	}
}
