package runner

import (
	"context"
	"fmt"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/oracle"
)

// capacity hands out the nodes of a driver that has only so many (oracle.Limited).
// A case takes all that it will start before it begins, so that no two cases wait
// for each other's.
type capacity struct {
	turn   chan struct{} // holds one token: who takes nodes takes them alone
	tokens chan struct{} // one for each node that is free
}

// capacities are those of the drivers of a suite that are limited.
type capacities map[oracle.Limited]*capacity

func newCapacities(cfg Config) capacities {
	all := capacities{}
	for _, l := range limited(cfg) {
		c := &capacity{turn: make(chan struct{}, 1), tokens: make(chan struct{}, l.Limit())}
		c.turn <- struct{}{}
		for range l.Limit() {
			c.tokens <- struct{}{}
		}
		all[l] = c
	}
	return all
}

// take waits until a case has what it will start, and returns what gives it back. A
// case that needs more than there is takes nothing: it will be skipped.
func (all capacities) take(ctx context.Context, c *scenario.Case, cfg Config) (give func()) {
	var gives []func()
	give = func() {
		for _, g := range gives {
			g()
		}
	}
	for _, l := range limited(cfg) {
		pool, n := all[l], nodesOf(c, cfg, l)
		if n > l.Limit() {
			continue
		}
		select {
		case <-pool.turn:
		case <-ctx.Done():
			return give
		}
		for range n {
			select {
			case <-pool.tokens:
				gives = append(gives, func() { pool.tokens <- struct{}{} })
			case <-ctx.Done():
			}
		}
		pool.turn <- struct{}{}
	}
	return give
}

// limited lists the drivers of a run that are, each once.
func limited(cfg Config) []oracle.Limited {
	var out []oracle.Limited
	for _, d := range []oracle.Driver{cfg.Oracle, cfg.Target} {
		if l, ok := d.(oracle.Limited); ok && (len(out) == 0 || out[0] != l) {
			out = append(out, l)
		}
	}
	return out
}

// nodesOf is how many nodes of one driver a case has at once: on both sides, where the
// driver serves both.
func nodesOf(c *scenario.Case, cfg Config, l oracle.Limited) int {
	nodes := 0
	count := func(d oracle.Driver) {
		if same, ok := d.(oracle.Limited); ok && same == l {
			nodes++
		}
	}
	for _, st := range c.Steps() {
		if st.Actor != "node" {
			continue
		}
		count(cfg.Oracle)
		if st.FromOracle() {
			count(cfg.Oracle)
		} else {
			count(cfg.Target)
		}
	}
	return nodes
}

// tooMany returns what a case needs of a limited driver beyond what it has, or "".
func tooMany(c *scenario.Case, cfg Config) string {
	for _, l := range limited(cfg) {
		if n := nodesOf(c, cfg, l); n > l.Limit() {
			id := l.(oracle.Driver).Identity()
			return fmt.Sprintf("%d nodes at once, of which %s (%s) has %d", n, id.Short(), id.How, l.Limit())
		}
	}
	return ""
}
