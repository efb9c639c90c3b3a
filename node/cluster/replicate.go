package cluster

import "github.com/slotdiff/slotdiff/slot"

// becomeReplicaOf mirrors clusterSetMaster. It does nothing where Redis would end in an assertion:
// for this node itself, and while it owns slots.
func (n *Node) becomeReplicaOf(p *peer) {
	if p == n.myself || n.myself.numSlots != 0 {
		n.unsafe(UnsafeOwnMaster, "not following %s with %d slots of my own", p.id, n.myself.numSlots)
		return
	}
	if n.myself.isMaster() {
		n.setFlags(n.myself, flagReplica, flagMaster|flagMigrateTo)
		n.closeSlots()
	} else if n.myself.master != nil {
		n.removeReplica(n.myself.master, n.myself)
	}
	n.setMaster(n.myself, p)
	n.orphans.stale = true
	n.updateShard(n.myself, p.shardID)
	n.addReplica(p, n.myself)
	n.follow(p)
	// removeAllNotOwnedShardChannelSubscriptions
	all := slot.Full()
	others := all.Minus(p.owned())
	n.dropChannels()
	n.changed, n.anyChanged, n.lastChanged = others, true, slot.Count-1
	n.resetManualFailover()
}

// follow tells the data plane whose replica it is (replicationSetMaster).
func (n *Node) follow(p *peer) {
	n.follows = true
	n.ready.Data = append(n.ready.Data, Follow{Host: p.ip, Port: p.clientPort(n.set.TLSReplication)})
}

// unfollow tells the data plane that it is nobody's replica (replicationUnsetMaster).
func (n *Node) unfollow() {
	if n.follows {
		n.follows = false
		n.ready.Data = append(n.ready.Data, Unfollow{})
	}
}

// mendSplitRole ends the replication of a node that a packet made a master, which Redis forgets.
func (n *Node) mendSplitRole(format string, args ...any) {
	if n.follows {
		n.unsafe(UnsafeRoleSplit, format, args...)
		n.unfollow()
	}
}

// handleReplicate is CLUSTER REPLICATE.
func (n *Node) handleReplicate(r Replicate) Answer {
	p := n.lookupArg(r.Node)
	switch {
	case p == nil:
		return unknownNode(r.Node)
	case p == n.myself:
		return refuse("Can't replicate myself")
	case p.isReplica():
		return refuse("I can only replicate a master, not a replica.")
	case n.myself.isMaster() && (n.myself.numSlots != 0 || r.Keys != 0):
		return refuse("To set a master the node must be empty and without assigned slots.")
	}
	n.becomeReplicaOf(p)
	n.later(todoUpdateState | todoSave | todoBroadcastPong)
	return ok
}
