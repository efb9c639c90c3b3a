package command

import (
	"fmt"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// following returns the master that this node replicates, nil for a master. Where
// the core has changed the role in this turn, the answer does not wait for the
// effect to be performed: Redis changes both at once.
func (e *Engine) following() *masterLink {
	if !e.Cluster.Replica() {
		return nil
	}
	if e.master != nil {
		return e.master
	}
	v := e.Cluster.View()
	i := v.Nodes[v.Self].Master
	if i < 0 || v.Nodes[i].Flags.Any(bus.FlagNoAddr) {
		return nil
	}
	return &masterLink{v.Nodes[i].IP, v.Nodes[i].Port}
}

// Perform does an effect of the cluster core on the data plane.
func (e *Engine) Perform(op cluster.DataOp) {
	switch op := op.(type) {
	case cluster.DropKeys:
		for s := op.Slots.Next(0); s >= 0; s = op.Slots.Next(s + 1) {
			for _, k := range e.DB.DropSlot(uint16(s)) {
				e.touched(k)
			}
		}
	case cluster.DropShardChannels:
		e.dropShardChannels(op.Slots)
		for s := op.Slots.Next(0); s >= 0 && len(e.slotNet) > 0; s = op.Slots.Next(s + 1) {
			delete(e.slotNet, s)
		}
	case cluster.Follow:
		e.disconnectBlocked()
		e.master = &masterLink{op.Host, op.Port}
		e.DB.KeepExpired = true
	case cluster.Unfollow:
		e.master = nil
		e.DB.KeepExpired = false
	case cluster.EmptyData:
		e.touchedAll()
		e.DB.Flush()
		e.slotNet = nil
	case cluster.Deliver:
		e.deliver(op.Channel, op.Message, op.Shard)
	case cluster.PauseWrites:
		e.pause.failover = op.Until
	case cluster.ResumeWrites:
		e.pause.failover = 0
	default:
		panic(fmt.Sprintf("node/command: unknown effect %T", op))
	}
}
