package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/slotdiff/slotdiff/fuzz/triage"
)

// errLate is why a set-up failed where a side died of what was played before it: it answered all of that, and fell when its
// connections were closed, or it was given the time to.
var errLate = errors.New("it died late")

// fallen tells of a side that has died since its stream was over: a set-up would start it again and nobody would know.
func (e *Engine) fallen() error {
	if e.before == nil {
		return nil
	}
	for _, s := range e.st.sides {
		if s.node == nil {
			continue
		}
		if err := s.died(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// troubled makes a failed set-up fatal only if the sides are well. One that died is a candidate, which the next to hand
// over candidates takes along; both sides are started again by the next set-up.
func (e *Engine) troubled(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for i, s := range e.st.sides {
		if s.node != nil {
			if alive := s.alive(); alive != nil {
				err = fmt.Errorf("%w; %s: %s", err, s.name, ending(alive))
				if errors.Is(alive, errDied) && e.before != nil {
					err = fmt.Errorf("%w: %w", err, errLate)
					e.late(i, ending(alive))
				}
			}
		}
		s.stop()
	}
	return fmt.Errorf("fuzz commands: set-up: %w", err)
}

// late makes a candidate of the end of what was played before a side died.
func (e *Engine) late(side int, why string) {
	topo, ops := e.before()
	e.before = nil
	note := fmt.Sprintf("%s: %s", e.st.sides[side].name, why)
	e.missing = append(e.missing, triage.Candidate{
		Case: caseOf(topo, ops[max(0, len(ops)-unshown):], note, 0), Kind: faultKinds[faultCrash][side], Note: note,
	})
}
