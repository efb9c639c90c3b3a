package runner

import (
	"context"
	"fmt"
	"strings"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/oracle"
)

// A mixed cluster is a target side on which the oracle's server plays some of the
// nodes. The oracle side of the same case is real Redis alone, so that whatever the
// mix makes different shows as a divergence.

// MixedDoc is what the documentation of the verbs says of mixed clusters.
const MixedDoc = "With `node NAME make=oracle` the node is the oracle's server on the target side too, so the servers of both makes are members of one cluster; " +
	"on the oracle side, and in a recording, all are real Redis. What the members of either side see must be the same.\n\n" +
	"Most cases leave `make=` out and name mixes in the header instead. Each word of\n\n" +
	"```\nmixes:    a a,d b,c\n```\n\n" +
	"lists the nodes that the oracle's server plays, in the order of their start, and the case is played once for each: as `mixed/meet@oracle=a`, " +
	"`mixed/meet@oracle=a,d` and `mixed/meet@oracle=b,c`. These names work wherever a case is named; without the mix all are meant, and `slotdiff run --mixes all` " +
	"plays every assignment there is. Without a live oracle a mixed case is skipped; `control` and `record` play it once, since real Redis alone is the same in every mix. " +
	"In the evidence the log and the nodes.conf of a node that is not the target's own are called after its make (`target-a.redis-8.6.3.log`), and `makes` in summary.json names each node's."

// makeOther is the value of make= by which restart asks for the other server.
const makeOther = "other"

// mixed reports whether some node of the target side is the oracle's server, now or later.
func mixed(c *scenario.Case) bool {
	for _, st := range c.Steps() {
		if st.FromOracle() || givesPlace(st) {
			return true
		}
	}
	return false
}

// givesPlace reports whether in this step another server takes a node's place.
func givesPlace(st *scenario.Step) bool {
	if st.Actor != "restart" {
		return false
	}
	for _, w := range st.Words {
		if key, _, ok := w.KeyValue(); ok && key == scenario.MakeKey {
			return true
		}
	}
	return false
}

// makes wants no other value of make= than one.
func makes(words []word, only string) error {
	for _, w := range words {
		if key, value, ok := w.KeyValue(); ok && key == scenario.MakeKey {
			if v, _ := value.Literal(); v != only {
				return fmt.Errorf("%s: want %s=%s", w, scenario.MakeKey, only)
			}
		}
	}
	return nil
}

// successors holds the ports of those nodes whose place another server takes: a
// driver's own would be gone with its server.
type successors struct {
	wanted map[string]bool
	ports  []*oracle.Port
}

func newSuccessors(c *scenario.Case) successors {
	s := successors{wanted: map[string]bool{}}
	if c == nil {
		return s
	}
	for _, st := range c.Steps() {
		if givesPlace(st) {
			name, _ := st.Words[0].Literal()
			s.wanted[name] = true
		}
	}
	return s
}

// port returns what the node is to use, nil where that is its driver's business.
func (s *successors) port(name string) (*oracle.Port, error) {
	if !s.wanted[name] {
		return nil, nil
	}
	p, err := oracle.AcquirePort()
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", name, err)
	}
	s.ports = append(s.ports, p)
	return p, nil
}

func (s *successors) release() {
	for _, p := range s.ports {
		p.Release()
	}
}

// replace kills a node and starts the other of the side's two servers in its place.
// What the one wrote to nodes.conf the other must be able to read.
func (s *side) replace(ctx context.Context, n *node) error {
	next := s.driver
	if n.driver == s.driver {
		next = s.oracle
	}
	if next == n.driver {
		return n.live.Restart(ctx)
	}
	if err := n.live.Kill(); err != nil {
		return err
	}
	conf, err := n.live.ReadFile("nodes.conf")
	if err != nil {
		return fmt.Errorf("read nodes.conf: %w", err)
	}
	s.retired[s.fileName(n)] += n.live.Log()
	n.down = true
	if err := n.live.Stop(); err != nil {
		return err
	}
	spec := n.spec
	spec.Files = map[string][]byte{"nodes.conf": conf}
	live, err := next.Start(ctx, spec)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		return n.broken("%s does not start from the nodes.conf that %s wrote: %v\n%s", next.Identity().Short(), n.driver.Identity().Short(), err, conf)
	}
	n.live, n.driver = live, next
	s.trace.note("node " + n.name + " is " + next.Identity().String() + " from now on")
	return nil
}

// fileName is how the evidence calls a node: by its make too, where that is not the side's.
func (s *side) fileName(n *node) string {
	if n.driver == s.driver {
		return n.name
	}
	return n.name + "." + strings.ReplaceAll(n.driver.Identity().Short(), " ", "-")
}

// makes lists which server plays each node, or nil if all are the side's own.
func (s *side) makes() map[string]string {
	out := map[string]string{}
	foreign := false
	for _, name := range s.order {
		n := s.nodes[name]
		out[name] = n.driver.Identity().Short()
		foreign = foreign || n.driver != s.driver
	}
	if !foreign && len(s.retired) == 0 {
		return nil
	}
	return out
}
