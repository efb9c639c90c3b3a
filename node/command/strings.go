package command

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/store"
)

func init() {
	register(map[string]handler{
		"get":         func(e *Engine, c *Client) { e.replyString(c, c.argv[1]) },
		"set":         set,
		"setnx":       setNX,
		"setex":       func(e *Engine, c *Client) { setWithTTL(e, c, 1000) },
		"psetex":      func(e *Engine, c *Client) { setWithTTL(e, c, 1) },
		"getset":      getSet,
		"getdel":      getDel,
		"getex":       getEx,
		"mget":        mget,
		"mset":        mset,
		"msetnx":      mset,
		"append":      appendCmd,
		"strlen":      strlen,
		"substr":      getRange,
		"getrange":    getRange,
		"setrange":    setRange,
		"incr":        func(e *Engine, c *Client) { e.incr(c, 1) },
		"decr":        func(e *Engine, c *Client) { e.incr(c, -1) },
		"incrby":      incrBy,
		"decrby":      decrBy,
		"incrbyfloat": incrByFloat,
	})
}

const wrongType = "WRONGTYPE Operation against a key holding the wrong kind of value"

// lookup returns the value of a key if it has the wanted kind; ok is false when
// it has another one, which is then answered. A missing key is nil and ok.
func (e *Engine) lookup(c *Client, key []byte, kind store.Kind) (o *store.Object, ok bool) {
	o = e.find(key)
	if o != nil && o.Kind != kind {
		c.err(wrongType)
		return nil, false
	}
	return o, true
}

// find is a look-up that counts as a hit or a miss.
func (e *Engine) find(key []byte) *store.Object {
	o := e.DB.Lookup(key, e.now)
	if o == nil {
		e.stats.misses++
	} else {
		e.stats.hits++
	}
	return o
}

// putString stores a copy of val, without expiry unless expire is not 0.
func (e *Engine) putString(key, val []byte, expire int64) {
	e.DB.Put(key, &store.Object{Str: bytes.Clone(val)}, expire)
	e.touched(string(key))
}

// replyString answers a string value or null; false when it was an error.
func (e *Engine) replyString(c *Client, key []byte) bool {
	o, ok := e.lookup(c, key, store.String)
	switch {
	case !ok:
		return false
	case o == nil:
		c.null()
	default:
		c.bulk(o.Str)
	}
	return true
}

// options are those of SET and GETEX. Mirrors
// t_string.c:parseExtendedStringArgumentsOrReply.
type options struct {
	nx, xx, get, keepTTL, persist bool
	expire                        []byte // argument of EX, PX, EXAT or PXAT
	unit                          string // in small letters
	compare                       string // ifeq, ifne, ifdeq or ifdne
	match                         []byte
}

func (c *Client) options(from int, forSet bool) (o options, ok bool) {
	argv := c.argv
	for i := from; i < len(argv); i++ {
		opt := table.Option(argv[i])
		next := i+1 < len(argv)
		switch {
		case opt == "nx" && forSet && !o.xx:
			o.nx = true
		case opt == "xx" && forSet && !o.nx:
			o.xx = true
		case opt == "get" && forSet:
			o.get = true
		case opt == "keepttl" && forSet && o.unit == "":
			o.keepTTL = true
		case opt == "persist" && !forSet && o.unit == "":
			o.persist = true
		case (opt == "ex" || opt == "px" || opt == "exat" || opt == "pxat") && next &&
			!o.keepTTL && !o.persist && (o.unit == "" || o.unit == opt):
			o.unit, o.expire = opt, argv[i+1]
			i++
		case (opt == "ifeq" || opt == "ifne" || opt == "ifdeq" || opt == "ifdne") && next && forSet &&
			!o.nx && !o.xx && (o.compare == "" || o.compare == opt):
			o.compare, o.match = opt, argv[i+1]
			i++
		default:
			c.syntax()
			return o, false
		}
	}
	return o, true
}

// expireAt turns the argument of EX and its kin into ms of Unix time, or replies.
func (e *Engine) expireAt(c *Client, arg []byte, unit string) (int64, bool) {
	n, ok := c.intArg(arg)
	if !ok {
		return 0, false
	}
	invalid := n <= 0
	if strings.HasPrefix(unit, "ex") {
		invalid = invalid || n > math.MaxInt64/1000
		n *= 1000
	}
	if !invalid && !strings.HasSuffix(unit, "at") {
		n += e.now
		invalid = n <= 0
	}
	if invalid {
		c.err("ERR invalid expire time in '" + c.cmd.Name + "' command")
		return 0, false
	}
	return n, true
}

// set mirrors t_string.c:setGenericCommand.
func set(e *Engine, c *Client) {
	o, ok := c.options(3, true)
	if !ok {
		return
	}
	var expire int64
	if o.expire != nil {
		if expire, ok = e.expireAt(c, o.expire, o.unit); !ok {
			return
		}
	}
	if o.compare == "ifdeq" || o.compare == "ifdne" {
		c.err("ERR slotnode does not execute 'set " + o.compare + "'")
		return
	}
	key, val := c.argv[1], c.argv[2]
	if o.get && !e.replyString(c, key) {
		return
	}
	old := e.DB.Lookup(key, e.now)
	refused := o.nx && old != nil || (o.xx || o.compare == "ifeq") && old == nil
	if !refused && old != nil && o.compare != "" {
		if old.Kind != store.String {
			c.err(wrongType)
			return
		}
		refused = bytes.Equal(old.Str, o.match) != (o.compare == "ifeq")
	}
	if refused {
		if !o.get {
			c.null()
		}
		return
	}
	if o.keepTTL && old != nil {
		expire = old.Expire()
	}
	e.putString(key, val, expire)
	if !o.get {
		c.ok()
	}
}

func setNX(e *Engine, c *Client) {
	if e.DB.Lookup(c.argv[1], e.now) != nil {
		c.int(0)
		return
	}
	e.putString(c.argv[1], c.argv[2], 0)
	c.int(1)
}

func setWithTTL(e *Engine, c *Client, unit int64) {
	name := "px"
	if unit == 1000 {
		name = "ex"
	}
	if expire, ok := e.expireAt(c, c.argv[2], name); ok {
		e.putString(c.argv[1], c.argv[3], expire)
		c.ok()
	}
}

func getSet(e *Engine, c *Client) {
	if e.replyString(c, c.argv[1]) {
		e.putString(c.argv[1], c.argv[2], 0)
	}
}

func getDel(e *Engine, c *Client) {
	if e.replyString(c, c.argv[1]) && e.DB.Delete(c.argv[1]) {
		e.touched(string(c.argv[1]))
	}
}

// getEx mirrors t_string.c:getexCommand.
func getEx(e *Engine, c *Client) {
	opt, ok := c.options(2, false)
	if !ok {
		return
	}
	o, ok := e.lookup(c, c.argv[1], store.String)
	if !ok {
		return
	}
	if o == nil {
		c.null()
		return
	}
	var expire int64
	if opt.expire != nil {
		if expire, ok = e.expireAt(c, opt.expire, opt.unit); !ok {
			return
		}
	}
	c.bulk(o.Str)
	switch {
	case strings.HasSuffix(opt.unit, "at") && expire <= e.now && !e.DB.KeepExpired:
		e.DB.Delete(c.argv[1])
	case expire != 0:
		e.DB.SetExpire(o, expire)
	case opt.persist && o.Expire() != 0:
		e.DB.SetExpire(o, 0)
	default:
		return
	}
	e.touched(string(c.argv[1]))
}

func mget(e *Engine, c *Client) {
	c.array(len(c.argv) - 1)
	for _, k := range c.argv[1:] {
		if o := e.find(k); o != nil && o.Kind == store.String {
			c.bulk(o.Str)
		} else {
			c.null()
		}
	}
}

func mset(e *Engine, c *Client) {
	if len(c.argv)%2 == 0 {
		c.arity()
		return
	}
	nx := c.cmd.Name == "msetnx"
	for i := 1; nx && i < len(c.argv); i += 2 {
		if e.DB.Lookup(c.argv[i], e.now) != nil {
			c.int(0)
			return
		}
	}
	for i := 1; i < len(c.argv); i += 2 {
		e.putString(c.argv[i], c.argv[i+1], 0)
	}
	if nx {
		c.int(1)
	} else {
		c.ok()
	}
}

// tooLong replies when a string of size bytes may not exist.
func (e *Engine) tooLong(c *Client, size, more int64) bool {
	total := size + more
	if total > e.Config.Int("proto-max-bulk-len") || total < size || total < more {
		c.err("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
		return true
	}
	return false
}

func appendCmd(e *Engine, c *Client) {
	key, val := c.argv[1], c.argv[2]
	o, ok := e.lookup(c, key, store.String)
	if !ok {
		return
	}
	if o == nil {
		e.putString(key, val, 0)
		c.int(int64(len(val)))
		return
	}
	if e.tooLong(c, int64(len(o.Str)), int64(len(val))) {
		return
	}
	o.Str, o.Encoding = append(o.Str, val...), store.Raw
	e.touched(string(key))
	c.int(int64(len(o.Str)))
}

func strlen(e *Engine, c *Client) {
	if o, ok := e.lookup(c, c.argv[1], store.String); ok {
		if o == nil {
			c.int(0)
		} else {
			c.int(int64(len(o.Str)))
		}
	}
}

// getRange mirrors t_string.c:getrangeCommand.
func getRange(e *Engine, c *Client) {
	start, ok := c.intArg(c.argv[2])
	if !ok {
		return
	}
	end, ok := c.intArg(c.argv[3])
	if !ok {
		return
	}
	o, ok := e.lookup(c, c.argv[1], store.String)
	if !ok {
		return
	}
	if o == nil || start < 0 && end < 0 && start > end {
		c.bulk(nil)
		return
	}
	n := int64(len(o.Str))
	if start < 0 {
		start = max(n+start, 0)
	}
	if end < 0 {
		end = max(n+end, 0)
	}
	end = min(end, n-1)
	if start > end || n == 0 {
		c.bulk(nil)
		return
	}
	c.bulk(o.Str[start : end+1])
}

// setRange mirrors t_string.c:setrangeCommand.
func setRange(e *Engine, c *Client) {
	offset, ok := c.intArg(c.argv[2])
	if !ok {
		return
	}
	if offset < 0 {
		c.err("ERR offset is out of range")
		return
	}
	key, val := c.argv[1], c.argv[3]
	o, ok := e.lookup(c, key, store.String)
	if !ok {
		return
	}
	if len(val) == 0 {
		if o == nil {
			c.int(0)
		} else {
			c.int(int64(len(o.Str)))
		}
		return
	}
	if e.tooLong(c, offset, int64(len(val))) {
		return
	}
	o, _ = e.growString(key, o, int(offset)+len(val))
	copy(o.Str[offset:], val)
	e.touched(string(key))
	c.int(int64(len(o.Str)))
}

// growString makes the string at least size bytes long, creating it where o is
// nil, and reports whether that changed it.
func (e *Engine) growString(key []byte, o *store.Object, size int) (_ *store.Object, grown bool) {
	if o == nil {
		o = &store.Object{}
		e.DB.Put(key, o, 0)
	}
	if grown = size > len(o.Str); grown {
		o.Str = append(o.Str, make([]byte, size-len(o.Str))...)
	}
	o.Encoding = store.Raw
	return o, grown
}

func incrBy(e *Engine, c *Client) {
	if n, ok := c.intArg(c.argv[2]); ok {
		e.incr(c, n)
	}
}

func decrBy(e *Engine, c *Client) {
	n, ok := c.intArg(c.argv[2])
	if !ok {
		return
	}
	if n == math.MinInt64 {
		c.err("ERR decrement would overflow")
		return
	}
	e.incr(c, -n)
}

// incr mirrors t_string.c:incrDecrCommand.
func (e *Engine) incr(c *Client, by int64) {
	o, ok := e.lookup(c, c.argv[1], store.String)
	if !ok {
		return
	}
	var n int64
	if o != nil {
		if n, ok = table.ParseInt(o.Str); !ok {
			c.err(notInt)
			return
		}
	}
	if by < 0 && n < math.MinInt64-by || by > 0 && n > math.MaxInt64-by {
		c.err("ERR increment or decrement would overflow")
		return
	}
	e.replaceString(c.argv[1], o, strconv.AppendInt(nil, n+by, 10), store.Natural)
	c.int(n + by)
}

// replaceString changes a value and keeps the expiry.
func (e *Engine) replaceString(key []byte, o *store.Object, val []byte, enc store.Encoding) {
	if o == nil {
		e.DB.Put(key, &store.Object{Str: val, Encoding: enc}, 0)
	} else {
		o.Str, o.Encoding = val, enc
	}
	e.touched(string(key))
}
