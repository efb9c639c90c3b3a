package runner

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/slotdiff/slotdiff/harness/relay"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// announceBusPort is the directive by which a node sends its peers to its relay.
const announceBusPort = "cluster-announce-bus-port"

// relays is what a side has between the bus ports of those of its nodes that the case
// cuts or delays, so that every link to such a node can be taken apart.
//
// Invariant: the names table holds the relay's address as the node's bus address:
// that is where everybody reaches it, puppets too.
type relays struct {
	wanted map[string]bool // the nodes that the case names, known before any starts
	net    *relay.Net      // nil where wanted is empty
	ports  []*oracle.Port
}

// partitioning are the verbs that need a relay before each node they name.
func partitioning(verb string) bool { return verb == "cut" || verb == "heal" || verb == "delay" }

// relayed returns the nodes that a case cuts, heals or delays in any step.
func relayed(c *scenario.Case) map[string]bool {
	out := map[string]bool{}
	for _, st := range c.Steps() {
		if !partitioning(st.Actor) {
			continue
		}
		for _, w := range st.Words {
			if name, literal := w.Literal(); literal && !strings.Contains(name, "=") {
				out[name] = true
			}
		}
	}
	return out
}

func newRelays(c *scenario.Case, t *trace) relays {
	r := relays{}
	if c == nil {
		return r
	}
	if r.wanted = relayed(c); len(r.wanted) > 0 {
		r.net = relay.New(relay.Config{Trace: func(ev relay.TraceEvent) {
			if ev.Fate != relay.Held {
				t.frame(ev.Src.String(), ev.Dst.String(), true, ev.Bytes)
			}
			switch ev.Fate {
			case relay.Held:
				t.note(fmt.Sprintf("relay: a packet from %s to %s is held back", ev.From, ev.To))
			case relay.Refused:
				t.note(fmt.Sprintf("relay: a packet from %s to %s is refused", ev.From, ev.To))
			}
		}})
	}
	return r
}

// front opens a relay before a node that wants one and returns the node's spec with
// the directive that sends its peers there.
func (r *relays) front(spec oracle.NodeSpec) (oracle.NodeSpec, netip.AddrPort, error) {
	if !r.wanted[spec.Name] {
		return spec, netip.AddrPort{}, nil
	}
	for try := 0; ; try++ {
		port, err := oracle.AcquirePort()
		if err != nil {
			return spec, netip.AddrPort{}, fmt.Errorf("relay %s: %w", spec.Name, err)
		}
		at, err := r.net.Listen(spec.Name, port.Bus())
		if err == nil {
			r.ports = append(r.ports, port)
			announce := [2]string{announceBusPort, strconv.Itoa(int(port.Bus()))}
			spec.Directives = append(slices.Clone(spec.Directives), announce)
			return spec, at, nil
		}
		port.Release()
		if try == 4 || !errors.Is(err, syscall.EADDRINUSE) {
			return spec, netip.AddrPort{}, err
		}
	}
}

// know tells the relays the id of a node.
func (r *relays) know(name, id string) {
	if r.wanted[name] {
		r.net.Know(name, bus.IDFrom(id))
	}
}

// stop ends the relays, before the nodes behind them end.
func (r *relays) stop() error {
	if r.net == nil {
		return nil
	}
	return r.net.Close()
}

// release gives the ports back, when the peers that may still dial them are gone.
func (r *relays) release() {
	for _, p := range r.ports {
		p.Release()
	}
}

// checkRelays finds what is wrong with the words of a verb that needs relays.
func checkRelays(st *scenario.Step, isPuppet func(string) bool) error {
	if _, err := readPartition(st.Words); err != nil {
		return fmt.Errorf("%s: %w", st.Actor, err)
	}
	for _, w := range st.Words {
		if name, _ := w.Literal(); isPuppet(name) {
			return fmt.Errorf("%s: %s is a puppet, whose links it closes and whose answers it holds back itself", st.Actor, name)
		}
	}
	return nil
}
