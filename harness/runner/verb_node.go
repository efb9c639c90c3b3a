package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

var verbNode = &Verb{
	Name: "node", Where: OnLine,
	Usage: "node NAME [make=oracle] [directive=value ...]\n[nodes.conf lines]\n[file NAME [commands|torn], then its lines ...]",
	Doc:   "Starts a server in cluster mode with these configuration directives and waits until it accepts connections; the target's starts when the oracle's is up. The input lines, if any, are the nodes.conf it finds at its start, up to a line `file NAME`: what follows is that file of its directory. With `commands` each line is a command that the file holds in RESP, as an append-only file does; with `torn` the last line has no end. `cluster-port=free` is a port that nobody uses. With `make=oracle` the node is the oracle's server on the target side too; see Mixed clusters. A server that ends at its start is an answer: what it refused, and the last line of its log.",
	run: func(ctx context.Context, c *call) (output, error) {
		if len(c.words) == 0 {
			return output{}, fmt.Errorf("node: a name is missing")
		}
		name, err := c.expand(c.words[0])
		if err != nil {
			return output{}, err
		}
		if err := c.side.unused(name); err != nil {
			return output{}, err
		}
		spec := oracle.NodeSpec{Name: name, Shared: !c.side.pauses, Pace: c.side.tempo.now()}
		driver := c.side.driver
		for _, w := range c.words[1:] {
			key, value, isPair := w.KeyValue()
			if isPair && key == scenario.MakeKey {
				driver = c.side.oracle
				continue
			}
			if !isPair {
				return output{}, fmt.Errorf("node %s: %q is not directive=value", name, w.String())
			}
			v, err := c.expand(value)
			if err != nil {
				return output{}, err
			}
			spec.Directives = append(spec.Directives, [2]string{key, v})
		}
		if spec.Files, err = nodeFiles(c.step.Input, c.side.names.lookup); err != nil {
			return output{}, fmt.Errorf("node %s: %w", name, err)
		}
		return c.side.startNode(ctx, driver, spec)
	},
}

// startNode starts a server and learns its id. A server that refuses to start is
// an answer: its identity is what the case is about.
func (s *side) startNode(ctx context.Context, driver oracle.Driver, spec oracle.NodeSpec) (output, error) {
	spec, front, err := s.relays.front(spec)
	if err != nil {
		return output{}, err
	}
	if spec.Port, err = s.successors.port(spec.Name); err != nil {
		return output{}, err
	}
	var live oracle.Node
	err = s.inTurn(ctx, func() (err error) {
		live, err = driver.Start(ctx, spec)
		return err
	})
	if err != nil {
		var se *oracle.StartError
		if errors.As(err, &se) && se.OfServer() && ctx.Err() == nil {
			var exit *oracle.ExitError
			if errors.As(err, &exit) && !exit.Crashed {
				s.trace.note(err.Error())
				s.names.set(spec.Name, identity{addr: se.Addr, bus: se.Bus})
				return refusal(driver.Identity(), exit.Log), nil
			}
			return output{}, &faultError{verdict.Fault{Kind: verdict.FaultCrash, Node: spec.Name, Detail: err.Error()}}
		}
		return output{}, err
	}
	n := &node{
		name: spec.Name, spec: spec, driver: driver, live: live, front: front,
		names: s.names, trace: s.trace, conns: map[string]*conn{},
	}
	if driver != s.driver {
		s.trace.note("node " + n.name + " is " + driver.Identity().String())
	}
	n.auth = slices.ContainsFunc(spec.Directives, func(d [2]string) bool { return d[0] == "requirepass" && d[1] != "" })
	s.nodes[spec.Name] = n
	s.tempo.join(live)
	s.order = append(s.order, spec.Name)
	s.names.set(spec.Name, n.identity(""))
	if front.IsValid() {
		if err := s.relays.net.Serve(spec.Name, live.BusAddr()); err != nil {
			return output{}, err
		}
	}
	if n.auth {
		return ok, nil
	}
	return ok, s.learnID(ctx, n)
}

// learnID asks a node for its id, so that it can be called by name.
func (s *side) learnID(ctx context.Context, n *node) error {
	c, err := n.prober(ctx)
	if err != nil {
		return err
	}
	id, err := c.text("CLUSTER", "MYID")
	if err != nil {
		return fmt.Errorf("node %s: CLUSTER MYID: %w", n.name, err)
	}
	s.names.set(n.name, n.identity(id))
	s.relays.know(n.name, id)
	return nil
}

// identity is what the others know the node by. Its bus is reached at its relay, if it
// has one.
func (n *node) identity(id string) identity {
	out := identity{id: id, addr: n.live.Addr(), bus: n.live.BusAddr()}
	if n.front.IsValid() {
		out.bus, out.hidden = n.front, out.bus
	}
	return out
}

// unused returns an error when an actor of that name exists.
func (s *side) unused(name string) error {
	if _, taken := s.names.get(name); taken {
		return fmt.Errorf("%s: an actor of that name exists", name)
	}
	return nil
}
