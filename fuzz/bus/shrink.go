package bus

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/fuzz/triage"
)

// shrinkTime bounds how long an episode is made shorter before triage gets it, which goes on more slowly
// and more thoroughly.
var shrinkTime = 20 * time.Second

// crashTime is how long after an input a server may take to crash of it: some ticks.
const crashTime = 300 * time.Millisecond

// settleAgain is how long states that differ may take to become equal when that is seen again: most that do need a tick.
const settleAgain = 400 * time.Millisecond

// shrink drops the ops of an episode without which the same thing is found, on the lane where it was found: an episode
// takes a tick there. The result is what it was found with last. ok is false when the whole episode does not show it again.
func (ln *lane) shrink(ctx context.Context, e *Episode, f *found) (*Episode, *found, bool) {
	deadline := time.Now().Add(shrinkTime)
	best, last := *e, f
	ln.settle = settleAgain
	defer func() { ln.settle = 0 }()
	if f.kind == triage.OracleCrash || f.kind == triage.TargetCrash {
		ln.linger = crashTime
		deadline = deadline.Add(2 * shrinkTime)
		defer func() { ln.linger = 0 }()
	}
	best.Ops = slices.Clone(e.Ops[:min(len(e.Ops), f.op+1)])
	try := func(ops []Op, met []int) bool {
		if time.Now().After(deadline) || ctx.Err() != nil {
			return false
		}
		c := best
		c.Ops, c.Met, c.done = ops, met, nil
		if strays(&c, ln.quirks) {
			return false
		}
		got, err := ln.play(ctx, &c, false)
		if err != nil || got == nil || !sameFault(got, f) {
			return false
		}
		best, last = c, got
		best.Ops = best.Ops[:min(len(best.Ops), got.op+1)]
		return true
	}
	shown := try(best.Ops, best.Met)
	if !shown { // once more: a fault may need luck
		shown = try(best.Ops, best.Met)
	}
	if !shown {
		return e, f, false
	}
	for size := max(1, len(best.Ops)/2); ; size /= 2 {
		for at := len(best.Ops) - size; at > -size; at -= size {
			lo, hi := max(0, at), min(at+size, len(best.Ops))
			if lo >= hi {
				continue
			}
			try(slices.Delete(slices.Clone(best.Ops), lo, hi), best.Met)
		}
		if size == 1 {
			break
		}
	}
	for _, a := range slices.Clone(best.Met) {
		if len(best.Met) > 1 {
			try(best.Ops, slices.DeleteFunc(slices.Clone(best.Met), func(x int) bool { return x == a }))
		}
	}
	for i := range best.Ops {
		if i < len(best.Ops) && best.Ops[i].Times > 1 {
			ops := slices.Clone(best.Ops)
			ops[i].Times = 0
			try(ops, best.Met)
		}
	}
	return &best, last, true
}

// sameFault reports whether two notes tell of one kind of fault.
func sameFault(a, b *found) bool {
	if a.kind == triage.OracleCrash || a.kind == triage.TargetCrash {
		return a.kind == b.kind // the note has addresses and other things of chance
	}
	return a.kind == b.kind && (cause.Fold(a.note) == cause.Fold(b.note) || where(a.note) == where(b.note))
}

// where is what a note is about, without what was seen.
func where(note string) string {
	w := strings.Fields(note)
	return strings.Join(w[:min(2, len(w))], " ")
}

// strays reports whether an episode, made smaller, does what no episode of its kind may, or shows a fault that is known.
func strays(e *Episode, known *quirks.List) bool {
	c := newConductor(e.Met)
	c.acts.deaf = true
	for i := range e.Ops {
		if op := &e.Ops[i]; op.Do == DoSend && c.open(op.Link) && c.quirk(known, e.Hunt, op.Link, c.stream(op)) != "" {
			return true
		}
		for _, name := range c.perform(&e.Ops[i]).unsafe {
			if !e.Hunt || fatal[name] {
				return true
			}
		}
	}
	for _, name := range c.flush().unsafe {
		if !e.Hunt || fatal[name] {
			return true
		}
	}
	return false
}
