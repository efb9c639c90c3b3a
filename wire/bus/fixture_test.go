package bus_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	fixture "github.com/slotdiff/slotdiff/fixtures/bus"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// each runs f for every captured packet.
func each(t *testing.T, f func(t *testing.T, c fixture.Capture)) {
	t.Helper()
	for _, c := range fixture.Captures() {
		t.Run(c.Name, func(t *testing.T) { f(t, c) })
	}
}

func mustParse(t testing.TB, b []byte) *bus.Packet {
	t.Helper()
	p, err := bus.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustText(t testing.TB, p *bus.Packet) string {
	t.Helper()
	text, err := p.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCapturesAreReadAndWrittenWithoutLoss(t *testing.T) {
	each(t, func(t *testing.T, c fixture.Capture) {
		n, err := bus.FrameLen(c.Frame)
		if err != nil || n != len(c.Frame) {
			t.Fatalf("FrameLen = %d, %v; the frame has %d bytes", n, err, len(c.Frame))
		}
		p := mustParse(t, c.Frame)
		if got := p.Append(nil); !bytes.Equal(got, c.Frame) {
			t.Errorf("Append gives\n%x\nwant\n%x", got, c.Frame)
		}
		if got := p.Size(); got != len(c.Frame) {
			t.Errorf("Size = %d, want %d", got, len(c.Frame))
		}
		if got := mustText(t, p); got != c.Text {
			t.Errorf("text form is\n%s\nwant\n%s", got, c.Text)
		}
		var q bus.Packet
		if err := q.UnmarshalText([]byte(c.Text)); err != nil {
			t.Fatal(err)
		}
		if got := q.Append(nil); !bytes.Equal(got, c.Frame) {
			t.Errorf("the text form is read as\n%s", mustText(t, &q))
		}
		var d bus.Decoder
		if p, err := d.Decode(c.Frame); err != nil || !bytes.Equal(p.Append(nil), c.Frame) {
			t.Errorf("the decoder loses something, or fails: %v", err)
		}
	})
}

func TestCapturesAreAccepted(t *testing.T) {
	each(t, func(t *testing.T, c fixture.Capture) {
		want := bus.RuleNone
		if !mustParse(t, c.Frame).Type.Known() {
			want = bus.RuleUnknownType
		}
		if v := bus.Check(c.Frame); v.Action != bus.Accept || v.Rule != want {
			t.Errorf("Check = %s, want accept by rule %s", v, want)
		}
	})
}

// What Redis derives, Seal derives too: without it, the packet is the same again.
func TestSealFillsInWhatRedisFillsIn(t *testing.T) {
	each(t, func(t *testing.T, c fixture.Capture) {
		p := mustParse(t, c.Frame)
		p.Sig, p.TotLen, p.Ver, p.Count, p.Extensions = [4]byte{}, 0, 0, 0, 0
		if ping, ok := p.Body.(*bus.Ping); ok {
			for i := range ping.Exts {
				e := &ping.Exts[i]
				e.Length = 0
				if e.Type == bus.ExtHostname || e.Type == bus.ExtNodename {
					text, _ := ping.ExtText(i)
					e.Payload = append(bytes.Clone(text), 0)
				}
			}
			if len(ping.Exts) > 0 {
				p.MFlags[0] &^= bus.MFlagExtData
			}
		}
		if got := p.Seal().Append(nil); !bytes.Equal(got, c.Frame) {
			t.Errorf("sealed:\n%s\nwant\n%s", bus.FrameText(got), c.Text)
		}
	})
}

func TestEveryTruncationFails(t *testing.T) {
	each(t, func(t *testing.T, c fixture.Capture) {
		unknown := !mustParse(t, c.Frame).Type.Known()
		var d bus.Decoder
		for n := range c.Frame {
			if p, err := bus.Parse(c.Frame[:n]); err == nil || p != nil {
				t.Fatalf("the first %d bytes parse: %v, %v", n, p, err)
			}
			if n < 8 {
				continue
			}
			cut := bytes.Clone(c.Frame[:n])
			binary.BigEndian.PutUint32(cut[4:], uint32(n)) // an honest length does not help
			p, err := d.Decode(cut)
			if unknown && n >= bus.HeaderLen {
				if err != nil {
					t.Fatalf("%d bytes of unknown type: %v", n, err)
				}
				continue
			}
			if err == nil || p != nil {
				t.Fatalf("the first %d bytes parse with their length: %v", n, err)
			}
			if v := bus.Check(cut); v.Action == bus.Accept {
				t.Fatalf("Check of the first %d bytes: %s", n, v)
			}
		}
	})
}

func TestTrailingBytesFail(t *testing.T) {
	each(t, func(t *testing.T, c fixture.Capture) {
		longer := append(bytes.Clone(c.Frame), 0)
		if p, err := bus.Parse(longer); err == nil || p != nil {
			t.Errorf("a byte after the packet: %v", err)
		}
		binary.BigEndian.PutUint32(longer[4:], uint32(len(longer)))
		p, err := bus.Parse(longer)
		if mustParse(t, c.Frame).Type.Known() {
			if err == nil || p != nil {
				t.Errorf("a byte within the length, after the body: %v", err)
			}
		} else if err != nil {
			t.Errorf("a longer packet of unknown type: %v", err)
		}
	})
}

// neverSent is what may be handmade: no Redis 8.6 without modules puts it on the wire.
var neverSent = map[string]bool{"type MODULE": true, "type TYPE11": true, "flag handshake": true, "flag noaddr": true}

func TestEverythingHasACapture(t *testing.T) {
	seen := make(map[string]bool) // what -> some capture is from Redis
	note := func(c fixture.Capture, what string) {
		seen[what] = seen[what] || c.Source != fixture.Handmade
	}
	for _, c := range fixture.Captures() {
		if !strings.HasPrefix(c.Source, "redis 8.6") && c.Source != fixture.Handmade || c.How == "" {
			t.Errorf("%s: provenance %q, %q", c.Name, c.Source, c.How)
		}
		p := mustParse(t, c.Frame)
		note(c, "type "+p.Type.String())
		note(c, "state "+p.State.String())
		for _, m := range []byte{bus.MFlagPaused, bus.MFlagForceAck, bus.MFlagExtData} {
			if p.MFlags.Has(m) {
				note(c, "mflag "+string('0'+m))
			}
		}
		flags := p.Flags
		if ping, ok := p.Body.(*bus.Ping); ok {
			for _, g := range ping.Gossip {
				flags |= g.Flags
			}
			for _, e := range ping.Exts {
				note(c, "ext "+e.Type.String())
			}
		}
		for f := bus.FlagMaster; f <= bus.FlagExtensions; f <<= 1 {
			if flags.Has(f) {
				note(c, "flag "+f.String())
			}
		}
	}
	want := []string{"state ok", "state fail", "mflag 1", "mflag 2", "mflag 4"}
	for typ := range bus.Type(bus.TypeCount + 1) { // one unknown type too
		want = append(want, "type "+typ.String())
	}
	for f := bus.FlagMaster; f <= bus.FlagExtensions; f <<= 1 {
		want = append(want, "flag "+f.String())
	}
	for e := range bus.ExtType(bus.ExtCount) {
		want = append(want, "ext "+e.String())
	}
	for _, what := range want {
		switch real, ok := seen[what]; {
		case !ok:
			t.Errorf("no capture has %s", what)
		case !real && !neverSent[what]:
			t.Errorf("only a handmade packet has %s", what)
		}
	}
}
