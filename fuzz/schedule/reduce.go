package schedule

import (
	"slices"

	"github.com/slotdiff/slotdiff/harness/sim"
)

// Reduce makes a schedule as small as it can while fails holds of it, in at most so many tries.
// Events are dropped in ever smaller runs (ddmin of Zeller and Hildebrandt), then the times
// between those that are left are shortened. fails must hold of s.
func Reduce(s *sim.Schedule, tries int, fails func(*sim.Schedule) bool) *sim.Schedule {
	r := &reducer{best: *s, tries: tries, fails: fails}
	r.drop()
	r.shorten()
	return &r.best
}

type reducer struct {
	best  sim.Schedule
	tries int
	fails func(*sim.Schedule) bool
}

// accept takes events for the best if they still fail.
func (r *reducer) accept(events []sim.Event) bool {
	if r.tries == 0 {
		return false
	}
	r.tries--
	try := r.best
	try.Events = events
	if !r.fails(&try) {
		return false
	}
	r.best = try
	return true
}

// drop leaves events out, half of them at first and one at a time in the end. The time of what is
// left out is kept if need be.
func (r *reducer) drop() {
	for size := max(1, len(r.best.Events)/2); ; size = max(1, size/2) {
		dropped := false
		for at := 0; at < len(r.best.Events) && r.tries > 0; {
			end := min(at+size, len(r.best.Events))
			if r.accept(without(r.best.Events, at, end, false)) || r.accept(without(r.best.Events, at, end, true)) {
				dropped = true
				continue
			}
			at = end
		}
		if r.tries == 0 || (size == 1 && !dropped) {
			return
		}
	}
}

// without leaves events[lo:hi] out. keep gives their time to the event behind them.
func without(events []sim.Event, lo, hi int, keep bool) []sim.Event {
	out := slices.Concat(events[:lo], events[hi:])
	if keep && hi < len(events) {
		for _, ev := range events[lo:hi] {
			out[lo].After += ev.After
		}
	}
	return out
}

func (r *reducer) shorten() {
	for i := range r.best.Events {
		for _, after := range []int64{0, r.best.Events[i].After / 10, r.best.Events[i].After / 2} {
			if after >= r.best.Events[i].After {
				continue
			}
			events := slices.Clone(r.best.Events)
			events[i].After = after
			if r.accept(events) {
				break
			}
		}
	}
}
