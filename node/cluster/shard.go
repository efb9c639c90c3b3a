package cluster

import (
	"slices"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// shard is the nodes that share a shard id, in the order in which they joined. A
// node in handshake is in none.
type shard struct {
	id      bus.ID
	members []*peer
}

// addToShard mirrors clusterAddNodeToShard.
func (n *Node) addToShard(id bus.ID, p *peer) {
	sh := n.shardByID[id]
	if sh == nil {
		sh = &shard{id: id}
		n.shardByID[id] = sh
		n.shards = append(n.shards, sh)
	}
	if !slices.Contains(sh.members, p) {
		sh.members = append(sh.members, p)
	}
}

// removeFromShard mirrors clusterRemoveNodeFromShard.
func (n *Node) removeFromShard(p *peer) {
	sh := n.shardByID[p.shardID]
	if sh == nil {
		return
	}
	if j := slices.Index(sh.members, p); j >= 0 {
		sh.members = slices.Delete(sh.members, j, j+1)
	}
	if len(sh.members) == 0 {
		delete(n.shardByID, sh.id)
		i := slices.Index(n.shards, sh)
		n.shards = slices.Delete(n.shards, i, i+1)
	}
}

// assignShard mirrors assignShardIdToNode.
func (n *Node) assignShard(p *peer, id bus.ID, t todo) {
	n.removeFromShard(p)
	p.shardID = id
	n.addToShard(id, p)
	n.later(t)
}

// updateShard believes a node's shard id: a master takes its replicas along, a replica must agree
// with its master. Mirrors updateShardId.
func (n *Node) updateShard(p *peer, id bus.ID) {
	if p.shardID == id {
		return
	}
	if p.master != nil {
		if p.master.shardID == id {
			n.assignShard(p, id, todoSave)
		}
		return
	}
	n.assignShard(p, id, todoSave)
	for _, r := range p.replicas {
		if r.shardID != id {
			n.assignShard(r, id, todoSave|todoSync)
		}
	}
}
