package commands

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"
)

// Speed is how many command pairs a second an engine does, and the ceiling of the same bytes over plain sockets:
// written to both sides, read, compared, with no generator and no look at any reply or state.
type Speed struct{ Pairs, Ceiling float64 }

// Ratio is the part of the ceiling that is reached.
func (s Speed) Ratio() float64 { return s.Pairs / s.Ceiling }

// Bench plays the stream of a seed, and its bytes once more over plain sockets, in turns, and returns the medians of the speed
// and of the ratio: what else the machine does slows both of a round. The set-up of topologies is not counted. The target must agree with the oracle.
func (e *Engine) Bench(ctx context.Context, seed uint64, rounds int) (Speed, error) {
	if err := e.prepare(ctx); err != nil {
		return Speed{}, err
	}
	var pairs, ratios []float64
	for r := range uint64(rounds) {
		var ep *episode
		for try := seed + r; ; try += uint64(rounds) {
			ep = e.newEpisode(try)
			if !ep.topo.replica && !ep.topo.whole {
				break
			}
		}
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
		ratios = append(ratios, raw.Seconds()/took.Seconds())
	}
	slices.Sort(pairs)
	slices.Sort(ratios)
	median := pairs[len(pairs)/2]
	return Speed{Pairs: median, Ceiling: median / ratios[len(ratios)/2]}, nil
}

// again sends what was played once more and says how long that takes. The replies are counted, because their sizes may
// be others than the first time, and compared as a whole; nothing else is done with them.
func (p *player) again(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	mute := &player{st: p.st, tally: p.tally, lockstep: p.lockstep}
	for _, w := range p.played {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if w.mode != modeCount || w.len() == 0 {
			if err := mute.send(w); err != nil {
				return 0, err
			}
			if _, err := mute.receive(ctx); err != nil {
				return 0, err
			}
			continue
		}
		if err := p.raw(w); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// raw plays a window of modeCount.
func (p *player) raw(w *window) error {
	if w.waits {
		defer p.st.poke()()
	}
	if !p.lockstep {
		return p.exchange(w.conn, w.buf, w.len())
	}
	for i := range w.len() {
		if err := p.exchange(w.conn, w.bytes(i), 1); err != nil {
			return err
		}
	}
	return nil
}

// exchange writes to both sides, reads n replies from both, and compares.
func (p *player) exchange(conn int, out []byte, n int) error {
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
		var err error
		if got[i], err = s.conns[conn].replies(n); err != nil {
			return err
		}
	}
	_ = bytes.Equal(got[0], got[1]) // what differs is known from the first time
	return nil
}
