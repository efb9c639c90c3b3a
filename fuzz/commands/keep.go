package commands

import (
	"fmt"
	"slices"

	"github.com/slotdiff/slotdiff/harness/contract"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/slot"
)

// news is a command of an episode that reached a pair which the episode had not reached before.
type news struct {
	window, command int
	pair            uint32
}

// Bounds of a case for the corpus: how many new tokens it shows, how many commands lead to each, and how far back those are looked for.
const (
	keepTokens = 40
	keepBefore = 3
	keepReach  = 400
)

// keep makes a case of what an episode reached that none of the engine had: each command that did, and what was last done
// to its key before. It is nil if that is nothing.
func (e *Engine) keep(ep *episode) func() *scenario.Case {
	var ops []op
	n := 0
	for _, s := range ep.p.news {
		token := ep.p.tally.name(s.pair)
		if e.reached[token] {
			continue
		}
		e.reached[token] = true
		if n++; n <= keepTokens {
			ops = append(ops, ep.leading(s)...)
		}
	}
	if n == 0 {
		return nil
	}
	c := caseOf(ep.topo, ops, "What reached a token first.", ep.seed)
	point, ok := contract.ScenarioByID("E003")
	if !ok {
		panic("fuzz/commands: no scenario E003")
	}
	c.Header = scenario.Header{
		Scenario: contract.Full("E003"), Contract: point.Row, Anchors: slices.Clone(point.Anchors), Class: contract.Edge,
		Reason: point.Reason, Source: fmt.Sprintf("slotdiff fuzz commands, seed of the episode %d", ep.seed),
	}
	return func() *scenario.Case { return c }
}

// leading are the commands that lead to a piece of news, and the one that made it.
func (ep *episode) leading(s news) []op {
	w := ep.p.played[s.window]
	last := op{conn: w.conn, argv: w.argv(s.command)}
	out := []op{last}
	if len(last.argv) < 2 {
		return out
	}
	about := slot.Of(last.argv[1])
	left := keepReach
	at := s.command
	for i := s.window; i >= 0 && left > 0 && len(out) <= keepBefore; i-- {
		w := ep.p.played[i]
		if i < s.window {
			at = w.len()
		}
		for at--; at >= 0 && left > 0 && len(out) <= keepBefore; at-- {
			left--
			if w.mode != modeCount {
				continue
			}
			if argv := w.argv(at); len(argv) > 1 && slot.Of(argv[1]) == about {
				out = append(out, op{conn: w.conn, argv: argv})
			}
		}
	}
	slices.Reverse(out)
	return out
}
