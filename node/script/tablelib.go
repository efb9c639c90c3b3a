package script

import (
	"sort"

	lua "github.com/yuin/gopher-lua"
)

var tableFunctions = map[string]func(call) int{
	"concat":   tableConcat,
	"foreach":  forEach,
	"foreachi": forEachI,
	"getn":     func(c call) int { return c.retNum(float64(c.table().Len())) },
	"insert":   tableInsert,
	"maxn":     maxN,
	"remove":   tableRemove,
	"setn":     func(c call) int { c.table(); c.RaiseError("'setn' is obsolete"); return 0 },
	"sort":     tableSort,
}

// changeable is the first argument, a table that may change.
func (c call) changeable() *lua.LTable {
	t := c.table()
	if c.r.frozen[t] != nil {
		c.plain(readOnlyTable)
	}
	return t
}

func tableConcat(c call) int {
	t := c.table()
	sep := c.optStr(2, "")
	from := c.optInteger(3, 1)
	to := c.optInteger(4, int64(t.Len()))
	var b []byte
	for i := from; i <= to; i++ {
		s, ok := asString(t.RawGet(lua.LNumber(i)))
		if !ok {
			c.RaiseError("invalid value (%s) at index %d in table for 'concat'", t.RawGet(lua.LNumber(i)).Type(), i)
		}
		c.r.work(c.LState, 1)
		c.r.make(c.LState, len(s)+len(sep))
		b = append(b, s...)
		if i == to {
			break
		}
		b = append(b, sep...)
	}
	return c.ret(lua.LString(b))
}

func tableInsert(c call) int {
	t := c.changeable()
	end := int64(t.Len()) + 1
	pos := end
	switch c.GetTop() {
	case 2:
	case 3:
		pos = int64(c.int32(2))
		end = max(end, pos)
		for i := end; i > pos; i-- {
			c.r.work(c.LState, 1)
			t.RawSet(lua.LNumber(i), t.RawGet(lua.LNumber(i-1)))
		}
	default:
		c.RaiseError("wrong number of arguments to 'insert'")
	}
	t.RawSet(lua.LNumber(pos), c.Get(c.GetTop()))
	return 0
}

func tableRemove(c call) int {
	t := c.changeable()
	end := int64(t.Len())
	pos := c.optInteger(2, end)
	if pos < 1 || pos > end {
		return 0
	}
	v := t.RawGet(lua.LNumber(pos))
	for ; pos < end; pos++ {
		c.r.work(c.LState, 1)
		t.RawSet(lua.LNumber(pos), t.RawGet(lua.LNumber(pos+1)))
	}
	t.RawSet(lua.LNumber(end), lua.LNil)
	return c.ret(v)
}

func maxN(c call) int {
	best := 0.0
	t := c.r.thawed(c.table())
	for k, _ := t.Next(lua.LNil); k != lua.LNil; k, _ = t.Next(k) {
		if n, ok := k.(lua.LNumber); ok {
			best = max(best, float64(n))
		}
	}
	return c.retNum(best)
}

func forEach(c call) int {
	t, f := c.r.thawed(c.table()), c.function(2)
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if r := c.visit(f, k, v); r != lua.LNil {
			return c.ret(r)
		}
	}
	return 0
}

func forEachI(c call) int {
	t, f := c.table(), c.function(2)
	for i := 1; i <= t.Len(); i++ {
		if r := c.visit(f, lua.LNumber(i), t.RawGetInt(i)); r != lua.LNil {
			return c.ret(r)
		}
	}
	return 0
}

func (c call) visit(f *lua.LFunction, k, v lua.LValue) lua.LValue {
	c.Push(f)
	c.Push(k)
	c.Push(v)
	c.Call(2, 1)
	r := c.Get(-1)
	c.Pop(1)
	return r
}

// sorter orders the array of a table. An order that contradicts itself gives some
// order, never an error.
type sorter struct {
	c      call
	less   *lua.LFunction
	values []lua.LValue
}

func (s *sorter) Len() int      { return len(s.values) }
func (s *sorter) Swap(i, j int) { s.values[i], s.values[j] = s.values[j], s.values[i] }
func (s *sorter) Less(i, j int) bool {
	s.c.r.work(s.c.LState, 1)
	if s.less == nil {
		a, b := s.values[i], s.values[j]
		if a.Type() != b.Type() {
			s.c.plain("attempt to compare %s with %s", a.Type(), b.Type())
		}
		return s.c.LessThan(a, b)
	}
	return lua.LVAsBool(s.c.visit(s.less, s.values[i], s.values[j]))
}

func tableSort(c call) int {
	t := c.changeable()
	s := &sorter{c: c}
	if c.Get(2) != lua.LNil {
		s.less = c.function(2)
	}
	for i := 1; i <= t.Len(); i++ {
		s.values = append(s.values, t.RawGetInt(i))
	}
	sort.Sort(s)
	for i, v := range s.values {
		t.RawSetInt(i+1, v)
	}
	return 0
}
