package resp

import (
	"bytes"
	"flag"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	live   = flag.String("redis", "", "address of a redis-server 8.6.3 to check the fixtures against; its password is changed for a while")
	record = flag.Bool("record", false, "with -redis: rewrite the fixtures from that server")
)

// A fixture file is a comment of provenance, then records of lines: "> " and what was
// asked, "< " and the bytes that came back, "= " and whether the server closed.
type exchange struct {
	ask    string // the rest of the "> " line
	answer string
	fate   string // open or closed
}

func readFixture(t testing.TB, name string) (provenance string, all []exchange) {
	t.Helper()
	text, err := os.ReadFile("../../fixtures/resp/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "# "):
			provenance += line + "\n"
		case strings.HasPrefix(line, "> "):
			all = append(all, exchange{ask: line[2:]})
		case strings.HasPrefix(line, "< "):
			all[len(all)-1].answer = string(unrecipe(t, line[2:]))
		case strings.HasPrefix(line, "= "):
			all[len(all)-1].fate = line[2:]
		default:
			t.Fatalf("%s:%d: a line of no kind: %q", name, i+1, line)
		}
	}
	if provenance == "" || len(all) == 0 {
		t.Fatalf("%s: no provenance or no records", name)
	}
	return provenance, all
}

func writeFixture(t *testing.T, name, provenance string, all []exchange) {
	t.Helper()
	var b strings.Builder
	b.WriteString(provenance)
	for _, x := range all {
		fmt.Fprintf(&b, "> %s\n< %s\n", x.ask, recipe([]byte(x.answer)))
		if x.fate != "" {
			fmt.Fprintf(&b, "= %s\n", x.fate)
		}
	}
	if err := os.WriteFile("../../fixtures/resp/"+name, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

const provenance = "# Captured from redis-server 8.6.3 on loopback by\n" +
	"#   go test ./wire/resp -run TestFixtures -redis ADDR -record\n" +
	"# Nothing in here was written by hand.\n"

func dial(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", *live, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// ask sends a command and returns the bytes of its one reply.
func ask(t testing.TB, c net.Conn, args ...string) []byte {
	t.Helper()
	if _, err := c.Write(AppendCommandStrings(nil, args...)); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(2 * time.Second))
	raw, err := NewReader(c, Limits{}).ReadRaw()
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return raw
}

// probe sends input on a new connection. A server that has nothing more to say stays
// silent, which no fence can tell from being slow: silence of 200 ms counts. In a mode
// like "open@5" the first 5 bytes travel alone.
func probe(t *testing.T, mode string, input []byte) exchange {
	t.Helper()
	c := dial(t)
	defer c.Close()
	for _, piece := range pieces(t, mode, input) {
		if _, err := c.Write(piece); err != nil {
			t.Fatal(err)
		}
		awaitRead(t)
	}
	var answer []byte
	buf := make([]byte, 1<<16)
	for {
		c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		n, err := c.Read(buf)
		answer = append(answer, buf[:n]...)
		if err == nil {
			continue
		}
		fate := "closed"
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			fate = "open"
		}
		return exchange{mode + " " + recipe(input), string(answer), fate}
	}
}

func pieces(t testing.TB, mode string, input []byte) [][]byte {
	_, at, split := strings.Cut(mode, "@")
	if !split {
		return [][]byte{input}
	}
	n, err := strconv.Atoi(at)
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{input[:n], input[n:]}
}

// awaitRead returns once the server has read what was sent before: a PING on another connection
// that was written later is answered later.
func awaitRead(t testing.TB) {
	t.Helper()
	fence := dial(t)
	defer fence.Close()
	for range 3 {
		ask(t, fence, "PING")
	}
}

// recipe quotes input, with long runs of one byte written as "x"*N.
func recipe(input []byte) string {
	if len(input) == 0 {
		return `""`
	}
	var parts []string
	for len(input) > 0 {
		i := 0
		for i < len(input) && runAt(input, i) < 100 {
			i++
		}
		if i > 0 {
			parts = append(parts, Quote(input[:i]))
			input = input[i:]
			continue
		}
		n := runAt(input, 0)
		parts = append(parts, fmt.Sprintf("%s*%d", Quote(input[:1]), n))
		input = input[n:]
	}
	return strings.Join(parts, " ")
}

func runAt(b []byte, i int) int {
	n := 1
	for i+n < len(b) && b[i+n] == b[i] {
		n++
	}
	return n
}

func unrecipe(t testing.TB, text string) []byte {
	t.Helper()
	var out []byte
	for rest := text; rest != ""; {
		end := 1
		for rest[end] != '"' {
			if rest[end] == '\\' {
				end++
			}
			end++
		}
		part, err := Unquote(rest[:end+1])
		if err != nil {
			t.Fatal(err)
		}
		rest = rest[end+1:]
		count := 1
		if strings.HasPrefix(rest, "*") {
			word, _, _ := strings.Cut(rest[1:], " ")
			if _, err := fmt.Sscan(word, &count); err != nil {
				t.Fatal(err)
			}
			rest = rest[1+len(word):]
		}
		out = append(out, bytes.Repeat(part, count)...)
		rest = strings.TrimPrefix(rest, " ")
	}
	return out
}
