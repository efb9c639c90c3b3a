package command

import (
	"bytes"
	"math"

	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/store"
)

func init() {
	register(map[string]handler{
		"lpush":  func(e *Engine, c *Client) { push(e, c, true, true) },
		"rpush":  func(e *Engine, c *Client) { push(e, c, false, true) },
		"lpushx": func(e *Engine, c *Client) { push(e, c, true, false) },
		"rpushx": func(e *Engine, c *Client) { push(e, c, false, false) },
		"lpop":   func(e *Engine, c *Client) { pop(e, c, true) },
		"rpop":   func(e *Engine, c *Client) { pop(e, c, false) },
		"llen":   llen,
		"lmpop":  lmpop,
		"lrange": lrange,
		"lindex": lindex,
	})
}

// signal wakes the clients that wait for a list or a sorted set.
func (e *Engine) signal(key []byte, o *store.Object) {
	if (o.Kind == store.List || o.Kind == store.SortedSet) && e.waiting[string(key)] != nil {
		e.pushed = append(e.pushed, string(key))
	}
}

func push(e *Engine, c *Client, head, create bool) {
	key := c.argv[1]
	o, ok := e.lookup(c, key, store.List)
	if !ok {
		return
	}
	if o == nil {
		if !create {
			c.int(0)
			return
		}
		o = &store.Object{Kind: store.List}
		e.DB.Put(key, o, 0)
	}
	for _, v := range c.argv[2:] {
		v = bytes.Clone(v)
		if head {
			o.Items = append([][]byte{v}, o.Items...)
		} else {
			o.Items = append(o.Items, v)
		}
	}
	e.touched(string(key))
	e.signal(key, o)
	c.int(int64(len(o.Items)))
}

// take removes n items from an end and deletes a list that becomes empty.
func (e *Engine) take(key []byte, o *store.Object, head bool, n int) [][]byte {
	var out [][]byte
	for range n {
		if head {
			out = append(out, o.Items[0])
			o.Items = o.Items[1:]
		} else {
			out = append(out, o.Items[len(o.Items)-1])
			o.Items = o.Items[:len(o.Items)-1]
		}
	}
	if len(o.Items) == 0 {
		e.DB.Delete(key)
	}
	e.touched(string(key))
	return out
}

// pop mirrors t_list.c:popGenericCommand.
func pop(e *Engine, c *Client, head bool) {
	if len(c.argv) > 3 {
		c.arity()
		return
	}
	count, counted := int64(1), len(c.argv) == 3
	if counted {
		var ok bool
		if count, ok = table.ParseInt(c.argv[2]); !ok || count < 0 {
			c.err("ERR value is out of range, must be positive")
			return
		}
	}
	o, ok := e.lookup(c, c.argv[1], store.List)
	switch {
	case !ok:
	case o == nil && counted:
		c.nullArray()
	case o == nil:
		c.null()
	case counted && count == 0:
		c.array(0)
	case !counted:
		c.bulk(e.take(c.argv[1], o, head, 1)[0])
	default:
		items := e.take(c.argv[1], o, head, int(min(count, int64(len(o.Items)))))
		c.array(len(items))
		for _, it := range items {
			c.bulk(it)
		}
	}
}

func llen(e *Engine, c *Client) {
	if o, ok := e.lookup(c, c.argv[1], store.List); ok {
		if o == nil {
			c.int(0)
		} else {
			c.int(int64(len(o.Items)))
		}
	}
}

func lrange(e *Engine, c *Client) {
	start, ok := c.intArg(c.argv[2])
	if !ok {
		return
	}
	end, ok := c.intArg(c.argv[3])
	if !ok {
		return
	}
	o, ok := e.lookup(c, c.argv[1], store.List)
	if !ok {
		return
	}
	if o == nil {
		c.array(0)
		return
	}
	n := int64(len(o.Items))
	if start < 0 {
		start = max(start+n, 0)
	}
	if end < 0 {
		end += n
	}
	end = min(end, n-1)
	if start > end {
		c.array(0)
		return
	}
	c.array(int(end - start + 1))
	for _, it := range o.Items[start : end+1] {
		c.bulk(it)
	}
}

func lindex(e *Engine, c *Client) {
	o, ok := e.lookup(c, c.argv[1], store.List)
	if !ok {
		return
	}
	if o == nil {
		c.null()
		return
	}
	i, ok := c.intArg(c.argv[2])
	if !ok {
		return
	}
	if i < 0 {
		i += int64(len(o.Items))
	}
	if i < 0 || i >= int64(len(o.Items)) {
		c.null()
		return
	}
	c.bulk(o.Items[i])
}

// timeoutArg reads seconds and returns a moment in ms, 0 for ever, or replies.
// Mirrors timeout.c:getTimeoutFromObjectOrReply.
func (e *Engine) timeoutArg(c *Client, arg []byte) (int64, bool) {
	f, ok := parseFloat(arg)
	if !ok && isHuge(arg) {
		f, ok = math.Inf(1), true // it fits C's long double
		if arg[0] == '-' {
			f = math.Inf(-1)
		}
	}
	if !ok {
		c.err("ERR timeout is not a float or out of range")
		return 0, false
	}
	f = math.Ceil(f * 1000)
	switch {
	case f > math.MaxInt64:
		c.err("ERR timeout is out of range")
	case f < 0:
		c.err("ERR timeout is negative")
	case f == 0:
		return 0, true
	case f >= float64(math.MaxInt64-e.now):
		c.err("ERR timeout is out of range")
	default:
		return e.now + int64(f), true
	}
	return 0, false
}

// lmpop mirrors t_list.c:lmpopGenericCommand.
func lmpop(e *Engine, c *Client) {
	n, ok := table.ParseInt(c.argv[1])
	if !ok || n < 1 {
		c.err("ERR numkeys should be greater than 0")
		return
	}
	if n > int64(len(c.argv)-3) {
		c.syntax()
		return
	}
	end := int(n) + 2
	head := table.IsOption(c.argv[end], "left")
	if !head && !table.IsOption(c.argv[end], "right") {
		c.syntax()
		return
	}
	count := int64(-1)
	for i := end + 1; i < len(c.argv); i += 2 {
		if count != -1 || !table.IsOption(c.argv[i], "count") || i+1 >= len(c.argv) {
			c.syntax()
			return
		}
		if count, ok = table.ParseInt(c.argv[i+1]); !ok || count < 1 {
			c.err("ERR count should be greater than 0")
			return
		}
	}
	for _, k := range c.argv[2:end] {
		o, ok := e.lookup(c, k, store.List)
		if !ok {
			return
		}
		if o == nil {
			continue
		}
		items := e.take(k, o, head, int(min(max(count, 1), int64(len(o.Items)))))
		c.array(2)
		c.bulk(k)
		c.array(len(items))
		for _, it := range items {
			c.bulk(it)
		}
		return
	}
	c.nullArray()
}
