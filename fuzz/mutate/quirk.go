package mutate

import (
	"strings"

	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/harness/puppet"
	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// quirk names the known fault of the oracle that a case would meet, or "". What a case's packets mean is not known
// before it is played, so every puppet is taken for a node that the receiver knows, as its last packet described it.
func (e *Engine) quirk(c *scenario.Case) string {
	if e.env.Quirks == nil {
		return ""
	}
	in := quirks.Input{Peers: map[bus.ID]quirks.Peer{}, Handshake: true}
	for _, st := range c.Steps() {
		if what := runner.Describe(c, st); strings.Contains(what, "SUBSCRIBE") {
			in.Subscribed = true
		}
	}
	for name := range runner.Puppets(c) {
		in.Peers[puppet.ID(0, name)] = quirks.Peer{}
	}
	var nodes []bus.ID
	for _, st := range c.Steps() {
		if st.Actor == "node" {
			nodes = append(nodes, puppet.ID(0, st.Words[0].String()))
		}
	}
	for _, p := range runner.Packets(c) {
		in.Frame = p.Frame
		for _, in.Receiver = range nodes {
			if q := e.env.Quirks.Match(version(e.env.Oracle), &in); q != nil {
				return q.Name
			}
		}
		if h, err := bus.Parse(p.Frame); err == nil {
			peer := in.Peers[h.Sender]
			peer.Replica, peer.Master = h.Flags&bus.FlagReplica != 0, h.ReplicaOf
			peer.ConfigEpoch = max(peer.ConfigEpoch, h.ConfigEpoch)
			in.Peers[h.Sender] = peer
		}
	}
	return ""
}
