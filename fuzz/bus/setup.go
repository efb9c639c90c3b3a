package bus

import (
	"context"
	"fmt"
	"strconv"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// prepare gives both sides a node that knows only itself. Both are started anew when one has to be: what a reset leaves must
// be the same on both.
func (ln *lane) prepare(ctx context.Context, fresh bool) error {
	fresh = fresh || ln.tainted
	for _, s := range ln.sides {
		fresh = fresh || s.node == nil || s.ended() || !ln.clean && s.reset() != nil
	}
	ln.clean = false
	if !fresh {
		return nil
	}
	for i, s := range ln.sides {
		ln.started++
		if err := s.start(ctx, fmt.Sprintf("bus%c%d", s.name[0], i)); err != nil {
			return err
		}
	}
	for _, s := range ln.sides {
		if err := s.grow(ctx); err != nil {
			return err
		}
		if err := s.reset(); err != nil {
			return err
		}
	}
	return nil
}

// leave resets both nodes when a play is over: one that does not survive that, or the end of its links, is a finding of this play.
func (ln *lane) leave(op int) *found {
	ln.messages = len(ln.sides[0].ear.heard)
	ln.clean = true
	for _, s := range ln.sides {
		if err := s.reset(); err != nil {
			ln.clean = false
			if f := ln.health(op, err.Error()); f != nil {
				return f
			}
		}
	}
	return nil
}

// meet lets the node meet actors, who complete the handshake and are silent from then on.
func (ln *lane) meet(actors []int) error {
	for _, s := range ln.sides {
		var cmds [][]string
		for _, a := range actors {
			cmds = append(cmds, []string{"CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(int(ln.ports[a])), strconv.Itoa(int(ln.ports[a]) + busOffset)})
		}
		if _, err := s.ask(cmds...); err != nil {
			return err
		}
	}
	for _, a := range actors {
		l := Link{a, In}
		h := template(a)
		h.Type = bus.TypePong
		pong := step{do: DoSend, link: l, frame: (&bus.Packet{Header: h}).Seal().Append(nil)}
		greet := step{do: DoSend, link: l, frame: appendFence(nil, l, nil)}
		for _, s := range ln.sides {
			if err := s.awaitDial(a, 1); err != nil {
				return fmt.Errorf("%s: actor %s: %w", s.name, actorNames[a], err)
			}
			s.queue(&pong)
			s.queue(&greet)
			s.flush()
		}
	}
	for _, a := range actors {
		for _, s := range ln.sides {
			l := Link{a, In}
			if err := s.await(l, 1, false, s.within); err != nil {
				return fmt.Errorf("%s: actor %s: %w", s.name, actorNames[a], err)
			}
			c := s.links[l.index()]
			c.got = 0
			c.forget()
		}
	}
	for _, s := range ln.sides {
		var err error
		if s.counted, err = s.received(); err != nil {
			return err
		}
	}
	return nil
}
