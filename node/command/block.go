package command

import (
	"cmp"
	"slices"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/store"
	"github.com/slotdiff/slotdiff/slot"
)

// blocked says what a client waits for.
type blocked struct {
	keys      []string   // something to take from one of these; nil: not for a key
	kind      store.Kind // of what is to come at a key
	until     int64      // ms, 0: for ever
	postponed uint64     // CLIENT PAUSE: the command has not run yet; the how manieth it is to wait so, 0: another wait
	argv      [][]byte   // of the postponed or blocking command, own memory
	write     bool
	timeout   func(c *Client)
}

// noKind is the kind of a stream, which no key ever holds here.
const noKind store.Kind = 255

// pause is CLIENT PAUSE and the pause of a manual failover.
type pause struct {
	until     int64 // of CLIENT PAUSE, ms
	writeOnly bool
	failover  int64 // until when writes wait for a manual failover, ms
}

// paused reports whether a command has to wait now.
func (e *Engine) paused(mayReplicate bool) bool {
	p := &e.pause
	return e.now < p.until && (!p.writeOnly || mayReplicate) || e.now < p.failover && mayReplicate
}

// postpone keeps the current command until the pause ends.
func (e *Engine) postpone(c *Client) {
	e.postponed++
	c.blocked = &blocked{postponed: e.postponed, argv: cloneArgs(c.argv)}
	e.waits++
}

// block suspends the client on keys.
func (e *Engine) block(c *Client, b *blocked) {
	b.argv = cloneArgs(c.argv)
	b.write = c.cmd.Has(table.Write)
	c.blocked = b
	e.waits++
	for i, k := range b.keys {
		if !slices.Contains(b.keys[:i], k) {
			e.waiting[k] = append(e.waiting[k], c)
		}
	}
}

// release takes the client out of what it waits for.
func (e *Engine) release(c *Client) *blocked {
	b := c.blocked
	c.blocked = nil
	e.waits--
	for _, k := range b.keys {
		w := e.waiting[k]
		if i := slices.Index(w, c); i >= 0 {
			w = slices.Delete(w, i, i+1)
		}
		if len(w) == 0 {
			delete(e.waiting, k)
		} else {
			e.waiting[k] = w
		}
	}
	return b
}

// unblock ends the wait with an answer. Mirrors blocked.c:unblockClientOnTimeout and unblockClientOnError: a wait for
// replicas whose time is over is not counted.
func (e *Engine) unblock(c *Client, answer func(c *Client)) {
	b := e.release(c)
	start := len(c.Out)
	answer(c)
	failed := c.Out[start] == '-'
	if failed || len(b.keys) > 0 {
		e.called(c, failed)
	}
	if failed {
		e.countError(c.Out[start:])
	}
	e.finish(c, start)
	e.touch(c)
	e.ready = append(e.ready, c)
}

// serveWaiting lets those that wait for what was added in this turn run their commands again, the longest waiting first.
// Mirrors blocked.c:handleClientsBlockedOnKeys.
func (e *Engine) serveWaiting() {
	for len(e.pushed) > 0 {
		k := e.pushed[0]
		e.pushed = e.pushed[1:]
		for _, c := range slices.Clone(e.waiting[k]) {
			if o := e.DB.Peek([]byte(k), e.now); o != nil && c.blocked != nil && c.blocked.kind == o.Kind {
				e.again(c)
			}
		}
	}
}

// again runs the command of a client that waits once more, from its first check on. If it blocks once more, its time is over when it
// was to be. Mirrors blocked.c:unblockClientOnKey.
func (e *Engine) again(c *Client) {
	b := e.release(c)
	c.argv = b.argv
	e.run(c)
	switch {
	case c.blocked == nil:
		e.touch(c)
		e.ready = append(e.ready, c)
	case c.blocked.postponed == 0 && b.postponed == 0:
		c.blocked.until = b.until
	}
}

// disconnectBlocked ends every wait, but those for the end of a pause, with an error and the
// connection with it: this node follows another master now. Mirrors
// blocked.c:disconnectAllBlockedClients.
func (e *Engine) disconnectBlocked() {
	for _, c := range slices.Clone(e.clients) {
		if b := c.blocked; b != nil && b.postponed == 0 {
			e.unblock(c, func(c *Client) {
				c.err("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)")
			})
			c.flags |= closing
		}
	}
}

// Tick does what depends on time alone: expiry, timeouts of blocked clients, the
// end of pauses, and the redirection of clients that wait for a slot which is no
// longer served. The driver calls it at least every 100 ms.
func (e *Engine) Tick() {
	if !e.noExpire {
		e.DB.ExpireDue(e.now, 1000)
	}
	var clients []*Client
	if e.waits > 0 {
		clients = slices.Clone(e.clients)
	}
	for _, c := range clients {
		b := c.blocked
		switch {
		case b == nil, b.postponed > 0:
		case b.until != 0 && e.now >= b.until:
			e.unblock(c, b.timeout)
		case len(b.keys) > 0:
			e.redirectBlocked(c)
		}
	}
	e.resumeAll(clients)
	if t := e.Config.Int("timeout"); t > 0 {
		for _, c := range slices.Clone(e.clients) {
			if c.blocked == nil && c.subscriptions() == 0 && e.now-c.lastActive > t*1000 {
				c.flags |= closeNow
				e.touch(c)
			}
		}
	}
}

// resumeAll runs postponed commands in the order in which they came (networking.c:unblockPostponedClients).
func (e *Engine) resumeAll(clients []*Client) {
	clients = slices.DeleteFunc(clients, func(c *Client) bool { return c.blocked == nil || c.blocked.postponed == 0 })
	slices.SortFunc(clients, func(a, b *Client) int { return cmp.Compare(a.blocked.postponed, b.blocked.postponed) })
	for _, c := range clients {
		if c.blocked != nil && c.blocked.postponed > 0 { // what one runs may end another
			e.resume(c)
		}
	}
}

// resume runs a postponed command if the pause is over.
func (e *Engine) resume(c *Client) {
	cmd := c.cmd
	mayReplicate := e.flagsOf(cmd, c.blocked.argv)&(table.Write|table.MayReplicate) != 0 ||
		cmd == cmdExec && c.queueFlags&(table.Write|table.MayReplicate) != 0
	if e.paused(mayReplicate) {
		return
	}
	e.again(c)
	e.serveWaiting()
}

// redirectBlocked mirrors cluster.c:clusterRedirectBlockedClientIfNeeded.
func (e *Engine) redirectBlocked(c *Client) {
	b := c.blocked
	r := e.Cluster.RouteBlocked(cluster.BlockedQuery{
		Slot:     int(slot.Of([]byte(b.keys[0]))),
		ReadOnly: c.has(readOnly),
		Write:    b.write,
	})
	if r.Kind != cluster.RouteServe {
		e.unblock(c, func(c *Client) { c.err(r.Error()) })
	}
}

// NextWake is when Tick should be called at the latest, in ms; 0: no hurry.
func (e *Engine) NextWake() int64 {
	if e.waits == 0 {
		return 0
	}
	var next int64
	earlier := func(t int64) {
		if t != 0 && (next == 0 || t < next) {
			next = t
		}
	}
	for _, c := range e.clients {
		if b := c.blocked; b != nil {
			if b.postponed > 0 {
				earlier(max(e.pause.until, e.pause.failover))
			} else {
				earlier(b.until)
			}
		}
	}
	return next
}
