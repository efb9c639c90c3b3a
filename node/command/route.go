package command

import (
	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/command/table"
)

// route asks the cluster where a command must run. For EXEC the keys are those of
// all queued commands. Mirrors the call of cluster.c:getNodeByQuery in
// server.c:processCommand, with the keys that preprocessCommand has found: keys
// of one command in several slots are told before an unowned slot is.
func (e *Engine) route(c *Client, cmd *table.Command, flags table.Flag, keys []table.Key) cluster.Route {
	q := cluster.Query{
		Present:  func(key []byte) bool { return e.DB.Peek(key, e.now) != nil },
		Asking:   c.has(asking) || cmd.Has(table.Asking),
		ReadOnly: c.has(readOnly),
		Nested:   cmd == cmdExec || c.has(inScript),
	}
	refs := c.refs[:0]
	if cmd == cmdExec {
		if !c.has(inMulti) {
			return cluster.Route{}
		}
		q.ExecWrite = c.queueFlags&table.Write != 0
		for i := range c.queued {
			qc := &c.queued[i]
			if qc.cmd.ShardChannels() && !q.ShardPubSub {
				q.ShardPubSub, q.ShardFrom = true, len(refs)
			}
			for _, k := range qc.keys {
				refs = append(refs, qc.argv[k.Pos])
			}
		}
	} else {
		q.Write = flags&table.Write != 0
		q.Migrate = cmd == cmdMigrate
		q.ShardPubSub = cmd.ShardChannels()
		for _, k := range keys {
			refs = append(refs, c.argv[k.Pos])
		}
	}
	q.Keys = refs
	c.refs = refs[:0]
	return plantedRoute(e, c, cmd, q)
}
