package cluster

import (
	"net/netip"
	"slices"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// link is one connection (struct clusterLink). A dialled link always has its node, an accepted one
// gets it with the first packet from a known node.
type link struct {
	id      LinkID
	peer    *peer
	created Time
	up      bool
	closed  bool
	local   string // address of this end, "": not known
	remote  string // address of the other end, "": not known
	queued  int64  // bytes not yet written, of the last report
}

func (l *link) inbound() bool { return l.id.Inbound() }

// dial opens a link to p. Mirrors the reconnection in clusterNodeCronHandleReconnect.
func (n *Node) dial(p *peer) {
	if _, err := netip.ParseAddr(p.ip); err != nil {
		// That fails before there is a link to ping over. The ping counts as sent, or the node would never be suspected.
		if p.pingSent == 0 {
			n.setPingSent(p, n.now)
		}
		n.logf(LevelDebug, "Unable to connect to Cluster Node [%s]:%d", p.ip, p.cport)
		return
	}
	n.lastLink += 2
	l := &link{id: n.lastLink, peer: p, created: n.now}
	p.out = l
	n.links[l.id] = l
	n.ready.Dial = append(n.ready.Dial, Dial{Link: l.id, Host: p.ip, Port: p.cport})
}

// closeLink mirrors freeClusterLink: what was not yet written is lost. A nil link is no error.
func (n *Node) closeLink(l *link) {
	if l == nil || l.closed {
		return
	}
	n.forgetLink(l)
	n.ready.Send = slices.DeleteFunc(n.ready.Send, func(s Send) bool { return s.Link == l.id })
	if i := slices.IndexFunc(n.ready.Dial, func(d Dial) bool { return d.Link == l.id }); i >= 0 {
		n.ready.Dial = slices.Delete(n.ready.Dial, i, i+1)
		return
	}
	n.ready.Close = append(n.ready.Close, l.id)
}

// forgetLink takes a link that is gone out of the tables.
func (n *Node) forgetLink(l *link) {
	l.closed = true
	delete(n.links, l.id)
	if l.peer == nil {
		return
	}
	if l.peer.out == l {
		l.peer.out = nil
		n.heed(l.peer)
	} else if l.peer.in == l {
		l.peer.in = nil
	}
}

// bindInbound says whose accepted link it is; an older one of the same node is closed.
// Mirrors setClusterNodeToInboundClusterLink.
func (n *Node) bindInbound(p *peer, l *link) {
	n.closeLink(p.in)
	p.in = l
	l.peer = p
}

// addrText is an address as Redis prints it, "" for none.
func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.Unmap().WithZone("").String()
}

// handleLinkUp takes an accepted link, or greets the node that was dialled.
// Mirrors clusterConnAcceptHandler and clusterLinkConnectHandler.
func (n *Node) handleLinkUp(ev LinkUp) {
	if ev.Link.Inbound() {
		if n.links[ev.Link] != nil {
			panic("cluster: an inbound link came up twice")
		}
		n.links[ev.Link] = &link{id: ev.Link, created: n.now, up: true, local: addrText(ev.Local), remote: addrText(ev.Peer)}
		return
	}
	l := n.links[ev.Link]
	if l == nil {
		return // closed while it was being dialled
	}
	l.up, l.local, l.remote = true, addrText(ev.Local), addrText(ev.Peer)
	p := l.peer
	pending := p.pingSent
	typ := bus.TypePing
	if p.flags.Any(bus.FlagMeet) {
		typ = bus.TypeMeet
	}
	n.sendPing(l, typ)
	if pending != 0 {
		// The first ping that was not answered stays the one that counts for the timeout.
		n.setPingSent(p, pending)
	}
	n.setFlags(p, 0, bus.FlagMeet)
	n.logf(LevelDebug, "Connected with node %s at %s:%d", p.id, p.ip, p.cport)
}

// handleLinkDown forgets a link. That a node could not be dialled is no reason to suspect it: the
// next tick dials again, and pings over the link that is being dialled once the node was silent for
// long enough, which starts the count for PFAIL.
func (n *Node) handleLinkDown(ev LinkDown) {
	l := n.links[ev.Link]
	if l == nil {
		return
	}
	n.forgetLink(l)
	if l.inbound() || l.up {
		n.logf(LevelDebug, "I/O error reading from node link: %s", ev.Reason)
		return
	}
	n.logf(LevelVerbose, "Connection with Node %s at %s:%d failed: %s", l.peer.id, l.peer.ip, l.peer.cport, ev.Reason)
}

// handleReport takes the facts of the data plane.
func (n *Node) handleReport(ev Report) {
	n.report = ev
	n.report.SendQueues = nil
	if n.manual.end != 0 {
		n.later(todoManualFailover)
	}
	for _, l := range n.queued {
		l.queued = 0
	}
	n.queued = n.queued[:0]
	for _, q := range ev.SendQueues {
		if l := n.links[q.Link]; l != nil {
			l.queued = q.Bytes
			n.queued = append(n.queued, l)
			n.heed(l.peer)
		}
	}
}

// closeOverLimit closes links whose peers do not read. Mirrors freeClusterLinkOnBufferLimitReached.
func (n *Node) closeOverLimit(l *link) {
	limit := n.set.LinkSendbufLimit
	if l == nil || limit == 0 || l.queued+emptySendQueue <= limit {
		return
	}
	direction := "to"
	if l.inbound() {
		direction = "from"
	}
	n.logf(LevelWarning, "Freeing cluster link(%s node %s, used memory: %d) due to exceeding send buffer memory limit.",
		direction, l.peer.id, l.queued+emptySendQueue)
	n.closeLink(l)
	n.stats.LinksOverLimit++
}
