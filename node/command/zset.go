package command

import (
	"math"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/store"
	"github.com/slotdiff/slotdiff/wire/resp"
)

func init() {
	register(map[string]handler{
		"zadd":    func(e *Engine, c *Client) { zadd(e, c, false) },
		"zincrby": func(e *Engine, c *Client) { zadd(e, c, true) },
		"zscore":  zscore,
		"zmscore": zmscore,
		"zcard":   zcard,
		"zrem":    zrem,
		"zrank":   func(e *Engine, c *Client) { zrank(e, c, false) },
		"zrevrank": func(e *Engine, c *Client) {
			zrank(e, c, true)
		},
		"zpopmin": func(e *Engine, c *Client) { zpop(e, c, false) },
		"zpopmax": func(e *Engine, c *Client) { zpop(e, c, true) },
		"zmpop":   zmpop,
	})
}

// zset returns the sorted set under a key, nil if there is none; ok is false when
// the key holds something else, which is then answered.
func (e *Engine) zset(c *Client, key []byte) (z *store.ZSet, ok bool) {
	o, ok := e.lookup(c, key, store.SortedSet)
	if o == nil {
		return nil, ok
	}
	return o.ZSet, ok
}

// zsetChanged ends a change of a sorted set; an empty one goes.
func (e *Engine) zsetChanged(key []byte, z *store.ZSet) {
	if z.Len() == 0 {
		e.DB.Delete(key)
	}
	e.touched(string(key))
}

func (c *Client) double(f float64) {
	if c.resp == 3 {
		c.Out = resp.AppendDouble(c.Out, f)
	} else {
		c.bulk(resp.FormatDouble(nil, f))
	}
}

const notFloat = "ERR value is not a valid float"

// scoreArg parses a score or replies. Mirrors object.c:getDoubleFromObjectOrReply.
func (c *Client) scoreArg(b []byte) (float64, bool) {
	f, ok := parseDouble(b)
	if !ok {
		c.err(notFloat)
	}
	return f, ok
}

// parseDouble takes what strtod takes whole, except NaN and numbers that overflow or underflow.
func parseDouble(b []byte) (float64, bool) {
	s := string(b)
	if len(s) == 0 || strings.ContainsRune(s, '_') || s[0] <= ' ' {
		return 0, false
	}
	f, err := strconv.ParseFloat(withExponent(s), 64)
	if err != nil {
		return 0, false
	}
	return f, !math.IsNaN(f) && (f != 0 || isZero(s))
}

// zadd mirrors t_zset.c:zaddGenericCommand.
func zadd(e *Engine, c *Client, incr bool) {
	var nx, xx, gt, lt, ch bool
	argv := c.argv
	i := 2
options:
	for ; i < len(argv); i++ {
		switch table.Option(argv[i]) {
		case "nx":
			nx = true
		case "xx":
			xx = true
		case "ch":
			ch = true
		case "incr":
			incr = true
		case "gt":
			gt = true
		case "lt":
			lt = true
		default:
			break options
		}
	}
	pairs := argv[i:]
	switch {
	case len(pairs) == 0 || len(pairs)%2 != 0:
		c.syntax()
		return
	case nx && xx:
		c.err("ERR XX and NX options at the same time are not compatible")
		return
	case nx && (gt || lt) || gt && lt:
		c.err("ERR GT, LT, and/or NX options at the same time are not compatible")
		return
	case incr && len(pairs) > 2:
		c.err("ERR INCR option supports a single increment-element pair")
		return
	}
	scores := make([]float64, len(pairs)/2)
	for j := range scores {
		var ok bool
		if scores[j], ok = c.scoreArg(pairs[2*j]); !ok {
			return
		}
	}
	key := argv[1]
	z, ok := e.zset(c, key)
	if !ok {
		return
	}
	added, updated := 0, 0
	processed, last := false, 0.0
	if z == nil && !xx {
		z = store.NewZSet()
		o := &store.Object{Kind: store.SortedSet, ZSet: z}
		e.DB.Put(key, o, 0)
		e.signal(key, o)
	}
	for j := 0; z != nil && j < len(scores); j++ {
		member, score := string(pairs[2*j+1]), scores[j]
		old, exists := z.Score(member)
		if exists && nx || !exists && xx {
			continue
		}
		if exists && incr {
			if score += old; math.IsNaN(score) {
				c.err("ERR resulting score is not a number (NaN)")
				return
			}
		}
		if exists && (gt && score <= old || lt && score >= old) {
			continue
		}
		processed, last = true, score
		switch {
		case !exists:
			added++
		case score != old:
			updated++
		default:
			continue
		}
		z.Set(member, score)
	}
	if added+updated > 0 {
		e.touched(string(key))
	}
	switch {
	case incr && processed:
		c.double(last)
	case incr:
		c.null()
	case ch:
		c.int(int64(added + updated))
	default:
		c.int(int64(added))
	}
}

func zscore(e *Engine, c *Client) {
	if z, ok := e.zset(c, c.argv[1]); ok {
		replyScore(c, z, c.argv[2])
	}
}

func zmscore(e *Engine, c *Client) {
	z, ok := e.zset(c, c.argv[1])
	if !ok {
		return
	}
	c.array(len(c.argv) - 2)
	for _, m := range c.argv[2:] {
		replyScore(c, z, m)
	}
}

func replyScore(c *Client, z *store.ZSet, member []byte) {
	if z != nil {
		if s, ok := z.Score(string(member)); ok {
			c.double(s)
			return
		}
	}
	c.null()
}

func zcard(e *Engine, c *Client) {
	if z, ok := e.zset(c, c.argv[1]); ok {
		n := 0
		if z != nil {
			n = z.Len()
		}
		c.int(int64(n))
	}
}

func zrem(e *Engine, c *Client) {
	z, ok := e.zset(c, c.argv[1])
	if !ok {
		return
	}
	n := 0
	for _, m := range c.argv[2:] {
		n += b2i(z != nil && z.Delete(string(m)))
	}
	if n > 0 {
		e.zsetChanged(c.argv[1], z)
	}
	c.int(int64(n))
}

// zrank mirrors t_zset.c:zrankGenericCommand.
func zrank(e *Engine, c *Client, reverse bool) {
	withScore := false
	switch {
	case len(c.argv) > 4:
		c.arity()
		return
	case len(c.argv) == 4 && !table.IsOption(c.argv[3], "withscore"):
		c.syntax()
		return
	case len(c.argv) == 4:
		withScore = true
	}
	z, ok := e.zset(c, c.argv[1])
	if !ok {
		return
	}
	var score float64
	if ok = z != nil; ok {
		score, ok = z.Score(string(c.argv[2]))
	}
	if !ok {
		if withScore {
			c.nullArray()
		} else {
			c.null()
		}
		return
	}
	member := string(c.argv[2])
	rank := z.Rank(func(s store.Scored) bool {
		return s.Score > score || s.Score == score && s.Member >= member
	})
	if reverse {
		rank = z.Len() - 1 - rank
	}
	if withScore {
		c.array(2)
	}
	c.int(int64(rank))
	if withScore {
		c.double(score)
	}
}

// scored replies with members and, if wanted, their scores: in RESP3 as pairs.
func (c *Client) scored(ms []store.Scored, scores bool) {
	switch {
	case !scores:
		c.array(len(ms))
	case c.resp == 2:
		c.array(2 * len(ms))
	default:
		c.array(len(ms))
	}
	for _, m := range ms {
		if scores && c.resp == 3 {
			c.array(2)
		}
		c.text(m.Member)
		if scores {
			c.double(m.Score)
		}
	}
}

// zpopFrom removes up to n members from an end.
func (e *Engine) zpopFrom(key []byte, z *store.ZSet, max bool, n int64) []store.Scored {
	var out []store.Scored
	for n > 0 && z.Len() > 0 {
		m := z.At(0)
		if max {
			m = z.At(z.Len() - 1)
		}
		z.Delete(m.Member)
		out = append(out, m)
		n--
	}
	e.zsetChanged(key, z)
	return out
}

// zpop mirrors t_zset.c:zpopMinMaxCommand.
func zpop(e *Engine, c *Client, max bool) {
	if len(c.argv) > 3 {
		c.syntax()
		return
	}
	n, counted := int64(1), len(c.argv) == 3
	if counted {
		var ok bool
		if n, ok = c.rangeArg(c.argv[2], 0, "value is out of range, must be positive"); !ok {
			return
		}
	}
	z, ok := e.zset(c, c.argv[1])
	switch {
	case !ok:
	case z == nil || n == 0:
		c.array(0)
	case counted:
		c.scored(e.zpopFrom(c.argv[1], z, max, n), true)
	default:
		m := e.zpopFrom(c.argv[1], z, max, 1)[0]
		c.array(2)
		c.text(m.Member)
		c.double(m.Score)
	}
}

// zmpop mirrors t_zset.c:zmpopGenericCommand.
func zmpop(e *Engine, c *Client) {
	keys, where, count, ok := c.mpopArgs("min", "max")
	if !ok {
		return
	}
	for _, k := range keys {
		z, ok := e.zset(c, k)
		if !ok {
			return
		}
		if z == nil {
			continue
		}
		c.zmpopReply(k, e.zpopFrom(k, z, where == "max", count))
		return
	}
	c.nullArray()
}

// zmpopReply answers what was taken from a key.
func (c *Client) zmpopReply(key []byte, ms []store.Scored) {
	c.array(2)
	c.bulk(key)
	c.array(len(ms))
	for _, m := range ms {
		c.array(2)
		c.text(m.Member)
		c.double(m.Score)
	}
}

// rangeArg parses an integer that is at least low or replies with an error of its
// own. Mirrors object.c:getRangeLongFromObjectOrReply.
func (c *Client) rangeArg(b []byte, low int64, wrong string) (int64, bool) {
	n, ok := parseLong(b)
	if !ok || n < low {
		c.err("ERR " + wrong)
		return 0, false
	}
	return n, true
}

// mpopArgs reads numkeys, keys, the end to take from (first or second) and COUNT.
func (c *Client) mpopArgs(first, second string) (keys [][]byte, where string, count int64, ok bool) {
	argv := c.argv
	n, ok := c.rangeArg(argv[1], 1, "numkeys should be greater than 0")
	if !ok {
		return nil, "", 0, false
	}
	if n >= int64(len(argv)-2) {
		c.syntax()
		return nil, "", 0, false
	}
	at := int(n) + 2
	if where = table.Option(argv[at]); where != first && where != second {
		c.syntax()
		return nil, "", 0, false
	}
	count = -1
	for i := at + 1; i < len(argv); i++ {
		if count != -1 || !table.IsOption(argv[i], "count") || i+1 == len(argv) {
			c.syntax()
			return nil, "", 0, false
		}
		i++
		if count, ok = c.rangeArg(argv[i], 1, "count should be greater than 0"); !ok {
			return nil, "", 0, false
		}
	}
	if count == -1 {
		count = 1
	}
	return argv[2:at], where, count, true
}
