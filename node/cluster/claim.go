package cluster

import (
	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// learnSlots compares the slots that a packet claims with those that are known, believes a master,
// and tells a sender whose claim is out of date who owns the slot.
func (n *Node) learnSlots(sender *peer, pkt *bus.Packet) {
	master := sender
	if !sender.isMaster() {
		master = sender.master
	}
	if master == nil || *master.owned() == pkt.Slots {
		return
	}
	if sender.isMaster() {
		n.believeSlots(sender, pkt.ConfigEpoch, &pkt.Slots)
	}
	others := pkt.Slots.Minus(sender.owned())
	for s := range others.All() {
		if n.unclaimed(s) {
			continue
		}
		if n.slots[s].configEpoch > pkt.ConfigEpoch {
			n.logf(LevelVerbose, "Node %s has old slots configuration, sending an UPDATE message about %s",
				sender.id, n.slots[s].id)
			n.sendUpdate(sender.out, n.slots[s])
			break
		}
	}
}

// believeSlots gives p the slots that it claims at an epoch, as far as nobody owns them or their
// owner's epoch is lower. Slots that p owned and does not claim stay with it, marked.
// A node that loses its last slot follows the winner.
// Mirrors clusterUpdateSlotsConfigWith.
func (n *Node) believeSlots(p *peer, epoch uint64, claimed *slot.Set) {
	if p == n.myself {
		n.logf(LevelNotice, "Discarding UPDATE message about myself.")
		return
	}
	current := n.shardMaster()
	wonOurs := 0 // slots of this node, or of its master, that p won
	var lost slot.Set
	kept := claimed.Intersect(p.owned())
	n.notClaiming = n.notClaiming.Minus(&kept)
	wanted := claimed.Minus(&kept)
	n.withoutHeld(&wanted, epoch)
	for s := range wanted.All() {
		if n.Importing(s) || (!n.unclaimed(s) && n.slots[s].configEpoch >= epoch && !planted("claim-of-older-epoch")) {
			continue
		}
		switch {
		case n.slots[s] == nil && current == nil:
			// Redis takes the slot for one of its master's here, which it does not know either.
			n.unsafe(UnsafeUnknownMaster, "slot %d claimed by %s", s, p.id)
		case n.slots[s] == current:
			wonOurs++
		}
		if n.slots[s] == n.myself {
			lost.Add(s)
		}
		n.delSlot(s)
		n.addSlot(p, s)
		n.later(todoSave | todoUpdateState | todoSync)
	}
	silent := p.owned().Minus(claimed)
	n.notClaiming = n.notClaiming.Union(&silent)

	const become = todoSave | todoUpdateState | todoSync | todoBroadcastPong
	switch {
	case wonOurs > 0 && current.numSlots == 0 && (n.set.AllowReplicaMigration || claimed.Len() == wonOurs):
		n.logf(LevelNotice, "Configuration change detected. Reconfiguring myself as a replica of %s", p.name())
		n.becomeReplicaOf(p)
		n.later(become)
	case n.myself.master != nil && n.myself.master.master != nil && n.myself.master.master != n.myself:
		top := n.myself.master.master
		n.logf(LevelNotice, "I'm a sub-replica! Reconfiguring myself as a replica of grandmaster %s", top.name())
		n.becomeReplicaOf(top)
		n.later(become)
	case !lost.Empty():
		n.ready.Data = append(n.ready.Data, DropKeys{Slots: lost})
	}
}

// withoutHeld takes those slots out of a large set that owners of no lower epoch claim: a claim of all slots is common where clusters meet, and
// to look at each of them is slow.
func (n *Node) withoutHeld(s *slot.Set, epoch uint64) {
	if planted("claim-of-older-epoch") || s.Len() <= len(n.peers) {
		return
	}
	for _, p := range n.peers {
		if p.numSlots > 0 && p.configEpoch >= epoch {
			held := p.owned().Minus(&n.notClaiming)
			*s = s.Minus(&held)
		}
	}
}

// sendUpdate tells the node at the other end of l what node p owns. Slots that p itself no longer
// claims are left out. Mirrors clusterSendUpdate.
func (n *Node) sendUpdate(l *link, p *peer) {
	if l == nil || planted("stale-claim-not-told") {
		return
	}
	n.update = bus.Update{ConfigEpoch: p.configEpoch, Node: p.id, Slots: p.owned().Minus(&n.notClaiming)}
	n.send(l, bus.TypeUpdate, n.build(bus.TypeUpdate, &n.update))
}

// handleUpdate takes the claim of a third node, if it is newer than the one known.
func (n *Node) handleUpdate(body *bus.Update) {
	p := n.lookup(body.Node)
	if p == nil || p.configEpoch >= body.ConfigEpoch || planted("update-dropped") {
		return
	}
	if p.isReplica() {
		n.setAsMaster(p)
		if p == n.myself {
			n.mendSplitRole("an UPDATE says that I have slots")
		}
	}
	p.configEpoch = body.ConfigEpoch
	n.later(todoSave | todoSync)
	n.believeSlots(p, body.ConfigEpoch, &body.Slots)
}
