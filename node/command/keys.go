package command

import (
	"math"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/node/command/glob"
	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/store"
	"github.com/slotdiff/slotdiff/slot"
)

func init() {
	register(map[string]handler{
		"del":             del,
		"unlink":          del,
		"exists":          exists,
		"touch":           exists,
		"type":            typeCmd,
		"keys":            keysCmd,
		"scan":            scan,
		"dbsize":          dbSize,
		"randomkey":       randomKey,
		"rename":          rename,
		"renamenx":        rename,
		"copy":            copyCmd,
		"flushall":        flush,
		"flushdb":         flush,
		"object|encoding": objectEncoding,
		"object|refcount": objectRefcount,
	})
}

func del(e *Engine, c *Client) {
	n := 0
	for _, k := range c.argv[1:] {
		if e.DB.Lookup(k, e.now) != nil && e.DB.Delete(k) {
			e.touched(string(k))
			n++
		}
	}
	c.int(int64(n))
}

func exists(e *Engine, c *Client) {
	n := 0
	for _, k := range c.argv[1:] {
		n += b2i(e.find(k) != nil)
	}
	c.int(int64(n))
}

func typeCmd(e *Engine, c *Client) {
	if o := e.DB.Lookup(c.argv[1], e.now); o != nil {
		c.status(o.Kind.String())
	} else {
		c.status("none")
	}
}

// keysCmd mirrors db.c:keysCommand, with the slot of a pattern that hashes to one.
func keysCmd(e *Engine, c *Client) {
	p := string(c.argv[1])
	only := patternSlot(p)
	var names []string
	e.DB.Each(e.now, func(o *store.Object) {
		if e.visible(o) && (only < 0 || int(slot.Of([]byte(o.Key()))) == only) && (p == "*" || glob.Match(p, o.Key(), false)) {
			names = append(names, o.Key())
		}
	})
	c.array(len(names))
	for _, n := range names {
		c.text(n)
	}
}

// patternSlot is the slot that all matches of a pattern have, -1 if they may
// have several. Mirrors cluster.c:patternHashSlot.
func patternSlot(p string) int {
	open := -1 // of the first '{'; -2 when its tag is empty
	for i := range len(p) {
		switch p[i] {
		case '*', '?', '[', '\\':
			return -1
		case '{':
			if open == -1 {
				open = i
			}
		case '}':
			if open >= 0 && i == open+1 {
				open = -2
			} else if open >= 0 {
				return int(slot.CRC16([]byte(p[open+1:i])) % slot.Count)
			}
		}
	}
	return int(slot.Of([]byte(p)))
}

// scan mirrors db.c:scanGenericCommand for the keyspace.
func scan(e *Engine, c *Client) {
	cursor, ok := scanCursor(cString(c.argv[1]))
	if !ok {
		c.err("ERR invalid cursor")
		return
	}
	count, match, kind, typed := int64(10), "*", "", false
	for i := 2; i < len(c.argv); i += 2 {
		opt := table.Option(c.argv[i])
		if i+1 >= len(c.argv) {
			c.syntax()
			return
		}
		arg := c.argv[i+1]
		switch opt {
		case "count":
			if count, ok = c.intArg(arg); !ok {
				return
			}
			if count < 1 {
				c.syntax()
				return
			}
		case "match":
			match = string(arg)
		case "type":
			kind, typed = table.Option(arg), true
		default:
			c.syntax()
			return
		}
	}
	next, objects := e.DB.Scan(cursor, int(min(count, math.MaxInt32)))
	var names []string
	for _, o := range objects {
		if e.visible(o) && (match == "*" || glob.Match(match, o.Key(), false)) &&
			(!typed || o.Kind.String() == kind) && e.DB.Lookup([]byte(o.Key()), e.now) != nil {
			names = append(names, o.Key())
		}
	}
	c.array(2)
	c.text(strconv.FormatUint(next, 10))
	c.array(len(names))
	for _, n := range names {
		c.text(n)
	}
}

// scanCursor mirrors util.c:string2ull: what strtoull takes whole, with spaces before it and a sign that may
// wrap, except a number that is a negative one of 64 bits.
func scanCursor(s string) (uint64, bool) {
	if n, ok := table.ParseInt([]byte(s)); ok {
		return uint64(n), n >= 0
	}
	digits, negative := strings.TrimLeft(s, " \t\n\v\f\r"), false
	if strings.HasPrefix(digits, "-") || strings.HasPrefix(digits, "+") {
		digits, negative = digits[1:], digits[0] == '-'
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if negative {
		n = -n
	}
	return n, err == nil
}

func randomKey(e *Engine, c *Client) {
	// A slot that is not served may still hold keys: try some more.
	for range 16 {
		o := e.DB.Random(e.now, func(n int) int { return int(e.rand.Uint64() % uint64(n)) })
		if o == nil {
			break
		}
		if e.visible(o) {
			c.text(o.Key())
			return
		}
	}
	c.null()
}

// visible reports whether KEYS, SCAN and RANDOMKEY show a key: those of a slot
// that this node neither serves nor imports are hidden
// (db.c:accessKeysShouldSkipDictIndex).
func (e *Engine) visible(o *store.Object) bool { return e.accessible(slot.Of([]byte(o.Key()))) }

// dbSize counts all keys on a master, the visible ones on a replica. Mirrors
// db.c:dbSize.
func dbSize(e *Engine, c *Client) {
	total := e.DB.Len()
	if e.Cluster.Replica() {
		used := e.DB.Populated()
		for s := used.Next(0); s >= 0; s = used.Next(s + 1) {
			if !e.accessible(uint16(s)) {
				total -= e.DB.CountInSlot(uint16(s))
			}
		}
	}
	c.int(int64(total))
}

// rename mirrors db.c:renameGenericCommand.
func rename(e *Engine, c *Client) {
	nx := c.cmd.Name == "renamenx"
	from, to := c.argv[1], c.argv[2]
	o := e.find(from)
	if o == nil {
		c.err("ERR no such key")
		return
	}
	answer := func(n int64) {
		if nx {
			c.int(n)
		} else {
			c.ok()
		}
	}
	if string(from) == string(to) {
		answer(0)
		return
	}
	if nx && e.DB.Lookup(to, e.now) != nil {
		c.int(0)
		return
	}
	expire := o.Expire()
	e.DB.Delete(from)
	e.DB.Put(to, o, expire)
	e.touched(string(from))
	e.touched(string(to))
	e.signal(to, o)
	answer(1)
}

// copyCmd mirrors db.c:copyCommand.
func copyCmd(e *Engine, c *Client) {
	replace := false
	for i := 3; i < len(c.argv); i++ {
		switch {
		case table.IsOption(c.argv[i], "replace"):
			replace = true
		case table.IsOption(c.argv[i], "db") && i+1 < len(c.argv):
			i++
			switch n, ok := c.int32Arg(c.argv[i]); {
			case !ok:
				return
			case n != 0:
				c.err("ERR DB index is out of range")
				return
			}
		default:
			c.syntax()
			return
		}
	}
	from, to := c.argv[1], c.argv[2]
	if string(from) == string(to) {
		c.err("ERR source and destination objects are the same")
		return
	}
	o := e.find(from)
	if o == nil {
		c.int(0)
		return
	}
	if e.DB.Lookup(to, e.now) != nil && !replace {
		c.int(0)
		return
	}
	dup := o.Clone()
	e.DB.Put(to, dup, o.Expire())
	e.touched(string(to))
	e.signal(to, dup)
	c.int(1)
}

// flush mirrors db.c:flushallCommand; both do the same with one database.
func flush(e *Engine, c *Client) {
	if len(c.argv) > 2 || len(c.argv) == 2 && !table.IsOption(c.argv[1], "async") && !table.IsOption(c.argv[1], "sync") {
		c.syntax()
		return
	}
	e.touchedAll()
	e.DB.Flush()
	e.slotNet = nil
	c.ok()
}

// objectEncoding answers the names that Redis has for values of this size.
func objectEncoding(e *Engine, c *Client) {
	o := e.DB.Peek(c.argv[2], e.now)
	if o == nil {
		c.null()
		return
	}
	c.text(e.encoding(o))
}

func (e *Engine) encoding(o *store.Object) string {
	small := func(entries, value string, names []string) bool {
		for _, n := range names {
			if int64(len(n)) > e.Config.Int(value) {
				return false
			}
		}
		return int64(len(names)) <= e.Config.Int(entries)
	}
	switch o.Kind {
	case store.String:
		if _, ok := table.ParseInt(o.Str); ok && o.Encoding == store.Natural && len(o.Str) <= 20 {
			return "int"
		}
		// Key, value and 23 bytes of headers fit a cache line (object.c:kvobjSet).
		if len(o.Str) <= 44 && len(o.Key())+len(o.Str) <= 41 && o.Encoding != store.Raw {
			return "embstr"
		}
		return "raw"
	case store.List:
		size := 0
		for _, it := range o.Items {
			size += len(it) + 11
		}
		if size <= 8192 {
			return "listpack"
		}
		return "quicklist"
	case store.Set:
		var names []string
		ints := true
		o.Dict.All(func(n string, _ []byte) {
			_, ok := table.ParseInt([]byte(n))
			ints = ints && ok
			names = append(names, n)
		})
		if ints && int64(len(names)) <= e.Config.Int("set-max-intset-entries") {
			return "intset"
		}
		if small("set-max-listpack-entries", "set-max-listpack-value", names) {
			return "listpack"
		}
		return "hashtable"
	case store.SortedSet:
		var names []string
		for _, m := range o.ZSet.All() {
			names = append(names, m.Member)
		}
		if small("zset-max-listpack-entries", "zset-max-listpack-value", names) {
			return "listpack"
		}
		return "skiplist"
	}
	var names []string
	n := 0
	o.Dict.All(func(k string, v []byte) {
		n++
		names = append(names, k)
		if len(v) > len(k) {
			names[len(names)-1] = string(v)
		}
	})
	if small("hash-max-listpack-entries", "hash-max-listpack-value", names) {
		return "listpack"
	}
	return "hashtable"
}

func objectRefcount(e *Engine, c *Client) {
	if e.DB.Peek(c.argv[2], e.now) == nil {
		c.null()
	} else {
		c.int(1)
	}
}
