package script

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

func loadString(c call) int {
	s := c.str(1)
	return c.loadChunk(s, c.optStr(2, s))
}

// load calls a function for the pieces of a chunk.
func load(c call) int {
	f := c.function(1)
	name := c.optStr(2, "=(load)")
	var text strings.Builder
	for {
		c.Push(f)
		c.Call(0, 1)
		piece := c.Get(-1)
		c.Pop(1)
		s, ok := asString(piece)
		if piece != lua.LNil && !ok {
			return c.ret(lua.LNil, lua.LString("reader function must return a string"))
		}
		if s == "" {
			return c.loadChunk(text.String(), name)
		}
		c.r.make(c.LState, len(s))
		text.WriteString(s)
	}
}

func (c call) loadChunk(text, name string) int {
	c.r.work(c.LState, 10*len(text))
	c.r.make(c.LState, 10*len(text))
	if strings.HasPrefix(text, "\x1b") {
		return c.ret(lua.LNil, lua.LString(shortName(name)+": bad binary format (truncated precompiled chunk)"))
	}
	c.r.sources[shortName(name)] = name
	p, err := compile(text, shortName(name))
	if err != nil {
		return c.ret(lua.LNil, lua.LString(err.Error()))
	}
	outer := c.NewFunctionFromProto(p)
	outer.Env = c.r.env
	c.Push(outer)
	c.Push(c.r.concat)
	c.Call(1, 1)
	return 1
}

// shortName is how errors show the name of a chunk (lobject.c:luaO_chunkid).
func shortName(name string) string {
	const size = 80 // LUA_IDSIZE of Redis's Lua
	if strings.HasPrefix(name, "=") {
		return name[1:min(len(name), size)]
	}
	if strings.HasPrefix(name, "@") {
		name = name[1:]
		if n := size - len(" '...' ") - 1; len(name) > n {
			name = "..." + name[len(name)-n:]
		}
		return name
	}
	line, _, _ := strings.Cut(name, "\n")
	line, _, _ = strings.Cut(line, "\r")
	n := size - len(` [string "..."] `) - 1
	if len(line) > n || line != name {
		line = line[:min(len(line), n)] + "..."
	}
	return `[string "` + line + `"]`
}
