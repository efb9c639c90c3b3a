package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/campaign"
)

// Speed is how many packets a second an engine plays on both sides, with everything that belongs to it, and the ceiling:
// the same packets written to both sides at once with one fence at the end of each link, and nothing looked at.
type Speed struct{ Packets, Ceiling float64 }

// Bench plays as many episodes as given on each lane, then their packets once more, bare, in turns, and returns the medians.
// For the ceiling the nodes are reset and meet the actors before the time begins. Episodes on which the sides differ count for nothing but their time.
func (e *Engine) Bench(ctx context.Context, seed uint64, rounds, episodes int) (Speed, error) {
	if _, _, err := e.benchRound(ctx, seed, 1); err != nil { // starts the servers
		return Speed{}, err
	}
	var full, bare []float64
	for r := range uint64(rounds) {
		f, b, err := e.benchRound(ctx, campaign.EpisodeSeed(seed, r), episodes)
		if err != nil {
			return Speed{}, err
		}
		full, bare = append(full, f), append(bare, b)
	}
	slices.Sort(full)
	slices.Sort(bare)
	return Speed{full[len(full)/2], bare[len(bare)/2]}, nil
}

func (e *Engine) benchRound(ctx context.Context, seed uint64, episodes int) (full, bare float64, err error) {
	all := make([][]*Episode, len(e.lanes))
	start := time.Now()
	err = e.onLanes(func(i int, ln *lane) error {
		for try := uint64(0); len(all[i]) < episodes && ctx.Err() == nil; try++ {
			ep := Generate(campaign.EpisodeSeed(seed, try*uint64(len(e.lanes))+uint64(i)), false, e.quirks)
			f, err := ln.play(ctx, ep, false)
			if err != nil {
				return err
			}
			if f == nil { // what shows something ends before its end, and is for campaigns
				all[i] = append(all[i], ep)
			}
		}
		return ctx.Err()
	})
	took := time.Since(start)
	if err != nil {
		return 0, 0, err
	}
	packets := uint64(0)
	var blasting time.Duration
	for j := range episodes {
		err = e.onLanes(func(i int, ln *lane) error {
			if err := ln.prepare(ctx, false); err != nil {
				return err
			}
			return ln.meet(all[i][j].Met)
		})
		if err != nil {
			return 0, 0, err
		}
		start = time.Now()
		err = e.onLanes(func(i int, ln *lane) error { return ln.blast(all[i][j]) })
		blasting += time.Since(start)
		if err != nil {
			return 0, 0, err
		}
		for i := range all {
			packets += scriptOf(all[i][j]).packets()
			all[i][j].mem.free()
		}
	}
	return float64(packets) / took.Seconds(), float64(packets) / blasting.Seconds(), nil
}

// onLanes does something on all lanes at once.
func (e *Engine) onLanes(f func(i int, ln *lane) error) error {
	errs := make([]error, len(e.lanes))
	var wg sync.WaitGroup
	for i, ln := range e.lanes {
		wg.Go(func() { errs[i] = f(i, ln) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// lost is how long a bare play waits for an answer that may never come, as what a packet does depends on those on other
// links before it.
const lost = 300 * time.Millisecond

// blast writes the packets of an episode with its fences and waits for none of them but the last on each link. Nothing
// is closed before the end: what is under way would be lost.
func (ln *lane) blast(e *Episode) error {
	sc := scriptOf(e)
	type end struct {
		c    *conn
		last *step
	}
	var older [2][]end
	var last [linkCount]*step
	leave := func(at int) {
		for i, s := range ln.sides {
			if s.links[at] != nil {
				older[i] = append(older[i], end{s.links[at], last[at]})
				s.links[at] = nil
			}
		}
		last[at] = nil
	}
	for i := range sc.steps {
		st := &sc.steps[i]
		at := st.link.index()
		switch st.do {
		case DoDial:
			ln.flush()
			leave(at)
			for _, s := range ln.sides {
				if err := s.dial(st.link); err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
			}
		case DoClose:
			ln.flush()
			leave(at)
		case DoSend:
			for _, s := range ln.sides {
				s.queue(st)
			}
			if st.await > 0 || st.gone {
				last[at] = st
			}
		}
	}
	ln.flush()
	for at := range linkCount {
		if linkAt(at).Which != In {
			leave(at)
		}
	}
	for i := range ln.sides {
		for _, x := range older[i] {
			if x.last != nil {
				_ = x.c.await(x.last.await, x.last.gone, lost)
			}
			x.c.nc.Close()
		}
	}
	return nil
}
