package resp

import (
	"bytes"
	"io"
	"testing"
)

// endless repeats b for ever.
type endless struct {
	b   []byte
	pos int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.b[e.pos:])
	if e.pos += n; e.pos == len(e.b) {
		e.pos = 0
	}
	return n, nil
}

func fixtureReplies(b *testing.B) (raw []byte, count int) {
	_, all := readFixture(b, "replies.txt")
	for _, x := range all {
		raw = append(raw, x.answer...)
	}
	return raw, len(all)
}

// BenchmarkReadRaw frames replies without building values: what a lockstep compare needs.
func BenchmarkReadRaw(b *testing.B) {
	raw, _ := fixtureReplies(b)
	for name, stream := range map[string][]byte{"fixtures": raw, "short": bytes.Repeat([]byte("+OK\r\n:1\r\n$3\r\nabc\r\n"), 100)} {
		b.Run(name, func(b *testing.B) {
			r := NewReader(&endless{b: stream}, Limits{})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.ReadRaw(); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(r.Offset() / int64(b.N))
		})
	}
}

func BenchmarkRead(b *testing.B) {
	raw, _ := fixtureReplies(b)
	r := NewReader(&endless{b: raw}, Limits{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Read(); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(r.Offset() / int64(b.N))
}

func BenchmarkReadCommand(b *testing.B) {
	for name, stream := range map[string][]byte{
		"array":  bytes.Repeat(AppendCommandStrings(nil, "SET", "key:000000001", "value"), 100),
		"inline": bytes.Repeat([]byte("SET key:000000001 value\r\n"), 100),
	} {
		b.Run(name, func(b *testing.B) {
			r := NewCommandReader(&endless{b: stream}, CommandLimits{})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.ReadCommand(); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(r.Offset() / int64(b.N))
		})
	}
}

func BenchmarkAppendCommand(b *testing.B) {
	args := [][]byte{[]byte("SET"), []byte("key:000000001"), []byte("value")}
	buf := make([]byte, 0, 128)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendCommand(buf[:0], args...)
	}
}

func BenchmarkText(b *testing.B) {
	raw, _ := fixtureReplies(b)
	r := NewReader(bytes.NewReader(raw), Limits{})
	var all []Value
	for {
		v, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, v)
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		for _, v := range all {
			buf = v.AppendText(buf[:0])
		}
	}
}

// TestHotPathsDoNotAllocate: framing a reply, reading a command, writing either.
func TestHotPathsDoNotAllocate(t *testing.T) {
	replies := NewReader(&endless{b: []byte("*2\r\n+OK\r\n%1\r\n:1\r\n$3\r\nabc\r\n|1\r\n+a\r\n:1\r\n,1.5\r\n")}, Limits{})
	commands := NewCommandReader(&endless{b: AppendCommandStrings([]byte("SET 'a b' \"c\"\r\n"), "SET", "a", "b")}, CommandLimits{})
	buf := make([]byte, 0, 256)
	args := [][]byte{[]byte("SET"), []byte("a")}
	for name, f := range map[string]func() error{
		"ReadRaw":       func() error { _, err := replies.ReadRaw(); return err },
		"ReadCommand":   func() error { _, err := commands.ReadCommand(); return err },
		"AppendCommand": func() error { buf = AppendCommand(buf[:0], args...); return nil },
		"AppendDouble":  func() error { buf = AppendDouble(buf[:0], 1234.5678e-9); return nil },
		"AppendSimple":  func() error { buf = AppendSimple(buf[:0], "OK"); return nil },
		"AppendError":   func() error { buf = AppendError(buf[:0], "ERR no"); return nil },
	} {
		for range 2000 { // until the buffers have their size
			if err := f(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		var err error
		if n := testing.AllocsPerRun(1000, func() { err = f() }); n != 0 || err != nil {
			t.Errorf("%s allocates %.1f times, %v", name, n, err)
		}
	}
}

func BenchmarkAppendDouble(b *testing.B) {
	buf := make([]byte, 0, 32)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendDouble(buf[:0], 0.30000000000000004)
	}
}
