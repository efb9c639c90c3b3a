package command

import (
	"fmt"

	"github.com/slotdiff/slotdiff/node/cluster"
)

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
	case cluster.Follow:
		e.master = &masterLink{op.Host, op.Port}
		e.DB.KeepExpired = true
	case cluster.Unfollow:
		e.master = nil
		e.DB.KeepExpired = false
	case cluster.EmptyData:
		e.touchedAll()
		e.DB.Flush()
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
