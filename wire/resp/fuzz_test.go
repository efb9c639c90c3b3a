package resp

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzRESP feeds replies: what parses must be lossless on the wire, in text and from a
// stream, and what does not must leave nothing behind.
func FuzzRESP(f *testing.F) {
	for _, name := range []string{"replies.txt", "doubles.txt"} {
		_, all := readFixture(f, name)
		for _, x := range all {
			f.Add([]byte(x.answer))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, n, err := Parse(b)
		r := NewReader(iotest.HalfReader(bytes.NewReader(b)), Limits{})
		streamed, streamErr := r.Read()
		if err != nil {
			if n != 0 || !v.Equal(Value{}) {
				t.Fatalf("Parse failed with %v and returned %d, %v", err, n, v)
			}
			if format, ok := errors.AsType[*FormatError](err); ok {
				if format.Offset < 0 || format.Offset >= int64(len(b)) {
					t.Fatalf("%v: the offset is outside %d bytes", err, len(b))
				}
				if streamErr == nil || streamErr.Error() != err.Error() {
					t.Fatalf("Parse: %v, Read: %v", err, streamErr)
				}
			} else if streamErr != io.EOF && streamErr != io.ErrUnexpectedEOF {
				t.Fatalf("Parse: %v, Read: %v", err, streamErr)
			}
			return
		}
		if got := v.Append(nil); !bytes.Equal(got, b[:n]) {
			t.Fatalf("Append gives %q for %q", got, b[:n])
		}
		if streamErr != nil || !streamed.Equal(v) || !bytes.Equal(r.Raw(), b[:n]) {
			t.Fatalf("Read = %v, %v, raw %q", streamed, streamErr, r.Raw())
		}
		if back, err := ParseText(Text(v)); err != nil || !back.Equal(v) {
			t.Fatalf("the text form reads back as %v, %v:\n%s", back, err, Text(v))
		}
		if _, _, err := Parse(b[:n-1]); err != ErrIncomplete {
			t.Fatalf("without its last byte: %v", err)
		}
	})
}

// FuzzText feeds text forms.
func FuzzText(f *testing.F) {
	for _, c := range wellFormed {
		f.Add(c.text)
	}
	_, all := readFixture(f, "replies.txt")
	for _, x := range all {
		v, _, err := Parse([]byte(x.answer))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(Text(v))
	}
	f.Fuzz(func(t *testing.T, text string) {
		vs, err := ParseTexts(text)
		if err != nil {
			if vs != nil {
				t.Fatalf("ParseTexts failed with %v and returned %v", err, vs)
			}
			return
		}
		for _, v := range vs {
			again, err := ParseText(Text(v))
			if err != nil || !again.Equal(v) {
				t.Fatalf("%v is written as\n%s\nwhich reads as %v, %v", v, Text(v), again, err)
			}
			raw := v.Append(nil)
			back, n, err := ParseLimited(raw, Limits{MaxLine: len(raw), MaxDepth: 1 << 10})
			if err != nil || n != len(raw) || !back.Equal(v) {
				t.Fatalf("%q parses as %v, %d, %v", raw, back, n, err)
			}
		}
	})
}

// readAll reads every command of src; each argument is copied.
func readAll(src io.Reader, unauthenticated bool) (commands [][]string, offset int64, err error) {
	r := NewCommandReader(src, CommandLimits{})
	r.Unauthenticated = unauthenticated
	for {
		args, err := r.ReadCommand()
		if err != nil {
			return commands, r.Offset(), err
		}
		var words []string
		for _, arg := range args {
			words = append(words, string(arg))
		}
		commands = append(commands, words)
	}
}

// FuzzCommand feeds what clients send: how it is cut into reads must not matter.
func FuzzCommand(f *testing.F) {
	_, all := readFixture(f, "commands.txt")
	for _, x := range all {
		mode, recipe, _ := strings.Cut(x.ask, " ")
		f.Add(unrecipe(f, recipe), mode == "unauth")
	}
	f.Fuzz(func(t *testing.T, b []byte, unauthenticated bool) {
		commands, offset, err := readAll(bytes.NewReader(b), unauthenticated)
		if offset < 0 || offset > int64(len(b)) {
			t.Fatalf("Offset = %d of %d bytes", offset, len(b))
		}
		if len(b) <= maxCommandLine {
			// Over this size the server's answer depends on how much it has read.
			for _, src := range []io.Reader{iotest.OneByteReader(bytes.NewReader(b)), iotest.HalfReader(bytes.NewReader(b))} {
				again, offsetAgain, errAgain := readAll(src, unauthenticated)
				if !equalCommands(commands, again) || offset != offsetAgain || err.Error() != errAgain.Error() {
					t.Fatalf("at once %q, %d, %v; in pieces %q, %d, %v", commands, offset, err, again, offsetAgain, errAgain)
				}
			}
		}
		for _, words := range commands {
			if len(words) == 0 {
				t.Fatal("a command without a name")
			}
			again, _, err := readAll(bytes.NewReader(AppendCommandStrings(nil, words...)), false)
			if err != io.EOF || !equalCommands(again, [][]string{words}) {
				t.Fatalf("%q written as an array reads as %q, %v", words, again, err)
			}
			again, _, err = readAll(strings.NewReader("'' "+quoteAll(words)+"\n"), false)
			if err != io.EOF || !equalCommands(again, [][]string{append([]string{""}, words...)}) {
				t.Fatalf("%q written as a line reads as %q, %v", words, again, err)
			}
		}
	})
}

func equalCommands(a, b [][]string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if strings.Join(a[i], "\x00,") != strings.Join(b[i], "\x00,") || len(a[i]) != len(b[i]) {
			return false
		}
	}
	return true
}
