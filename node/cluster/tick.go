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
	failing, orphans := n.watchPeers()
	if n.myself.isReplica() && !n.follows && n.myself.master != nil && n.myself.master.hasAddr() {
		n.follow(n.myself.master)
	}
	n.checkManualFailover()
	if n.myself.isReplica() {
		n.handleManualFailover()
		n.handleReplicaFailover()
		if orphans.masters > 0 && orphans.most >= 2 && orphans.mine == orphans.most && n.set.AllowReplicaMigration {
			n.handleReplicaMigration(orphans.most)
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

// orphanCount is what replica migration needs to know of other masters.
type orphanCount struct {
	masters int // without a working replica, once they had one
	most    int // working replicas that some master has
	mine    int // working replicas that this node's master has
}

// watchPeers pings who was silent too long, reconnects who does not answer, and
// suspects who still does not. It reports whether a new suspect was found.
func (n *Node) watchPeers() (failing bool, orphans orphanCount) {
	timeout := n.set.NodeTimeout
	interval := n.set.PingInterval
	if interval == 0 {
		interval = timeout / 2
	}
	for _, p := range n.peers {
		if p.flags.Any(bus.FlagMyself | bus.FlagNoAddr | bus.FlagHandshake) {
			continue
		}
		if n.myself.isReplica() && p.isMaster() && !p.failed() {
			n.countOrphans(p, &orphans)
		}
		pingDelay, dataDelay := n.now-p.pingSent, n.now-p.dataReceived
		if p.out != nil && n.now-p.out.created > timeout && p.pingSent != 0 &&
			pingDelay > timeout/2 && dataDelay > timeout/2 {
			n.closeLink(p.out)
		}
		if p.out != nil && p.pingSent == 0 && n.now-p.pongReceived > interval {
			n.sendPing(p.out, bus.TypePing)
			continue
		}
		if n.manual.end != 0 && n.myself.isMaster() && n.manual.replica == p && p.out != nil {
			n.sendPing(p.out, bus.TypePing)
			continue
		}
		if p.pingSent == 0 || min(pingDelay, dataDelay) <= timeout || p.flags.Any(flagsFailing) {
			continue
		}
		p.flags |= bus.FlagPFail
		failing = true
		if n.myself.isMaster() && n.size == 1 {
			n.markFailing(p)
		} else {
			n.logf(LevelDebug, "*** NODE %s possibly failing", p.id)
		}
	}
	return failing, orphans
}

func (n *Node) countOrphans(p *peer, o *orphanCount) {
	working := p.workingReplicas()
	if working == 0 && p.numSlots > 0 && p.flags.Any(flagMigrateTo) {
		o.masters++
	}
	o.most = max(o.most, working)
	if n.myself.master == p {
		o.mine = working
	}
}
