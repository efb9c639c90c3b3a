package script

import (
	"errors"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

const readOnlyTable = "Attempt to modify a readonly table"

// open makes the globals of a run. Scripts see them through env, which holds
// nothing itself: what is not there is an error to read, and everything to write.
func (r *run) open(l *lua.LState) {
	r.globals, r.env = l.NewTable(), l.NewTable()
	l.G.Global = r.env
	l.Env = r.env
	fn := func(name string, f func(call) int) *lua.LFunction {
		return l.NewFunction(func(l *lua.LState) int { return f(call{l, r, name}) })
	}
	r.concat = fn("concat", concat)
	r.keep = l.NewFunction(func(l *lua.LState) int { l.SetTop(1); return 1 })
	readOnly := fn("__newindex", func(c call) int { c.RaiseError(readOnlyTable); return 0 })
	freeze := func(t *lua.LTable) *lua.LTable {
		front, mt := l.NewTable(), l.NewTable()
		mt.RawSetString("__index", t)
		mt.RawSetString("__newindex", readOnly)
		front.Metatable = mt
		r.frozen[front], r.metas[front] = t, lua.LNil
		return front
	}
	library := func(fs map[string]func(call) int, values map[string]lua.LValue) *lua.LTable {
		t := l.NewTable()
		for name, f := range fs { // the order shows only in pairs(library)
			t.RawSetString(name, fn(name, f))
		}
		for name, v := range values {
			t.RawSetString(name, v)
		}
		return freeze(t)
	}
	for name, f := range baseFunctions {
		r.globals.RawSetString(name, fn(name, f))
	}
	stringTable := library(stringFunctions, nil)
	for name, t := range map[string]*lua.LTable{
		"string": stringTable, "table": library(tableFunctions, nil), "math": library(mathFunctions, mathValues),
		"coroutine": library(threadFunctions, nil), "os": library(osFunctions, nil), "bit": library(bitFunctions, nil),
		"redis": library(api, apiValues), "KEYS": list(r.in.Keys), "ARGV": list(r.in.Args),
	} {
		r.globals.RawSetString(name, t)
	}
	r.globals.RawSetString("_VERSION", lua.LString(lua.LuaVersion))
	r.globals.RawSetString("_G", r.env)
	missing := single("__index", fn("__index", func(c call) int {
		name, ok := asString(c.Get(2))
		if !ok {
			c.RaiseError("Second argument to luaProtectedTableError must be a string or number")
		}
		c.RaiseError("Script attempted to access nonexistent global variable '%s'", name)
		return 0
	}))
	r.globals.Metatable = missing
	r.metas[r.env] = freeze(missing)
	mt := l.NewTable()
	mt.RawSetString("__index", r.globals)
	mt.RawSetString("__newindex", readOnly)
	r.env.Metatable = mt
	r.frozen[r.env] = r.globals
	strings := single("__index", stringTable)
	strings.RawSetString("__metatable", freeze(single("__index", stringTable)))
	l.SetMetatable(lua.LString(""), strings)
}

func list(items [][]byte) *lua.LTable {
	t := &lua.LTable{Metatable: lua.LNil}
	for i, it := range items {
		t.RawSetInt(i+1, lua.LString(it))
	}
	return t
}

// thawed returns the table that a front stands for.
func (r *run) thawed(t *lua.LTable) *lua.LTable {
	if real := r.frozen[t]; real != nil {
		return real
	}
	return t
}

// concat is "..", from right to left as Lua does it.
func concat(c call) int {
	n := c.GetTop()
	acc := c.Get(n)
	for i := n - 1; i >= 1; i-- {
		left := c.Get(i)
		l, ok1 := asString(left)
		a, ok2 := asString(acc)
		if ok1 && ok2 {
			c.r.make(c.LState, len(l)+len(a))
			acc = lua.LString(l + a)
			continue
		}
		meta := c.GetMetaField(left, "__concat")
		if meta == lua.LNil {
			meta = c.GetMetaField(acc, "__concat")
		}
		if meta == lua.LNil {
			bad := left
			if ok1 {
				bad = acc
			}
			c.RaiseError("attempt to concatenate a %s value", bad.Type())
		}
		c.Push(meta)
		c.Push(left)
		c.Push(acc)
		c.Call(2, 1)
		acc = c.Get(-1)
		c.Pop(1)
	}
	return c.ret(acc)
}

var baseFunctions = map[string]func(call) int{
	"assert":         assert,
	"collectgarbage": collectGarbage,
	"error":          raiseError,
	"gcinfo":         func(c call) int { return c.retNum(gcKB) },
	"getmetatable":   getMetatable,
	"ipairs":         ipairs,
	"load":           load,
	"loadstring":     loadString,
	"next":           next,
	"pairs":          pairs,
	"pcall":          pcall,
	"rawequal":       func(c call) int { return c.ret(lua.LBool(c.RawEqual(c.any(1), c.any(2)))) },
	"rawget":         func(c call) int { return c.ret(c.r.thawed(c.table()).RawGet(c.any(2))) },
	"rawset":         rawSet,
	"select":         selectArgs,
	"setmetatable":   setMetatable,
	"tonumber":       toNumber,
	"tostring":       func(c call) int { return c.ret(toStringMeta(c, c.any(1))) },
	"type":           func(c call) int { return c.ret(lua.LString(c.any(1).Type().String())) },
	"unpack":         unpack,
	"xpcall":         xpcall,
}

// gcKB is how many KB the collector says to hold: always the same.
const gcKB = 64

func collectGarbage(c call) int {
	switch opt := c.optStr(1, "collect"); opt {
	case "count":
		return c.retNum(gcKB)
	case "stop", "restart", "collect", "step", "setpause", "setstepmul":
		return c.retNum(0)
	default:
		c.argError(1, "invalid option '"+opt+"'")
	}
	return 0
}

func assert(c call) int {
	if lua.LVIsFalse(c.any(1)) {
		c.RaiseError("%s", c.optStr(2, "assertion failed!"))
	}
	return c.GetTop()
}

// raiseError puts the place before a string, unless the level is 0.
func raiseError(c call) int {
	level := c.optInteger(2, 1)
	obj := c.Get(1)
	if s, ok := asString(obj); ok && level > 0 {
		obj = lua.LString(place(c.LState, int(min(level, maxCallDepth))) + s)
	}
	c.Error(obj, 0)
	return 0
}

// place is lauxlib.c:luaL_where.
func place(l *lua.LState, level int) string {
	d, ok := l.GetStack(level)
	if !ok {
		return ""
	}
	if _, err := l.GetInfo("Sl", d, lua.LNil); err != nil || d.CurrentLine <= 0 {
		return ""
	}
	return d.Source + ":" + formatNumber(float64(d.CurrentLine)) + ": "
}

// failed returns the object of an error, or raises it again if it ends the script.
func (c call) failed(err error) lua.LValue {
	c.r.check(c.LState)
	if c.r.fault != nil {
		panic(c.r.fault)
	}
	return object(err)
}

// stackOverflow is the library's own word for it, which it says where no handler
// can run any more.
const stackOverflow = "lua callstack overflow"

// object is what an error raised.
func object(err error) lua.LValue {
	var api *lua.ApiError
	switch {
	case !errors.As(err, &api):
		return lua.LString(err.Error())
	case toText(api.Object) == stackOverflow:
		return lua.LString(chunkName + ":1: stack overflow")
	}
	return reworded(api.Object)
}

// plain raises an error without a place, as C does for one that no line of Lua is
// to blame for.
func (c call) plain(format string, args ...any) {
	c.Error(lua.LString(fmt.Sprintf(format, args...)), 0)
}

// uncallable says why an argument cannot be called.
func (c call) uncallable(n int) string {
	v := c.any(n)
	if v.Type() == lua.LTFunction || c.GetMetaField(v, "__call") != lua.LNil {
		return ""
	}
	return "attempt to call a " + v.Type().String() + " value"
}

// pcall mirrors script_lua.c:luaRedisPcall: of an error of Redis the caller gets
// the text.
func pcall(c call) int {
	if wrong := c.uncallable(1); wrong != "" {
		return c.ret(lua.LFalse, lua.LString(wrong))
	}
	c.protect()
	err := c.PCall(c.GetTop()-1, lua.MultRet, c.r.keep) // without a handler a trace is made, which takes long
	c.r.protected--
	if err != nil {
		obj := c.failed(err)
		if t, ok := obj.(*lua.LTable); ok {
			if s, ok := asString(t.RawGetString("err")); ok {
				obj = lua.LString(s)
			}
		}
		return c.ret(lua.LFalse, obj)
	}
	c.Insert(lua.LTrue, 1)
	return c.GetTop()
}

// protect counts a pcall, which takes from the stack of C.
func (c call) protect() {
	if c.r.protected >= maxProtected {
		c.plain("C stack overflow")
	}
	c.r.protected++
}

func xpcall(c call) int {
	c.any(2)
	f, handler := c.Get(1), c.Get(2)
	c.SetTop(0)
	c.Push(f)
	h, ok := handler.(*lua.LFunction)
	if !ok {
		h = c.r.keep
	}
	c.protect()
	err := c.PCall(0, lua.MultRet, h)
	c.r.protected--
	if err != nil {
		return c.ret(lua.LFalse, c.failed(err))
	}
	c.Insert(lua.LTrue, 1)
	return c.GetTop()
}

func getMetatable(c call) int {
	v := c.any(1)
	if t, ok := v.(*lua.LTable); ok && c.r.frozen[t] != nil {
		return c.ret(c.r.metas[t])
	}
	return c.ret(c.GetMetatable(v))
}

func setMetatable(c call) int {
	t := c.table()
	mt := c.Get(2)
	if c.GetTop() < 2 || mt != lua.LNil && mt.Type() != lua.LTTable {
		c.argError(2, "nil or table expected")
	}
	if c.r.frozen[t] != nil {
		c.plain(readOnlyTable)
	}
	if old, ok := t.Metatable.(*lua.LTable); ok && old.RawGetString("__metatable") != lua.LNil {
		c.RaiseError("cannot change a protected metatable")
	}
	t.Metatable = mt
	return c.ret(t)
}

func rawSet(c call) int {
	t, k, v := c.table(), c.any(2), c.any(3)
	if c.r.frozen[t] != nil {
		c.plain(readOnlyTable)
	}
	c.RawSet(t, k, v)
	return c.ret(t)
}

// next finds the entry after a key.
func next(c call) int {
	t := c.r.thawed(c.table())
	if k := c.Get(2); k != lua.LNil && k.Type() != lua.LTNumber && t.RawGet(k) == lua.LNil {
		c.plain("invalid key to 'next'")
	}
	k, v := t.Next(c.Get(2))
	if k == lua.LNil {
		return c.ret(lua.LNil)
	}
	return c.ret(k, v)
}

func pairs(c call) int {
	return c.ret(c.r.globals.RawGetString("next"), c.table(), lua.LNil)
}

func ipairs(c call) int {
	t := c.table()
	step := c.NewFunction(func(l *lua.LState) int {
		c := call{l, c.r, "ipairs"}
		t, i := c.r.thawed(c.table()), c.integer(2)+1
		v := t.RawGet(lua.LNumber(i))
		if v == lua.LNil {
			return 0
		}
		return c.ret(lua.LNumber(i), v)
	})
	return c.ret(step, t, lua.LNumber(0))
}

func selectArgs(c call) int {
	n := c.GetTop()
	if s, ok := c.Get(1).(lua.LString); ok && strings.HasPrefix(string(s), "#") {
		return c.retNum(float64(n - 1))
	}
	i := c.int32(1)
	if i < 0 {
		i += n
	} else if i > n {
		i = n
	}
	if i < 1 {
		c.argError(1, "index out of range")
	}
	return n - i
}

// toNumber mirrors lbaselib.c:luaB_tonumber.
func toNumber(c call) int {
	base := c.optInteger(2, 10)
	if base == 10 {
		if f, ok := asNumber(c.any(1)); ok {
			return c.retNum(f)
		}
		return c.ret(lua.LNil)
	}
	s := c.str(1)
	if base < 2 || base > 36 {
		c.argError(2, "base out of range")
	}
	if f, ok := parseBase(s, int(base)); ok {
		return c.retNum(f)
	}
	return c.ret(lua.LNil)
}

// parseBase is strtoul with spaces behind allowed.
func parseBase(s string, base int) (float64, bool) {
	s = strings.ToLower(strings.Trim(s, " \t\n\v\f\r"))
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	if base == 16 {
		s = strings.TrimPrefix(s, "0x")
	}
	var v uint64
	for i := range len(s) {
		d := strings.IndexByte("0123456789abcdefghijklmnopqrstuvwxyz", s[i])
		if d < 0 || d >= base {
			return 0, false
		}
		if v > (1<<64-1-uint64(d))/uint64(base) {
			return float64(uint64(1<<64 - 1)), true
		}
		v = v*uint64(base) + uint64(d)
	}
	if neg {
		v = -v
	}
	return float64(v), len(s) > 0
}

// toStringMeta is tostring with the metamethod.
func toStringMeta(c call, v lua.LValue) lua.LValue {
	if m := c.GetMetaField(v, "__tostring"); m != lua.LNil {
		c.Push(m)
		c.Push(v)
		c.Call(1, 1)
		v = c.Get(-1)
		c.Pop(1)
		return v
	}
	return lua.LString(toText(v))
}

// maxUnpack is LUAI_MAXCSTACK: what the stack of a C function holds.
const maxUnpack = 8000

func unpack(c call) int {
	t := c.r.thawed(c.table())
	from := c.optInteger(2, 1)
	to := c.optInteger(3, int64(t.Len()))
	if from > to {
		return 0
	}
	if n := to - from + 1; n <= 0 || n >= maxUnpack-3 {
		c.RaiseError("too many results to unpack")
	}
	c.r.work(c.LState, int(to-from+1))
	for i := from; i <= to; i++ {
		c.Push(t.RawGet(lua.LNumber(i)))
	}
	return int(to - from + 1)
}
