package reduce

import (
	"context"
	"slices"
	"sync"

	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
)

type reducer struct {
	ctx      context.Context
	best     *scenario.Case
	parallel int
	shows    Shows
	tried    map[string]bool // the text of every case that was played, but for those that became the best
	tries    int
}

// reparse gives a case as its text has it, with lines. The error is a mistake in the case.
func reparse(c *scenario.Case) (*scenario.Case, error) {
	out, err := scenario.Parse(c.Path, scenario.Format(c))
	if err != nil {
		return nil, err
	}
	out.Loose = c.Loose
	return out, runner.Check(out)
}

// try plays candidates, as many at once as is allowed, and returns the indexes of those that show the fault. Nil candidates,
// those that are no case, and those tried before show nothing, at no cost.
func (r *reducer) try(candidates []*scenario.Case) []int {
	good := make([]bool, len(candidates))
	var wg sync.WaitGroup
	room := make(chan struct{}, r.parallel)
	for i, c := range candidates {
		if c == nil || r.ctx.Err() != nil {
			continue
		}
		parsed, err := reparse(c)
		if err != nil {
			continue
		}
		text := string(scenario.Format(parsed))
		if r.tried[text] {
			continue
		}
		r.tried[text] = true
		r.tries++
		candidates[i] = parsed
		wg.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			// A play that was cut short shows nothing.
			good[i] = r.shows(r.ctx, parsed) && r.ctx.Err() == nil
		})
	}
	wg.Wait()
	var out []int
	for i, ok := range good {
		if ok {
			out = append(out, i)
		}
	}
	return out
}

// accept makes c the best if it shows the fault.
func (r *reducer) accept(c *scenario.Case) bool {
	list := []*scenario.Case{c}
	if len(r.try(list)) == 0 {
		return false
	}
	r.best = list[0]
	return true
}

// minimise finds a small set of n things without which the fault is gone. build makes the case that has those whose keep
// is true, from the best case as it was at the call. Things are dropped all at once, then in ever smaller
// runs.
func (r *reducer) minimise(n int, build func(keep []bool) *scenario.Case) {
	if n == 0 {
		return
	}
	keep := make([]bool, n)
	if r.accept(build(keep)) {
		return
	}
	for i := range keep {
		keep[i] = true
	}
	for size := (n + 1) / 2; size >= 1 && n > 1; size /= 2 {
		for r.pass(keep, size, build) && size == 1 {
		}
		if r.ctx.Err() != nil {
			return
		}
	}
}

// pass tries to drop each run of size things that are left and reports whether one could be.
func (r *reducer) pass(keep []bool, size int, build func([]bool) *scenario.Case) bool {
	var left []int
	for i, k := range keep {
		if k {
			left = append(left, i)
		}
	}
	if len(left) <= size && len(left) > 1 {
		return false // all of them: tried
	}
	runs := slices.Collect(slices.Chunk(left, size))
	dropped := false
	for len(runs) > 0 && r.ctx.Err() == nil {
		wave := runs[:min(len(runs), r.parallel)]
		runs = runs[len(wave):]
		candidates := make([]*scenario.Case, len(wave))
		for i, run := range wave {
			candidates[i] = build(without(keep, run))
		}
		good := r.try(candidates)
		if len(good) == 0 {
			continue
		}
		dropped = true
		if len(good) > 1 {
			all := slices.Clone(keep)
			for _, i := range good {
				copy(all, without(all, wave[i]))
			}
			if r.accept(build(all)) {
				copy(keep, all)
				continue
			}
			// Together they are too much: the others get their turn again.
			for _, i := range good[1:] {
				runs = append(runs, wave[i])
			}
		}
		copy(keep, without(keep, wave[good[0]]))
		r.best = candidates[good[0]]
	}
	return dropped
}

func without(keep []bool, run []int) []bool {
	out := slices.Clone(keep)
	for _, i := range run {
		out[i] = false
	}
	return out
}
