package command

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/store"
	"github.com/slotdiff/slotdiff/slot"
)

func init() {
	register(map[string]handler{
		"sort":    func(e *Engine, c *Client) { sortCmd(e, c, false) },
		"sort_ro": func(e *Engine, c *Client) { sortCmd(e, c, true) },
	})
}

// sorting is what the options of SORT say.
type sorting struct {
	desc, alpha, keep bool // keep: BY a constant leaves the order as it is
	by                []byte
	gets              [][]byte
	start, count      int64 // count -1: all
	store             []byte
}

// sortCmd mirrors sort.c:sortCommandGeneric.
func sortCmd(e *Engine, c *Client, readOnly bool) {
	s, ok := c.sorting(readOnly)
	if !ok {
		return
	}
	o := e.find(c.argv[1])
	items, ok := sortable(o, s.keep && s.desc)
	if !ok {
		c.err(wrongType)
		return
	}
	if s.keep && o != nil && o.Kind == store.Set && (s.store != nil || c.has(inScript)) {
		s.keep, s.alpha, s.by = false, true, nil // the order of a set must not reach a script or a key
	}
	if !s.keep {
		if !e.order(s, items) {
			c.err("ERR One or more scores can't be converted into double")
			return
		}
	}
	items = items[min(max(s.start, 0), int64(len(items))):]
	if s.count >= 0 {
		items = items[:min(s.count, int64(len(items)))]
	}
	var out [][]byte // nil: no such value
	for _, it := range items {
		if len(s.gets) == 0 {
			out = append(out, it)
		}
		for _, p := range s.gets {
			out = append(out, e.byPattern(p, it))
		}
	}
	if s.store == nil {
		c.array(len(out))
		for _, v := range out {
			if v == nil {
				c.null()
			} else {
				c.bulk(v)
			}
		}
		return
	}
	if len(out) > 0 {
		for i := range out {
			out[i] = append([]byte{}, out[i]...)
		}
		list := &store.Object{Kind: store.List, Items: out}
		e.DB.Put(s.store, list, 0)
		e.touched(string(s.store))
		e.signal(s.store, list)
	} else if e.DB.Lookup(s.store, e.now) != nil {
		e.DB.Delete(s.store)
		e.touched(string(s.store))
	}
	c.int(int64(len(out)))
}

// sorting parses the options or replies. Patterns must stay in the slot of the
// key, and need the permission to read every key.
func (c *Client) sorting(readOnly bool) (s sorting, ok bool) {
	argv := c.argv
	s.count = -1
	home := int(slot.Of(argv[1]))
	for i := 2; i < len(argv); i++ {
		more := len(argv) - 1 - i
		switch opt := table.Option(argv[i]); {
		case opt == "asc":
			s.desc = false
		case opt == "desc":
			s.desc = true
		case opt == "alpha":
			s.alpha = true
		case opt == "limit" && more >= 2:
			if s.start, ok = c.intArg(argv[i+1]); !ok {
				return s, false
			}
			if s.count, ok = c.intArg(argv[i+2]); !ok {
				return s, false
			}
			s.count = max(s.count, -1)
			i += 2
		case opt == "store" && !readOnly && more >= 1:
			i++
			s.store = argv[i]
		case opt == "by" && more >= 1:
			i++
			s.by = argv[i]
			if !strings.Contains(cString(s.by), "*") {
				s.keep = true
			} else if !c.patternAllowed("BY", s.by, home) {
				return s, false
			}
		case opt == "get" && more >= 1:
			i++
			if !c.patternAllowed("GET", argv[i], home) {
				return s, false
			}
			s.gets = append(s.gets, argv[i])
		default:
			c.syntax()
			return s, false
		}
	}
	return s, true
}

func (c *Client) patternAllowed(option string, pattern []byte, home int) bool {
	if patternSlot(string(pattern)) != home && !(option == "GET" && cString(pattern) == "#") {
		c.err("ERR " + option + " option of SORT denied in Cluster mode when keys formed by the pattern may be in different slots.")
		return false
	}
	if !c.user.readsAll() {
		c.err("ERR " + option + " option of SORT denied due to insufficient ACL permissions.")
		return false
	}
	return true
}

// readsAll reports whether the user may read any key.
func (u *user) readsAll() bool {
	return u.allKeys || slices.ContainsFunc(u.keys, func(p keyPattern) bool { return p.read && p.pattern == "*" })
}

// sortable returns the elements of a list, set or sorted set; false for other kinds.
func sortable(o *store.Object, reversed bool) (items [][]byte, ok bool) {
	if o == nil {
		return nil, true
	}
	switch o.Kind {
	case store.List:
		items = slices.Clone(o.Items)
	case store.Set:
		o.Dict.All(func(name string, _ []byte) { items = append(items, []byte(name)) })
		return items, true
	case store.SortedSet:
		o.ZSet.Unpack()
		for _, m := range o.ZSet.All() {
			items = append(items, []byte(m.Member))
		}
	default:
		return nil, false
	}
	if reversed {
		slices.Reverse(items)
	}
	return items, true
}

// order sorts items in place; false when a weight is no number.
// Mirrors sort.c:sortCompare.
func (e *Engine) order(s sorting, items [][]byte) bool {
	type weighed struct {
		item, by []byte
		score    float64
	}
	ws := make([]weighed, len(items))
	for i, it := range items {
		w := weighed{item: it, by: it}
		if s.by != nil {
			w.by = e.byPattern(s.by, it)
		}
		if !s.alpha && w.by != nil {
			var ok bool
			if w.score, ok = fastFloat(w.by); !ok {
				return false
			}
		}
		ws[i] = w
	}
	compare := bytes.Compare
	if s.store == nil {
		compare = func(a, b []byte) int { return cmp.Compare(cString(a), cString(b)) } // strcoll, in the locale C
	}
	slices.SortStableFunc(ws, func(a, b weighed) int {
		var r int
		switch {
		case !s.alpha:
			if r = cmp.Compare(a.score, b.score); r == 0 {
				r = bytes.Compare(a.item, b.item)
			}
		case a.by == nil || b.by == nil:
			r = b2i(a.by != nil) - b2i(b.by != nil)
		default:
			r = compare(a.by, b.by)
		}
		if s.desc {
			return -r
		}
		return r
	})
	for i := range ws {
		items[i] = ws[i].item
	}
	return true
}

// byPattern returns the value that a pattern names for an element, nil if there is
// none. The star and the arrow count before a NUL only. Mirrors sort.c:lookupKeyByPattern.
func (e *Engine) byPattern(pattern, item []byte) []byte {
	if cString(pattern) == "#" {
		return item
	}
	star := strings.IndexByte(cString(pattern), '*')
	if star < 0 {
		return nil
	}
	before, after := pattern[:star], pattern[star+1:]
	var field []byte
	if i := strings.Index(cString(after), "->"); i >= 0 && i+2 < len(after) {
		after, field = after[:i], after[i+2:]
	}
	o := e.find(slices.Concat(before, item, after))
	switch {
	case o == nil:
		return nil
	case field != nil && o.Kind == store.Hash:
		v, _ := o.Dict.Get(field)
		return v
	case field == nil && o.Kind == store.String:
		if o.Str == nil {
			return []byte{}
		}
		return o.Str
	}
	return nil
}
