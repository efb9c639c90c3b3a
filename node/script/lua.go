package script

import (
	"math/rand/v2"

	lua "github.com/yuin/gopher-lua"

	"github.com/slotdiff/slotdiff/wire/resp"
)

func init() {
	// Longer arrays would let one instruction fill a gigabyte with nil. Keys beyond
	// are kept in a map, where "#" does not see them.
	lua.MaxArrayIndex = 1 << 16
}

// NewLua returns the engine for Lua 5.1.
func NewLua() Engine { return luaEngine{} }

type luaEngine struct{}

func (luaEngine) Compile(text string) (Program, error) {
	p, err := compile(text, chunkName)
	if err != nil {
		return nil, err
	}
	return &luaProgram{p}, nil
}

type luaProgram struct{ proto *lua.FunctionProto }

// run is one execution.
type run struct {
	*budget
	host     Host
	in       Input
	chance   *rand.Rand
	protocol int // of the replies that the script sees
	env      *lua.LTable
	globals  *lua.LTable
	concat   *lua.LFunction
	keep     *lua.LFunction              // a handler that leaves an error as it is
	metas    map[*lua.LTable]lua.LValue  // of the frozen tables, as scripts see them
	sources  map[string]string           // names of chunks as they were given, by how errors show them
	frozen   map[*lua.LTable]*lua.LTable // what stands before a table that must not change: the table
	fault    any                         // a panic of the host

	coroutines map[*lua.LState]*thread
	protected  int // pcalls that the running coroutine is in
}

// Run implements Program.
func (p *luaProgram) Run(in Input, host Host) Reply {
	r := &run{
		budget: newBudget(), host: host, in: in, chance: newChance(in.Seed), protocol: 2,
		frozen: map[*lua.LTable]*lua.LTable{}, coroutines: map[*lua.LState]*thread{},
		metas: map[*lua.LTable]lua.LValue{}, sources: map[string]string{},
	}
	l := lua.NewState(lua.Options{
		SkipOpenLibs: true, CallStackSize: maxCallDepth, MinimizeStackMemory: true,
		RegistrySize: 1024, RegistryMaxSize: 1 << 20, RegistryGrowStep: 1024,
	})
	defer l.Close()
	r.open(l)
	l.SetContext(r.budget)
	outer := l.NewFunctionFromProto(p.proto)
	outer.Env = r.env
	l.Push(outer)
	l.Push(r.concat)
	l.Call(1, 1)
	err := l.PCall(0, 1, l.NewFunction(r.describe))
	if r.fault != nil {
		panic(r.fault)
	}
	if err != nil {
		return r.failure(err)
	}
	l.RemoveContext()
	w := writer{protocol: in.Protocol, script: r.protocol}
	w.value(l.Get(-1), 0)
	return Reply{Bytes: w.out, Counted: w.counted}
}

// describe is the handler of errors: it makes them tables that name their place,
// which is that of the caller where a library function raised them.
// Mirrors eval.c:scriptingInit, __redis__err__handler.
func (r *run) describe(l *lua.LState) int {
	t, ok := l.Get(1).(*lua.LTable)
	if !ok {
		t = l.NewTable()
		t.RawSetString("err", lua.LString("ERR "+toText(reworded(l.Get(1)))))
	}
	for level := 1; level <= 2; level++ {
		d, ok := l.GetStack(level)
		if !ok {
			break
		}
		if _, err := l.GetInfo("Sl", d, lua.LNil); err != nil || d.CurrentLine < 0 {
			continue
		}
		source, ok := r.sources[d.Source]
		if !ok {
			source = "@" + d.Source
		}
		t.RawSetString("source", lua.LString(source))
		t.RawSetString("line", lua.LNumber(d.CurrentLine))
		break
	}
	l.Push(t)
	return 1
}

// toText is tostring without metamethods.
func toText(v lua.LValue) string {
	if s, ok := asString(v); ok {
		return s
	}
	return v.String()
}

// failure words an error that ended the script. Mirrors script_lua.c:luaCallFunction.
func (r *run) failure(err error) Reply {
	if r.spent != nil {
		return Reply{Bytes: resp.AppendError(nil, "ERR "+r.spent.Error()+" script: "+r.in.Name+", on @"+chunkName+".")}
	}
	t, ok := object(err).(*lua.LTable)
	if !ok { // no handler could run
		t = errorTable(toText(object(err)))
		t.RawSetString("source", lua.LString("@"+chunkName))
		t.RawSetString("line", lua.LNumber(1))
	}
	text, counted := errorText(t)
	source, ok1 := asString(t.RawGetString("source"))
	line, ok2 := asString(t.RawGetString("line"))
	if ok1 && ok2 {
		text += " script: " + r.in.Name + ", on " + source + ":" + line + "."
	}
	return Reply{Bytes: appendError(nil, text), Counted: counted}
}

// errorText reads an error table. Mirrors script_lua.c:luaExtractErrorInformation.
func errorText(t *lua.LTable) (text string, counted bool) {
	text, ok := asString(t.RawGetString("err"))
	if !ok {
		text = "ERR unknown error"
	}
	return text, t.RawGetString("ignore_error_stats_update") == lua.LTrue
}
