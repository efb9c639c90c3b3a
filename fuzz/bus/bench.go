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
// the same episodes, already made, on the same nodes with the same fences, with nothing compared and no state looked at.
type Speed struct{ Packets, Ceiling float64 }

// Bench plays as many episodes as given on each lane, then their packets once more, bare, in turns, and returns the medians.
// Episodes on which the sides differ count for nothing but their time.
func (e *Engine) Bench(ctx context.Context, seed uint64, rounds, episodes int) (Speed, error) {
	// Starts the servers, and starts others from the shapes of nodes.conf that are common.
	if _, _, err := e.benchRound(ctx, seed, 2*episodes); err != nil {
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
	start = time.Now()
	err = e.onLanes(func(i int, ln *lane) error {
		for _, ep := range all[i] {
			if err := ln.prepare(ctx, false); err != nil {
				return err
			}
			if err := ln.meet(ep.Met); err != nil {
				return err
			}
			if err := ln.bare(ep); err != nil {
				return err
			}
		}
		return nil
	})
	tookBare := time.Since(start)
	packets := uint64(0)
	for _, list := range all {
		for _, ep := range list {
			packets += scriptOf(ep).packets()
			ep.mem.free()
		}
	}
	return float64(packets) / took.Seconds(), float64(packets) / tookBare.Seconds(), err
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

// bare does the steps of an episode over its sockets, with the same waits, and looks at nothing that comes back.
func (ln *lane) bare(e *Episode) error {
	sc := scriptOf(e)
	for i := range sc.steps {
		st := &sc.steps[i]
		if st.do != DoSend {
			ln.flush()
		}
		for _, s := range ln.sides {
			switch st.do {
			case DoSend:
				s.queue(st)
			case DoDial:
				if err := s.dial(st.link); err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
			case DoClose:
				s.closeWrite(st.link)
			case DoAdmin:
				if _, err := s.order(st.args); err != nil {
					return err
				}
			}
		}
		if st.do == DoSend && st.waits() {
			ln.flush()
			ln.foreseen(st)
		}
		for _, s := range ln.sides {
			if st.do == DoClose {
				_ = s.await(st.link, 0, true, s.within)
				s.hang(st.link)
			} else if c := s.links[st.link.index()]; c != nil {
				c.forget()
			}
		}
	}
	return nil
}
