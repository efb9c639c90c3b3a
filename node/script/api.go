package script

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/slotdiff/slotdiff/wire/resp"
)

// What scripts are told of the server (version.h of 8.6.3).
const (
	redisVersion    = "8.6.3"
	redisVersionNum = 8<<16 | 6<<8 | 3
)

// api is the table "redis". Mirrors script_lua.c:luaRegisterRedisAPI and
// eval.c:scriptingInit.
var api = map[string]func(c call) int{
	"call":               func(c call) int { return redisCall(c, true) },
	"pcall":              func(c call) int { return redisCall(c, false) },
	"error_reply":        errorReply,
	"status_reply":       statusReply,
	"sha1hex":            sha1hex,
	"log":                redisLog,
	"setresp":            setResp,
	"set_repl":           setRepl,
	"acl_check_cmd":      aclCheck,
	"replicate_commands": func(c call) int { return c.ret(lua.LTrue) },
	"breakpoint":         func(c call) int { return c.ret(lua.LFalse) },
	"debug":              func(call) int { return 0 },
}

var apiValues = map[string]lua.LValue{
	"LOG_DEBUG": lua.LNumber(0), "LOG_VERBOSE": lua.LNumber(1), "LOG_NOTICE": lua.LNumber(2), "LOG_WARNING": lua.LNumber(3),
	"REPL_NONE": lua.LNumber(0), "REPL_AOF": lua.LNumber(1), "REPL_SLAVE": lua.LNumber(2), "REPL_REPLICA": lua.LNumber(2), "REPL_ALL": lua.LNumber(3),
	"REDIS_VERSION": lua.LString(redisVersion), "REDIS_VERSION_NUM": lua.LNumber(redisVersionNum),
}

// raise ends a library function with an error of Redis's form.
func (c call) raise(text string) int {
	c.Error(errorTable(text), 1)
	return 0
}

// argv are the arguments of a command, or the reason why they are none.
func (c call) argv() (argv [][]byte, wrong string) {
	if c.GetTop() == 0 {
		return nil, "Please specify at least one argument for this redis lib call"
	}
	for i := 1; i <= c.GetTop(); i++ {
		switch v := c.Get(i).(type) {
		case lua.LString:
			argv = append(argv, []byte(v))
		case lua.LNumber:
			argv = append(argv, formatArgument(float64(v)))
		default:
			return nil, "Lua redis lib command arguments must be strings or integers"
		}
	}
	return argv, ""
}

// redisCall is redis.call, which raises errors, and redis.pcall, which returns them.
// Mirrors script_lua.c:luaRedisGenericCommand.
func redisCall(c call, raise bool) int {
	argv, wrong := c.argv()
	if wrong != "" {
		if raise {
			return c.raise(wrong)
		}
		return c.ret(errorTable(wrong))
	}
	c.r.work(c.LState, 100)
	reply, refused := c.r.ask(argv)
	if refused != "" {
		t := errorTable(refused)
		t.RawSetString("ignore_error_stats_update", lua.LTrue)
		if raise {
			c.Error(t, 1)
		}
		return c.ret(t)
	}
	c.r.make(c.LState, len(reply))
	v, _, err := resp.Parse(reply)
	if err != nil {
		c.r.fault = fmt.Sprintf("node/script: the reply of %q is none: %v", argv[0], err)
		return c.raise("fault")
	}
	result := toLua(v)
	if raise && v.Kind == resp.Error {
		c.Error(result, 1)
	}
	return c.ret(result)
}

// ask calls the host; a panic of its is no error of the script.
func (r *run) ask(argv [][]byte) ([]byte, string) {
	defer func() {
		if p := recover(); p != nil {
			r.fault = p
			panic(p)
		}
	}()
	return r.host.Call(argv, r.protocol)
}

const badReply = "wrong number or type of arguments"

// errorReply mirrors script_lua.c:luaRedisErrorReplyCommand.
func errorReply(c call) int {
	s, ok := c.Get(1).(lua.LString)
	if c.GetTop() != 1 || !ok {
		return c.ret(errorTable(badReply))
	}
	if !strings.HasPrefix(string(s), "-") {
		s = "-" + s
	}
	return c.ret(errorTable(string(s)))
}

func statusReply(c call) int {
	s, ok := c.Get(1).(lua.LString)
	if c.GetTop() != 1 || !ok {
		return c.ret(errorTable(badReply))
	}
	return c.ret(single("ok", s))
}

func sha1hex(c call) int {
	if c.GetTop() != 1 {
		return c.raise("wrong number of arguments")
	}
	s, _ := asString(c.Get(1)) // what is no string is hashed as nothing
	sum := sha1.Sum([]byte(s))
	return c.retStr(hex.EncodeToString(sum[:]))
}

// redisLog mirrors script_lua.c:luaLogCommand.
func redisLog(c call) int {
	if c.GetTop() < 2 {
		return c.raise("redis.log() requires two arguments or more.")
	}
	f, ok := asNumber(c.Get(1))
	if !ok {
		return c.raise("First argument must be a number (log level).")
	}
	level := toInt(f)
	if level < 0 || level > 3 {
		return c.raise("Invalid log level.")
	}
	var words []string
	for i := 2; i <= c.GetTop(); i++ {
		if s, ok := asString(c.Get(i)); ok {
			words = append(words, s)
		}
	}
	c.r.host.Log(int(level), strings.Join(words, " "))
	return 0
}

func setResp(c call) int {
	if c.GetTop() != 1 {
		return c.raise("redis.setresp() requires one argument.")
	}
	f, _ := asNumber(c.Get(1))
	v := toInt(f)
	if v != 2 && v != 3 {
		return c.raise("RESP version must be 2 or 3.")
	}
	c.r.protocol = int(v)
	return 0
}

// setRepl only checks its argument: nothing is replicated here.
func setRepl(c call) int {
	if c.GetTop() != 1 {
		return c.raise("redis.set_repl() requires one argument.")
	}
	f, _ := asNumber(c.Get(1))
	if toInt(f)&^3 != 0 {
		return c.raise("Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
	}
	return 0
}

func aclCheck(c call) int {
	argv, wrong := c.argv()
	if wrong != "" {
		return c.raise(wrong)
	}
	ok, wrong := c.r.host.MayCall(argv)
	if wrong != "" {
		return c.raise(wrong)
	}
	return c.ret(lua.LBool(ok))
}
