package runner

import (
	"context"
	"sync"
)

// turn orders the starts of one step: a side starts its server when that of the side
// before it is up, and needs no room of its own. A server counts its delays from its own
// start, and how long a start takes, and waits for room, differs by seconds between a
// process and a container of a busy machine: started together, one would be through with a
// delay while the other's has just begun.
type turn struct {
	before *turn // nil for the first
	over   chan struct{}
	once   sync.Once
	room   func() // gives back what the step has of the gate, nil if nothing; set before over is closed
}

func newTurn(before *turn) *turn { return &turn{before: before, over: make(chan struct{})} }

// end lets the next side start. It is idempotent.
func (t *turn) end() {
	if t != nil {
		t.once.Do(func() { close(t.over) })
	}
}

// leave gives back the room of a step that all sides are through with; t is the last
// side's.
func (t *turn) leave() {
	for ; t != nil; t = t.before {
		if t.room != nil {
			t.room()
		}
	}
}

// hasRoom reports whether a side before has entered the gate for the step.
func (t *turn) hasRoom() bool {
	for t = t.before; t != nil; t = t.before {
		if t.room != nil {
			return true
		}
	}
	return false
}

// inTurn starts a server: after the side before, and when there is room.
func (s *side) inTurn(ctx context.Context, start func() error) error {
	t := s.turn
	if t == nil {
		return s.starts.pass(ctx, s.budget, start)
	}
	defer t.end()
	if t.before != nil {
		select {
		case <-t.before.over:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if s.starts != nil && t.room == nil && !t.hasRoom() {
		if err := s.starts.enter(ctx, s.budget); err != nil {
			return err
		}
		t.room = s.starts.leave
	}
	return start()
}
