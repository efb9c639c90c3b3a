package command

import (
	"math/bits"

	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/store"
)

func init() {
	register(map[string]handler{"setbit": setBit, "getbit": getBit, "bitcount": bitCount, "bitfield_ro": bitfieldRO})
}

// bitOffset mirrors bitops.c:getBitOffsetFromArgument for plain offsets.
func (e *Engine) bitOffset(c *Client, arg []byte) (int64, bool) {
	n, ok := table.ParseInt(arg)
	if !ok || n < 0 || n>>3 >= e.Config.Int("proto-max-bulk-len") {
		c.err("ERR bit offset is not an integer or out of range")
		return 0, false
	}
	return n, true
}

// setBit mirrors bitops.c:setbitCommand: a bit that is as it was is no change.
func setBit(e *Engine, c *Client) {
	at, ok := e.bitOffset(c, c.argv[2])
	if !ok {
		return
	}
	bit, ok := table.ParseInt(c.argv[3])
	if !ok || bit&^1 != 0 {
		c.err("ERR bit is not an integer or out of range")
		return
	}
	o, ok := e.lookup(c, c.argv[1], store.String)
	if !ok {
		return
	}
	o, grown := e.growString(c.argv[1], o, int(at>>3)+1)
	b, mask := &o.Str[at>>3], byte(0x80>>(at&7))
	old := *b&mask != 0
	*b &^= mask
	if bit == 1 {
		*b |= mask
	}
	if grown || old != (bit == 1) {
		e.touched(string(c.argv[1]))
	}
	c.int(int64(b2i(old)))
}

func getBit(e *Engine, c *Client) {
	at, ok := e.bitOffset(c, c.argv[2])
	if !ok {
		return
	}
	o, ok := e.lookup(c, c.argv[1], store.String)
	if !ok {
		return
	}
	c.int(int64(b2i(o != nil && at>>3 < int64(len(o.Str)) && o.Str[at>>3]&(0x80>>(at&7)) != 0)))
}

// bitCount mirrors bitops.c:bitcountCommand.
func bitCount(e *Engine, c *Client) {
	var start, end int64
	ranged, inBits := len(c.argv) > 2, false
	if ranged {
		if len(c.argv) != 4 && len(c.argv) != 5 {
			c.syntax()
			return
		}
		var ok bool
		if start, ok = c.intArg(c.argv[2]); !ok {
			return
		}
		if end, ok = c.intArg(c.argv[3]); !ok {
			return
		}
		if len(c.argv) == 5 {
			switch table.Option(c.argv[4]) {
			case "bit":
				inBits = true
			case "byte":
			default:
				c.syntax()
				return
			}
		}
	}
	o, ok := e.lookup(c, c.argv[1], store.String)
	if !ok {
		return
	}
	if o == nil {
		c.int(0)
		return
	}
	unit := int64(8)
	if inBits {
		unit = 1
	}
	n := int64(len(o.Str)) * 8 / unit
	if !ranged {
		start, end = 0, n-1
	}
	if start < 0 && end < 0 && start > end {
		c.int(0)
		return
	}
	if start < 0 {
		start = max(start+n, 0)
	}
	if end < 0 {
		end = max(end+n, 0)
	}
	end = min(end, n-1)
	count := 0
	if !inBits && start <= end {
		for _, b := range o.Str[start : end+1] {
			count += bits.OnesCount8(b)
		}
	}
	for i := start; inBits && i <= end; i++ {
		count += b2i(o.Str[i>>3]&(0x80>>(i&7)) != 0)
	}
	c.int(int64(count))
}

// bitfieldRO mirrors bitops.c:bitfieldGeneric for GET. All is parsed before the
// key is looked at.
func bitfieldRO(e *Engine, c *Client) {
	type get struct {
		signed bool
		bits   int
		offset int64
	}
	var gets []get
	for i := 2; i < len(c.argv); i++ {
		rest := len(c.argv) - i - 1
		sub := table.Option(c.argv[i])
		switch {
		case sub == "get" && rest >= 2:
		case sub == "overflow" && rest >= 1:
			i++
			if w := table.Option(c.argv[i]); w != "wrap" && w != "sat" && w != "fail" {
				c.err("ERR Invalid OVERFLOW type specified")
				return
			}
			continue
		case (sub == "set" || sub == "incrby") && rest >= 3:
			c.err("ERR BITFIELD_RO only supports the GET subcommand")
			return
		default:
			c.syntax()
			return
		}
		t := c.argv[i+1]
		signed := len(t) > 0 && t[0] == 'i'
		if len(t) == 0 || !signed && t[0] != 'u' {
			t = []byte("u0")
		}
		n, ok := table.ParseInt([]byte(cString(t[1:])))
		if !ok || n < 1 || signed && n > 64 || !signed && n > 63 {
			c.err("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.")
			return
		}
		arg, scale := c.argv[i+2], int64(1)
		if len(arg) > 0 && arg[0] == '#' {
			arg, scale = arg[1:], n
		}
		at, ok := table.ParseInt(arg)
		if !ok || at < 0 || at > 1<<40 || (at*scale)>>3 >= e.Config.Int("proto-max-bulk-len") {
			c.err("ERR bit offset is not an integer or out of range")
			return
		}
		gets = append(gets, get{signed, int(n), at * scale})
		i += 2
	}
	o, ok := e.lookup(c, c.argv[1], store.String)
	if !ok {
		return
	}
	c.array(len(gets))
	for _, g := range gets {
		v := uint64(0)
		for i := range int64(g.bits) {
			at := g.offset + i
			v <<= 1
			if o != nil && at>>3 < int64(len(o.Str)) && o.Str[at>>3]&(0x80>>(at&7)) != 0 {
				v |= 1
			}
		}
		if g.signed {
			v = uint64(int64(v<<(64-g.bits)) >> (64 - g.bits))
		}
		c.int(int64(v))
	}
}
