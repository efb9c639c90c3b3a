package resp

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// commandProbes are what clients may send, one connection each. The commands that can be
// read are only PING and ECHO, which a test can answer as the server does.
func commandProbes() (probes []string) {
	add := func(inputs ...string) { probes = append(probes, inputs...) }
	// Arrays.
	add("*1\r\n$4\r\nPING\r\n", "*2\r\n$4\r\nECHO\r\n$3\r\na\x00b\r\n", "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n",
		"*0\r\n*1\r\n$4\r\nPING\r\n", "*-1\r\n*1\r\n$4\r\nPING\r\n", "*-2147483649\r\n*1\r\n$4\r\nPING\r\n",
		"*-9223372036854775808\r\nPING\r\n", "*-9223372036854775809\r\nPING\r\n",
		"*\r\n", "*+1\r\n", "*01\r\n", "*-0\r\n", "* 1\r\n", "*1 \r\n", "*a\r\n", "*1.0\r\n", "*0x1\r\n",
		"*2147483647\r\n", "*2147483648\r\n", "*9223372036854775808\r\n", "*18446744073709551616\r\n",
		"*000000000000000000001\r\n", "*1\n$4\r\nPING\r\n", "*1\n$4\n", "*1", "*1\r", "*1\rX$4\rYPINGZZ",
		"*1\x00\r\n", "*\x001\r\n$4\r\nPING\r\n", "**1\r\n$4\r\nPING\r\n")
	// Lengths of arguments.
	for _, first := range []string{"X", ":", "*", "+", " ", "\x00", "\x01", "\x7f", "\xff", "\n", "\\", "'", "%", "4"} {
		add("*1\r\n" + first + "4\r\nPING\r\n")
	}
	add("*1\r\n\r\n", "*1\r\nPING", "*1\r\nPING\r", "*1\r\n$\r\n", "*1\r\n$-1\r\n", "*1\r\n$-2\r\n", "*1\r\n$+4\r\n",
		"*1\r\n$04\r\n", "*1\r\n$4 \r\n", "*1\r\n$a\r\n", "*1\r\n$536870912\r\n", "*1\r\n$536870913\r\n",
		"*1\r\n$9223372036854775807\r\n", "*1\r\n$99999999999999999999\r\n", "*1\r\n$4\n", "*1\r\n$4\x00\r\nPING\r\n",
		"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n", "*1\r\n$4\r\nPING\r", "*1\r\n$3\r\nPING\r\n", "*2\r\n$4\r\nECHO\r\n$-1\r\n",
		"*2\r\n$4\r\nECHO\r\n*1\r\n$1\r\na\r\n", "*1\r\n$4\r\nPING\r\n*1\r\n$x\r\n")
	// Inline commands.
	add("PING\r\n", "PING\n", "ping hello\r\n", "  PING  \r\n", "\tPING\t\r\n", "\vPING\r\n", "\fPING x\r\n", "\r\n\n\r\nPING\r\n",
		"PING", "PING\r", "PI\rNG\r\n", "PING\r\r\n", " \r\n", "ECHO \"a b\"\r\n", "ECHO 'a b'\r\n", "ECHO \"\\x00\\xff\\n\\r\\t\\a\\b\\\\\\\"\\q\"\r\n",
		"ECHO '\\n\\x00\\''\r\n", "ECHO \"\\x0g\"\r\n", "ECHO \"\\x\"\r\n", "ECHO \"\"\r\n", "ECHO ''\r\n", "ECHO a\"b\"\r\n", "ECHO a'b c'\r\n",
		"ECHO \"a\"b\r\n", "ECHO 'a'b\r\n", "ECHO 'a'\"b\"\r\n", "ECHO \"a\r\n", "ECHO 'a\r\n", "ECHO a\"\r\n", "ECHO \"a\\\r\n", "ECHO \"a\\\"\r\n",
		"ECHO \"a\"\v\r\n", "ECHO a\vb\r\n", "ECHO a\fb\r\n", "ECHO \\x41\r\n", "ECHO \xff\xfe\r\n", "ECHO a\x00b\r\n", "\x00PING\r\n", "ECHO \"a\x00b\"\r\n",
		"\"PING\"\r\n", "PING\r\n*1\r\n$4\r\nPING\r\nECHO x\r\n*2\r\n$4\r\nECHO\r\n$1\r\ny\r\nPING", "PING\nECHO \"x\nPING\n", "ECHO 'x\ny'\n",
		"ECHO \"x\ny\"\n", "$4\r\nPING\r\n")
	// Sizes.
	x := func(n int) string { return strings.Repeat("x", n) }
	add(x(65536), x(65537), "ECHO "+x(60000)+"\r\n", "*"+strings.Repeat("1", 65535), "*"+strings.Repeat("1", 65536), "*"+strings.Repeat("1", 70000)+"\r\n",
		"*1\r\n$"+strings.Repeat("1", 65535), "*1\r\n$"+strings.Repeat("1", 65536), "*1\r\nX"+strings.Repeat("1", 65535), "*1\r\nX"+strings.Repeat("1", 65536),
		"*2\r\n$4\r\nECHO\r\n$70000\r\n"+x(70000)+"\r\n", x(65537)+"\x00\r\n", "*2\r\n$4\r\nECHO\r\n$16384\r\n"+x(16384)+"\r\n",
		"*2\r\n$4\r\nECHO\r\n$16385\r\n"+x(16385)+"\r\n", "*10\r\n"+strings.Repeat("$1\r\na\r\n", 9), "*11\r\n"+strings.Repeat("$1\r\na\r\n", 10), "*11\r\n",
		"PING\r\n*11\r\n", "ECHO a b c d e f g h i j k\r\n", "ECHO "+x(20000)+"\r\n")
	return probes
}

// splitProbes are inputs whose first bytes travel alone; the key is the mode.
var splitProbes = []struct{ mode, input string }{
	{"open@4", "*1\r\nX4\r\nPING\r\nPING\r\n"},
	{"open@5", "*1\r\n$-1\r\nPING\r\n*1\r\n$4\r\nPING\r\n"},
	{"open@14", "*2\r\n$4\r\nECHO\r\n$a\r\nPING\r\n"},
	{"open@10", "PING\r\n*1\r\nX4\r\nPING\r\n"},
	{"open@10", "*1\r\n$4\r\nPING\r\n*1\r\n*1\r\n"},
	{"open@2", "*a\r\nPING\r\n"},
	{"open@6", "ECHO \"a\r\n"},
}

// answerer is what a server does with the commands of commandProbes.
func answerer(src io.Reader, unauthenticated, stall bool) (answer []byte, fate string) {
	r := NewCommandReader(src, CommandLimits{})
	r.Unauthenticated, r.StallOnSplitError = unauthenticated, stall
	for {
		args, err := r.ReadCommand()
		var protocol *ProtocolError
		switch {
		case errors.As(err, &protocol):
			return protocol.Reply(answer), "closed"
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return answer, "open"
		case err != nil:
			return answer, "closed"
		}
		name := strings.ToUpper(string(args[0]))
		known := name == "PING" || name == "ECHO"
		switch {
		case !known:
			answer = append(answer, "unknown"...)
		case len(args) > 2 || (name == "ECHO" && len(args) == 1):
			answer = AppendError(answer, "ERR wrong number of arguments for '"+strings.ToLower(name)+"' command")
		case unauthenticated:
			answer = AppendError(answer, "NOAUTH Authentication required.")
		case name == "PING" && len(args) == 1:
			answer = AppendSimple(answer, "PONG")
		default:
			answer = AppendBulk(answer, args[1])
		}
	}
}

// canonical folds what commands other than PING and ECHO get, which the server knows
// and answerer does not.
func canonical(answer string) string {
	for {
		i := strings.Index(answer, "-ERR unknown command")
		if i < 0 {
			return answer
		}
		end := strings.Index(answer[i:], "\r\n")
		answer = answer[:i] + "unknown" + answer[i+end+2:]
	}
}

func TestCommandsAsRedisReadsThem(t *testing.T) {
	_, all := readFixture(t, "commands.txt")
	if want := 2*len(commandProbes()) + len(splitProbes); len(all) != want {
		t.Fatalf("the fixture has %d records, the probes are %d: record it again", len(all), want)
	}
	for _, x := range all[2*len(commandProbes()):] {
		mode, recipe, _ := strings.Cut(x.ask, " ")
		var src []io.Reader
		for _, piece := range pieces(t, mode, unrecipe(t, recipe)) {
			src = append(src, bytes.NewReader(piece))
		}
		answer, fate := answerer(io.MultiReader(src...), false, true)
		if string(answer) != x.answer || fate != x.fate {
			t.Errorf("%s %s:\nredis %s, %.200q\nwe    %s, %.200q", mode, recipe, x.fate, x.answer, fate, answer)
		}
	}
	for _, x := range all[:2*len(commandProbes())] {
		mode, recipe, _ := strings.Cut(x.ask, " ")
		input := unrecipe(t, recipe)
		answer, fate := answerer(bytes.NewReader(input), mode == "unauth", true)
		if string(answer) != canonical(x.answer) || fate != x.fate {
			t.Errorf("%s %s:\nredis %s, %.200q\nwe    %s, %.200q", mode, recipe, x.fate, canonical(x.answer), fate, answer)
		}
		if len(input) > 1000 {
			continue
		}
		again, fateAgain := answerer(iotest.OneByteReader(bytes.NewReader(input)), mode == "unauth", false)
		if !bytes.Equal(answer, again) || fate != fateAgain {
			t.Errorf("%s %s: byte by byte %s, %.200q, at once %s, %.200q", mode, recipe, fateAgain, again, fate, answer)
		}
	}
}

// TestFixturesCommands asks the server of -redis what commands.txt says.
func TestFixturesCommands(t *testing.T) {
	if *live == "" {
		t.Skip("needs -redis ADDR of a redis-server 8.6.3")
	}
	admin := dial(t)
	var all, split []exchange
	for _, p := range splitProbes {
		split = append(split, probe(t, p.mode, []byte(p.input)))
	}
	for _, mode := range []string{"open", "unauth"} {
		if mode == "unauth" {
			ask(t, admin, "CONFIG", "SET", "requirepass", "secret")
			ask(t, admin, "AUTH", "secret")
			defer ask(t, admin, "CONFIG", "SET", "requirepass", "")
		}
		for _, input := range commandProbes() {
			all = append(all, probe(t, mode, []byte(input)))
		}
	}
	all = append(all, split...)
	if *record {
		writeFixture(t, "commands.txt", provenance, all)
		return
	}
	_, recorded := readFixture(t, "commands.txt")
	for i, x := range all {
		if i >= len(recorded) || x != recorded[i] {
			t.Errorf("%s: recorded %q, redis now answers %q", x.ask, recorded[i], x)
		}
	}
}
