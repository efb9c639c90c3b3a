package script

import (
	"bufio"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/wire/resp"
)

// answer is a script and what redis 8.6.3 answered. All bytes of strings stand as
// the code points below 256.
type answer struct {
	Script   string   `json:"script"`
	Keys     []string `json:"keys"`
	Args     []string `json:"args"`
	Protocol int      `json:"protocol"`
	Reply    string   `json:"reply"`
}

// differs lists parts of scripts whose answers are known to differ: names of
// variables in errors, the type of what is called, a method's first argument, the
// libraries that are not there.
var differs = []string{
	"attempt to index ", "attempt to call ", "attempt to perform arithmetic on ", "attempt to get length of ",
	"attempt to concatenate ", "bad argument #1 to 'rep' (number expected, got table)",
}

var absent = []string{"cjson", "cmsgpack", "struct"}

func bytesOf(s string) []byte {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		b = append(b, byte(r))
	}
	return b
}

func lists(ss []string) [][]byte {
	var out [][]byte
	for _, s := range ss {
		out = append(out, bytesOf(s))
	}
	return out
}

// eval does what EVAL does around a script without a shebang.
func eval(a answer, host Host) string {
	text := string(bytesOf(a.Script))
	sum := sha1.Sum([]byte(text))
	p, err := NewLua().Compile(text)
	if err != nil {
		return string(resp.AppendError(nil, "ERR Error compiling script (new function): "+err.Error()))
	}
	r := p.Run(Input{Name: hex.EncodeToString(sum[:]), Keys: lists(a.Keys), Args: lists(a.Args), Protocol: a.Protocol}, host)
	return string(r.Bytes)
}

func TestRecordedAnswers(t *testing.T) {
	f, err := os.Open("testdata/answers.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, known := 0, 0
	for lines := bufio.NewScanner(f); lines.Scan(); n++ {
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		want, got := string(bytesOf(a.Reply)), eval(a, &testHost{})
		if got == want {
			continue
		}
		if isKnown(a.Script, want) {
			known++
			continue
		}
		t.Errorf("%q\n got %q\nwant %q", a.Script, got, want)
	}
	if n < 400 || known > 55 {
		t.Errorf("%d answers, %d known to differ", n, known)
	}
}

func isKnown(script, want string) bool {
	for _, s := range absent {
		if strings.Contains(script, s+".") {
			return true
		}
	}
	for _, s := range differs {
		if strings.Contains(want, s) {
			return true
		}
	}
	return false
}

// testHost answers commands by a map of replies.
type testHost struct {
	replies map[string]string // by the joined arguments, which are recorded
	calls   []string
	log     []string
}

func (h *testHost) Call(argv [][]byte, protocol int) ([]byte, string) {
	var words []string
	for _, a := range argv {
		words = append(words, string(a))
	}
	line := strings.Join(words, " ")
	h.calls = append(h.calls, line)
	if line == "panic" {
		panic("the host's own")
	}
	if protocol == 3 {
		line += " 3"
	}
	if r, ok := h.replies[line]; ok {
		return []byte(r), ""
	}
	return nil, "This Redis command is not allowed from script"
}

func (h *testHost) MayCall(argv [][]byte) (bool, string) {
	if string(argv[0]) == "nosuch" {
		return false, "Invalid command passed to redis.acl_check_cmd()"
	}
	return string(argv[0]) == "get", ""
}

func (h *testHost) Log(level int, text string) {
	h.log = append(h.log, string(rune('0'+level))+" "+text)
}
func (h *testHost) Clock() float64 { return 1.5 }

// TestReplies converts each type of reply to Lua and back.
func TestReplies(t *testing.T) {
	h := &testHost{replies: map[string]string{
		"int": ":5\r\n", "bulk": "$2\r\na\x00\r\n", "nil": "$-1\r\n", "nilarray": "*-1\r\n", "status": "+FINE\r\n",
		"err": "-CODE text\r\n", "array": "*3\r\n:1\r\n$-1\r\n*1\r\n+x\r\n", "null 3": "_\r\n", "true 3": "#t\r\n", "double 3": ",1.5\r\n",
		"big 3": "(123\r\n", "verbatim 3": "=7\r\ntxt:abc\r\n", "map 3": "%1\r\n$1\r\nk\r\n:1\r\n", "set 3": "~1\r\n$1\r\nm\r\n",
		"args 1 1.5 1e+20 -3": "+OK\r\n", "attr 3": "|1\r\n+a\r\n+b\r\n:7\r\n",
	}}
	const place = " script: NAME, on @user_script:1."
	for _, c := range []struct {
		protocol     int
		script, want string
	}{
		{2, "return redis.call('int')", ":5\r\n"},
		{2, "return redis.call('bulk')", "$2\r\na\x00\r\n"},
		{2, "return redis.call('nil') == false", ":1\r\n"},
		{2, "return redis.call('nilarray') == false", ":1\r\n"},
		{2, "return redis.call('status').ok", "$4\r\nFINE\r\n"},
		{2, "return redis.call('status')", "+FINE\r\n"},
		{2, "return redis.call('array')", "*3\r\n:1\r\n$-1\r\n*1\r\n+x\r\n"},
		{2, "return redis.call('err')", "-CODE text" + place + "\r\n"},
		{2, "return redis.pcall('err')", "-CODE text\r\n"},
		{2, "return redis.call('refused')", "-ERR This Redis command is not allowed from script" + place + "\r\n"},
		{2, "return redis.call('args', 1, 1.5, 1e20, -3)", "+OK\r\n"},
		{2, "redis.setresp(3) return redis.call('null') == nil", ":1\r\n"},
		{3, "redis.setresp(3) return redis.call('true')", "#t\r\n"},
		{2, "redis.setresp(3) return redis.call('true')", ":1\r\n"},
		{3, "return true", ":1\r\n"},
		{3, "return false", "_\r\n"},
		{3, "redis.setresp(3) return redis.call('double')", ",1.5\r\n"},
		{2, "redis.setresp(3) return redis.call('double')", "$3\r\n1.5\r\n"},
		{2, "redis.setresp(3) return redis.call('double').double * 2", ":3\r\n"},
		{3, "redis.setresp(3) return redis.call('big')", "(123\r\n"},
		{3, "redis.setresp(3) return redis.call('verbatim')", "=7\r\ntxt:abc\r\n"},
		{2, "redis.setresp(3) return redis.call('verbatim')", "$3\r\nabc\r\n"},
		{3, "redis.setresp(3) return redis.call('map')", "%1\r\n$1\r\nk\r\n:1\r\n"},
		{2, "redis.setresp(3) return redis.call('map')", "*2\r\n$1\r\nk\r\n:1\r\n"},
		{2, "redis.setresp(3) return redis.call('map').map.k", ":1\r\n"},
		{3, "redis.setresp(3) return redis.call('set')", "~1\r\n$1\r\nm\r\n"},
		{2, "redis.setresp(3) return redis.call('attr')", ":7\r\n"},
		{2, "return redis.acl_check_cmd('get', 'k')", ":1\r\n"},
		{2, "return redis.acl_check_cmd('set', 'k')", "$-1\r\n"},
		{2, "return redis.acl_check_cmd('nosuch')", "-ERR Invalid command passed to redis.acl_check_cmd()" + place + "\r\n"},
		{2, "return os.clock() * 2", ":3\r\n"},
	} {
		p, err := NewLua().Compile(c.script)
		if err != nil {
			t.Fatal(err)
		}
		r := p.Run(Input{Name: "NAME", Protocol: c.protocol}, h)
		if string(r.Bytes) != c.want {
			t.Errorf("%s in RESP%d\n got %q\nwant %q", c.script, c.protocol, r.Bytes, c.want)
		}
		isError := strings.HasPrefix(c.want, "-") && !strings.Contains(c.script, "acl")
		if r.Counted != isError {
			t.Errorf("%s: counted %v", c.script, r.Counted)
		}
	}
}

func TestLog(t *testing.T) {
	h := &testHost{}
	eval(answer{Script: "redis.log(redis.LOG_NOTICE, 'a', 1, {}, 'b')", Protocol: 2}, h)
	if len(h.log) != 1 || h.log[0] != "2 a 1 b" {
		t.Errorf("logged %q", h.log)
	}
}

// TestHostPanic: a fault of the node is no error that a script can catch.
func TestHostPanic(t *testing.T) {
	defer func() {
		if p := recover(); p != "the host's own" {
			t.Errorf("recovered %v", p)
		}
	}()
	eval(answer{Script: "pcall(redis.call, 'panic') return 1", Protocol: 2}, &testHost{})
	t.Error("the panic was swallowed")
}

// TestLimits: what would go on for ever, or fill the memory, ends.
func TestLimits(t *testing.T) {
	for script, want := range map[string]string{
		"while true do end": string(tooLong),
		"while true do pcall(function() while true do end end) end":              string(tooLong),
		"xpcall(function() while true do end end, function() end)":               string(tooLong),
		"coroutine.wrap(function() while true do end end)()":                     string(tooLong),
		"local s = string.rep('a', 1e6) return s:find('.-.-.-.-b')":              string(tooLong),
		"table.sort({3, 2, 1}, function() while true do end end)":                string(tooLong),
		"local s = 'x' while true do s = s .. s end":                             string(tooBig),
		"return string.rep('x', 1e9)":                                            string(tooBig),
		"local s = string.rep('x', 1e6) return table.concat({s, s}, s:rep(200))": string(tooBig),
		"local s = string.rep('a', 1e5) return (s:gsub('a', s))":                 string(tooBig),
		"while true do coroutine.create(function() end) end":                     string(tooThread),
		"local function f() coroutine.wrap(f)() end f()":                         string(tooThread),
		"local function f() return 1 + f() end return f()":                       "user_script:1: stack overflow",
		"return unpack({}, 1, 1e9)":                                              "user_script:1: too many results to unpack",
		"return " + strings.Repeat("{", 300) + strings.Repeat("}", 300):          "Error compiling script (new function): user_script:1: chunk has too many syntax levels",
		"return string.rep('a', 1e4):find(string.rep('a?', 1e4) .. 'b')":         "user_script:1: pattern too complex",
	} {
		if got := eval(answer{Script: script, Protocol: 2}, &testHost{}); !strings.HasPrefix(got, "-ERR "+want) {
			t.Errorf("%s\n got %.200q\nwant %q", script, got, want)
		}
	}
}

// TestSameAgain: a run leaves nothing behind for the next.
func TestSameAgain(t *testing.T) {
	p, err := NewLua().Compile("KEYS[1] = 'changed' table.insert(ARGV, 'x') return {KEYS[1], #ARGV, math.random(1000000)}")
	if err != nil {
		t.Fatal(err)
	}
	in := Input{Name: "x", Protocol: 2, Keys: lists([]string{"k"}), Seed: [2]uint64{1, 2}}
	first := string(p.Run(in, &testHost{}).Bytes)
	if again := string(p.Run(in, &testHost{}).Bytes); again != first {
		t.Errorf("first %q, then %q", first, again)
	}
	in.Seed[0]++
	if other := string(p.Run(in, &testHost{}).Bytes); other == first {
		t.Error("another seed gives the same number")
	}
}

// TestEndlessReply: a table that holds itself has an end, where redis 8.6.3 has it.
func TestEndlessReply(t *testing.T) {
	for script, levels := range map[string]int{
		"local t = {} t[1] = t return t":                7995,
		"local t = {1, 2} t[3] = t return t":            7995,
		"local t = {} t.map = {} t.map[1] = t return t": 2665,
		"local t = {} t.set = {} t.set[t] = 1 return t": 2665,
	} {
		got := eval(answer{Script: script, Protocol: 2}, &testHost{})
		if n := strings.Count(got, "*"); n != levels || !strings.HasSuffix(got, "-ERR reached lua stack limit\r\n") {
			t.Errorf("%s: %d levels, want %d", script, n, levels)
		}
	}
}

func FuzzScript(f *testing.F) {
	for _, s := range []string{
		"return redis.call('get', KEYS[1])", "local t = {} for k, v in pairs({a = 1}) do t[#t + 1] = k .. v end return t",
		"return {string.gsub('hello', '(l)(.)', '%2%1')}", "return pcall(error, {err = 'x'})", "return coroutine.wrap(function() coroutine.yield(1) end)()",
		"return string.format('%5.2f %q', 1.5, 'x')", "--[[ x ]] return [==[ y ]==]", "return loadstring('return ' .. 1)()",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := NewLua().Compile(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), chunkName+":") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		r := p.Run(Input{Name: "x", Protocol: 3}, &testHost{})
		if strings.Contains(string(r.Bytes), "-ERR reached lua stack limit") {
			return // deeper than replies are read
		}
		if _, n, err := resp.Parse(r.Bytes); err != nil || n != len(r.Bytes) {
			t.Errorf("%q answers %q: %v", text, r.Bytes, err)
		}
	})
}

func BenchmarkScript(b *testing.B) {
	h := &testHost{replies: map[string]string{"ping": "+PONG\r\n"}}
	for _, text := range []string{"return 1", "return redis.call('ping')", "local n = 0 for i = 1, 1e5 do n = n + i end return n"} {
		p, err := NewLua().Compile(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(text[:8], func(b *testing.B) {
			for b.Loop() {
				h.calls = h.calls[:0]
				p.Run(Input{Name: "x", Protocol: 2}, h)
			}
		})
	}
}
