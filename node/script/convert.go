package script

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/slotdiff/slotdiff/wire/resp"
)

// errorTable is a Redis error as scripts see it. A text that begins with "-" has a
// code of its own. Mirrors script_lua.c:luaPushErrorBuff.
func errorTable(text string) *lua.LTable {
	code := "ERR"
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		if before, after, found := strings.Cut(rest, " "); found {
			code, text = before, after
		} else {
			text = rest
		}
	}
	t := &lua.LTable{Metatable: lua.LNil}
	t.RawSetString("err", lua.LString(code+" "+strings.Trim(text, "\r\n")))
	return t
}

// single is a table with one field.
func single(field string, v lua.LValue) *lua.LTable {
	t := &lua.LTable{Metatable: lua.LNil}
	t.RawSetString(field, v)
	return t
}

// toLua converts the reply of a command. Mirrors script_lua.c:redisProtocolToLuaType.
func toLua(v resp.Value) lua.LValue {
	if v.Nil {
		return lua.LFalse
	}
	switch v.Kind {
	case resp.Integer:
		return lua.LNumber(v.Int)
	case resp.Bulk:
		return lua.LString(v.Str)
	case resp.SimpleString:
		return single("ok", lua.LString(v.Str))
	case resp.Error, resp.BlobError:
		t := errorTable("-" + string(v.Str))
		t.RawSetString("ignore_error_stats_update", lua.LTrue)
		return t
	case resp.Null:
		return lua.LNil
	case resp.Boolean:
		return lua.LBool(v.Bool())
	case resp.Double:
		f, err := v.Float()
		if err != nil {
			panic("node/script: a double that is none: " + err.Error())
		}
		return single("double", lua.LNumber(f))
	case resp.BigNumber:
		return single("big_number", lua.LString(v.Str))
	case resp.Verbatim:
		t := single("string", lua.LString(v.Str))
		t.RawSetString("format", lua.LString(v.Format[:]))
		return single("verbatim_string", t)
	case resp.Map:
		t := &lua.LTable{Metatable: lua.LNil}
		for i := 0; i+1 < len(v.Elems); i += 2 {
			t.RawSet(toLua(v.Elems[i]), toLua(v.Elems[i+1]))
		}
		return single("map", t)
	case resp.Set:
		t := &lua.LTable{Metatable: lua.LNil}
		for _, el := range v.Elems {
			t.RawSet(toLua(el), lua.LTrue)
		}
		return single("set", t)
	}
	t := &lua.LTable{Metatable: lua.LNil} // Array, Push
	for i, el := range v.Elems {
		t.RawSetInt(i+1, toLua(el))
	}
	return t
}

// writer converts what a script returned into the reply of its caller.
type writer struct {
	out      []byte
	protocol int // of the caller
	script   int // that the script chose for what it sees
	counted  bool
	values   int
}

// A table that holds itself would have no end: Redis answers it until Lua's stack
// is full. A level of an array takes one slot of it, one of a map or set three.
const (
	maxReplyDepth  = 7995
	pairDepth      = 3
	maxReplyValues = 1 << 20
)

// value mirrors script_lua.c:luaReplyToRedisReply.
func (w *writer) value(v lua.LValue, depth int) {
	w.values++
	if depth >= maxReplyDepth || w.values > maxReplyValues {
		w.out = resp.AppendError(w.out, "ERR reached lua stack limit")
		return
	}
	switch v := v.(type) {
	case lua.LString:
		w.out = resp.AppendBulkString(w.out, string(v))
	case lua.LNumber:
		w.out = resp.AppendInt(w.out, toInt(float64(v)))
	case lua.LBool:
		switch {
		case w.script == 2 && bool(v):
			w.out = resp.AppendInt(w.out, 1)
		case w.script == 2:
			w.null()
		case w.protocol == 3:
			w.out = resp.AppendBool(w.out, bool(v))
		case bool(v):
			w.out = resp.AppendInt(w.out, 1)
		default:
			w.out = resp.AppendInt(w.out, 0)
		}
	case *lua.LTable:
		w.table(v, depth)
	default:
		w.null()
	}
}

func (w *writer) null() {
	if w.protocol == 3 {
		w.out = resp.AppendNull(w.out)
	} else {
		w.out = resp.AppendNilBulk(w.out)
	}
}

// table looks for the fields that give a table another meaning, in Redis's order.
func (w *writer) table(t *lua.LTable, depth int) {
	if _, ok := t.RawGetString("err").(lua.LString); ok {
		text, counted := errorText(t)
		w.counted = w.counted || counted && depth == 0
		w.out = appendError(w.out, text)
		return
	}
	if s, ok := t.RawGetString("ok").(lua.LString); ok {
		w.out = resp.AppendSimple(w.out, oneLine(string(s)))
		return
	}
	if f, ok := t.RawGetString("double").(lua.LNumber); ok {
		if w.protocol == 3 {
			w.out = resp.AppendDouble(w.out, float64(f))
		} else {
			w.out = resp.AppendBulk(w.out, resp.FormatDouble(nil, float64(f)))
		}
		return
	}
	if s, ok := t.RawGetString("big_number").(lua.LString); ok {
		if w.protocol == 3 {
			w.out = append(append(append(w.out, '('), oneLine(string(s))...), '\r', '\n')
		} else {
			w.out = resp.AppendBulkString(w.out, oneLine(string(s)))
		}
		return
	}
	if vt, ok := t.RawGetString("verbatim_string").(*lua.LTable); ok {
		format, ok1 := vt.RawGetString("format").(lua.LString)
		text, ok2 := vt.RawGetString("string").(lua.LString)
		if ok1 && ok2 {
			w.verbatim(string(format), string(text))
			return
		}
	}
	if m, ok := t.RawGetString("map").(*lua.LTable); ok {
		w.pairs(m, depth, true)
		return
	}
	if s, ok := t.RawGetString("set").(*lua.LTable); ok {
		w.pairs(s, depth, false)
		return
	}
	n := 0
	for t.RawGet(lua.LNumber(n+1)) != lua.LNil {
		n++
	}
	w.out = resp.AppendArray(w.out, n)
	for i := range n {
		w.value(t.RawGet(lua.LNumber(i+1)), depth+1)
	}
}

// verbatim writes a format of exactly three bytes, as networking.c:addReplyVerbatim
// copies them.
func (w *writer) verbatim(format, text string) {
	if w.protocol != 3 {
		w.out = resp.AppendBulkString(w.out, text)
		return
	}
	var f [3]byte
	copy(f[:], format)
	w.out = resp.AppendVerbatim(w.out, f, []byte(text))
}

// pairs writes a map, or its keys as a set.
func (w *writer) pairs(t *lua.LTable, depth int, isMap bool) {
	var keys, vals []lua.LValue
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		keys, vals = append(keys, k), append(vals, v)
	}
	switch {
	case isMap && w.protocol == 3:
		w.out = resp.AppendMap(w.out, len(keys))
	case isMap:
		w.out = resp.AppendArray(w.out, 2*len(keys))
	case w.protocol == 3:
		w.out = resp.AppendSet(w.out, len(keys))
	default:
		w.out = resp.AppendArray(w.out, len(keys))
	}
	for i := range keys {
		w.value(keys[i], depth+pairDepth)
		if isMap {
			w.value(vals[i], depth+pairDepth)
		}
	}
}

// appendError appends an error whose text may hold anything.
func appendError(b []byte, text string) []byte { return resp.AppendError(b, oneLine(text)) }

// oneLine replaces line ends by spaces, as every reply of one line must.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(s)
}
