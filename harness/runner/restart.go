package runner

import (
	"context"
	"errors"
	"regexp"
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
func (p *Proven) first(w verdict.Witness, d oracle.Driver, conf string) bool {
	if p == nil {
		return true
	}
	_, before := p.seen.LoadOrStore(string(w)+"\n"+d.Identity().String()+"\n"+conf, true)
	return !before
}

// saved is a node's state as it wrote it itself.
type saved struct {
	node *node
	id   string
	conf []byte
}

// saveAll makes every running node write its nodes.conf, and returns those files
// from which this server has not yet started in this run: a file that differs from
// an earlier one in nothing but ids, ports and numbers proves nothing new.
func (s *side) saveAll(ctx context.Context, proven *Proven) ([]saved, *verdict.Fault) {
	var out []saved
	for _, name := range s.order {
		n := s.nodes[name]
		if n.down || n.frozen || n.auth || !n.driver.Capabilities().Has(oracle.CapFiles|oracle.CapConf|oracle.CapFresh) {
			continue
		}
		if err := n.save(ctx); err != nil {
			return nil, s.fault(err)
		}
		conf, err := n.live.ReadFile("nodes.conf")
		if err != nil {
			return nil, s.fault(n.broken("after SAVECONFIG its nodes.conf cannot be read: %v", err))
		}
		if proven.first(s.witness, n.driver, s.sameConf(conf)) {
			out = append(out, saved{n, s.names.present(name), conf})
		}
	}
	return out, nil
}

// startSaved starts a server from each saved nodes.conf, when everything else of the
// case is gone: what a node writes it must be able to read. The peers that the file
// names are dead, or reset and of another id (oracle/container), and the caller keeps their
// ports, so no stranger hears from it.
func (s *side) startSaved(ctx context.Context, files []saved) *verdict.Fault {
	for _, f := range files {
		if err := s.startFrom(ctx, f); err != nil {
			return s.fault(err)
		}
	}
	return nil
}

func (s *side) startFrom(ctx context.Context, f saved) error {
	spec := f.node.spec
	spec.Files = map[string][]byte{"nodes.conf": f.conf}
	spec.Shared = true
	spec.Port = nil // it is another's by now
	var live oracle.Node
	start := func() error {
		return s.starts.pass(ctx, s.budget, func() (err error) {
			live, err = f.node.driver.Start(ctx, spec)
			return err
		})
	}
	err := start()
	if _, ended := errors.AsType[*oracle.ExitError](err); err != nil && !ended && ctx.Err() == nil {
		err = start() // a busy machine may have been late; what does not come up twice hangs
	}
	if err != nil {
		if se, ok := errors.AsType[*oracle.StartError](err); ctx.Err() != nil || ok && !se.OfServer() {
			return err
		}
		return f.node.broken("it does not start again from the nodes.conf it wrote: %v\n%s", err, f.conf)
	}
	defer func() { _ = live.Stop() }() // the driver's Close tells what is left
	c, err := dialConn(ctx, live.Addr(), "", nil)
	if err != nil {
		return err
	}
	defer c.close()
	id, err := c.text("CLUSTER", "MYID")
	if err != nil {
		return err
	}
	if id != f.id {
		return f.node.broken("started again from its nodes.conf it has the id %s, before %s", id, f.id)
	}
	return nil
}

// digits is a number in a nodes.conf.
var digits = regexp.MustCompile(`\d+`)

// sameConf is the shape of a nodes.conf: its lines, fields, flags and marks without
// the numbers, which a server that reads one reads alike.
func (s *side) sameConf(conf []byte) string {
	lines := splitLines(string(conf))
	for i, l := range lines {
		lines[i] = s.names.fold(l)
	}
	lines, _ = mask.Apply(mask.Context{Kind: "nodes.conf"}, lines)
	return digits.ReplaceAllString(strings.Join(lines, "\n"), "0")
}
