package script

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

var stringFunctions = map[string]func(call) int{
	"byte": strByte, "char": strChar, "dump": strDump, "find": strFind, "format": strFormat, "gfind": gmatch,
	"gmatch": gmatch, "gsub": gsub,
	"len":     func(c call) int { return c.retNum(float64(len(c.str(1)))) },
	"lower":   func(c call) int { return c.retStr(mapBytes(c.str(1), 'A', 'Z')) },
	"upper":   func(c call) int { return c.retStr(mapBytes(c.str(1), 'a', 'z')) },
	"match":   strMatch,
	"rep":     strRep,
	"reverse": strReverse,
	"sub":     strSub,
}

// mapBytes changes the case of the ASCII letters from low to high.
func mapBytes(s string, low, high byte) string {
	b := []byte(s)
	for i, ch := range b {
		if low <= ch && ch <= high {
			b[i] ^= 0x20
		}
	}
	return string(b)
}

// position turns an index from either end into one from the start, 1-based.
func position(i int64, n int) int64 {
	if i < 0 {
		i += int64(n) + 1
	}
	return max(i, 0)
}

func strSub(c call) int {
	s := c.str(1)
	from, to := position(c.integer(2), len(s)), position(c.optInteger(3, -1), len(s))
	from, to = max(from, 1), min(to, int64(len(s)))
	if from > to {
		return c.ret(lua.LString(""))
	}
	return c.retStr(s[from-1 : to])
}

func strByte(c call) int {
	s := c.str(1)
	from := position(c.optInteger(2, 1), len(s))
	to := min(position(c.optInteger(3, from), len(s)), int64(len(s)))
	from = max(from, 1)
	if from > to {
		return 0
	}
	if to-from >= maxUnpack-4 {
		c.RaiseError("stack overflow (string slice too long)")
	}
	for i := from; i <= to; i++ {
		c.Push(lua.LNumber(s[i-1]))
	}
	return int(to - from + 1)
}

func strChar(c call) int {
	b := make([]byte, c.GetTop())
	for i := range b {
		v := c.int32(i + 1)
		if v != int(byte(v)) {
			c.argError(i+1, "invalid value")
		}
		b[i] = byte(v)
	}
	return c.retStr(string(b))
}

func strDump(c call) int {
	c.function(1)
	c.RaiseError("unable to dump given function")
	return 0
}

func strRep(c call) int {
	s, n := c.str(1), c.int32(2)
	if n <= 0 || s == "" {
		return c.ret(lua.LString(""))
	}
	if len(s) > maxStringBytes/n {
		n = maxStringBytes + 1 // more than there may be
		c.r.make(c.LState, n)
	}
	c.r.make(c.LState, len(s)*n)
	return c.ret(lua.LString(strings.Repeat(s, n)))
}

func strReverse(c call) int {
	b := []byte(c.str(1))
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return c.retStr(string(b))
}

// matcher prepares a pattern.
func (c call) matcher(src, pat string) *matcher {
	return &matcher{
		src: src, pat: pat,
		step: func(n int) {
			if c.r.instructions -= n; c.r.instructions < 0 {
				c.r.work(c.LState, 0)
			}
		},
		fail: func(text string) { c.RaiseError("%s", text) },
	}
}

// value is what capture i holds, the whole match where there is none.
func (c call) value(m *matcher, f found, i int) lua.LValue {
	if i >= len(f.captures) {
		if i != 0 {
			c.RaiseError("invalid capture index")
		}
		return c.piece(m.src[f.start:f.end])
	}
	switch p := f.captures[i]; p.size {
	case openCapture:
		c.RaiseError("unfinished capture")
		return nil
	case placeCapture:
		return lua.LNumber(p.start + 1)
	default:
		return c.piece(m.src[p.start : p.start+p.size])
	}
}

func (c call) piece(s string) lua.LValue {
	c.r.make(c.LState, 16) // it shares the bytes of the subject
	return lua.LString(s)
}

// pushCaptures pushes the captures, or the match itself if whole and there are none.
func (c call) pushCaptures(m *matcher, f found, whole bool) int {
	n := len(f.captures)
	if n == 0 && whole {
		n = 1
	}
	for i := range n {
		c.Push(c.value(m, f, i))
	}
	return n
}

func strFind(c call) int  { return c.search(true) }
func strMatch(c call) int { return c.search(false) }

// search mirrors lstrlib.c:str_find_aux.
func (c call) search(find bool) int {
	s, pat := c.str(1), c.str(2)
	from := position(c.optInteger(3, 1), len(s)) - 1
	from = min(max(from, 0), int64(len(s)))
	if find && (lua.LVAsBool(c.Get(4)) || !strings.ContainsAny(pat, "^$*+?.([%-")) {
		c.r.work(c.LState, len(s)/16)
		at := strings.Index(s[from:], pat)
		if at < 0 {
			return c.ret(lua.LNil)
		}
		start := int(from) + at
		return c.ret(lua.LNumber(start+1), lua.LNumber(start+len(pat)))
	}
	anchored := strings.HasPrefix(pat, "^")
	m := c.matcher(s, strings.TrimPrefix(pat, "^"))
	f, ok := m.find(int(from), anchored, 0)
	if !ok {
		return c.ret(lua.LNil)
	}
	if find {
		c.Push(lua.LNumber(f.start + 1))
		c.Push(lua.LNumber(f.end))
		return c.pushCaptures(m, f, false) + 2
	}
	return c.pushCaptures(m, f, true)
}

// gmatch takes no anchor: "^" is a byte there.
func gmatch(c call) int {
	s, pat, at, r := c.str(1), c.str(2), 0, c.r
	return c.ret(c.NewFunction(func(l *lua.LState) int {
		c := call{l, r, "gmatch"}
		m := c.matcher(s, pat)
		if at > len(s) {
			return 0
		}
		f, ok := m.find(at, false, 0)
		if !ok {
			at = len(s) + 1
			return 0
		}
		at = f.end
		if f.end == f.start {
			at++ // an empty match: go on
		}
		return c.pushCaptures(m, f, true)
	}))
}

// gsub mirrors lstrlib.c:str_gsub.
func gsub(c call) int {
	s, pat := c.str(1), c.str(2)
	repl := c.Get(3)
	switch repl.Type() {
	case lua.LTNumber, lua.LTString, lua.LTFunction, lua.LTTable:
	default:
		c.argError(3, "string/function/table expected")
	}
	limit := c.optInteger(4, int64(len(s))+1)
	anchored := strings.HasPrefix(pat, "^")
	m := c.matcher(s, strings.TrimPrefix(pat, "^"))
	var b []byte
	at, n := 0, int64(0)
	for n < limit {
		m.level, m.depth = 0, 0
		end := m.match(at, 0)
		if end >= 0 {
			n++
			f := found{at, end, m.capture[:m.level]}
			b = c.replace(b, m, f, repl)
		}
		switch {
		case end > at:
			at = end
		case at < len(s):
			b = append(b, s[at])
			at++
		default:
			at = len(s) + 1
		}
		if at > len(s) || anchored {
			break
		}
	}
	if at < len(s) {
		b = append(b, s[at:]...)
	}
	c.r.make(c.LState, len(b))
	return c.ret(lua.LString(b), lua.LNumber(n))
}

// replace appends what stands for a match.
func (c call) replace(b []byte, m *matcher, f found, repl lua.LValue) []byte {
	var v lua.LValue
	switch r := repl.(type) {
	case *lua.LFunction:
		f.captures = append([]capture(nil), f.captures...)
		c.Push(r)
		n := c.pushCaptures(m, f, true)
		c.Call(n, 1)
		v = c.Get(-1)
		c.Pop(1)
	case *lua.LTable:
		v = c.GetTable(r, c.value(m, f, 0))
	default:
		text, _ := asString(repl)
		c.r.make(c.LState, len(text))
		for i := 0; i < len(text); i++ {
			ch := text[i]
			if ch != '%' {
				b = append(b, ch)
				continue
			}
			i++
			switch {
			case i == len(text):
				b = append(b, 0) // C reads the byte that ends the string
			case !isDigit(text[i]):
				b = append(b, text[i])
			case text[i] == '0':
				c.r.make(c.LState, f.end-f.start)
				b = append(b, m.src[f.start:f.end]...)
			default:
				part, _ := asString(c.value(m, f, int(text[i]-'1')))
				c.r.make(c.LState, len(part))
				b = append(b, part...)
			}
		}
		return b
	}
	if lua.LVIsFalse(v) {
		return append(b, m.src[f.start:f.end]...)
	}
	text, ok := asString(v)
	if !ok {
		c.RaiseError("invalid replacement value (a %s)", v.Type())
	}
	c.r.make(c.LState, len(text))
	return append(b, text...)
}
