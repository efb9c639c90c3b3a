package command

import (
	"math"
	"strconv"

	"github.com/slotdiff/slotdiff/node/command/table"
)

func init() {
	register(map[string]handler{
		"time":           timeCmd,
		"role":           role,
		"wait":           wait,
		"shutdown":       shutdown,
		"lastsave":       func(e *Engine, c *Client) { c.int(e.Facts.StartTime / 1000) },
		"replicaof":      func(_ *Engine, c *Client) { c.err("ERR REPLICAOF not allowed in cluster mode.") },
		"slaveof":        func(_ *Engine, c *Client) { c.err("ERR REPLICAOF not allowed in cluster mode.") },
		"slowlog|get":    slowlogGet,
		"slowlog|len":    func(_ *Engine, c *Client) { c.int(0) },
		"slowlog|reset":  func(_ *Engine, c *Client) { c.ok() },
		"latency|reset":  func(_ *Engine, c *Client) { c.int(0) },
		"latency|latest": func(_ *Engine, c *Client) { c.array(0) },
		"module|list":    func(_ *Engine, c *Client) { loadedModules(c) },
	})
}

// slowlogGet has nothing to show: no command is slow here.
func slowlogGet(_ *Engine, c *Client) {
	if len(c.argv) == 3 {
		if _, ok := c.rangeArg(c.argv[2], -1, "count should be greater than or equal to -1"); !ok {
			return
		}
	}
	c.array(0)
}

func timeCmd(e *Engine, c *Client) {
	c.array(2)
	c.text(strconv.FormatInt(e.nowUS/1e6, 10))
	c.text(strconv.FormatInt(e.nowUS%1e6, 10))
}

// role mirrors replication.c:roleCommand. No replica is ever attached here, and a
// master is followed in name only.
func role(e *Engine, c *Client) {
	if m := e.following(); m != nil {
		c.array(5)
		c.text("slave")
		c.text(m.host)
		c.int(int64(m.port))
		c.text("connect")
		c.int(-1)
		return
	}
	c.array(3)
	c.text("master")
	c.int(e.offset)
	c.array(0)
}

// wait mirrors replication.c:waitCommand with no replicas.
func wait(e *Engine, c *Client) {
	if e.following() != nil {
		c.err("ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.")
		return
	}
	n, ok := c.intArg(c.argv[1])
	if !ok {
		return
	}
	timeout, ok := table.ParseInt(c.argv[2])
	switch {
	case !ok:
		c.err("ERR timeout is not an integer or out of range")
	case timeout < 0:
		c.err("ERR timeout is negative")
	case timeout > math.MaxInt64-e.now:
		c.err("ERR timeout is out of range")
	case n <= 0 || c.has(denyBlocking):
		c.int(0)
	default:
		b := &blocked{timeout: func(c *Client) { c.int(0) }}
		if timeout > 0 {
			b.until = e.now + timeout
		}
		// The request for acknowledgements counts although nobody gets it
		// (server.c:sendGetackToReplicas).
		e.offset++
		e.block(c, b)
	}
}

// shutdown mirrors db.c:shutdownCommand. There is nothing to save.
func shutdown(e *Engine, c *Client) {
	seen := map[string]bool{}
	for _, a := range c.argv[1:] {
		w := table.Option(a)
		switch w {
		case "nosave", "save", "now", "force", "abort":
			seen[w] = true
		default:
			c.syntax()
			return
		}
	}
	switch {
	case seen["abort"] && len(seen) > 1, seen["save"] && seen["nosave"]:
		c.syntax()
	case seen["abort"]:
		c.err("ERR No shutdown in progress.")
	case !seen["now"] && c.has(denyBlocking):
		c.err("ERR SHUTDOWN without NOW or ABORT isn't allowed for DENY BLOCKING client")
	default:
		e.shutdown = true
		c.flags |= closeNow
	}
}
