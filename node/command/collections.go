package command

import (
	"cmp"
	"slices"

	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/store"
)

func init() {
	register(map[string]handler{
		"hset":       hset,
		"hmset":      hset,
		"hget":       hget,
		"hmget":      hmget,
		"hdel":       hdel,
		"hlen":       func(e *Engine, c *Client) { size(e, c, store.Hash) },
		"hexists":    func(e *Engine, c *Client) { member(e, c, store.Hash) },
		"hgetall":    hgetall,
		"sadd":       sadd,
		"srem":       srem,
		"scard":      func(e *Engine, c *Client) { size(e, c, store.Set) },
		"sismember":  func(e *Engine, c *Client) { member(e, c, store.Set) },
		"smembers":   smembers,
		"sintercard": sinterCard,
	})
}

// dict returns the dictionary under a key, creating it on demand; nil and true
// when there is none.
func (e *Engine) dict(c *Client, kind store.Kind, create bool) (*store.Dict, bool) {
	o, ok := e.lookup(c, c.argv[1], kind)
	if !ok {
		return nil, false
	}
	if o == nil {
		if !create {
			return nil, true
		}
		o = &store.Object{Kind: kind, Dict: store.NewDict()}
		e.DB.Put(c.argv[1], o, 0)
	}
	return o.Dict, true
}

func size(e *Engine, c *Client, kind store.Kind) {
	if d, ok := e.dict(c, kind, false); ok {
		if d == nil {
			c.int(0)
		} else {
			c.int(int64(d.Len()))
		}
	}
}

func member(e *Engine, c *Client, kind store.Kind) {
	if d, ok := e.dict(c, kind, false); ok {
		found := false
		if d != nil {
			_, found = d.Get(c.argv[2])
		}
		c.int(int64(b2i(found)))
	}
}

func hset(e *Engine, c *Client) {
	if len(c.argv)%2 == 1 {
		c.arity()
		return
	}
	d, ok := e.dict(c, store.Hash, true)
	if !ok {
		return
	}
	n := 0
	for i := 2; i < len(c.argv); i += 2 {
		n += b2i(d.Set(c.argv[i], c.argv[i+1]))
	}
	e.touched(string(c.argv[1]))
	if c.cmd.Name == "hmset" {
		c.ok()
	} else {
		c.int(int64(n))
	}
}

func hget(e *Engine, c *Client) {
	if d, ok := e.dict(c, store.Hash, false); ok {
		replyField(c, d, c.argv[2])
	}
}

func hmget(e *Engine, c *Client) {
	d, ok := e.dict(c, store.Hash, false)
	if !ok {
		return
	}
	c.array(len(c.argv) - 2)
	for _, f := range c.argv[2:] {
		replyField(c, d, f)
	}
}

func replyField(c *Client, d *store.Dict, field []byte) {
	if d != nil {
		if v, ok := d.Get(field); ok {
			c.bulk(v)
			return
		}
	}
	c.null()
}

// remove deletes fields and answers how many there were; an empty value goes.
func (e *Engine) remove(c *Client, kind store.Kind) {
	d, ok := e.dict(c, kind, false)
	if !ok {
		return
	}
	n := 0
	for _, f := range c.argv[2:] {
		n += b2i(d != nil && d.Delete(f))
	}
	if n > 0 {
		if d.Len() == 0 {
			e.DB.Delete(c.argv[1])
		}
		e.touched(string(c.argv[1]))
	}
	c.int(int64(n))
}

func hdel(e *Engine, c *Client) { e.remove(c, store.Hash) }
func srem(e *Engine, c *Client) { e.remove(c, store.Set) }

func hgetall(e *Engine, c *Client) {
	d, ok := e.dict(c, store.Hash, false)
	if !ok {
		return
	}
	if d == nil {
		c.mapOf(0)
		return
	}
	c.mapOf(d.Len())
	d.All(func(n string, v []byte) {
		c.text(n)
		c.bulk(v)
	})
}

func sadd(e *Engine, c *Client) {
	d, ok := e.dict(c, store.Set, true)
	if !ok {
		return
	}
	n := 0
	for _, m := range c.argv[2:] {
		if _, isInt := table.ParseInt(m); !isInt && allInts(d) {
			d.Sort(compareInts) // an intset turns into a listpack in its order
		}
		n += b2i(d.Set(m, nil))
	}
	if n > 0 {
		e.touched(string(c.argv[1]))
	}
	c.int(int64(n))
}

// smembers lists a set of integers in their order, as an intset does, and any
// other in the order of insertion, as a listpack does.
func smembers(e *Engine, c *Client) {
	d, ok := e.dict(c, store.Set, false)
	if !ok {
		return
	}
	if d == nil {
		c.set(0)
		return
	}
	if allInts(d) {
		d.Sort(compareInts)
	}
	c.set(d.Len())
	d.All(func(name string, _ []byte) { c.text(name) })
}

func allInts(d *store.Dict) bool {
	ints := true
	d.All(func(name string, _ []byte) {
		_, ok := table.ParseInt([]byte(name))
		ints = ints && ok
	})
	return ints
}

func compareInts(a, b string) int {
	x, _ := table.ParseInt([]byte(a))
	y, _ := table.ParseInt([]byte(b))
	return cmp.Compare(x, y)
}

// sinterCard mirrors t_set.c:sinterCardCommand.
func sinterCard(e *Engine, c *Client) {
	n, ok := table.ParseInt(c.argv[1])
	if !ok || n < 1 {
		c.err("ERR numkeys should be greater than 0")
		return
	}
	if n > int64(len(c.argv)-2) {
		c.err("ERR Number of keys can't be greater than number of args")
		return
	}
	limit := int64(0)
	for i := 2 + int(n); i < len(c.argv); i += 2 {
		if !table.IsOption(c.argv[i], "limit") || i+1 >= len(c.argv) {
			c.syntax()
			return
		}
		if limit, ok = table.ParseInt(c.argv[i+1]); !ok || limit < 0 {
			c.err("ERR LIMIT can't be negative")
			return
		}
	}
	var sets []*store.Dict
	missing := false
	for _, k := range c.argv[2 : 2+n] {
		o, ok := e.lookup(c, k, store.Set)
		if !ok {
			return
		}
		if o == nil {
			missing = true
			continue
		}
		sets = append(sets, o.Dict)
	}
	count := int64(0)
	if !missing {
		sets[0].All(func(m string, _ []byte) {
			in := !slices.ContainsFunc(sets[1:], func(d *store.Dict) bool { _, ok := d.Get([]byte(m)); return !ok })
			if in && (limit == 0 || count < limit) {
				count++
			}
		})
	}
	c.int(count)
}
