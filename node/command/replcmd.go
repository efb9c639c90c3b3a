package command

import "github.com/slotdiff/slotdiff/node/command/table"

func init() {
	register(map[string]handler{
		"failover": func(_ *Engine, c *Client) {
			// Mirrors cluster_legacy.c:clusterAllowFailoverCmd.
			c.err("ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead.")
		},
		"psync": psync,
		"sync":  sync,
	})
}

// psync knows the refusals of replication.c:syncCommand, for a hand-over (PSYNC replid offset
// FAILOVER) and for a replica that is itself without a master.
func psync(e *Engine, c *Client) {
	if len(c.argv) > 3 && table.IsOption(c.argv[3], "failover") {
		switch {
		case e.following() == nil:
			c.err("ERR PSYNC FAILOVER can't be sent to a master.")
			return
		case !table.IsOption(c.argv[1], e.Facts.RunID):
			c.err("ERR PSYNC FAILOVER replid must match my replid.")
			return
		}
	}
	sync(e, c)
}

// sync refuses: a replica that is followed in name only never has what it could pass on,
// and no master here has a replication stream. NOMASTERLINK is what a Redis replica takes
// for "later" and comes back for a second on; after any other error it reconnects at once,
// a thousand times a second (replication.c:syncWithMaster, readSyncBulkPayload).
func sync(e *Engine, c *Client) {
	if e.following() != nil {
		c.err("NOMASTERLINK Can't SYNC while not connected with my master")
		return
	}
	c.err("NOMASTERLINK slotnode does not execute '" + c.cmd.Name + "'")
}
