package commands

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/slotdiff/slotdiff/slot"
)

// unshown is how many commands are handed over of a stream that did not show its difference once more.
const unshown = 200

// shrink drops commands of a stream for as long as the same difference comes of it: first all that have
// nothing to do with the last command's slots, then ever smaller runs of commands (ddmin). It plays on the live nodes, in
// windows, so a stream of thousands is tried in a fraction of a second. last is the difference that the result shows, nil
// if the stream did not show its own once more.
func (e *Engine) shrink(ctx context.Context, t *topology, ops []op, d *difference) (small []op, last *difference, err error) {
	ctx, cancel := context.WithTimeout(ctx, e.opts.ShrinkBudget)
	defer cancel()
	deadline := time.Now().Add(e.opts.ShrinkBudget)
	cause := d.cause()
	shows := func(try []op) bool {
		if err != nil || time.Now().After(deadline) {
			return false
		}
		got, rerr := e.replay(ctx, t, try, d)
		if rerr != nil {
			err = rerr
			return false
		}
		if got == nil || got.cause() != cause {
			return false
		}
		last = got
		return true
	}
	if !shows(ops) {
		// Only chance or time made it, or what stands before the stream: the end of it may still tell.
		return ops[max(0, len(ops)-unshown):], nil, err
	}
	ops = cutAt(ops, last)
	if try := related(ops); len(try) < len(ops) && shows(try) {
		ops = cutAt(try, last)
	}
	for keep := 64; keep < len(ops)/2; keep *= 4 {
		if try := ops[len(ops)-keep:]; shows(try) {
			ops = try
			break
		}
	}
	for chunk := (len(ops) + 1) / 2; chunk >= 1; {
		dropped := false
		// From the end: what came last matters least to what came before it.
		for end := len(ops) - 1; end > 0; end -= chunk {
			from := max(0, end-chunk)
			if end > len(ops) {
				continue
			}
			try := append(append([]op(nil), ops[:from]...), ops[end:]...)
			if shows(try) {
				ops, dropped = try, true
			}
		}
		if chunk == 1 && !dropped {
			break
		}
		if !dropped || chunk > 1 {
			chunk = max(1, chunk/2)
		}
	}
	return ops, last, err
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
	p := &player{st: e.st, tally: newTally()}
	done := 0
	for done < len(ops) {
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
				e.st.sides[d.side].stop()
			}
			if d.id == like.id && like.window < 0 && like.fault == faultDiffers {
				d.what = like.what // the question about the state is a command here
			}
			return d, nil
		}
		done += n
	}
	if like.fault == faultInvariant {
		return p.invariants(ctx)
	}
	return nil, nil
}

// joins reports whether command n after done may stand in the window that begins there.
func (e *Engine) joins(ops []op, done, n int) bool {
	if n == 0 {
		return true
	}
	first, before, o := ops[done], ops[done+n-1], ops[done+n]
	return n < 256 && o.conn == first.conn && o.mode == modeCount && first.mode == modeCount &&
		!bytes.EqualFold(before.argv[0], []byte("CLUSTER")) && o.conn != connPubSub
}
