package cluster

import (
	"slices"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// propagate tells other nodes a message: every node, or those of this shard.
// Mirrors clusterPropagatePublish.
func (n *Node) propagate(r Publish) {
	body := &bus.Publish{Channel: r.Channel, Message: r.Message}
	if !r.Shard {
		n.broadcast(bus.TypePublish, n.build(bus.TypePublish, body))
		return
	}
	frame := n.build(bus.TypePublishShard, body)
	if sh := n.shardByID[n.myself.shardID]; sh != nil {
		for _, p := range sh.members {
			if !p.flags.Any(bus.FlagMyself | bus.FlagHandshake) {
				n.send(p.out, bus.TypePublishShard, frame)
			}
		}
	}
}

// deliver hands a message from the bus to the data plane.
func (n *Node) deliver(body *bus.Publish, shard bool) {
	n.dropChannels()
	n.ready.Data = append(n.ready.Data, Deliver{
		Channel: slices.Clone(body.Channel), Message: slices.Clone(body.Message), Shard: shard,
	})
}
