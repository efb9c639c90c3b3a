package command

import (
	"crypto/subtle"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// internalUser is the name by which a node of the same cluster authenticates, with the cluster's
// secret for a password. No user can be called so, since names have no spaces.
const internalUser = "internal connection"

// superuser is who an internal connection runs as: nobody in the ACL, and nothing is denied.
// Redis has no user at all in its place.
var superuser = func() *user {
	u := defaultUser()
	u.name = "(superuser)"
	return u
}()

// authInternal mirrors acl.c:internalAuth.
func authInternal(e *Engine, c *Client) {
	secret := e.Cluster.Secret()
	if subtle.ConstantTimeCompare(c.argv[2], secret[:]) != 1 {
		c.err("WRONGPASS invalid internal password")
		return
	}
	c.flags |= internal
	c.authenticated, c.user = true, superuser
	c.ok()
}

// clusterSyncSlots takes what one node says to another of a slot migration. None is ever begun
// here: all but the settings of a connection is refused. Mirrors
// cluster_asm.c:clusterSyncSlotsCommand.
func clusterSyncSlots(e *Engine, c *Client) {
	refuse := func(text string) {
		c.err(text)
		c.flags |= closing
	}
	n := len(c.argv)
	switch sub := strings.ToLower(string(c.argv[2])); {
	case !c.has(internal):
		refuse("ERR CLUSTER SYNCSLOTS subcommands are only allowed for internal clients")
	case e.Cluster.Replica():
		refuse("ERR CLUSTER SYNCSLOTS subcommands are only allowed for master")
	case sub == "conf" && n >= 5:
		syncSlotsConf(e, c)
	case sub == "rdbchannel" && n == 4 && len(c.argv[3]) != bus.IDLen:
		c.err("ERR Invalid task id")
	case sub == "rdbchannel" && n == 4:
		c.err("ERR No slot migration task in progress")
	case sub == "fail" && n == 4, sub == "ack" && n == 5:
		// Not answered. Without a task there is nothing to note.
	case sub == "sync" && n >= 6, (sub == "snapshot-eof" || sub == "stream-eof") && n == 3:
		c.err("ERR slotnode does not execute 'cluster|syncslots' " + sub)
	default:
		c.syntax()
	}
}

// syncSlotsConf checks the settings that a node names for its connection. An option that is not
// known is told, and the answer that all is well follows nevertheless.
func syncSlotsConf(e *Engine, c *Client) {
	for i := 3; i < len(c.argv); i += 2 {
		if i+1 == len(c.argv) {
			c.err("ERR " + c.cmd.WrongArity())
			return
		}
		value := c.argv[i+1]
		switch strings.ToLower(string(c.argv[i])) {
		case "node-id":
			if len(value) != bus.IDLen {
				c.err("ERR Invalid node id length " + strconv.Itoa(len(value)))
				return
			}
			if !e.Cluster.Knows(bus.ID(value)) {
				c.err("ERR Node " + string(value) + " not found in cluster")
				return
			}
		case "slot-info":
			if !validSlotInfo(string(value)) {
				c.err("ERR Invalid slot info: " + string(value))
				return
			}
		case "asm-task":
			c.err("ERR CLUSTER SYNCSLOTS CONF ASM-TASK only allowed on replica")
			return
		case "capa":
		default:
			c.err("ERR Unknown option " + string(c.argv[i]))
		}
	}
	c.ok()
}

// validSlotInfo reports whether s is slot:keys:expires, three numbers.
func validSlotInfo(s string) bool {
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return false
	}
	for i, p := range parts {
		n, ok := table.ParseInt([]byte(p))
		if !ok || n < 0 || i == 0 && n >= slot.Count {
			return false
		}
	}
	return true
}
