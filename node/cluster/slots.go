package cluster

import (
	"math"
	"slices"

	"github.com/slotdiff/slotdiff/slot"
)

// addSlot gives a slot that has no owner to p. Mirrors clusterAddSlot and clusterNodeSetSlotBit.
func (n *Node) addSlot(p *peer, s uint16) {
	if n.slots[s] != nil {
		return
	}
	if p.slots == nil {
		p.slots = new(slot.Set)
		n.orphans.stale = true
	}
	p.slots.Add(s)
	p.numSlots++
	if p.numSlots == 1 && n.mastersHaveReplicas() {
		n.setFlags(p, flagMigrateTo, 0)
	}
	n.slots[s] = p
	n.slotChanges++
	n.notClaiming.Remove(s)
}

// delSlot takes a slot from its owner, and its shard channels from their subscribers.
// Mirrors clusterDelSlot.
func (n *Node) delSlot(s uint16) {
	p := n.slots[s]
	if p == nil {
		return
	}
	p.slots.Remove(s)
	if p.numSlots--; p.numSlots == 0 {
		p.slots = nil
		n.orphans.stale = true
	}
	n.slots[s] = nil
	n.slotChanges++
	n.notClaiming.Remove(s)
	if n.anyChanged && s <= n.lastChanged {
		n.dropChannels()
	}
	n.changed.Add(s)
	n.anyChanged, n.lastChanged = true, s
}

// dropChannels tells the data plane of the slots that changed hands so far: subscribers hear of it in this order, and before messages that
// come later.
func (n *Node) dropChannels() {
	if n.anyChanged {
		n.ready.Data = append(n.ready.Data, DropShardChannels{Slots: n.changed})
		n.changed, n.anyChanged = slot.Set{}, false
	}
}

// moveSlots mirrors clusterMoveNodeSlots.
func (n *Node) moveSlots(from, to *peer) int {
	moved := *from.owned()
	for s := range moved.All() {
		n.delSlot(s)
		n.addSlot(to, s)
	}
	return moved.Len()
}

// delSlots mirrors clusterDelNodeSlots.
func (n *Node) delSlots(p *peer) int {
	lost := *p.owned()
	for s := range lost.All() {
		n.delSlot(s)
	}
	return lost.Len()
}

// unclaimed reports whether a slot has no owner, or one that stopped claiming it (isSlotUnclaimed).
func (n *Node) unclaimed(s uint16) bool { return n.slots[s] == nil || n.notClaiming.Has(s) }

// closeSlots mirrors clusterCloseAllSlots.
func (n *Node) closeSlots() {
	clear(n.migrating)
	clear(n.importing)
	n.open = slot.Set{}
}

// setMigrating says to whom a slot migrates, nil: to nobody.
func (n *Node) setMigrating(s uint16, to *peer) {
	n.markOpen(n.migrating, s, to)
}

// setImporting says from whom a slot is imported, nil: from nobody.
func (n *Node) setImporting(s uint16, from *peer) {
	n.markOpen(n.importing, s, from)
}

func (n *Node) markOpen(table map[uint16]*peer, s uint16, p *peer) {
	if p != nil {
		table[s] = p
	} else {
		delete(table, s)
	}
	if n.migrating[s] != nil || n.importing[s] != nil {
		n.open.Add(s)
	} else {
		n.open.Remove(s)
	}
}

// mastersHaveReplicas mirrors clusterMastersHaveSlaves.
func (n *Node) mastersHaveReplicas() bool {
	for _, p := range n.peers {
		if !p.isReplica() && len(p.replicas) > 0 {
			return true
		}
	}
	return false
}

// changeSlots is CLUSTER ADDSLOTS and DELSLOTS: every slot parses before any is looked at.
func (n *Node) changeSlots(list []int, del bool) Answer {
	if slices.Contains(list, BadSlot) {
		return badSlot
	}
	var chosen slot.Set
	for _, s := range list {
		if a := n.choose(&chosen, s, s, del); a.Err() {
			return a
		}
	}
	return n.assign(&chosen, del)
}

// changeRanges is CLUSTER ADDSLOTSRANGE and DELSLOTSRANGE: each range is looked at as soon as it
// is parsed.
func (n *Node) changeRanges(list []Range, del bool) Answer {
	var chosen slot.Set
	for _, r := range list {
		if r.Start == BadSlot || r.End == BadSlot {
			return badSlot
		}
		if r.Start > r.End {
			return refuse("start slot number %d is greater than end slot number %d", r.Start, r.End)
		}
		if a := n.choose(&chosen, r.Start, r.End, del); a.Err() {
			return a
		}
	}
	return n.assign(&chosen, del)
}

var badSlot = refuse("Invalid or out of range slot")

// choose mirrors checkSlotAssignmentsOrReply.
func (n *Node) choose(chosen *slot.Set, lo, hi int, del bool) Answer {
	for s := lo; s <= hi; s++ {
		switch owned := n.slots[s] != nil; {
		case del && !owned:
			return refuse("Slot %d is already unassigned", s)
		case !del && owned:
			return refuse("Slot %d is already busy", s)
		case chosen.Has(uint16(s)):
			return refuse("Slot %d specified multiple times", s)
		}
		chosen.Add(uint16(s))
	}
	return ok
}

// assign mirrors clusterUpdateSlots.
func (n *Node) assign(chosen *slot.Set, del bool) Answer {
	for s := range chosen.All() {
		n.setImporting(s, nil)
		if del {
			n.delSlot(s)
		} else {
			n.addSlot(n.myself, s)
		}
	}
	n.later(todoUpdateState | todoSave)
	return ok
}

// handleFlushSlots is CLUSTER FLUSHSLOTS.
func (n *Node) handleFlushSlots(r FlushSlots) Answer {
	if r.Keys != 0 {
		return refuse("DB must be empty to perform CLUSTER FLUSHSLOTS.")
	}
	n.delSlots(n.myself)
	n.later(todoUpdateState | todoSave)
	return ok
}

// handleSetSlot is CLUSTER SETSLOT.
func (n *Node) handleSetSlot(r SetSlot) Answer {
	if n.myself.isReplica() {
		return refuse("Please use SETSLOT only with masters.")
	}
	if r.Slot == BadSlot {
		return badSlot
	}
	s := uint16(r.Slot)
	switch r.Action {
	case SetSlotMigrating:
		if n.slots[s] != n.myself {
			return refuse("I'm not the owner of hash slot %d", s)
		}
		to, a := n.openPeer(r.Node)
		if a.Err() {
			return a
		}
		n.setMigrating(s, to)
	case SetSlotImporting:
		if n.slots[s] == n.myself {
			return refuse("I'm already the owner of hash slot %d", s)
		}
		from, a := n.openPeer(r.Node)
		if a.Err() {
			return a
		}
		n.setImporting(s, from)
	case SetSlotStable:
		n.setImporting(s, nil)
		n.setMigrating(s, nil)
	case SetSlotNode:
		if a := n.setSlotOwner(r); a.Err() {
			return a
		}
	default:
		return refuse("Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP")
	}
	n.later(todoSave | todoUpdateState)
	return ok
}

// openPeer is the node that a slot migrates to or is imported from.
func (n *Node) openPeer(arg string) (*peer, Answer) {
	p := n.lookupArg(arg)
	if p == nil {
		return nil, refuse("I don't know about node %s", cString(arg))
	}
	if p.isReplica() {
		return nil, refuse("Target node is not a master")
	}
	return p, ok
}

// setSlotOwner is CLUSTER SETSLOT slot NODE id.
func (n *Node) setSlotOwner(r SetSlot) Answer {
	s := uint16(r.Slot)
	p := n.lookupArg(r.Node)
	if p == nil {
		return unknownNode(r.Node)
	}
	if p.isReplica() {
		return refuse("Target node is not a master")
	}
	wasMine := n.slots[s] == n.myself
	if wasMine && p != n.myself && r.Keys != 0 {
		return refuse("Can't assign hashslot %d to a different node while I still hold keys for this hash slot.", s)
	}
	if r.Keys == 0 {
		n.setMigrating(s, nil)
	}
	n.delSlot(s)
	n.addSlot(p, s)
	if wasMine && p != n.myself && n.myself.numSlots == 0 && n.set.AllowReplicaMigration {
		n.logf(LevelNotice, "Configuration change detected. Reconfiguring myself as a replica of %s", p.name())
		n.becomeReplicaOf(p)
		n.later(todoSave | todoUpdateState | todoSync | todoBroadcastPong)
	}
	if p == n.myself && n.importing[s] != nil {
		if n.bumpEpoch() {
			n.logf(LevelNotice, "configEpoch updated after importing slot %d", s)
		}
		n.setImporting(s, nil)
		n.later(todoBroadcastPong)
	}
	return ok
}

// reconcile gives a master the slots of nobody that it has keys in, and drops its keys in slots of
// others. Slots that it imports are left alone.
// Mirrors clusterClaimUnassignedSlots and cluster.c:clusterDeleteKeysInUnownedSlots.
func (n *Node) reconcile(r Claim) {
	if n.myself.isReplica() {
		return
	}
	claimed := false
	var foreign slot.Set
	for s := range r.Populated.All() {
		switch {
		case n.importing[s] != nil:
		case n.slots[s] == nil:
			n.logf(LevelNotice, "I have keys for unassigned slot %d. Taking responsibility for it.", s)
			n.addSlot(n.myself, s)
			claimed = true
		case n.slots[s] != n.myself:
			foreign.Add(s)
		}
	}
	if claimed {
		n.saveNow()
	}
	for s := range foreign.All() {
		n.logf(LevelNotice, "I have keys for slot %d, but the slot is assigned to another node. Deleting keys in the slot.", s)
	}
	if !foreign.Empty() {
		n.ready.Data = append(n.ready.Data, DropKeys{Slots: foreign})
	}
}

const noEpochLeft = math.MaxUint64
