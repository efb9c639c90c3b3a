package bus_test

import (
	"bytes"
	"errors"
	"testing"

	fixture "github.com/slotdiff/slotdiff/fixtures/bus"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// FuzzBusParse: no panic, nothing but an error on error, and no loss, neither in bytes nor in text.
func FuzzBusParse(f *testing.F) {
	seeds := fixture.Captures()
	if len(seeds) < bus.TypeCount {
		f.Fatalf("%d seeds", len(seeds))
	}
	for _, c := range seeds {
		f.Add(c.Frame)
	}
	for _, c := range checkCases {
		frame, err := bus.Build(bus.Header{}, bytesFields(c.words), c.lines)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
	}
	var d bus.Decoder
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := bus.FrameLen(b)
		if err != nil && n != 0 {
			t.Fatalf("FrameLen: %d and %v", n, err)
		}
		v := bus.Check(b)
		p, err := bus.Parse(b)
		if err != nil {
			var fe *bus.FormatError
			if p != nil || !errors.As(err, &fe) || fe.Offset < 0 || fe.Offset > len(b) {
				t.Fatalf("%v and %v", p, err)
			}
			if v.Action == bus.Accept {
				t.Fatalf("it is accepted and does not parse: %v", err)
			}
			return
		}
		if got := p.Append(nil); !bytes.Equal(got, b) {
			t.Fatalf("loss:\n%x\n%x", got, b)
		}
		text, err := p.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var q bus.Packet
		if err := q.UnmarshalText(text); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if got := q.Append(nil); !bytes.Equal(got, b) {
			t.Fatalf("the text form loses something:\n%s", text)
		}
		if dp, err := d.Decode(b); err != nil || !bytes.Equal(dp.Append(nil), b) {
			t.Fatalf("the decoder loses something, or fails: %v", err)
		}
	})
}

// FuzzBusText: what is read as a text form is written as one that reads the same.
func FuzzBusText(f *testing.F) {
	for _, c := range fixture.Captures() {
		f.Add(c.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var p bus.Packet
		if err := p.UnmarshalText([]byte(text)); err != nil {
			if p.Header != (bus.Header{}) || p.Body != nil {
				t.Fatal("the packet is not zero after an error")
			}
			return
		}
		again, err := p.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var q bus.Packet
		if err := q.UnmarshalText(again); err != nil {
			t.Fatalf("%v in\n%s", err, again)
		}
		if !bytes.Equal(p.Append(nil), q.Append(nil)) {
			t.Fatalf("loss:\n%s\n%s", text, again)
		}
	})
}

func bytesFields(s string) (words []string) {
	for w := range bytes.FieldsSeq([]byte(s)) {
		words = append(words, string(w))
	}
	return words
}

func BenchmarkParse(b *testing.B) {
	frame := fixture.Get("ping_full").Frame
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bus.Parse(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	frame := fixture.Get("ping_full").Frame
	var d bus.Decoder
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	frame := fixture.Get("ping_full").Frame
	p := mustParse(b, frame)
	buf := make([]byte, 0, len(frame))
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		buf = p.Append(buf[:0])
	}
}

func BenchmarkCheck(b *testing.B) {
	frame := fixture.Get("ping_full").Frame
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if v := bus.Check(frame); v.Action != bus.Accept {
			b.Fatal(v)
		}
	}
}

func BenchmarkMarshalText(b *testing.B) {
	p := mustParse(b, fixture.Get("ping_full").Frame)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = p.AppendText(buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnmarshalText(b *testing.B) {
	text := []byte(fixture.Get("ping_full").Text)
	b.ReportAllocs()
	for b.Loop() {
		var p bus.Packet
		if err := p.UnmarshalText(text); err != nil {
			b.Fatal(err)
		}
	}
}
