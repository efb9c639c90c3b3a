package command

import (
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
	switch strings.ToLower(string(c.argv[5])) {
	case "m", "km", "ft", "mi":
	default:
		known = false
	}
	e.ifAbsent(c, known, func() { c.array(0) })
}

// xread knows XREAD STREAMS key... id... with plain ids.
func xread(e *Engine, c *Client) {
	n := len(c.argv) - 2
	known := equalFold(c.argv[1], "streams") && n > 0 && n%2 == 0
	for i := 2 + n/2; known && i < len(c.argv); i++ {
		id, seq, dashed := strings.Cut(string(c.argv[i]), "-")
		_, ok := table.ParseInt([]byte(id))
		_, seqOK := table.ParseInt([]byte(seq))
		known = ok && (seqOK || !dashed) && !strings.Contains(id+seq, "-")
	}
	e.ifAbsent(c, known, c.nullArray)
}
