package cluster

import "github.com/slotdiff/slotdiff/wire/bus"

// handleTick mirrors clusterCron.
func (n *Node) handleTick() {
	n.ticks++
	n.nextTick = n.now + cronPeriod
	n.setHostname(n.myself, n.set.AnnounceHostname) // clusterUpdateMyselfHostname
	n.keepLinks()
	if n.ticks%pingEveryTicks == 0 {
		n.pingSilent()
	}
	failing := n.watchPeers()
	if n.myself.isReplica() && !n.follows && n.myself.master != nil && n.myself.master.hasAddr() {
		n.follow(n.myself.master)
	}
	n.checkManualFailover()
	if n.myself.isReplica() {
		n.handleManualFailover()
		n.handleReplicaFailover()
		n.countOrphans()
		if o := &n.orphans; o.masters > 0 && o.most >= 2 && o.mine == o.most && n.set.AllowReplicaMigration {
			n.handleReplicaMigration(o.most)
		}
	}
	if failing || n.state == bus.StateFail {
		n.updateState()
	}
}

// keepLinks gives up handshakes that take too long and dials every node to which there is no link.
// Mirrors clusterNodeCronHandleReconnect.
func (n *Node) keepLinks() {
	handshakeTimeout := max(n.set.NodeTimeout, minHandshakeTime)
	n.pfails = 0
	for i := 0; i < len(n.peers); i++ {
		if n.due[i] > n.now {
			continue
		}
		p := n.peers[i]
		n.closeOverLimit(p.out)
		n.closeOverLimit(p.in)
		if p.flags.Any(bus.FlagMyself | bus.FlagNoAddr) {
			continue
		}
		if p.timedOut() {
			n.pfails++
		}
		if p.inHandshake() && n.now-p.created > handshakeTimeout {
			n.delPeer(p)
			i--
			continue
		}
		if p.out == nil {
			n.dial(p)
		}
	}
}

// pingSilent pings the node that was silent for longest among a few picked at random.
func (n *Node) pingSilent() {
	var oldest *peer
	for range pingCandidates {
		p := n.peers[n.chance(len(n.peers))]
		if p.out == nil || p.pingSent != 0 || p.flags.Any(bus.FlagMyself|bus.FlagHandshake) {
			continue
		}
		if oldest == nil || oldest.pongReceived > p.pongReceived {
			oldest = p
		}
	}
	if oldest != nil {
		n.sendPing(oldest.out, bus.TypePing)
	}
}

// watchPeers pings who was silent too long, reconnects who does not answer, and
// suspects who still does not. It reports whether a new suspect was found.
func (n *Node) watchPeers() (failing bool) {
	n.heed(n.manual.replica)
	for i, p := range n.peers {
		if n.due[i] > n.now {
			continue
		}
		failing = n.watchPeer(p) || failing
		n.due[i] = n.nextLook(p)
	}
	return failing
}

// watchPeer reports whether p is a new suspect.
func (n *Node) watchPeer(p *peer) bool {
	if p.flags.Any(bus.FlagMyself | bus.FlagNoAddr | bus.FlagHandshake) {
		return false
	}
	timeout := n.set.NodeTimeout
	pingDelay, dataDelay := n.now-p.pingSent, n.now-p.dataReceived
	if p.out != nil && n.now-p.out.created > timeout && p.pingSent != 0 &&
		pingDelay > timeout/2 && dataDelay > timeout/2 {
		n.closeLink(p.out)
	}
	if p.out != nil && p.pingSent == 0 && n.now-p.pongReceived > n.pingInterval() {
		n.sendPing(p.out, bus.TypePing)
		return false
	}
	if n.manual.end != 0 && n.myself.isMaster() && n.manual.replica == p && p.out != nil {
		n.sendPing(p.out, bus.TypePing)
		return false
	}
	if p.pingSent == 0 || min(pingDelay, dataDelay) <= timeout || p.flags.Any(flagsFailing) {
		return false
	}
	n.setFlags(p, bus.FlagPFail, 0)
	if n.myself.isMaster() && n.size == 1 {
		n.markFailing(p)
	} else {
		n.logf(LevelDebug, "*** NODE %s possibly failing", p.id)
	}
	return true
}

func (n *Node) pingInterval() Time {
	if n.set.PingInterval != 0 {
		return n.set.PingInterval
	}
	return n.set.NodeTimeout / 2
}

// never is later than any tick.
const never Time = 1<<63 - 1

// nextLook is the first moment at which a tick may have something to do for p if nothing befalls p
// until then; a tick before it passes p over. In a quiet cluster that is nearly every tick for nearly
// every node. Redis looks at every node at every tick, so whatever could bring the moment closer
// must call heed: a ping that is sent or answered, a link that is lost, a flag that changes. What only
// puts it off need not.
func (n *Node) nextLook(p *peer) Time {
	timeout := n.set.NodeTimeout
	switch {
	case p.out != nil && p.out.queued > 0, p.in != nil && p.in.queued > 0:
		return 0 // closeOverLimit
	case p.flags.Any(bus.FlagMyself | bus.FlagNoAddr):
		return never
	case p.inHandshake(), p.timedOut(), p.out == nil:
		return 0 // the timeout of handshakes, the count of suspects, the next dial
	case p.pingSent == 0:
		return p.pongReceived + n.pingInterval() + 1
	}
	heard := max(p.pingSent, p.dataReceived)
	next := max(p.out.created+timeout, heard+timeout/2) + 1
	if !p.failed() {
		next = min(next, heard+timeout+1)
	}
	return next
}

// heed has the next tick look at p. A nil p, or one that is not known, is no error.
func (n *Node) heed(p *peer) {
	if p != nil && p.index >= 0 {
		n.due[p.index] = 0
	}
}

// orphanCount is what replica migration needs to know of other masters.
type orphanCount struct {
	masters int // without a working replica, once they had one
	most    int // working replicas that some master has
	mine    int // working replicas that this node's master has
	// stale asks for another count: a flag, a node's replicas, this node's master, or whether a node
	// owns slots has changed since.
	stale bool
}

// countOrphans brings the count up to date.
func (n *Node) countOrphans() {
	if !n.orphans.stale {
		return
	}
	n.orphans = orphanCount{}
	o := &n.orphans
	for _, p := range n.peers {
		if p.flags.Any(bus.FlagMyself|bus.FlagNoAddr|bus.FlagHandshake) || !p.isMaster() || p.failed() {
			continue
		}
		working := p.workingReplicas()
		if working == 0 && p.numSlots > 0 && p.flags.Any(flagMigrateTo) {
			o.masters++
		}
		o.most = max(o.most, working)
		if n.myself.master == p {
			o.mine = working
		}
	}
}
