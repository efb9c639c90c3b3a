package cluster

import (
	"net/netip"
	"strings"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// handleMeetRequest is CLUSTER MEET.
func (n *Node) handleMeetRequest(r Meet) Answer {
	if !n.startHandshake(cString(r.IP), int(int32(r.Port)), int(int32(r.CPort))) {
		return refuse("Invalid node address specified: %s:%d", cString(r.IP), r.Port)
	}
	return ok
}

// startHandshake adds a node of which only the address is known; it is dialled with the next tick.
// It reports whether the address is one. Mirrors clusterStartHandshake, which takes ports that
// do not fit an int by their low 32 bits.
func (n *Node) startHandshake(ip string, port, cport int) bool {
	addr, err := netip.ParseAddr(ip)
	if err != nil || addr.Zone() != "" || port <= 0 || port > 65535 || cport <= 0 || cport > 65535 {
		return false
	}
	ip = addr.String()
	for _, p := range n.peers {
		if p.inHandshake() && strings.EqualFold(p.ip, ip) && p.clientPort(n.set.TLSCluster) == port && p.cport == cport {
			return true
		}
	}
	p := n.newPeer(bus.ID{}, bus.FlagHandshake|bus.FlagMeet)
	p.ip, p.cport = ip, cport
	if n.set.TLSCluster {
		p.tlsPort = port
	} else {
		p.port = port
	}
	n.addPeer(p)
	return true
}

// learnMyIP takes the address on which this node was reached for its own: on a MEET always, on a PING
// if it has none.
func (n *Node) learnMyIP(l *link, t bus.Type) {
	if (t != bus.TypeMeet && n.myself.ip != "") || n.set.AnnounceIP != "" || l.local == "" {
		return
	}
	if l.local != n.myself.ip {
		n.myself.ip = l.local
		n.logf(LevelNotice, "IP address for this node updated to %s", l.local)
		n.later(todoSave)
	}
}

// meetBack adds the sender of a MEET as a node in handshake. It reports whether the link lives on.
func (n *Node) meetBack(l *link, pkt *bus.Packet) bool {
	ip, ok := n.senderIP(l, pkt)
	if !ok {
		if pkt.IP.IsZero() {
			n.logf(LevelNotice, "Closing link even though we received a MEET packet on it, because the connection has an error")
			n.closeLink(l)
			return false
		}
		return true
	}
	p := n.newPeer(bus.ID{}, bus.FlagHandshake)
	p.ip = ip
	p.port, p.tlsPort = n.clientPorts(pkt.Port, pkt.PPort)
	p.cport = int(pkt.CPort)
	n.addPeer(p)
	n.later(todoSave)
	return true
}

// senderIP is the address of the sender of a packet: the one that it announces, or else the one that
// it came from. Mirrors nodeIp2String.
func (n *Node) senderIP(l *link, pkt *bus.Packet) (string, bool) {
	if pkt.IP[0] != 0 {
		ip := pkt.IP.String()
		if len(ip) == bus.IPLen {
			ip = ip[:bus.IPLen-1]
		}
		if !addressSafe(ip) {
			n.unsafe(UnsafeAddress, "packet from %s announces %q", l.remote, ip)
			return "", false
		}
		return ip, true
	}
	return l.remote, l.remote != ""
}

// clientPorts sorts the two ports of a packet or gossip entry into plain and TLS.
func (n *Node) clientPorts(port, pport uint16) (plain, tls int) {
	if n.set.TLSCluster {
		return int(pport), int(port)
	}
	return int(port), int(pport)
}

// finishHandshake learns who answers at an address. It reports whether the packet is still of use:
// a node that was known already does not need a second entry.
func (n *Node) finishHandshake(l *link, sender *peer, pkt *bus.Packet) bool {
	if sender != nil {
		n.logf(LevelVerbose, "Handshake: we already know node %s, updating the address if needed.", sender.name())
		if n.updateAddress(sender, l, pkt) {
			n.later(todoSave | todoUpdateState)
		}
		n.delPeer(l.peer)
		return false
	}
	if !pkt.Sender.Valid() {
		n.unsafe(UnsafeSenderID, "node at %s calls itself %q", l.remote, pkt.Sender)
		return false
	}
	n.renamePeer(l.peer, pkt.Sender)
	n.logf(LevelDebug, "Handshake with node %s completed.", l.peer.id)
	n.setFlags(l.peer, pkt.Flags&(flagMaster|flagReplica), bus.FlagHandshake)
	n.later(todoSave)
	return true
}

// rejectWrongPeer drops the address of a node at which another one answers.
func (n *Node) rejectWrongPeer(l *link) {
	p := l.peer
	n.logf(LevelDebug, "PONG contains mismatching sender ID. About node %s added %d ms ago, having flags %d",
		p.id, n.now-p.created, p.flags)
	n.setFlags(p, bus.FlagNoAddr, 0)
	p.ip, p.port, p.tlsPort, p.cport = "", 0, 0, 0
	n.closeLink(l)
	n.later(todoSave)
}

// updateAddress moves a node to the address that its PING came from or announces.
// Mirrors nodeUpdateAddressIfNeeded.
func (n *Node) updateAddress(p *peer, l *link, pkt *bus.Packet) bool {
	if l == p.out || planted("address-kept") {
		return false
	}
	ip, ok := n.senderIP(l, pkt)
	if !ok {
		return false
	}
	port, tlsPort := n.clientPorts(pkt.Port, pkt.PPort)
	if p.port == port && p.tlsPort == tlsPort && p.cport == int(pkt.CPort) && p.ip == ip {
		return false
	}
	p.ip, p.port, p.tlsPort, p.cport = ip, port, tlsPort, int(pkt.CPort)
	n.closeLink(p.out)
	n.setFlags(p, 0, bus.FlagNoAddr)
	n.logf(LevelNotice, "Address updated for node %s, now %s:%d", p.name(), p.ip, p.clientPort(n.set.TLSCluster))
	if n.myself.isReplica() && n.myself.master == p {
		n.follow(p)
	}
	return true
}

// addressSafe reports whether an address can stand in nodes.conf.
func addressSafe(ip string) bool {
	for i := range len(ip) {
		switch c := ip[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case c == '.', c == ':', c == '-', c == '_', c == '%':
		default:
			return false
		}
	}
	return true
}
