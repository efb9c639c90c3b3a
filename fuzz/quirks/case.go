package quirks

import (
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/harness/puppet"
	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// MatchCase returns the first quirk of such a version that a case may meet, or nil. What the packets of a case mean is not
// known before it is played, so every puppet is taken for a node that every receiver knows, as its last packet described
// it, for failed once somebody has said so, and every link for one to a node in handshake. A receiver follows whom it was
// told to follow, and owns slots that it was given after that.
func (l *List) MatchCase(version string, c *scenario.Case) *Quirk {
	if l == nil {
		return nil
	}
	in := Input{Peers: map[bus.ID]Peer{}, Handshake: true}
	var nodes []bus.ID
	ids := map[string]bus.ID{}
	streams := streams{}
	sent := map[*scenario.Step]runner.Sent{}
	for _, p := range runner.Packets(c) {
		sent[p.Step] = p
	}
	for _, st := range c.Steps() {
		if st.Actor == "node" && len(st.Words) > 0 {
			nodes = append(nodes, puppet.ID(0, st.Words[0].String()))
		}
		if strings.Contains(runner.Describe(c, st), "SUBSCRIBE") {
			in.Subscribed = true
		}
	}
	for name := range runner.Puppets(c) {
		ids["$"+name+".id"] = puppet.ID(0, name)
		in.Peers[puppet.ID(0, name)] = Peer{}
	}
	for _, st := range c.Steps() {
		if to := replicate(st); len(to) == bus.IDLen {
			in.Master = bus.IDFrom(to) // of a node that only gossip knows
		} else if master, ok := ids[to]; ok {
			in.Master = master
		}
		in.Slotted = in.Slotted || !in.Master.IsZero() && addsSlots(st)
		p, ok := sent[st]
		if renews(st) {
			delete(streams, st.Actor+" "+link(st))
		}
		if !ok {
			continue
		}
		in.Dialled = dialled(st)
		for _, in.Frame = range streams.frames(p.Puppet+" "+link(st), p.Frame) {
			for _, in.Receiver = range nodes {
				if q := l.Match(version, &in); q != nil {
					return q
				}
			}
			if p, err := bus.Parse(in.Frame); err == nil {
				in.learn(p)
			}
		}
	}
	return nil
}

// streams are the bytes of packets that are not yet whole, by puppet and link.
type streams map[string][]byte

// frames are the packets that a node reads once b is written: where one was cut, the next completes it, whatever that means. What
// is no packet stands by itself.
func (s streams) frames(link string, b []byte) (frames [][]byte) {
	rest := append(slices.Clip(s[link]), b...)
	delete(s, link)
	for len(rest) > 0 {
		frame, after, err := bus.CutFrame(rest)
		if err != nil {
			return append(frames, rest) // the link is closed
		}
		if frame == nil {
			s[link] = rest
			return frames
		}
		frames, rest = append(frames, frame), after
	}
	return frames
}

// learn takes what a packet says of its sender and of others.
func (in *Input) learn(p *bus.Packet) {
	peer := in.Peers[p.Sender]
	peer.Replica, peer.Master = p.Flags&bus.FlagReplica != 0, p.ReplicaOf
	peer.Roleless = peer.Roleless && !p.ReplicaOf.IsZero() // who says that he is a master becomes one
	peer.ConfigEpoch = max(peer.ConfigEpoch, p.ConfigEpoch)
	in.Peers[p.Sender] = peer
	failed := func(id bus.ID) {
		if peer, ok := in.Peers[id]; ok {
			peer.Failing = true
			in.Peers[id] = peer
		}
	}
	switch body := p.Body.(type) {
	case *bus.Fail:
		failed(body.About)
	case *bus.Ping:
		for i := range body.Gossip {
			if in.Peers[body.Gossip[i].ID] == (Peer{}) && !body.Gossip[i].Flags.Any(bus.FlagMaster|bus.FlagReplica|bus.FlagNoAddr) {
				in.Peers[body.Gossip[i].ID] = Peer{Roleless: true}
			}
			if body.Gossip[i].Flags.Any(bus.FlagFail | bus.FlagPFail) {
				failed(body.Gossip[i].ID)
			}
		}
	}
}

// dialled reports whether a step sends on a link that the node dialled.
func dialled(st *scenario.Step) bool {
	for _, w := range st.Words {
		if w.String() == "link=in" {
			return true
		}
	}
	return len(st.Words) > 0 && st.Words[0].String() == "reply" && !hasLink(st)
}

// renews reports whether a step opens or ends a link: what it had of a packet is lost.
func renews(st *scenario.Step) bool {
	return len(st.Words) > 0 && (st.Words[0].String() == "dial" || st.Words[0].String() == "close")
}

func hasLink(st *scenario.Step) bool { return link(st) != "" }

// link is the option that names a step's link, "" where it has none.
func link(st *scenario.Step) string {
	for _, w := range st.Words {
		if strings.HasPrefix(w.String(), "link=") {
			return w.String()
		}
	}
	return ""
}

// replicate is the argument of CLUSTER REPLICATE; "": another step.
func replicate(st *scenario.Step) string {
	if len(st.Words) == 3 && strings.EqualFold(st.Words[0].String(), "CLUSTER") && strings.EqualFold(st.Words[1].String(), "REPLICATE") {
		return st.Words[2].String()
	}
	return ""
}

// addsSlots reports whether a step gives a node slots.
func addsSlots(st *scenario.Step) bool {
	return len(st.Words) > 2 && strings.EqualFold(st.Words[0].String(), "CLUSTER") &&
		strings.HasPrefix(strings.ToUpper(st.Words[1].String()), "ADDSLOTS")
}
