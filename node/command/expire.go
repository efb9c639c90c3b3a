package command

import (
	"math"

	"github.com/slotdiff/slotdiff/node/command/table"
)

func init() {
	register(map[string]handler{
		"expire":      func(e *Engine, c *Client) { expire(e, c, e.now, 1000) },
		"pexpire":     func(e *Engine, c *Client) { expire(e, c, e.now, 1) },
		"expireat":    func(e *Engine, c *Client) { expire(e, c, 0, 1000) },
		"pexpireat":   func(e *Engine, c *Client) { expire(e, c, 0, 1) },
		"ttl":         func(e *Engine, c *Client) { ttl(e, c, true, true) },
		"pttl":        func(e *Engine, c *Client) { ttl(e, c, false, true) },
		"expiretime":  func(e *Engine, c *Client) { ttl(e, c, true, false) },
		"pexpiretime": func(e *Engine, c *Client) { ttl(e, c, false, false) },
		"persist":     persist,
	})
}

// expire mirrors expire.c:expireGenericCommand. base is added to the argument,
// which counts units of so many ms.
func expire(e *Engine, c *Client, base, unit int64) {
	var nx, xx, gt, lt bool
	for _, a := range c.argv[3:] {
		switch table.Option(a) {
		case "nx":
			nx = true
		case "xx":
			xx = true
		case "gt":
			gt = true
		case "lt":
			lt = true
		default:
			c.err("ERR Unsupported option " + cString(a))
			return
		}
	}
	if nx && (xx || gt || lt) {
		c.err("ERR NX and XX, GT or LT options at the same time are not compatible")
		return
	}
	if gt && lt {
		c.err("ERR GT and LT options at the same time are not compatible")
		return
	}
	when, ok := c.intArg(c.argv[2])
	if !ok {
		return
	}
	if unit == 1000 && (when > math.MaxInt64/1000 || when < math.MinInt64/1000) ||
		when*unit > math.MaxInt64-base {
		c.err("ERR invalid expire time in '" + c.cmd.Name + "' command")
		return
	}
	when = when*unit + base
	key := c.argv[1]
	o := e.DB.Lookup(key, e.now)
	if o == nil {
		c.int(0)
		return
	}
	now := o.Expire()
	if nx && now != 0 || xx && now == 0 || gt && (when <= now || now == 0) || lt && now != 0 && when >= now {
		c.int(0)
		return
	}
	if when <= e.now && !e.DB.KeepExpired {
		e.DB.Delete(key)
	} else {
		e.DB.SetExpire(o, max(when, 0))
	}
	e.touched(string(key))
	c.int(1)
}

// ttl mirrors expire.c:ttlGenericCommand.
func ttl(e *Engine, c *Client, seconds, relative bool) {
	o := e.DB.Lookup(c.argv[1], e.now)
	switch {
	case o == nil:
		c.int(-2)
	case o.Expire() == 0:
		c.int(-1)
	default:
		t := o.Expire()
		if relative {
			t = max(t-e.now, 0)
		}
		if seconds {
			t = int64((uint64(t) + 500) / 1000) // t is not negative; the sum may be 2^63
		}
		c.int(t)
	}
}

func persist(e *Engine, c *Client) {
	o := e.DB.Lookup(c.argv[1], e.now)
	if o == nil || o.Expire() == 0 {
		c.int(0)
		return
	}
	e.DB.SetExpire(o, 0)
	e.touched(string(c.argv[1]))
	c.int(1)
}
