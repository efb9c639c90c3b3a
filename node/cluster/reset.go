package cluster

import (
	"slices"

	"github.com/slotdiff/slotdiff/slot"
)

// handleReset is CLUSTER RESET. Mirrors clusterReset.
func (n *Node) handleReset(r Reset) Answer {
	if n.myself.isMaster() && r.Keys != 0 {
		return refuse("CLUSTER RESET can't be called with master nodes containing keys")
	}
	if n.myself.isReplica() {
		n.setAsMaster(n.myself)
		n.unfollow()
		n.ready.Data = append(n.ready.Data, EmptyData{})
	}
	n.closeSlots()
	n.resetManualFailover()
	for s := range slot.Count {
		n.delSlot(uint16(s))
	}
	n.shards = nil
	clear(n.shardByID)
	for _, p := range slices.Clone(n.peers) {
		if p != n.myself {
			n.delPeer(p)
		}
	}
	n.blacklist = nil
	if r.Hard {
		n.currentEpoch, n.lastVoteEpoch, n.myself.configEpoch = 0, 0, 0
		n.logf(LevelNotice, "configEpoch set to 0 via CLUSTER RESET HARD")
		delete(n.byID, n.myself.id)
		n.myself.id, n.myself.shardID = n.randomID(), n.randomID()
		n.byID[n.myself.id] = n.myself
		n.logf(LevelNotice, "Node hard reset, now I'm %s", n.myself.id)
	}
	n.addToShard(n.myself.shardID, n.myself)
	n.later(todoSave | todoUpdateState | todoSync)
	return ok
}
