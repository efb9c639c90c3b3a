package resp

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// TestNextReadsAPipelineInBulk checks that all commands of one Fill stay valid together.
func TestNextReadsAPipelineInBulk(t *testing.T) {
	var in []byte
	var want []string
	for range 50 {
		in = AppendCommandStrings(in, "SET", "k", "v\r\n\x00")
		in = append(in, "get 'a b'\r\n\r\n"...)
		want = append(want, `"SET" "k" "v\r\n\x00"`, `"get" "a b"`)
	}
	in = append(in, "*2\r\n$4\r\nECHO\r\n$5\r\nhel"...)
	r := NewCommandReader(io.MultiReader(bytes.NewReader(in), strings.NewReader("lo\r\nPING\n")), CommandLimits{})
	if _, ok, err := r.Next(); ok || err != nil {
		t.Fatalf("Next of nothing: %v, %v", ok, err)
	}
	if err := r.Fill(); err != nil {
		t.Fatal(err)
	}
	var commands [][][]byte
	for {
		args, ok, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		commands = append(commands, args)
	}
	if len(commands) != len(want) {
		t.Fatalf("%d commands, want %d", len(commands), len(want))
	}
	for i, args := range commands {
		if got := quoted(args); got != want[i] {
			t.Fatalf("command %d is %s, want %s", i, got, want[i])
		}
	}
	// The empty line after the last whole command is taken up with it.
	if got := string(r.Buffered()); got != "*2\r\n$4\r\nECHO\r\n$5\r\nhel" || r.Offset() != int64(len(in)-len(got)) {
		t.Errorf("Buffered = %q, Offset = %d of %d", got, r.Offset(), len(in))
	}
	for _, want := range []string{`"ECHO" "hello"`, `"PING"`} {
		args, err := r.ReadCommand()
		if err != nil || quoted(args) != want {
			t.Errorf("ReadCommand = %s, %v, want %s", quoted(args), err, want)
		}
	}
	if _, err := r.ReadCommand(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func quoted(args [][]byte) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = string(arg)
	}
	return quoteAll(words)
}

func TestCommandLimits(t *testing.T) {
	big := AppendCommandStrings(nil, "ECHO", strings.Repeat("x", 5000))
	for _, c := range []struct {
		name   string
		limits CommandLimits
		unauth bool
		in     []byte
		want   error
	}{
		{"bulk within", CommandLimits{MaxBulk: 5000}, false, big, io.EOF},
		{"bulk over", CommandLimits{MaxBulk: 4999}, false, big, &ProtocolError{"invalid bulk length"}},
		{"query buffer over", CommandLimits{MaxQueryBuffer: 4096}, false, big, ErrQueryBufferLimit},
		{"cut short", CommandLimits{}, false, big[:len(big)-1], io.ErrUnexpectedEOF},
		// Without AUTH a single argument is bounded first; only a line can grow so long.
		{"unauthenticated line", CommandLimits{}, true, bytes.Repeat([]byte("x"), 2<<20), &ProtocolError{"too big inline request"}},
	} {
		r := NewCommandReader(bytes.NewReader(c.in), c.limits)
		r.Unauthenticated = c.unauth
		var err error
		for err == nil {
			_, err = r.ReadCommand()
		}
		if err.Error() != c.want.Error() {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if _, ok := c.want.(*ProtocolError); ok || errors.Is(c.want, ErrQueryBufferLimit) {
			if _, again := r.ReadCommand(); again != err {
				t.Errorf("%s: %v, and then %v", c.name, err, again)
			}
			if again := r.Fill(); again != err {
				t.Errorf("%s: %v, and then Fill %v", c.name, err, again)
			}
		}
	}
}

// TestUnauthenticatedQueryBuffer: a pipeline that piles up without being read.
func TestUnauthenticatedQueryBuffer(t *testing.T) {
	for _, unauthenticated := range []bool{false, true} {
		r := NewCommandReader(bytes.NewReader(bytes.Repeat([]byte("PING\r\n"), 400_000)), CommandLimits{})
		r.Unauthenticated = unauthenticated
		var err error
		for err == nil {
			err = r.Fill()
		}
		if want := map[bool]error{false: io.EOF, true: ErrQueryBufferLimit}[unauthenticated]; err != want {
			t.Errorf("unauthenticated %v: %v, want %v", unauthenticated, err, want)
		}
	}
}

func TestLargeBufferIsGivenBack(t *testing.T) {
	in := AppendCommandStrings(nil, "ECHO", strings.Repeat("x", 3*keepBuffer))
	r := NewCommandReader(io.MultiReader(bytes.NewReader(in), strings.NewReader("PING\n")), CommandLimits{})
	for range 2 {
		if _, err := r.ReadCommand(); err != nil {
			t.Fatal(err)
		}
	}
	if cap(r.buf) > keepBuffer {
		t.Errorf("the buffer still has %d bytes after a small command", cap(r.buf))
	}
}

func TestCommandReaderGoesOnAfterATimeout(t *testing.T) {
	timeout := errors.New("timeout")
	r := NewCommandReader(&interrupted{[]string{"*2\r\n$4\r\nEC", "", "HO\r\n$1\r\n", "", "x\r\n"}, timeout}, CommandLimits{})
	for range 2 {
		if _, err := r.ReadCommand(); err != timeout {
			t.Fatalf("ReadCommand = %v, want the stream's error", err)
		}
	}
	if args, err := r.ReadCommand(); err != nil || quoted(args) != `"ECHO" "x"` {
		t.Errorf("ReadCommand = %s, %v", quoted(args), err)
	}
}

func TestSplitArgs(t *testing.T) {
	words, ok := SplitArgs([]byte(`save "900 1" 'it''s'`))
	if ok {
		t.Errorf("a closing quote before a quote: %q", words)
	}
	words, ok = SplitArgs([]byte(`user default on ">a b" '\'' x"y"`))
	if !ok || quoted(words) != `"user" "default" "on" ">a b" "'" "xy"` {
		t.Errorf("SplitArgs = %s, %v", quoted(words), ok)
	}
	if words, ok := SplitArgs(nil); !ok || len(words) != 0 {
		t.Errorf("an empty line: %q, %v", words, ok)
	}
}
