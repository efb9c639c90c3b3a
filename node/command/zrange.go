package command

import (
	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/store"
)

func init() {
	by := func(t rangeType, reverse bool) handler {
		return func(e *Engine, c *Client) { zrange(e, c, 1, false, t, reverse, true) }
	}
	register(map[string]handler{
		"zrange":           func(e *Engine, c *Client) { zrange(e, c, 1, false, byAuto, false, false) },
		"zrangestore":      func(e *Engine, c *Client) { zrange(e, c, 2, true, byAuto, false, false) },
		"zrevrange":        by(byRank, true),
		"zrangebyscore":    by(byScore, false),
		"zrevrangebyscore": by(byScore, true),
		"zrangebylex":      by(byLex, false),
		"zrevrangebylex":   by(byLex, true),
		"zcount":           func(e *Engine, c *Client) { zcount(e, c, byScore) },
		"zlexcount":        func(e *Engine, c *Client) { zcount(e, c, byLex) },
		"zremrangebyrank":  func(e *Engine, c *Client) { zremRange(e, c, byRank) },
		"zremrangebyscore": func(e *Engine, c *Client) { zremRange(e, c, byScore) },
		"zremrangebylex":   func(e *Engine, c *Client) { zremRange(e, c, byLex) },
	})
}

// rangeType says what the bounds of a range are.
type rangeType int

const (
	byAuto rangeType = iota // an option says it, else ranks
	byRank
	byScore
	byLex
)

// bound is one end of a range by score or by member.
type bound struct {
	score float64
	lex   string
	open  bool // the bound itself is not in the range
	inf   int  // of lex: -1 before everything, 1 behind it
}

func parseBound(t rangeType, b []byte) (bound, bool) {
	if t == byScore {
		open := len(b) > 0 && b[0] == '('
		if open {
			b = b[1:]
		}
		f, ok := fastFloat(b)
		return bound{score: f, open: open}, ok
	}
	switch {
	case cString(b) == "-":
		return bound{inf: -1, open: true}, true
	case cString(b) == "+":
		return bound{inf: 1, open: true}, true
	case len(b) > 0 && (b[0] == '(' || b[0] == '['):
		return bound{lex: string(b[1:]), open: b[0] == '('}, true
	}
	return bound{}, false
}

const (
	badScoreRange = "ERR min or max is not a float"
	badLexRange   = "ERR min or max not valid string range item"
)

// bounds parses both ends or replies. Mirrors t_zset.c:zslParseRange and
// zslParseLexRange, for which an integer is no item.
func (c *Client) bounds(t rangeType, low, high []byte) (lo, hi bound, ok bool) {
	lo, ok1 := parseBound(t, low)
	hi, ok2 := parseBound(t, high)
	if ok1 && ok2 {
		return lo, hi, true
	}
	if t == byScore {
		c.err(badScoreRange)
	} else {
		c.err(badLexRange)
	}
	return lo, hi, false
}

// below reports whether m comes before a lower bound.
func (b bound) below(t rangeType, m store.Scored) bool {
	if t == byScore {
		return m.Score < b.score || b.open && m.Score == b.score
	}
	return b.inf == 1 || b.inf == 0 && (m.Member < b.lex || b.open && m.Member == b.lex)
}

// above reports whether m comes after an upper bound.
func (b bound) above(t rangeType, m store.Scored) bool {
	if t == byScore {
		return m.Score > b.score || b.open && m.Score == b.score
	}
	return b.inf == -1 || b.inf == 0 && (m.Member > b.lex || b.open && m.Member == b.lex)
}

// span returns the ranks [from, to) of a range, from <= to. A range by members
// supposes equal scores; where they differ, Redis still answers, as it walks from
// one end (t_zset.c:zslNthInLexRange), and so does this.
func span(z *store.ZSet, t rangeType, lo, hi bound, reverse bool) (from, to int) {
	if t == byScore {
		from = z.Rank(func(m store.Scored) bool { return !lo.below(t, m) })
		to = z.Rank(func(m store.Scored) bool { return hi.above(t, m) })
		return from, max(from, to)
	}
	ms := z.All()
	if len(ms) == 0 || lo.below(t, ms[len(ms)-1]) || hi.above(t, ms[0]) {
		return 0, 0
	}
	if reverse {
		for to = len(ms); to > 0 && hi.above(t, ms[to-1]); {
			to--
		}
		for from = to; from > 0 && !lo.below(t, ms[from-1]); {
			from--
		}
		return from, to
	}
	for from < len(ms) && lo.below(t, ms[from]) {
		from++
	}
	for to = from; to < len(ms) && !hi.above(t, ms[to]); {
		to++
	}
	return from, to
}

// rankSpan turns the ranks of an argument, where negative ones count from the end,
// into [from, to).
func rankSpan(start, end int64, n int) (from, to int) {
	size := int64(n)
	if start < 0 {
		start = max(start+size, 0)
	}
	if end < 0 {
		end += size
	}
	end = min(end, size-1)
	if start > end {
		return 0, 0
	}
	return int(start), int(end + 1)
}

// zrange mirrors t_zset.c:zrangeGenericCommand. The source key is argv[at]; fixed
// says that type and direction are no options.
func zrange(e *Engine, c *Client, at int, stores bool, t rangeType, reverse, fixed bool) {
	argv := c.argv
	withScores, offset, limit := false, int64(0), int64(-1)
	for i := at + 3; i < len(argv); i++ {
		switch opt := table.Option(argv[i]); {
		case opt == "withscores" && !stores:
			withScores = true
		case opt == "limit" && i+2 < len(argv):
			var ok bool
			if offset, ok = c.intArg(argv[i+1]); !ok {
				return
			}
			if limit, ok = c.intArg(argv[i+2]); !ok {
				return
			}
			i += 2
		case opt == "rev" && !fixed && !reverse:
			reverse = true
		case opt == "bylex" && t == byAuto:
			t = byLex
		case opt == "byscore" && t == byAuto:
			t = byScore
		default:
			c.syntax()
			return
		}
	}
	if t == byAuto {
		t = byRank
	}
	switch {
	case limit != -1 && t == byRank:
		c.err("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
		return
	case withScores && t == byLex:
		c.err("ERR syntax error, WITHSCORES not supported in combination with BYLEX")
		return
	}
	low, high := argv[at+1], argv[at+2]
	var start, end int64
	var lo, hi bound
	var ok bool
	if t == byRank {
		if start, ok = c.intArg(low); ok {
			end, ok = c.intArg(high)
		}
	} else {
		if reverse {
			low, high = high, low
		}
		lo, hi, ok = c.bounds(t, low, high)
	}
	if !ok {
		return
	}
	z, ok := e.zset(c, argv[at])
	if !ok {
		return
	}
	var out []store.Scored
	if z != nil {
		var from, to int
		if t == byRank {
			if from, to = rankSpan(start, end, z.Len()); reverse {
				from, to = z.Len()-to, z.Len()-from
			}
		} else {
			from, to = span(z, t, lo, hi, reverse)
		}
		for i := from; i < to; i++ {
			out = append(out, z.At(i))
		}
		if reverse {
			for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
				out[i], out[j] = out[j], out[i]
			}
		}
		if t != byRank {
			out = window(out, offset, limit)
		}
	}
	if !stores {
		c.scored(out, withScores)
		return
	}
	result := store.NewZSet()
	for _, m := range out {
		result.Set(m.Member, m.Score)
	}
	e.storeZSet(c, argv[1], result)
}

// window applies LIMIT; a negative limit takes all, a negative offset nothing.
func window(ms []store.Scored, offset, limit int64) []store.Scored {
	if offset < 0 || offset >= int64(len(ms)) {
		return nil
	}
	ms = ms[offset:]
	if limit >= 0 {
		ms = ms[:min(limit, int64(len(ms)))]
	}
	return ms
}

// storeZSet puts a result under a key and answers its size; an empty one deletes.
func (e *Engine) storeZSet(c *Client, key []byte, z *store.ZSet) {
	if z.Len() > 0 {
		o := &store.Object{Kind: store.SortedSet, ZSet: z}
		e.DB.Put(key, o, 0)
		e.touched(string(key))
		e.signal(key, o)
	} else if e.DB.Lookup(key, e.now) != nil {
		e.DB.Delete(key)
		e.touched(string(key))
	}
	c.int(int64(z.Len()))
}

func zcount(e *Engine, c *Client, t rangeType) {
	lo, hi, ok := c.bounds(t, c.argv[2], c.argv[3])
	if !ok {
		return
	}
	z, ok := e.zset(c, c.argv[1])
	if !ok {
		return
	}
	n := 0
	if z != nil {
		from, to := span(z, t, lo, hi, false)
		n = to - from
	}
	c.int(int64(n))
}

// zremRange mirrors t_zset.c:zremrangeGenericCommand.
func zremRange(e *Engine, c *Client, t rangeType) {
	var start, end int64
	var lo, hi bound
	var ok bool
	if t == byRank {
		if start, ok = c.intArg(c.argv[2]); ok {
			end, ok = c.intArg(c.argv[3])
		}
	} else {
		lo, hi, ok = c.bounds(t, c.argv[2], c.argv[3])
	}
	if !ok {
		return
	}
	z, ok := e.zset(c, c.argv[1])
	if !ok {
		return
	}
	if z == nil {
		c.int(0)
		return
	}
	var from, to int
	if t == byRank {
		from, to = rankSpan(start, end, z.Len())
	} else {
		from, to = span(z, t, lo, hi, false)
	}
	for range to - from {
		z.Delete(z.At(from).Member)
	}
	if to > from {
		e.zsetChanged(c.argv[1], z)
	}
	c.int(int64(to - from))
}

// parseLong is an integer as getLongFromObject takes it.
func parseLong(b []byte) (int64, bool) { return table.ParseInt(b) }
