package cluster

import (
	"strings"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// handleGossip takes what a node says of others. An unknown sender, whose gossip is read where it sends MEET, reports no
// failures and makes no node known, but Redis believes it the new address of a node that fails.
// One id that no node can have makes the whole section void.
// Mirrors clusterProcessGossipSection.
func (n *Node) handleGossip(l *link, sender *peer, body *bus.Ping) {
	if bad := n.lookupGossip(body.Gossip); bad > 0 {
		who := "Unknown node"
		if sender != nil {
			who = "Node " + sender.name()
		}
		n.logf(LevelWarning, "%s gossiped %d nodes with invalid IDs.", who, bad)
		return
	}
	for i := range body.Gossip {
		g := &body.Gossip[i]
		p := n.about[i]
		if p == nil {
			p = n.byID[g.ID] // learned from an entry before, if the packet names it twice
		}
		switch {
		case p == nil:
			if sender != nil || planted("gossip-of-stranger") {
				n.learnPeer(g)
			}
		case p != n.myself:
			n.handleGossipEntry(sender, p, g)
		}
		if l.closed {
			return // by a new address of the sender itself
		}
	}
}

// lookupGossip finds the nodes that entries are about. It returns how many ids no node can have;
// one that is known is none of them.
func (n *Node) lookupGossip(gossip []bus.Gossip) int {
	bad := 0
	n.about = n.about[:0]
	for i := range gossip {
		p := n.byID[gossip[i].ID]
		if p == nil && !gossip[i].ID.Valid() {
			bad++
		}
		n.about = append(n.about, p)
	}
	return bad
}

// handleGossipEntry takes what the sender, nil: an unknown one, says of a known node.
func (n *Node) handleGossipEntry(sender, p *peer, g *bus.Gossip) {
	failing := g.Flags.Any(flagsFailing)
	if sender != nil && (sender.isMaster() || planted("report-of-replica")) {
		if failing {
			if n.addFailReport(p, sender) {
				n.logf(LevelVerbose, "Node %s reported node %s as not reachable.", sender.name(), p.name())
			}
			n.markFailing(p)
		} else if n.delFailReport(p, sender) {
			n.logf(LevelVerbose, "Node %s reported node %s is back online.", sender.name(), p.name())
		}
	}
	if failing {
		return
	}
	if p.pingSent == 0 && n.countFailReports(p) == 0 {
		pong := Time(g.PongReceived) * 1000
		if pong <= n.now+gossipFuture && pong > p.pongReceived {
			p.pongReceived = pong
		}
	}
	if !p.flags.Any(flagsFailing) || g.Flags.Any(bus.FlagNoAddr) {
		return
	}
	port, tlsPort := n.clientPorts(g.Port, g.PPort)
	ip := g.IP.String()
	if strings.EqualFold(p.ip, ip) && p.port == port && p.tlsPort == tlsPort && p.cport == int(g.CPort) {
		return
	}
	if !n.gossipAddressSafe(g) {
		return
	}
	n.closeLink(p.out)
	p.ip, p.port, p.tlsPort, p.cport = ip, port, tlsPort, int(g.CPort)
	n.setFlags(p, 0, bus.FlagNoAddr)
}

// learnPeer adds a node that another node knows.
func (n *Node) learnPeer(g *bus.Gossip) {
	if g.Flags.Any(bus.FlagNoAddr) && !planted("noaddr-added") || n.blacklisted(g.ID) && !planted("blacklist-ignored") || !n.gossipAddressSafe(g) {
		return
	}
	flags := g.Flags
	if flags.Any(bus.FlagMyself) {
		n.unsafe(UnsafeMyselfGossiped, "node %s", g.ID)
		flags &^= bus.FlagMyself
	}
	p := n.newPeer(g.ID, flags)
	p.ip = g.IP.String()
	p.port, p.tlsPort = n.clientPorts(g.Port, g.PPort)
	p.cport = int(g.CPort)
	n.addPeer(p)
	n.addToShard(p.shardID, p)
}

func (n *Node) gossipAddressSafe(g *bus.Gossip) bool {
	if !g.IP.Terminated() || !addressSafe(g.IP.String()) {
		n.unsafe(UnsafeAddress, "gossip about node %s has the address %q", g.ID, g.IP)
		return false
	}
	return true
}
