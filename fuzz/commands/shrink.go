package commands

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/slotdiff/slotdiff/slot"
)

// unshown is how many commands are handed over of a stream that did not show its difference once more.
const unshown = 200

// shrinking is a stream on its way to a small one that shows the same difference. It is played on the live nodes, in windows, so
// a stream of thousands is tried in a fraction of a second.
type shrinking struct {
	e        *Engine
	ctx      context.Context
	deadline time.Time
	like     *difference
	topo     *topology
	ops      []op
	last     *difference // what ops show; nil: they did not show the difference once more
	err      error
}

// shrink drops commands of a stream for as long as the same difference comes of it: first all that have nothing to do with
// the last command's slots, then ever smaller runs of commands (ddmin). Then it looks for a simpler topology, and drops arguments.
func (e *Engine) shrink(ctx context.Context, t *topology, ops []op, d *difference) (*shrinking, error) {
	ctx, cancel := context.WithTimeout(ctx, e.opts.ShrinkBudget)
	defer cancel()
	s := &shrinking{e: e, ctx: ctx, deadline: time.Now().Add(e.opts.ShrinkBudget), like: d, topo: t, ops: ops}
	if !s.try(t, ops) {
		// Only chance or time made it, or what stands before the stream: the end of it may still tell.
		s.ops = ops[max(0, len(ops)-unshown):]
		return s, s.err
	}
	s.ends()
	s.runs()
	s.try(ownsAll(), s.ops)
	s.arguments()
	return s, s.err
}

// try plays ops and takes them if they show the difference.
func (s *shrinking) try(t *topology, ops []op) bool {
	if s.err != nil || time.Now().After(s.deadline) {
		return false
	}
	got, err := s.e.replay(s.ctx, t, ops, s.like)
	if err != nil {
		s.err = err
		return false
	}
	if got == nil || got.cause() != s.like.cause() {
		return false
	}
	s.topo, s.last, s.ops = t, got, cutAt(ops, got)
	return true
}

// ends takes what is related to the last command, or stands near it.
func (s *shrinking) ends() {
	if few := related(s.ops); len(few) < len(s.ops) {
		s.try(s.topo, few)
	}
	for keep := 64; keep < len(s.ops)/2; keep *= 4 {
		if s.try(s.topo, s.ops[len(s.ops)-keep:]) {
			break
		}
	}
}

// runs drops runs of commands, from the end: what came last matters least to what came before it.
func (s *shrinking) runs() {
	for chunk := (len(s.ops) + 1) / 2; chunk >= 1; {
		dropped := false
		for end := len(s.ops) - 1; end > 0; end -= chunk {
			from := max(0, end-chunk)
			if end <= len(s.ops) && s.try(s.topo, slices.Concat(s.ops[:from], s.ops[end:])) {
				dropped = true
			}
		}
		if chunk == 1 && !dropped {
			return
		}
		if !dropped || chunk > 1 {
			chunk = max(1, chunk/2)
		}
	}
}

// arguments drops words of commands, the last first.
func (s *shrinking) arguments() {
	for i := len(s.ops) - 1; i >= 0; i-- {
		if s.ops[i].mode != modeCount {
			continue
		}
		for at := len(s.ops[i].argv) - 1; at > 0; at-- {
			less := slices.Clone(s.ops)
			less[i].argv = slices.Delete(slices.Clone(less[i].argv), at, at+1)
			if s.try(s.topo, less); i >= len(s.ops) {
				return // the difference came sooner, and all behind it is gone
			}
		}
	}
}

// cutAt ends a stream where its difference came, if that was by a command.
func cutAt(ops []op, d *difference) []op {
	if d.window < 0 || d.fault != faultDiffers || d.command < 0 || d.command+1 > len(ops) {
		return ops
	}
	return ops[:d.command+1]
}

// stateful are the commands that change what a connection is.
var stateful = []string{"MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "ASKING", "READONLY", "READWRITE", "HELLO", "RESET"}

// is reports whether an op is the command of that name.
func (o *op) is(name string) bool {
	return len(o.argv) > 0 && bytes.EqualFold(o.argv[0], []byte(name))
}

// related keeps the commands that share a slot, by any argument, or the connection's state with the last one.
func related(ops []op) []op {
	last := ops[len(ops)-1]
	slots := map[uint16]bool{}
	for i := len(ops) - 1; i >= 0; i-- { // back to the MULTI, if the last one ends a transaction
		if ops[i].conn != last.conn {
			continue
		}
		for j, a := range ops[i].argv {
			if j > 0 {
				slots[slot.Of(a)] = true
			}
		}
		if !last.is("EXEC") || ops[i].is("MULTI") {
			break
		}
	}
	var out []op
	for i, o := range ops {
		keep := i == len(ops)-1 || o.mode != modeCount
		for j, a := range o.argv {
			keep = keep || j > 0 && slots[slot.Of(a)]
		}
		switch {
		case o.changesTable(), o.is("FLUSHALL"), o.is("FLUSHDB"):
			keep = true
		case o.conn == last.conn:
			keep = keep || slices.ContainsFunc(stateful, o.is)
		}
		if keep {
			out = append(out, o)
		}
	}
	return out
}

// replay plays ops on a fresh topology and returns the difference they make. Its command is the index in ops.
func (e *Engine) replay(ctx context.Context, t *topology, ops []op, like *difference) (*difference, error) {
	if err := e.st.again(ctx, t, ops); err != nil {
		return nil, e.troubled(ctx, err)
	}
	e.before = func() (*topology, []op) { return t, ops }
	p := &player{st: e.st, tally: newTally()}
	if like.what != "" {
		p.known = func(d *difference) bool { // another one is in the way
			d.renameLike(like)
			return d.cause() != like.cause()
		}
	}
	done := 0
	for done < len(ops) {
		if ops[done].mode == modeAwait && !sends(ops[:done], ops[done].conn) {
			done++ // what was to be awaited is not sent any more
			continue
		}
		w := &window{}
		n := 0
		for n < len(ops)-done && e.joins(ops, done, n) {
			o := ops[done+n]
			if n == 0 {
				w.reset(o.conn, o.mode)
				if o.conn == connPubSub && o.mode == modeCount {
					w.mode = modeMark
				}
			}
			if o.mode != modeAwait {
				id := uint16(noCommand)
				if c := p.tally.cat.lookup(o.argv); c != nil {
					id = c.id
				}
				w.add(id, o.argv...)
			}
			n++
		}
		if err := p.send(w); err != nil {
			return nil, err
		}
		d, err := p.receive(ctx)
		if errors.Is(err, errBoth) { // a client waits for ever whose rescue was dropped
			e.st.stands = nil
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if p.tainted {
			return nil, nil
		}
		if w.mode == modeSend {
			ops[done].blocked = w.blocked
		}
		if d != nil {
			d.command += done
			if d.fault != faultDiffers {
				e.bury(d)
			}
			d.renameLike(like)
			return d, nil
		}
		done += n
	}
	if like.fault == faultInvariant {
		return p.invariants(ctx)
	}
	return nil, nil
}

// renameLike gives a difference the name of another, if that was seen in the state and the question about it is a command here.
func (d *difference) renameLike(like *difference) {
	if d.id == like.id && like.window < 0 && like.fault == faultDiffers {
		d.what = like.what
	}
}

// joins reports whether command n after done may stand in the window that begins there.
func (e *Engine) joins(ops []op, done, n int) bool {
	if n == 0 {
		return true
	}
	first, before, o := ops[done], ops[done+n-1], ops[done+n]
	return n < 1024 && !before.last && o.conn == first.conn && o.mode == modeCount && first.mode == modeCount &&
		!before.changesTable() && o.conn != connPubSub
}
