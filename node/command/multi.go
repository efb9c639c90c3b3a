package command

import (
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/node/command/table"
)

func init() {
	register(map[string]handler{
		"multi": func(_ *Engine, c *Client) {
			if c.has(inMulti) {
				c.err("ERR MULTI calls can not be nested")
				return
			}
			c.flags |= inMulti
			c.ok()
		},
		"discard": func(e *Engine, c *Client) {
			if !c.has(inMulti) {
				c.err("ERR DISCARD without MULTI")
				return
			}
			e.discardTransaction(c)
			c.ok()
		},
		"exec":    exec,
		"watch":   watch,
		"unwatch": func(e *Engine, c *Client) { e.unwatch(c); c.flags &^= dirtyCAS; c.ok() },
	})
}

// flagTransaction makes EXEC fail. Mirrors multi.c:flagTransaction.
func (c *Client) flagTransaction() {
	if c.has(inMulti) && !plantedAbort() {
		c.flags |= dirtyExec
	}
}

// queue mirrors multi.c:queueMultiCommand.
func (c *Client) queue(keys []table.Key, flags table.Flag) {
	if c.has(dirtyCAS | dirtyExec) {
		return
	}
	c.queued = append(c.queued, queued{c.cmd, cloneArgs(c.argv), slices.Clone(keys)})
	c.queueFlags |= flags
	c.queueLacks |= ^flags
}

// discardTransaction mirrors multi.c:discardTransaction.
func (e *Engine) discardTransaction(c *Client) {
	c.queued, c.queueFlags, c.queueLacks = nil, 0, 0
	c.flags &^= inMulti | dirtyCAS | dirtyExec
	e.unwatch(c)
}

// exec mirrors multi.c:execCommand.
func exec(e *Engine, c *Client) {
	if !c.has(inMulti) {
		c.err("ERR EXEC without MULTI")
		return
	}
	for k, wasExpired := range c.watched {
		if !wasExpired && e.DB.Peek([]byte(k), e.now) == nil && e.DB.Holds(k) {
			c.flags |= dirtyCAS // the key expired and nobody has looked yet
		}
	}
	switch {
	case c.has(dirtyExec):
		c.err("EXECABORT Transaction discarded because of previous errors.")
		e.discardTransaction(c)
		return
	case c.has(dirtyCAS):
		c.nullArray()
		e.discardTransaction(c)
		return
	}
	e.unwatch(c)
	c.flags |= denyBlocking
	run, argv := c.queued, c.argv
	for i := range run {
		if c.slot = slotOfKeys(run[i].argv, run[i].keys); c.slot != noSlot {
			break
		}
	}
	c.array(len(run))
	for i := range run {
		c.cmd, c.argv = run[i].cmd, run[i].argv
		if text := c.user.denies(c.cmd, c.argv); text != "" {
			c.err(execDenied(text))
			continue
		}
		e.call(c)
	}
	c.cmd, c.argv = cmdExec, argv
	c.flags &^= denyBlocking
	e.discardTransaction(c)
}

// execDenied words the refusal of a queued command whose permission was taken away
// before EXEC.
func execDenied(text string) string {
	why := "no permission to execute the command or subcommand"
	switch {
	case strings.HasSuffix(text, "a key"):
		why = "no permission to touch the specified keys"
	case strings.HasSuffix(text, "a channel"):
		why = "no permission to access one of the channels used as arguments"
	}
	return "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. " +
		"This command is no longer allowed for the following reason: " + why
}

// watch mirrors multi.c:watchCommand.
func watch(e *Engine, c *Client) {
	if c.has(inMulti) {
		c.err("ERR WATCH inside MULTI is not allowed")
		return
	}
	if !c.has(dirtyCAS) {
		for _, k := range c.argv[1:] {
			e.watchKey(c, string(k))
		}
	}
	c.ok()
}

func (e *Engine) watchKey(c *Client, key string) {
	if _, ok := c.watched[key]; ok {
		return
	}
	if c.watched == nil {
		c.watched = map[string]bool{}
	}
	c.watched[key] = e.DB.Holds(key) && e.DB.Peek([]byte(key), e.now) == nil
	if e.watchers[key] == nil {
		e.watchers[key] = map[*Client]bool{}
	}
	e.watchers[key][c] = true
}

func (e *Engine) unwatch(c *Client) {
	for k := range c.watched {
		delete(e.watchers[k], c)
		if len(e.watchers[k]) == 0 {
			delete(e.watchers, k)
		}
	}
	c.watched = nil
}

// touched says that a key changed. Mirrors multi.c:touchWatchedKey: setting the
// flag on each watcher is the same in any order.
func (e *Engine) touched(key string) {
	e.journal.changed(key)
	for c := range e.watchers[key] {
		if c.watched[key] && !e.DB.Holds(key) {
			c.watched[key] = false // it had expired when WATCH saw it: nothing changed
			continue
		}
		c.flags |= dirtyCAS
	}
}

// touchedAll says that the whole keyspace was emptied; only keys that were there
// count. Mirrors multi.c:touchAllWatchedKeysInDb.
func (e *Engine) touchedAll() {
	defer e.journal.emptied() // what the loop names is part of it
	for k := range e.watchers {
		if e.DB.Holds(k) {
			e.touched(k)
		}
	}
}
