package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Speed is how many command pairs a second an engine does, and the ceiling of the same bytes over plain sockets:
// written to both sides, read by size, compared, with no generator, no framing and no look at any state.
type Speed struct{ Pairs, Ceiling float64 }

// Ratio is the part of the ceiling that is reached.
func (s Speed) Ratio() float64 { return s.Pairs / s.Ceiling }

// Bench plays the stream of a seed, and its bytes once more over plain sockets, in turns, and returns the medians.
// The set-up of topologies is not counted. The target must agree with the oracle.
func (e *Engine) Bench(ctx context.Context, seed uint64, rounds int) (Speed, error) {
	if err := e.prepare(ctx); err != nil {
		return Speed{}, err
	}
	var pairs, ceiling []float64
	for r := range uint64(rounds) {
		var ep *episode
		for try := seed + r; ; try += uint64(rounds) {
			ep = e.newEpisode(try)
			if !ep.topo.replica && !ep.topo.whole {
				break
			}
		}
		ep.p.record = true
		if err := e.st.build(ctx, ep.topo); err != nil {
			return Speed{}, e.troubled(ctx, err)
		}
		start := time.Now()
		d, err := ep.run(ctx)
		took := time.Since(start)
		if err != nil {
			return Speed{}, err
		}
		if ep.p.pairs < uint64(e.opts.Commands) && d != nil {
			e.opts.Progress("bench: seed " + fmt.Sprint(ep.seed) + " ends early: " + d.note())
		}
		if err := e.st.build(ctx, ep.topo); err != nil {
			return Speed{}, e.troubled(ctx, err)
		}
		raw, err := ep.p.again(ctx)
		if err != nil {
			return Speed{}, err
		}
		pairs = append(pairs, float64(ep.p.pairs)/took.Seconds())
		ceiling = append(ceiling, float64(ep.p.pairs)/raw.Seconds())
	}
	slices.Sort(pairs)
	slices.Sort(ceiling)
	return Speed{pairs[len(pairs)/2], ceiling[len(ceiling)/2]}, nil
}

// again sends what was played once more and says how long that takes.
func (p *player) again(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	n := 0
	mute := &player{st: p.st, tally: p.tally, lockstep: p.lockstep}
	for _, w := range p.played {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		reads := 1
		if p.lockstep && w.mode == modeCount {
			reads = w.len()
		}
		sizes := p.sizes[min(n, len(p.sizes)):min(n+reads, len(p.sizes))]
		if w.mode != modeSend && (w.mode != modeCount || w.len() > 0) {
			n += reads
		}
		if w.mode != modeCount || !p.sized(w) || len(sizes) < reads || w.len() == 0 {
			if err := mute.send(w); err != nil {
				return 0, err
			}
			if _, err := mute.receive(ctx); err != nil {
				return 0, err
			}
			continue
		}
		for i, size := range sizes {
			out := w.buf
			if p.lockstep {
				out = w.bytes(i)
			}
			if err := p.exchange(w.conn, out, size); err != nil {
				return 0, err
			}
		}
	}
	return time.Since(start), nil
}

// exchange writes to both sides, reads a reply of known size from both, and compares.
func (p *player) exchange(conn int, out []byte, size int) error {
	var got [2][]byte
	for _, s := range p.st.sides {
		c, err := s.conn(conn)
		if err != nil {
			return err
		}
		c.begin()
		if err := c.write(out); err != nil {
			return err
		}
	}
	for i, s := range p.st.sides {
		c := s.conns[conn]
		for len(c.buf)-c.start < size {
			if err := c.fill(); err != nil {
				return err
			}
		}
		got[i] = c.give(c.start + size)
	}
	_ = slices.Equal(got[0], got[1]) // what differs is known from the first time
	return nil
}

// sized reports whether the replies to a window have the same length each time: none tells an epoch or a counter.
func (p *player) sized(w *window) bool {
	for _, id := range w.ids {
		if id == noCommand {
			continue
		}
		name := p.tally.cat.all[id].name()
		if name == "hello" || strings.HasPrefix(name, "cluster|") && name != "cluster|keyslot" && name != "cluster|countkeysinslot" {
			return false
		}
	}
	return true
}
