package bus_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	fixture "github.com/slotdiff/slotdiff/fixtures/bus"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// The hot path of a node, on a PING with three gossip entries and every extension.
func TestHotPathAllocatesNothing(t *testing.T) {
	frame := fixture.Get("ping_full").Frame
	var d bus.Decoder
	p, err := d.Decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	ping := p.Body.(*bus.Ping)
	if len(ping.Gossip) != 3 || len(ping.Exts) != bus.ExtCount {
		t.Fatalf("the fixture has %d gossip entries and %d extensions", len(ping.Gossip), len(ping.Exts))
	}
	buf := make([]byte, 0, len(frame))
	for name, f := range map[string]func(){
		"FrameLen": func() { _, err = bus.FrameLen(frame) },
		"Check":    func() { bus.Check(frame) },
		"Decode":   func() { p, err = d.Decode(frame) },
		"Append":   func() { buf = p.Append(buf[:0]) },
		"extensions": func() {
			ping.ExtText(0)
			ping.ExtText(1)
			ping.ExtForgotten(2)
			ping.ExtID(3)
			ping.ExtID(4)
		},
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 || err != nil {
			t.Errorf("%s allocates %v times; error %v", name, n, err)
		}
	}
	if !bytes.Equal(buf, frame) {
		t.Error("what was appended is not the frame")
	}
}

// A packet of a decoder is as one of Parse, whatever the decoder held before.
func TestDecoderForgetsWhatItHeld(t *testing.T) {
	var d bus.Decoder
	all := fixture.Captures()
	for _, before := range all {
		for _, c := range all {
			if _, err := d.Decode(before.Frame); err != nil {
				t.Fatal(err)
			}
			if p, err := d.Decode(c.Frame[:len(c.Frame)-1]); p != nil || err == nil {
				t.Fatalf("%s: cut short, decodes", c.Name)
			}
			p, err := d.Decode(c.Frame)
			if err != nil {
				t.Fatal(err)
			}
			want := mustParse(t, c.Frame)
			if p.Header != want.Header || mustText(t, p) != mustText(t, want) ||
				reflect.TypeOf(p.Body) != reflect.TypeOf(want.Body) {
				t.Fatalf("%s after %s:\n%s", c.Name, before.Name, mustText(t, p))
			}
		}
	}
}

func TestParsedPacketSharesNoMemory(t *testing.T) {
	each(t, func(t *testing.T, c fixture.Capture) {
		frame := bytes.Clone(c.Frame)
		p := mustParse(t, frame)
		for i := range frame {
			frame[i] ^= 0xff
		}
		if !bytes.Equal(p.Append(nil), c.Frame) {
			t.Error("the packet changed with the caller's bytes")
		}
	})
}

func TestFormatErrorSaysWhereAndWhy(t *testing.T) {
	for _, c := range []struct {
		words  []string
		lines  []string
		field  string
		offset int
	}{
		{[]string{"PING", "truncate=100"}, nil, "header", 0},
		{[]string{"PING", "totlen=9999"}, nil, "totlen", 4},
		{[]string{"PING", "count=2"}, []string{gossipLine}, "gossip[1]", 2360},
		{[]string{"PING", "extcount=3"}, []string{gossipLine, "ext shardid a", "ext secret b"}, "ext[2]", 2456},
		{[]string{"PING"}, []string{"ext 9 payload=- len=12"}, "ext[0]", 2256},
		{[]string{"PING"}, []string{"ext 9 payload=- len=0"}, "ext[0]", 2256},
		{[]string{"PING", "count=0"}, []string{gossipLine}, "body", 2256},
		{[]string{"FAIL", "totlen=2257", "truncate=2257"}, nil, "about", 2256},
		{[]string{"MFSTART", "append=00", "totlen=2257"}, nil, "body", 2256},
		{[]string{"PUBLISH", "channel=abc", "raw@2256=00000004"}, nil, "channel", 2264},
		{[]string{"PUBLISH", "channel=abc", "message=d", "raw@2260=00000002"}, nil, "message", 2267},
		{[]string{"PUBLISH", "channel=abc", "message=d", "raw@2260=00000000"}, nil, "body", 2267},
		{[]string{"UPDATE", "totlen=2300", "truncate=2300"}, nil, "update", 2256},
		{[]string{"MODULE", "totlen=2260", "truncate=2260"}, nil, "module", 2256},
		{[]string{"MODULE", "raw@2264=ffffffff"}, nil, "payload", 2269},
	} {
		b, err := bus.Build(bus.Header{}, c.words, c.lines)
		if err != nil {
			t.Fatal(err)
		}
		p, err := bus.Parse(b)
		var fe *bus.FormatError
		if !errors.As(err, &fe) || p != nil {
			t.Errorf("%q %q: %v, %v", c.words, c.lines, p, err)
			continue
		}
		if fe.Field != c.field || fe.Offset != c.offset || fe.Reason == "" {
			t.Errorf("%q %q: %v; want %s at offset %d", c.words, c.lines, fe, c.field, c.offset)
		}
	}
}

// Redis reads the text and the ids of extensions on into what follows them.
func TestExtensionsAreReadAsRedisReadsThem(t *testing.T) {
	id := "67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1"
	b, err := bus.Build(bus.Header{}, []string{"PING"}, []string{
		"ext hostname payload=6162636465666768", // no NUL of its own
		"ext shardid payload=-",                 // no id of its own
		"ext nodename \"blue\"",
		"ext forgotten " + id + " ttl=77",
		"ext nodename payload=6162636465666768",
	})
	if err != nil {
		t.Fatal(err)
	}
	p := mustParse(t, b).Body.(*bus.Ping)
	if text, ok := p.ExtText(0); !ok || string(text) != "abcdefgh" {
		t.Errorf("host name %q, %v", text, ok)
	}
	got, ok := p.ExtID(1)
	want := "\x00\x00\x00\x10\x00\x01\x00\x00blue\x00\x00\x00\x00\x00\x00\x00\x38\x00\x02\x00\x00" + id[:16]
	if !ok || got.String() != want {
		t.Errorf("shard id %q, %v; want %q", got, ok, want)
	}
	if text, ok := p.ExtText(2); !ok || string(text) != "blue" {
		t.Errorf("node name %q, %v", text, ok)
	}
	if got, ttl, ok := p.ExtForgotten(3); !ok || got.String() != id || ttl != 77 {
		t.Errorf("forgotten %s for %d, %v", got, ttl, ok)
	}
	if text, ok := p.ExtText(4); ok || text != nil {
		t.Errorf("a text that ends nowhere is %q", text)
	}
	if got, ok := p.ExtID(4); ok || !got.IsZero() {
		t.Errorf("an id beyond the packet is %q", got)
	}
	if got, ttl, ok := p.ExtForgotten(4); ok || !got.IsZero() || ttl != 0 {
		t.Errorf("a forgotten node beyond the packet is %q for %d", got, ttl)
	}
}

func TestIDAndIP(t *testing.T) {
	for id, valid := range map[string]bool{
		"67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1": true,
		"zzed2db8d677e59ec4a4cefb06858cf2a1a89fzz": true, // Redis does not ask for hex
		"67ED2db8d677e59ec4a4cefb06858cf2a1a89fa1": false,
		"67ed2db8d677e59ec4a4cefb06858cf2a1a89fa":  false,
		"": false,
	} {
		if got := bus.IDFrom(id).Valid(); got != valid {
			t.Errorf("%q valid: %v", id, got)
		}
	}
	ip := bus.IPFrom("127.0.0.1")
	if ip.String() != "127.0.0.1" || !ip.Terminated() || ip.IsZero() {
		t.Errorf("%q", ip)
	}
	for i := range ip {
		ip[i] = 'x'
	}
	if len(ip.String()) != bus.IPLen || ip.Terminated() {
		t.Errorf("%q: %v", ip, ip.Terminated())
	}
}
