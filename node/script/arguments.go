package script

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// call is one call of a library function: its state, the run and the name by which
// errors know it.
type call struct {
	*lua.LState
	r    *run
	name string
}

// argError raises "bad argument" (lauxlib.c:luaL_argerror).
func (c call) argError(n int, text string) {
	c.RaiseError("bad argument #%d to '%s' (%s)", n, c.name, text)
}

func (c call) typeError(n int, want string) {
	c.argError(n, fmt.Sprintf("%s expected, got %s", want, c.typeName(n)))
}

func (c call) typeName(n int) string {
	if n > c.GetTop() {
		return "no value"
	}
	return c.Get(n).Type().String()
}

func (c call) any(n int) lua.LValue {
	if n > c.GetTop() {
		c.argError(n, "value expected")
	}
	return c.Get(n)
}

func (c call) str(n int) string {
	s, ok := asString(c.Get(n))
	if !ok {
		c.typeError(n, "string")
	}
	return s
}

func (c call) optStr(n int, def string) string {
	if c.Get(n) == lua.LNil {
		return def
	}
	return c.str(n)
}

func (c call) num(n int) float64 {
	f, ok := asNumber(c.Get(n))
	if !ok {
		c.typeError(n, "number")
	}
	return f
}

// integer is luaL_checkinteger, 64 bits.
func (c call) integer(n int) int64 { return toInt(c.num(n)) }

func (c call) optInteger(n int, def int64) int64 {
	if c.Get(n) == lua.LNil {
		return def
	}
	return c.integer(n)
}

// int32 is luaL_checkint.
func (c call) int32(n int) int { return int(int32(c.integer(n))) }

// table is the first argument, which must be one.
func (c call) table() *lua.LTable {
	t, ok := c.Get(1).(*lua.LTable)
	if !ok {
		c.typeError(1, "table")
	}
	return t
}

func (c call) function(n int) *lua.LFunction {
	f, ok := c.Get(n).(*lua.LFunction)
	if !ok {
		c.typeError(n, "function")
	}
	return f
}

// ret pushes results and returns their number.
func (c call) ret(vs ...lua.LValue) int {
	for _, v := range vs {
		c.Push(v)
	}
	return len(vs)
}

// retStr returns a new string, which is paid for.
func (c call) retStr(s string) int {
	c.r.make(c.LState, len(s))
	return c.ret(lua.LString(s))
}

func (c call) retNum(f float64) int { return c.ret(lua.LNumber(f)) }
