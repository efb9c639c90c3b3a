package quirks

import (
	"strings"

	"github.com/slotdiff/slotdiff/harness/puppet"
	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// MatchCase returns the first quirk of such a version that a case may meet, or nil. What the packets of a case mean is not
// known before it is played, so every puppet is taken for a node that every receiver knows, as its last packet described
// it, and every link for one to a node in handshake.
func (l *List) MatchCase(version string, c *scenario.Case) *Quirk {
	if l == nil {
		return nil
	}
	in := Input{Peers: map[bus.ID]Peer{}, Handshake: true}
	var nodes []bus.ID
	for _, st := range c.Steps() {
		if st.Actor == "node" && len(st.Words) > 0 {
			nodes = append(nodes, puppet.ID(0, st.Words[0].String()))
		}
		if strings.Contains(runner.Describe(c, st), "SUBSCRIBE") {
			in.Subscribed = true
		}
	}
	for name := range runner.Puppets(c) {
		in.Peers[puppet.ID(0, name)] = Peer{}
	}
	for _, p := range runner.Packets(c) {
		in.Frame = p.Frame
		for _, in.Receiver = range nodes {
			if q := l.Match(version, &in); q != nil {
				return q
			}
		}
		h, err := bus.Parse(p.Frame)
		if err != nil {
			continue
		}
		peer := in.Peers[h.Sender]
		peer.Replica, peer.Master = h.Flags&bus.FlagReplica != 0, h.ReplicaOf
		peer.ConfigEpoch = max(peer.ConfigEpoch, h.ConfigEpoch)
		in.Peers[h.Sender] = peer
	}
	return nil
}
