package cluster

import (
	"github.com/slotdiff/slotdiff/wire/bus"
)

// sendPing sends a PING, PONG or MEET with its gossip section and, to a node that is known to
// understand them, extensions. Mirrors clusterSendPing.
func (n *Node) sendPing(l *link, t bus.Type) {
	n.pings++
	if !l.inbound() && t == bus.TypePing {
		n.setPingSent(l.peer, n.now)
	}
	n.ping.Gossip = n.ping.Gossip[:0]
	n.ping.Exts = n.ping.Exts[:0]
	n.pickGossip(l)
	if l.peer != nil && l.peer.flags.Any(bus.FlagExtensions) {
		n.writeExtensions()
	}
	n.send(l, t, n.build(t, &n.ping))
}

// pickGossip chooses the nodes to speak of: some at random that work, then all that seem to fail.
func (n *Node) pickGossip(l *link) {
	fresh := len(n.peers) - 2
	wanted := min(max(len(n.peers)/gossipFraction, gossipMin), fresh)
	for tries := wanted * gossipTriesMult; fresh > 0 && len(n.ping.Gossip) < wanted && tries > 0; tries-- {
		p := n.peers[n.chance(len(n.peers))]
		switch {
		case p == n.myself || p == l.peer || p.timedOut():
			continue
		case p.flags.Any(bus.FlagHandshake|bus.FlagNoAddr) || (p.out == nil && p.numSlots == 0):
			fresh--
			continue
		case p.gossiped == n.pings:
			continue
		}
		p.gossiped = n.pings
		n.addGossip(p)
		fresh--
	}
	for _, p := range n.peers {
		if n.pfails == 0 || len(n.ping.Gossip) >= max(wanted, 0)+n.pfails {
			break
		}
		if p.timedOut() && !p.flags.Any(bus.FlagHandshake|bus.FlagNoAddr) {
			n.addGossip(p)
		}
	}
}

// addGossip mirrors clusterSetGossipEntry.
func (n *Node) addGossip(p *peer) {
	g := bus.Gossip{
		ID:           p.id,
		PingSent:     uint32(p.pingSent / 1000),
		PongReceived: uint32(p.pongReceived / 1000),
		IP:           bus.IPFrom(p.ip),
		CPort:        uint16(p.cport),
		Flags:        p.flags,
	}
	g.Port, g.PPort = n.wirePorts(p.port, p.tlsPort)
	n.ping.Gossip = append(n.ping.Gossip, g)
}

// wirePorts are the first and the second port of a packet or gossip entry.
func (n *Node) wirePorts(plain, tls int) (port, pport uint16) {
	if n.set.TLSCluster {
		return uint16(tls), uint16(plain)
	}
	return uint16(plain), uint16(tls)
}

// build makes a packet with this node's header. The frame is valid until the Ready after next.
// Mirrors clusterBuildMessageHdr.
func (n *Node) build(t bus.Type, body bus.Body, mflags ...byte) []byte {
	me := n.myself
	master := me
	if me.isReplica() && me.master != nil {
		master = me.master
	}
	h := &n.pkt.Header // every field is set, here or by Seal; Reserved is always zero
	h.Type = t
	h.Count, h.Extensions = 0, 0
	h.CurrentEpoch, h.ConfigEpoch = n.currentEpoch, master.configEpoch
	h.Offset = uint64(n.report.ReplOffset)
	h.Sender = me.id
	h.Slots = *master.owned()
	h.IP = bus.IPFrom(n.set.AnnounceIP)
	h.Flags, h.State = me.flags, n.state
	h.ReplicaOf = bus.ID{}
	tcp, tls, cport := n.set.announced()
	h.Port, h.PPort = n.wirePorts(tcp, tls)
	h.CPort = uint16(cport)
	if me.master != nil {
		h.ReplicaOf = me.master.id
	}
	h.MFlags = bus.MFlags{bus.MFlagExtData}
	if me.isMaster() && n.manual.end != 0 {
		h.MFlags[0] |= bus.MFlagPaused
	}
	for _, f := range mflags {
		h.MFlags[0] |= f
	}
	n.pkt.Body = body
	return n.frames.add(n.pkt.Seal())
}

// send queues a frame. A nil link is no error: nothing is sent. Mirrors clusterSendMessage.
func (n *Node) send(l *link, t bus.Type, frame []byte) {
	if l == nil || l.closed {
		return
	}
	n.ready.Send = append(n.ready.Send, Send{Link: l.id, Frame: frame})
	n.stats.Sent[t]++
}

// broadcast sends one frame to every node that this one has dialled. Mirrors clusterBroadcastMessage.
func (n *Node) broadcast(t bus.Type, frame []byte) {
	for _, p := range n.peers {
		if !p.flags.Any(bus.FlagMyself | bus.FlagHandshake) {
			n.send(p.out, t, frame)
		}
	}
}

// broadcastPong tells all nodes, or only those that replicate this node or its master, what changed.
// Mirrors clusterBroadcastPong.
func (n *Node) broadcastPong(siblingsOnly bool) {
	for _, p := range n.peers {
		if p.out == nil || p == n.myself || p.inHandshake() {
			continue
		}
		if siblingsOnly && (!p.isReplica() || p.master == nil || (p.master != n.myself && p.master != n.myself.master)) {
			continue
		}
		n.sendPing(p.out, bus.TypePong)
	}
}
