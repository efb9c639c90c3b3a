package command

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// scriptTime is how long a script may run before it is stopped. Redis would begin
// to answer BUSY after it and wait for SCRIPT KILL.
const scriptTime = 5 * time.Second

const chunk = "user_script"

// compileError returns why a script does not compile; the wording after the place
// is the Lua library's, not Redis's.
func compileError(s *script) string {
	if _, err := parse.Parse(strings.NewReader(s.body), chunk); err != nil {
		text := err.Error()
		line := 1
		var pe *parse.Error
		if errors.As(err, &pe) {
			line, text = pe.Pos.Line, pe.Message+" near '"+pe.Token+"'"
		}
		return "Error compiling script (new function): " + chunk + ":" + strconv.Itoa(line) + ": " + text
	}
	return ""
}

// lua runs the script and replies to the caller.
func (r *run) lua(keys, args [][]byte) {
	ctx, cancel := context.WithTimeout(context.Background(), scriptTime)
	defer cancel()
	l := lua.NewState(lua.Options{SkipOpenLibs: true, RegistryMaxSize: 1 << 20, CallStackSize: 200})
	defer l.Close()
	l.SetContext(ctx)
	for _, lib := range []struct {
		name string
		open lua.LGFunction
	}{{lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}, {lua.StringLibName, lua.OpenString}, {lua.MathLibName, lua.OpenMath}} {
		l.Push(l.NewFunction(lib.open))
		l.Push(lua.LString(lib.name))
		l.Call(1, 0)
	}
	for _, name := range []string{"dofile", "loadfile", "print", "module", "require", "newproxy", "collectgarbage", "_printregs"} {
		l.SetGlobal(name, lua.LNil)
	}
	l.SetGlobal("KEYS", luaList(l, keys))
	l.SetGlobal("ARGV", luaList(l, args))
	api := r.api(l)
	l.SetGlobal("redis", api)
	l.SetGlobal("server", api)
	sealGlobals(l)
	handler := l.NewFunction(func(l *lua.LState) int {
		if t, ok := l.Get(1).(*lua.LTable); ok && t.RawGetString("line") == lua.LNil {
			where(l, t)
		}
		l.Push(l.Get(1))
		return 1
	})
	fn, err := l.Load(strings.NewReader(r.script.body), chunk)
	if err == nil {
		l.Push(fn)
		err = l.PCall(0, 1, handler)
	}
	if err != nil {
		r.replyFailure(err)
		return
	}
	r.reply(l.Get(-1), 0)
}

// sealGlobals refuses globals that do not exist and the making of new ones, as
// Redis does.
func sealGlobals(l *lua.LState) {
	meta := l.NewTable()
	meta.RawSetString("__index", l.NewFunction(func(l *lua.LState) int {
		l.Error(lua.LString("Script attempted to access nonexistent global variable '"+l.Get(2).String()+"'"), 2)
		return 0
	}))
	meta.RawSetString("__newindex", l.NewFunction(func(l *lua.LState) int {
		l.Error(lua.LString("Attempt to modify a readonly table"), 2)
		return 0
	}))
	meta.RawSetString("__metatable", lua.LFalse)
	l.SetMetatable(l.Get(lua.GlobalsIndex), meta)
}

func luaList(l *lua.LState, items [][]byte) *lua.LTable {
	t := l.CreateTable(len(items), 0)
	for _, it := range items {
		t.Append(lua.LString(it))
	}
	return t
}

// api is the table "redis" of scripts.
func (r *run) api(l *lua.LState) *lua.LTable {
	single := func(field string) lua.LGFunction {
		return func(l *lua.LState) int {
			s, ok := l.Get(1).(lua.LString)
			if l.GetTop() != 1 || !ok {
				l.Push(errorTable(l, "ERR wrong number or type of arguments"))
				return 1
			}
			if field == "err" {
				text := string(s)
				if !strings.HasPrefix(text, "-") {
					text = "-" + text
				}
				if !strings.Contains(text, " ") {
					text = "-ERR " + text[1:]
				}
				l.Push(errorTable(l, text[1:]))
				return 1
			}
			t := l.NewTable()
			t.RawSetString(field, s)
			l.Push(t)
			return 1
		}
	}
	t := l.NewTable()
	for name, f := range map[string]lua.LGFunction{
		"call":               func(l *lua.LState) int { return r.luaCall(l, true) },
		"pcall":              func(l *lua.LState) int { return r.luaCall(l, false) },
		"error_reply":        single("err"),
		"status_reply":       single("ok"),
		"replicate_commands": func(l *lua.LState) int { l.Push(lua.LTrue); return 1 },
		"set_repl":           func(*lua.LState) int { return 0 },
		"sha1hex": func(l *lua.LState) int {
			sum := sha1.Sum([]byte(l.CheckString(1)))
			l.Push(lua.LString(hex.EncodeToString(sum[:])))
			return 1
		},
		"log": func(l *lua.LState) int {
			r.e.logf(cluster.LevelNotice, "%s", l.CheckString(2))
			return 0
		},
	} {
		t.RawSetString(name, l.NewFunction(f))
	}
	for i, name := range []string{"LOG_DEBUG", "LOG_VERBOSE", "LOG_NOTICE", "LOG_WARNING"} {
		t.RawSetString(name, lua.LNumber(i))
	}
	return t
}

func errorTable(l *lua.LState, text string) *lua.LTable {
	t := l.NewTable()
	t.RawSetString("err", lua.LString(text))
	return t
}

// luaCall is redis.call, which raises errors, and redis.pcall, which returns them.
// Mirrors script_lua.c:luaRedisGenericCommand.
func (r *run) luaCall(l *lua.LState, raise bool) int {
	var argv [][]byte
	fail := func(text string) int {
		if rest, ok := strings.CutPrefix(text, "-"); ok {
			text = rest
		} else {
			text = "ERR " + text
		}
		t := errorTable(l, text)
		if raise {
			l.Error(where(l, t), 1)
		}
		l.Push(t)
		return 1
	}
	for i := 1; i <= l.GetTop(); i++ {
		switch v := l.Get(i).(type) {
		case lua.LString:
			argv = append(argv, []byte(v))
		case lua.LNumber:
			argv = append(argv, []byte(formatLua(float64(v))))
		default:
			return fail("Lua redis lib command arguments must be strings or integers")
		}
	}
	if len(argv) == 0 {
		return fail("Please specify at least one argument for this redis lib call")
	}
	v, refused := r.call(argv)
	if refused != "" {
		return fail(refused)
	}
	if v.Kind == resp.Error {
		return fail("-" + string(v.Str))
	}
	l.Push(toLua(l, v))
	return 1
}

// where adds the line of the script that is running.
func where(l *lua.LState, t *lua.LTable) *lua.LTable {
	for level := 1; ; level++ {
		d, ok := l.GetStack(level)
		if !ok {
			return t
		}
		if _, err := l.GetInfo("Sl", d, lua.LNil); err == nil && d.CurrentLine > 0 {
			t.RawSetString("source", lua.LString("@"+chunk))
			t.RawSetString("line", lua.LString(strconv.Itoa(d.CurrentLine)))
			return t
		}
	}
}

func formatLua(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e17 {
		return strconv.FormatInt(int64(f), 10)
	}
	return strconv.FormatFloat(f, 'g', 17, 64)
}

// toLua mirrors script_lua.c:redisProtocolToLuaType for RESP2.
func toLua(l *lua.LState, v resp.Value) lua.LValue {
	if v.Nil {
		return lua.LFalse
	}
	switch v.Kind {
	case resp.Integer:
		return lua.LNumber(v.Int)
	case resp.Bulk:
		return lua.LString(v.Str)
	case resp.SimpleString:
		t := l.NewTable()
		t.RawSetString("ok", lua.LString(v.Str))
		return t
	case resp.Error:
		return errorTable(l, string(v.Str))
	case resp.Array:
		t := l.NewTable()
		for i, el := range v.Elems {
			t.RawSetInt(i+1, toLua(l, el))
		}
		return t
	}
	return lua.LFalse
}

// maxNesting bounds tables in tables in a reply.
const maxNesting = 1000

// reply mirrors script_lua.c:luaReplyToRedisReply.
func (r *run) reply(v lua.LValue, depth int) {
	c := r.caller
	switch v := v.(type) {
	case lua.LString:
		c.text(string(v))
	case lua.LNumber:
		c.int(int64(v))
	case lua.LBool:
		if v { // scripts speak RESP2 unless they call redis.setresp
			c.int(1)
		} else {
			c.null()
		}
	case *lua.LTable:
		if depth == maxNesting {
			c.err("ERR reached lua stack limit")
			return
		}
		if s, ok := v.RawGetString("err").(lua.LString); ok {
			c.err(strings.TrimPrefix(string(s), "-"))
			return
		}
		if s, ok := v.RawGetString("ok").(lua.LString); ok {
			c.status(strings.NewReplacer("\r", " ", "\n", " ").Replace(string(s)))
			return
		}
		n := 0
		for v.RawGetInt(n+1) != lua.LNil {
			n++
		}
		c.array(n)
		for i := range n {
			r.reply(v.RawGetInt(i+1), depth+1)
		}
	default:
		c.null()
	}
}

// replyFailure answers an error that ended the script.
func (r *run) replyFailure(err error) {
	text, line := "ERR "+err.Error(), ""
	var api *lua.ApiError
	if errors.As(err, &api) {
		switch o := api.Object.(type) {
		case *lua.LTable:
			if s, ok := o.RawGetString("err").(lua.LString); ok {
				text = string(s)
			}
			if s, ok := o.RawGetString("line").(lua.LString); ok {
				line = string(s)
			}
		case lua.LString:
			text = "ERR " + string(o)
			if rest, ok := strings.CutPrefix(string(o), chunk+":"); ok {
				line, _, _ = strings.Cut(rest, ":")
			}
		}
	}
	text = strings.TrimPrefix(text, "-")
	if line != "" {
		text += " script: " + r.script.sha + ", on @" + chunk + ":" + line + "."
	}
	r.caller.err(text)
}
