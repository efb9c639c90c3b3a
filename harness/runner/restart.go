package runner

import (
	"context"
	"strings"
	"sync"

	"github.com/slotdiff/slotdiff/harness/mask"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

// Proven remembers the states from which servers have started again. The zero
// value is ready; it is safe for concurrent use.
type Proven struct{ seen sync.Map }

// first reports whether a server has not yet been started from this nodes.conf.
func (p *Proven) first(w verdict.Witness, conf string) bool {
	if p == nil {
		return true
	}
	_, before := p.seen.LoadOrStore(string(w)+"\n"+conf, true)
	return !before
}

// checkRestart starts every node again from the nodes.conf it saves, at the end of
// a case: what a node writes it must be able to read. The node keeps its ports, so
// that no stranger hears from it; everything else of the case is gone by then. A
// file that is, but for ids and ports, one from which this server has already
// started proves nothing new and is passed over.
func (s *side) checkRestart(ctx context.Context, proven *Proven) *verdict.Fault {
	if !s.driver.Capabilities().Has(oracle.CapRestart | oracle.CapFiles) {
		return nil
	}
	for _, p := range s.puppets {
		_ = p.Puppet.Close() // its links are of no more use, however they end
	}
	var again []*node
	for _, name := range s.order {
		n := s.nodes[name]
		if n.down || n.frozen || n.auth {
			continue
		}
		if err := n.save(ctx); err != nil {
			return s.fault(err)
		}
		conf, err := n.live.ReadFile("nodes.conf")
		if err != nil {
			return s.fault(n.broken("after SAVECONFIG its nodes.conf cannot be read: %v", err))
		}
		if proven.first(s.witness, s.sameConf(conf)) {
			again = append(again, n)
		}
	}
	for _, n := range again {
		n.down = true
		n.closeConns()
		if err := n.live.Kill(); err != nil {
			return s.fault(err)
		}
	}
	for _, n := range again {
		if err := s.startAgain(ctx, n); err != nil {
			return s.fault(err)
		}
	}
	return nil
}

// sameConf is a nodes.conf without what differs between equal states.
func (s *side) sameConf(conf []byte) string {
	lines := splitLines(string(conf))
	for i, l := range lines {
		lines[i] = s.names.fold(l)
	}
	lines, _ = mask.Apply(mask.Context{Kind: "nodes.conf"}, lines)
	return strings.Join(lines, "\n")
}

// startAgain restarts a node and holds its id against the one it had.
func (s *side) startAgain(ctx context.Context, n *node) error {
	if err := s.starts.pass(ctx, func() error { return n.live.Restart(ctx) }); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return n.broken("it does not start again from the nodes.conf it wrote: %v", err)
	}
	n.down = false
	want, _ := s.names.get(n.name)
	if err := s.learnID(ctx, n); err != nil {
		return err
	}
	if got, _ := s.names.get(n.name); got.id != want.id {
		return n.broken("after a restart from its nodes.conf it has the id %s, before %s", got.id, want.id)
	}
	return nil
}
