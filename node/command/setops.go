package command

import (
	"cmp"
	"slices"

	"github.com/slotdiff/slotdiff/node/store"
)

func init() {
	register(map[string]handler{
		"sinter":      func(e *Engine, c *Client) { combineSets(e, c, c.argv[1:], inter, nil) },
		"sunion":      func(e *Engine, c *Client) { combineSets(e, c, c.argv[1:], union, nil) },
		"sdiff":       func(e *Engine, c *Client) { combineSets(e, c, c.argv[1:], diff, nil) },
		"sinterstore": func(e *Engine, c *Client) { combineSets(e, c, c.argv[2:], inter, c.argv[1]) },
		"sunionstore": func(e *Engine, c *Client) { combineSets(e, c, c.argv[2:], union, c.argv[1]) },
		"sdiffstore":  func(e *Engine, c *Client) { combineSets(e, c, c.argv[2:], diff, c.argv[1]) },
		"sintercard":  sinterCard,
		"lmpop":       lmpop,
	})
}

// sets reads the operands, nil where there is no key; false when one is no set.
func (e *Engine) sets(c *Client, keys [][]byte) ([]*store.Dict, bool) {
	out := make([]*store.Dict, len(keys))
	for i, k := range keys {
		o, ok := e.lookup(c, k, store.Set)
		if !ok {
			return nil, false
		}
		if o != nil {
			out[i] = o.Dict
		}
	}
	return out, true
}

// combineSets mirrors t_set.c:sinterGenericCommand and sunionDiffGenericCommand;
// dst is nil where the result is the reply.
func combineSets(e *Engine, c *Client, keys [][]byte, op setOp, dst []byte) {
	src, ok := e.sets(c, keys)
	if !ok {
		return
	}
	out := store.NewDict()
	switch op {
	case union:
		for _, d := range src {
			addAll(out, d)
		}
	case inter:
		out = intersectSets(src, 0)
	case diff:
		addAll(out, src[0])
		for _, d := range src[1:] {
			if d != nil {
				d.All(func(name string, _ []byte) { out.Delete([]byte(name)) })
			}
		}
	}
	if allInts(out) {
		out.Sort(compareInts)
	}
	if dst == nil {
		c.set(out.Len())
		out.All(func(name string, _ []byte) { c.text(name) })
		return
	}
	if out.Len() > 0 {
		e.DB.Put(dst, &store.Object{Kind: store.Set, Dict: out}, 0)
		e.touched(string(dst))
	} else if e.DB.Lookup(dst, e.now) != nil {
		e.DB.Delete(dst)
		e.touched(string(dst))
	}
	c.int(int64(out.Len()))
}

func addAll(to, from *store.Dict) {
	if from != nil {
		from.All(func(name string, _ []byte) { to.Set([]byte(name), nil) })
	}
}

// intersectSets stops at limit members; 0 means all.
func intersectSets(src []*store.Dict, limit int64) *store.Dict {
	out := store.NewDict()
	if slices.Contains(src, nil) {
		return out
	}
	src = slices.Clone(src)
	slices.SortStableFunc(src, func(a, b *store.Dict) int { return cmp.Compare(a.Len(), b.Len()) })
	src[0].All(func(name string, _ []byte) {
		if limit > 0 && int64(out.Len()) >= limit {
			return
		}
		for _, d := range src[1:] {
			if _, in := d.Get([]byte(name)); !in {
				return
			}
		}
		out.Set([]byte(name), nil)
	})
	return out
}

// sinterCard mirrors t_set.c:sinterCardCommand.
func sinterCard(e *Engine, c *Client) {
	argv := c.argv
	n, ok := c.rangeArg(argv[1], 1, "numkeys should be greater than 0")
	if !ok {
		return
	}
	if n > int64(len(argv)-2) {
		c.err("ERR Number of keys can't be greater than number of args")
		return
	}
	end, limit := 2+int(n), int64(0)
	for i := end; i < len(argv); i++ {
		if !equalFold(argv[i], "limit") || i+1 == len(argv) {
			c.syntax()
			return
		}
		i++
		if limit, ok = c.rangeArg(argv[i], 0, "LIMIT can't be negative"); !ok {
			return
		}
	}
	if src, ok := e.sets(c, argv[2:end]); ok {
		c.int(int64(intersectSets(src, limit).Len()))
	}
}

// lmpop mirrors t_list.c:lmpopGenericCommand.
func lmpop(e *Engine, c *Client) {
	keys, where, count, ok := c.mpopArgs("left", "right")
	if !ok {
		return
	}
	for _, k := range keys {
		o, ok := e.lookup(c, k, store.List)
		if !ok {
			return
		}
		if o == nil {
			continue
		}
		items := e.take(k, o, where == "left", int(min(count, int64(len(o.Items)))))
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
