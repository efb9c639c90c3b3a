package script

import lua "github.com/yuin/gopher-lua"

var threadFunctions = map[string]func(call) int{
	"create":  func(c call) int { return c.ret(c.newThread(c.body())) },
	"resume":  resume,
	"running": running,
	"status":  status,
	"wrap":    wrap,
	"yield":   yield,
}

// thread is what is known of a coroutine.
type thread struct {
	fn   *lua.LFunction
	dead bool
	live bool // it runs, or has resumed the one that does
}

// body is the function of a new coroutine, which must be one of Lua.
func (c call) body() *lua.LFunction {
	f, ok := c.Get(1).(*lua.LFunction)
	if !ok || f.IsG {
		c.argError(1, "Lua function expected")
	}
	return f
}

// newThread makes a coroutine that spends the budget of the script.
func (c call) newThread(f *lua.LFunction) *lua.LState {
	if len(c.r.coroutines) >= maxThreads && c.r.spent == nil {
		c.r.spent = tooThread
	}
	c.r.check(c.LState)
	ctx := c.RemoveContext() // or the thread would have one of its own
	th, _ := c.NewThread()
	c.SetContext(ctx)
	th.SetContext(c.r.budget)
	th.Env = c.r.env
	c.r.coroutines[th] = &thread{fn: f}
	return th
}

func (c call) thread(n int) *lua.LState {
	th, ok := c.Get(n).(*lua.LState)
	if !ok || c.r.coroutines[th] == nil {
		c.argError(n, "coroutine expected")
	}
	return th
}

// advance runs a coroutine to its next yield or its end.
func (c call) advance(th *lua.LState, args []lua.LValue) (out []lua.LValue, err lua.LValue) {
	t := c.r.coroutines[th]
	switch {
	case t.dead:
		return nil, lua.LString("cannot resume dead coroutine")
	case t.live:
		return nil, lua.LString("cannot resume non-suspended coroutine")
	}
	t.live = true
	protected := c.r.protected
	c.r.protected = 0
	state, failure, values := c.Resume(th, t.fn, args...)
	c.r.protected = protected
	t.live = false
	t.dead = state != lua.ResumeYield
	if state == lua.ResumeError {
		return nil, c.failed(failure)
	}
	return values, nil
}

// from are the arguments from the n-th on.
func (c call) from(n int) []lua.LValue {
	var out []lua.LValue
	for i := n; i <= c.GetTop(); i++ {
		out = append(out, c.Get(i))
	}
	return out
}

func resume(c call) int {
	out, err := c.advance(c.thread(1), c.from(2))
	if err != nil {
		return c.ret(lua.LFalse, err)
	}
	return c.ret(append([]lua.LValue{lua.LTrue}, out...)...)
}

func wrap(c call) int {
	th, r := c.newThread(c.body()), c.r
	return c.ret(c.NewFunction(func(l *lua.LState) int {
		c := call{l, r, "wrap"}
		out, err := c.advance(th, c.from(1))
		if err != nil {
			c.Error(err, 0)
		}
		return c.ret(out...)
	}))
}

func running(c call) int {
	if c.r.coroutines[c.LState] == nil {
		return c.ret(lua.LNil)
	}
	return c.ret(c.LState)
}

func status(c call) int {
	th := c.thread(1)
	switch t := c.r.coroutines[th]; {
	case t.dead:
		return c.ret(lua.LString("dead"))
	case th == c.LState:
		return c.ret(lua.LString("running"))
	case t.live:
		return c.ret(lua.LString("normal"))
	default:
		return c.ret(lua.LString("suspended"))
	}
}

// yield hands the arguments to the one that resumed.
func yield(c call) int {
	if c.r.coroutines[c.LState] == nil || c.r.protected > 0 {
		c.plain("attempt to yield across metamethod/C-call boundary")
	}
	return c.Yield(c.from(1)...)
}
