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
		out = intersectSets(src)
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

func intersectSets(src []*store.Dict) *store.Dict {
	out := store.NewDict()
	if slices.Contains(src, nil) {
		return out
	}
	src = slices.Clone(src)
	slices.SortStableFunc(src, func(a, b *store.Dict) int { return cmp.Compare(a.Len(), b.Len()) })
	src[0].All(func(name string, _ []byte) {
		for _, d := range src[1:] {
			if _, in := d.Get([]byte(name)); !in {
				return
			}
		}
		out.Set([]byte(name), nil)
	})
	return out
}
