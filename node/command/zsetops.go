package command

import (
	"cmp"
	"math"
	"slices"

	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/store"
)

func init() {
	register(map[string]handler{
		"zunion":      func(e *Engine, c *Client) { zcombine(e, c, union, false, false) },
		"zinter":      func(e *Engine, c *Client) { zcombine(e, c, inter, false, false) },
		"zdiff":       func(e *Engine, c *Client) { zcombine(e, c, diff, false, false) },
		"zunionstore": func(e *Engine, c *Client) { zcombine(e, c, union, true, false) },
		"zinterstore": func(e *Engine, c *Client) { zcombine(e, c, inter, true, false) },
		"zdiffstore":  func(e *Engine, c *Client) { zcombine(e, c, diff, true, false) },
		"zintercard":  func(e *Engine, c *Client) { zcombine(e, c, inter, false, true) },
	})
}

// setOp is an operation on several sets.
type setOp int

const (
	union setOp = iota
	inter
	diff
)

// source is one operand: a sorted set, or a set whose members all score 1.
type source struct {
	members []store.Scored
	scores  map[string]float64
	weight  float64
}

// source reads an operand; false when the key holds neither kind, which is answered.
func (e *Engine) source(c *Client, key []byte) (source, bool) {
	s := source{scores: map[string]float64{}, weight: 1}
	switch o := e.find(key); {
	case o == nil:
	case o.Kind == store.SortedSet:
		s.members = o.ZSet.All()
	case o.Kind == store.Set:
		o.Dict.All(func(name string, _ []byte) { s.members = append(s.members, store.Scored{Member: name, Score: 1}) })
	default:
		c.err(wrongType)
		return s, false
	}
	for _, m := range s.members {
		s.scores[m.Member] = m.Score
	}
	return s, true
}

// combination is the part of a command behind its keys.
type combination struct {
	aggregate func(a, b float64) float64
	scores    bool
	limit     int64 // 0: none
}

// zcombine mirrors t_zset.c:zunionInterDiffGenericCommand.
func zcombine(e *Engine, c *Client, op setOp, stores, count bool) {
	at := 1 + b2i(stores)
	n, ok := c.intArg(c.argv[at])
	switch {
	case !ok:
		return
	case n < 1:
		c.err("ERR at least 1 input key is needed for '" + c.cmd.Name + "' command")
		return
	case n > int64(len(c.argv)-at-1):
		c.syntax()
		return
	}
	keys := c.argv[at+1 : at+1+int(n)]
	src := make([]source, len(keys))
	for i, k := range keys {
		if src[i], ok = e.source(c, k); !ok {
			return
		}
	}
	how, ok := c.combination(c.argv[at+1+int(n):], src, op, stores, count)
	if !ok {
		return
	}
	if op != diff {
		slices.SortStableFunc(src, func(a, b source) int { return cmp.Compare(len(a.members), len(b.members)) })
	}
	z := store.NewLarge()
	switch op {
	case union:
		unite(z, src, how)
	case inter:
		intersect(z, src, how)
	case diff:
		subtract(z, src)
	}
	switch {
	case stores:
		e.storeZSet(c, c.argv[1], z.Stored())
	case count:
		c.int(int64(z.Len()))
	default:
		c.scored(z.All(), how.scores)
	}
}

// combination parses WEIGHTS, AGGREGATE, WITHSCORES and LIMIT or replies.
func (c *Client) combination(argv [][]byte, src []source, op setOp, stores, count bool) (how combination, ok bool) {
	how.aggregate = sum
	for len(argv) > 0 {
		opt := table.Option(argv[0])
		switch {
		case opt == "weights" && op != diff && !count && len(argv) > len(src):
			for i := range src {
				if src[i].weight, ok = parseDouble(argv[1+i]); !ok {
					c.err("ERR weight value is not a float")
					return how, false
				}
			}
			argv = argv[1+len(src):]
		case opt == "aggregate" && op != diff && !count && len(argv) >= 2:
			switch table.Option(argv[1]) {
			case "sum":
				how.aggregate = sum
			case "min":
				how.aggregate = func(a, b float64) float64 { return better(a, b, b < a) }
			case "max":
				how.aggregate = func(a, b float64) float64 { return better(a, b, b > a) }
			default:
				c.syntax()
				return how, false
			}
			argv = argv[2:]
		case opt == "withscores" && !stores && !count:
			how.scores = true
			argv = argv[1:]
		case opt == "limit" && count && len(argv) >= 2:
			if how.limit, ok = c.rangeArg(argv[1], 0, "LIMIT can't be negative"); !ok {
				return how, false
			}
			argv = argv[2:]
		default:
			c.syntax()
			return how, false
		}
	}
	return how, true
}

// sum is 0 where infinities of both signs meet.
func sum(a, b float64) float64 { return number(a + b) }

// better is b if that is, else a: so of two zeros the first stays, and NaN, which no comparison finds better, counts for nothing.
func better(a, b float64, is bool) float64 {
	if is {
		return b
	}
	return a
}

// number turns NaN into 0.
func number(f float64) float64 {
	if math.IsNaN(f) {
		return 0
	}
	return f
}

func unite(z *store.ZSet, src []source, how combination) {
	for _, s := range src {
		for _, m := range s.members {
			score := number(s.weight * m.Score)
			if old, ok := z.Score(m.Member); ok {
				score = how.aggregate(old, score)
			}
			z.Set(m.Member, score)
		}
	}
}

func intersect(z *store.ZSet, src []source, how combination) {
members:
	for _, m := range src[0].members {
		score := number(src[0].weight * m.Score)
		for _, s := range src[1:] {
			other, ok := s.scores[m.Member]
			if !ok {
				continue members
			}
			score = how.aggregate(score, other*s.weight)
		}
		z.Set(m.Member, score)
		if how.limit > 0 && int64(z.Len()) >= how.limit {
			return
		}
	}
}

func subtract(z *store.ZSet, src []source) {
	for _, m := range src[0].members {
		if !slices.ContainsFunc(src[1:], func(s source) bool { _, in := s.scores[m.Member]; return in }) {
			z.Set(m.Member, m.Score)
		}
	}
}
