package cluster

import "github.com/slotdiff/slotdiff/wire/bus"

// handleAuthRequest votes for a replica that wants to replace its failed master, or denies it. A vote is
// durable before it is sent; a denial is only logged. Mirrors clusterSendFailoverAuthIfNeeded.
func (n *Node) handleAuthRequest(sender *peer, pkt *bus.Packet) {
	if n.myself.isReplica() || n.myself.numSlots == 0 {
		return
	}
	deny := func(format string, args ...any) {
		n.logf(LevelWarning, "Failover auth denied to "+sender.name()+": "+format, args...)
	}
	master := sender.master
	spacing := n.set.NodeTimeout * 2
	switch {
	case pkt.CurrentEpoch < n.currentEpoch && !planted("vote-in-old-epoch"):
		deny("reqEpoch (%d) < curEpoch(%d)", pkt.CurrentEpoch, n.currentEpoch)
		return
	case n.lastVoteEpoch == n.currentEpoch:
		deny("already voted for epoch %d", n.currentEpoch)
		return
	case sender.isMaster():
		deny("it is a master node")
		return
	case master == nil:
		deny("I don't know its master")
		return
	case !master.failed() && !pkt.MFlags.Has(bus.MFlagForceAck):
		deny("its master is up")
		return
	case n.now-master.votedTime < spacing:
		deny("can't vote about this master before %d milliseconds", spacing-(n.now-master.votedTime))
		return
	}
	for s := range pkt.Slots.All() {
		if !n.unclaimed(s) && n.slots[s].configEpoch > pkt.ConfigEpoch {
			deny("slot %d epoch (%d) > reqEpoch (%d)", s, n.slots[s].configEpoch, pkt.ConfigEpoch)
			return
		}
	}
	n.lastVoteEpoch = n.currentEpoch
	master.votedTime = n.now
	n.later(todoSave | todoSync)
	if sender.out != nil {
		n.send(sender.out, bus.TypeAuthAck, n.build(bus.TypeAuthAck, &n.empty))
	}
	n.logf(LevelNotice, "Failover auth granted to %s for epoch %d", sender.name(), n.currentEpoch)
}

// handleAuthAck counts a vote. Redis counts one master as often as it answers, and so does this.
func (n *Node) handleAuthAck(sender *peer, pkt *bus.Packet) {
	if sender.isMaster() && sender.numSlots > 0 && pkt.CurrentEpoch >= n.vote.epoch {
		n.vote.count++
		n.later(todoFailover)
	}
}
