package command

import (
	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/store"
)

func init() {
	register(map[string]handler{
		"blpop":      func(e *Engine, c *Client) { blockingPop(e, c, true) },
		"brpop":      func(e *Engine, c *Client) { blockingPop(e, c, false) },
		"blmpop":     blmpop,
		"bzpopmin":   func(e *Engine, c *Client) { bzpop(e, c, false) },
		"bzpopmax":   func(e *Engine, c *Client) { bzpop(e, c, true) },
		"bzmpop":     bzmpop,
		"rpoplpush":  func(e *Engine, c *Client) { e.moveNow(c, false, true) },
		"brpoplpush": func(e *Engine, c *Client) { e.moveOrWait(c, false, true, 3) },
		"lmove":      lmove,
		"blmove":     lmove,
	})
}

// blockingForm is a command that takes something from the first of some keys that has it.
type blockingForm struct {
	kind store.Kind
	keys [][]byte
	// until is when to give up, in ms; 0: never.
	until int64
	// take answers from a key that holds an object of that kind.
	take func(e *Engine, c *Client, key []byte, o *store.Object)
	// none answers that nothing is there and nobody may wait; that nothing came in time is a missing array,
	// whatever the command (blocked.c:replyToBlockedClientOnTimeout).
	none func(c *Client)
}

// takeOrWait takes from the first key that exists, or waits until one gets something of the kind and then runs the
// command again. Mirrors t_list.c:blockingPopGenericCommand.
func (e *Engine) takeOrWait(c *Client, f blockingForm) {
	var keys []string
	for _, k := range f.keys {
		switch o, ok := e.lookup(c, k, f.kind); {
		case !ok:
			return
		case o != nil:
			f.take(e, c, k, o)
			return
		}
		keys = append(keys, string(k))
	}
	if c.has(denyBlocking) {
		f.none(c)
		return
	}
	e.block(c, &blocked{keys: keys, kind: f.kind, until: f.until, timeout: (*Client).nullArray})
}

func blockingPop(e *Engine, c *Client, head bool) {
	last := len(c.argv) - 1
	if until, ok := e.timeoutArg(c, c.argv[last]); ok {
		e.takeOrWait(c, blockingForm{
			kind: store.List, keys: c.argv[1:last], until: until, none: (*Client).nullArray,
			take: func(e *Engine, c *Client, k []byte, o *store.Object) {
				c.array(2)
				c.bulk(k)
				c.bulk(e.take(k, o, head, 1)[0])
			},
		})
	}
}

// bzpop mirrors t_zset.c:blockingGenericZpopCommand.
func bzpop(e *Engine, c *Client, highest bool) {
	last := len(c.argv) - 1
	if until, ok := e.timeoutArg(c, c.argv[last]); ok {
		e.takeOrWait(c, blockingForm{
			kind: store.SortedSet, keys: c.argv[1:last], until: until, none: (*Client).nullArray,
			take: func(e *Engine, c *Client, k []byte, o *store.Object) {
				m := e.zpopFrom(k, o.ZSet, highest, 1)[0]
				c.array(3)
				c.bulk(k)
				c.text(m.Member)
				c.double(m.Score)
			},
		})
	}
}

// manyArgs reads what BLMPOP and BZMPOP have in common: the words of LMPOP or ZMPOP, and then the timeout before them.
func (e *Engine) manyArgs(c *Client, first, second string) (f blockingForm, where string, count int64, ok bool) {
	all := c.argv
	c.argv = c.argv[1:]
	f.keys, where, count, ok = c.mpopArgs(first, second)
	c.argv = all
	if !ok {
		return f, "", 0, false
	}
	f.until, ok = e.timeoutArg(c, c.argv[1])
	f.none = (*Client).nullArray
	return f, where, count, ok
}

// blmpop mirrors t_list.c:blmpopCommand.
func blmpop(e *Engine, c *Client) {
	f, where, count, ok := e.manyArgs(c, "left", "right")
	if !ok {
		return
	}
	f.kind = store.List
	f.take = func(e *Engine, c *Client, k []byte, o *store.Object) {
		items := e.take(k, o, where == "left", int(min(count, int64(len(o.Items)))))
		c.array(2)
		c.bulk(k)
		c.array(len(items))
		for _, it := range items {
			c.bulk(it)
		}
	}
	e.takeOrWait(c, f)
}

// bzmpop mirrors t_zset.c:bzmpopCommand.
func bzmpop(e *Engine, c *Client) {
	f, where, count, ok := e.manyArgs(c, "min", "max")
	if !ok {
		return
	}
	f.kind = store.SortedSet
	f.take = func(e *Engine, c *Client, k []byte, o *store.Object) {
		c.zmpopReply(k, e.zpopFrom(k, o.ZSet, where == "max", count))
	}
	e.takeOrWait(c, f)
}

// lmove mirrors t_list.c:lmoveCommand and blmoveCommand.
func lmove(e *Engine, c *Client) {
	var ends [2]bool // whether each end is the left one
	for i, arg := range c.argv[3:5] {
		switch table.Option(arg) {
		case "left":
			ends[i] = true
		case "right":
		default:
			c.syntax()
			return
		}
	}
	if c.cmd.Has(table.Blocking) {
		e.moveOrWait(c, ends[0], ends[1], 5)
		return
	}
	e.moveNow(c, ends[0], ends[1])
}

// moveNow mirrors t_list.c:lmoveGenericCommand.
func (e *Engine) moveNow(c *Client, fromHead, toHead bool) {
	o, ok := e.lookup(c, c.argv[1], store.List)
	switch {
	case !ok:
	case o == nil:
		c.null()
	default:
		e.move(c, c.argv[1], c.argv[2], o, fromHead, toHead)
	}
}

// moveOrWait mirrors t_list.c:blmoveGenericCommand; the word at the given place is the timeout.
func (e *Engine) moveOrWait(c *Client, fromHead, toHead bool, at int) {
	until, ok := e.timeoutArg(c, c.argv[at])
	if !ok {
		return
	}
	to := c.argv[2]
	e.takeOrWait(c, blockingForm{
		kind: store.List, keys: c.argv[1:2], until: until, none: (*Client).null,
		take: func(e *Engine, c *Client, from []byte, o *store.Object) { e.move(c, from, to, o, fromHead, toHead) },
	})
}

// move takes an item from a list that is there and answers it.
func (e *Engine) move(c *Client, from, to []byte, o *store.Object, fromHead, toHead bool) {
	if _, ok := e.lookup(c, to, store.List); !ok {
		return
	}
	if len(o.Items) == 1 && string(from) == string(to) {
		e.touched(string(to)) // the list is never empty, so it keeps its time to live
		c.bulk(o.Items[0])
		return
	}
	item := e.take(from, o, fromHead, 1)[0]
	dst := e.DB.Lookup(to, e.now)
	if dst == nil { // it may have been the source, empty now
		dst = &store.Object{Kind: store.List}
		e.DB.Put(to, dst, 0)
	}
	if toHead {
		dst.Items = append([][]byte{item}, dst.Items...)
	} else {
		dst.Items = append(dst.Items, item)
	}
	e.touched(string(to))
	e.signal(to, dst)
	c.bulk(item)
}
