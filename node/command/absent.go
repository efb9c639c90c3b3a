package command

import (
	"math"
	"strings"

	"github.com/slotdiff/slotdiff/node/command/table"
)

// Commands of types that the node does not hold, such as streams. Where all
// keys are absent the answer is known, and it is given for those forms whose
// arguments are checked in full here; everything else is refused by name.
func init() {
	register(map[string]handler{
		"pfcount":      func(e *Engine, c *Client) { e.ifAbsent(c, true, func() { c.int(0) }) },
		"georadius_ro": georadiusRO,
		"xread":        xread,
	})
}

// ifAbsent gives the answer if the form is one that is known and no key exists.
func (e *Engine) ifAbsent(c *Client, known bool, answer func()) {
	for _, k := range c.cmd.Keys(c.argv, nil) {
		known = known && e.DB.Lookup(c.argv[k.Pos], e.now) == nil
	}
	if known {
		answer()
	} else {
		c.err("ERR slotnode does not execute '" + c.cmd.Name + "'")
	}
}

func georadiusRO(e *Engine, c *Client) {
	known := len(c.argv) == 6
	for _, a := range c.argv[2:5] {
		f, ok := parseFloat(a)
		known = known && ok && f >= 0 && f <= 85 // beyond it there is more to check
	}
	switch table.Option(c.argv[5]) {
	case "m", "km", "ft", "mi":
	default:
		known = false
	}
	e.ifAbsent(c, known, func() { c.array(0) })
}

// xread knows XREAD [COUNT n] [BLOCK ms] STREAMS key... id... with plain ids, or $. Nothing is ever
// added to a stream here, so that a client that waits for one does so until its time is over or
// until it is redirected.
func xread(e *Engine, c *Client) {
	var blocks bool
	var until int64
	i := 1
	for ; i+1 < len(c.argv) && !table.IsOption(c.argv[i], "streams"); i += 2 {
		n, ok := table.ParseInt(c.argv[i+1])
		switch {
		case table.IsOption(c.argv[i], "count"):
			if !ok {
				c.err(notInt)
				return
			}
		case table.IsOption(c.argv[i], "block"):
			if until, ok = e.blockArg(c, n, ok); !ok {
				return
			}
			blocks = true
		default:
			c.syntax()
			return
		}
	}
	n := len(c.argv) - i - 1
	known := i < len(c.argv) && n > 0 && n%2 == 0
	for j := i + 1 + n/2; known && j < len(c.argv); j++ {
		id, seq, dashed := strings.Cut(string(c.argv[j]), "-")
		_, ok := table.ParseInt([]byte(id))
		_, seqOK := table.ParseInt([]byte(seq))
		known = blocks && string(c.argv[j]) == "$" || ok && (seqOK || !dashed) && !strings.Contains(id+seq, "-")
	}
	e.ifAbsent(c, known, func() {
		if !blocks || c.has(denyBlocking) {
			c.nullArray()
			return
		}
		var keys []string
		for _, k := range c.argv[i+1 : i+1+n/2] {
			keys = append(keys, string(k))
		}
		e.block(c, &blocked{keys: keys, kind: noKind, until: until, timeout: (*Client).nullArray})
	})
}

// blockArg turns milliseconds into a moment, 0 for ever, or replies.
func (e *Engine) blockArg(c *Client, ms int64, isInt bool) (until int64, ok bool) {
	switch {
	case !isInt || ms > math.MaxInt64-e.now:
		c.err("ERR timeout is not an integer or out of range")
	case ms < 0:
		c.err("ERR timeout is negative")
	case ms == 0:
		return 0, true
	default:
		return e.now + ms, true
	}
	return 0, false
}
