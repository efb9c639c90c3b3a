package bus_test

import (
	"bytes"
	"strings"
	"testing"

	fixture "github.com/slotdiff/slotdiff/fixtures/bus"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// Odd packets keep their oddities in the text form.
func TestOddPacketsHaveALosslessTextForm(t *testing.T) {
	for _, c := range []struct {
		words []string
		lines []string
		want  string // a part of the text form
	}{
		{[]string{"PING", "sig=00ff0a20"}, nil, "\n  sig=00ff0a20\n"},
		{[]string{"PONG", "ver=65535"}, nil, "\n  ver=65535 port=0 "},
		{[]string{"FAIL", "count=7", "extcount=8"}, nil, "\n  count=7 extcount=8\n  about -\n"},
		{[]string{"PING", "extcount=0"}, nil, "flags=- state=ok mflags=000000\n"},
		{[]string{"PING", "extcount=3"}, nil, "\n  extcount=3\n"}, // no flag: nobody reads them
		{[]string{"PING", "flags=0xf800", "state=200", "mflags=ff0102"}, nil, "\n  flags=0xf800 state=200 mflags=ff0102\n"},
		{[]string{"PING", "flags=slave,0x8000"}, nil, "\n  flags=replica,0x8000 "},
		{[]string{"PING", "mflags=paused,ext"}, nil, " mflags=050000\n"},
		{[]string{"PING", "raw@2216=" + strings.Repeat("ab", 30)}, nil, "\n  reserved=" + strings.Repeat("ab", 30) + "\n"},
		{[]string{"PING", `sender="-"`}, nil, "PING sender=\"-\"\n"},
		{[]string{"PING", `sender="a b$\x00c"`}, nil, "PING sender=\"a b\\x24\\x00c\"\n"},
		{[]string{"PING", "raw@40=" + strings.Repeat("ff", 40)}, nil, "PING sender=\"" + strings.Repeat(`\xff`, 40) + "\"\n"},
		{[]string{"PING", "ip=::1"}, nil, " ip=::1\n"},
		{[]string{"PING", `ip="127.0.0.1\x00x"`}, nil, " ip=\"127.0.0.1\\x00x\"\n"},
		{[]string{"PING", "replicaof=67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1"}, nil, " replicaof=67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1\n"},
		{
			[]string{"PING"},
			[]string{`gossip "A!" addr=::1:7@8 flags=0x8000,master unused=9 pong=4294967295 ping=1 pport=2`},
			"\n  gossip \"A!\" addr=::1:7@8 pport=2 flags=master,0x8000 ping=1 pong=4294967295 unused=9\n",
		},
		{[]string{"PING"}, []string{`gossip - addr="a:b@c ":0@0`}, "\n  gossip - addr=\"a:b@c \":0@0 pport=0 flags=- ping=0 pong=0\n"},
		{[]string{"PING"}, []string{`gossip - addr=:0@0`}, "\n  gossip - addr=:0@0 "},
		{[]string{"PING"}, []string{`ext hostname "a \" \\ \n\r\t é"`}, "\n  ext hostname \"a \\\" \\\\ \\n\\r\\t \\xc3\\xa9\"\n"},
		{[]string{"PING"}, []string{`ext hostname ""`}, "\n  ext hostname \"\"\n"},
		{[]string{"PING"}, []string{`ext hostname payload=6162636400000001`}, "\n  ext hostname payload=6162636400000001\n"},
		{[]string{"PING"}, []string{`ext hostname payload=61620000000000000000000000000000`}, "\n  ext hostname payload=61620000000000000000000000000000\n"},
		{[]string{"PING"}, []string{`ext nodename payload=-`}, "\n  ext nodename payload=-\n"},
		{[]string{"PING"}, []string{`ext shardid payload=0102030405060708 len=65552 unused=1`}, "\n  ext shardid payload=0102030405060708 len=65552 unused=1\n"},
		{[]string{"PING"}, []string{`ext secret "x y"`}, "\n  ext secret \"x y\"\n"},
		{[]string{"PING"}, []string{`ext forgotten - ttl=18446744073709551615`}, "\n  ext forgotten - ttl=18446744073709551615\n"},
		{[]string{"PING"}, []string{`ext forgotten payload=0102030405060708`}, "\n  ext forgotten payload=0102030405060708\n"},
		{[]string{"PING"}, []string{`ext 65535 payload=0102030405060708`}, "\n  ext 65535 payload=0102030405060708\n"},
		{
			[]string{"UPDATE", "about=x", "about.configEpoch=18446744073709551615", "about.slots=0-16383"},
			nil,
			"\n  about x configEpoch=18446744073709551615 slots=0-16383\n",
		},
		{[]string{"PUBLISH", `channel=""`, `message="\x00\xff"`}, nil, "\n  publish channel=\"\" message=\"\\x00\\xff\"\n"},
		{[]string{"MODULE", "module.type=255", "module.id=ffffffffffffffff"}, nil, "\n  module id=ffffffffffffffff type=255 payload=\"\"\n"},
		{[]string{"TYPE65535"}, nil, "TYPE65535 sender=-\n"},
		{[]string{"TYPE11"}, []string{"raw " + strings.Repeat("0a", 33)}, "\n  raw " + strings.Repeat("0a", 32) + "\n  raw 0a\n"},
	} {
		frame, err := bus.Build(bus.Header{}, c.words, c.lines)
		if err != nil {
			t.Errorf("%q %q: %v", c.words, c.lines, err)
			continue
		}
		text := mustText(t, mustParse(t, frame))
		if !strings.Contains(text, c.want) {
			t.Errorf("%q %q: no %q in\n%s", c.words, c.lines, c.want, text)
		}
		var p bus.Packet
		if err := p.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%v in\n%s", err, text)
		} else if got := p.Append(nil); !bytes.Equal(got, frame) {
			t.Errorf("loss: %s\nis read as\n%s", text, bus.FrameText(got))
		}
	}
}

// The first packet of the example case, as a node sends it.
func TestTextFormOfTheUsualPacket(t *testing.T) {
	frame, err := bus.Build(bus.Header{}, []string{
		"MEET", "sender=67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1", "port=7000",
		"cport=17000", "slots=0-8191", "flags=master,myself", "state=fail", "mflags=ext",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = `MEET sender=67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1
  ver=1 port=7000 pport=0 cport=17000 ip=-
  currentEpoch=0 configEpoch=0 offset=0
  slots=0-8191 replicaof=-
  flags=master,myself state=fail mflags=040000
`
	if got := bus.FrameText(frame); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestUnmarshalTextErrorsNameTheLine(t *testing.T) {
	good := fixture.Get("ping_full").Text
	for _, c := range []struct{ from, to, want string }{
		{good, "", "bus: line 1: the packet type is missing"},
		{"PING sender", "PANG sender", `bus: line 1: packet type: "PANG"`},
		{"PING sender=", "PING sander=", `bus: line 1: unknown key "sander"`},
		{"ver=1", "ver=x", `bus: line 2: ver: "x" is not a number`},
		{"ver=1", "ver=65536", `bus: line 2: ver: "65536" is not a number of 16 bits`},
		{"ver=1", "ver=1 ver=2", `bus: line 2: ver: it is given twice`},
		{"ip=-", `ip="`, `bus: line 2: a quote is not closed`},
		{"ip=-", `ip=a"b"`, `bus: line 2: ip: a"b" has a quote`},
		{"ip=-", "ip=" + strings.Repeat("1", 47), "bus: line 2: ip: 47 bytes do not fit in 46"},
		{"slots=-", "slots=16384", "bus: line 4: slots: "},
		{"flags=master,myself", "flags=master,me", `bus: line 5: flags: "me" is neither`},
		{"state=fail", "state=good", `bus: line 5: state: "good" is neither`},
		{"mflags=040000", "mflags=xyz", `bus: line 5: mflags: "xyz" is neither`},
		{"  gossip", "  gussip", `bus: line 6: a packet of this type has no "gussip" line`},
		{"@", "", `bus: line 6: gossip: addr: `},
		{" pport=0 flags", " pport=0 pport=0 flags", `bus: line 6: gossip: pport is given twice`},
		{" pport=0 flags", " pport flags", `bus: line 6: gossip: pport is not key=value`},
		{"ext hostname", "ext hustname", `bus: line 9: ext: "hustname" is neither`},
		{`ext hostname "h.example"`, "ext hostname", `bus: line 9: ext: want a type and a value`},
		{`ext hostname "h.example"`, `ext 9 "x"`, `bus: line 9: ext: type 9 has no value form`},
		{`ext hostname "h.example"`, `ext hostname payload=abc`, `bus: line 9: ext: payload: "abc" is not hex`},
		{`ext hostname "h.example"`, `ext hostname "a" b`, `bus: line 9: ext: b is too much`},
		{"ttl=", "tll=", `bus: line 11: ext: unknown key "tll"`},
	} {
		text := strings.Replace(good, c.from, c.to, 1)
		if text == good {
			t.Fatalf("%q is not in the fixture", c.from)
		}
		p := *mustParse(t, fixture.Get("fail").Frame)
		err := p.UnmarshalText([]byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q for %q: %v, want %s", c.to, c.from, err, c.want)
		}
		if p.Header != (bus.Header{}) || p.Body != nil {
			t.Errorf("%q for %q: the packet is not zero", c.to, c.from)
		}
	}
}

func TestMarshalTextRefusesAStrangeBody(t *testing.T) {
	p := bus.Packet{Header: bus.Header{Type: bus.TypeFail}, Body: &bus.Ping{}}
	if text, err := p.MarshalText(); err == nil {
		t.Errorf("%s", text)
	}
}

func TestFrameTextShowsWhatIsNoPacket(t *testing.T) {
	got := bus.FrameText([]byte(strings.Repeat("x", 33)))
	want := "BYTES len=33 # header at offset 0: 33 bytes of 2256\n  raw " + strings.Repeat("78", 32) + "\n  raw 78\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestTypeNames(t *testing.T) {
	for _, name := range []string{
		"PING", "PONG", "MEET", "FAIL", "PUBLISH", "FAILOVER_AUTH_REQUEST", "FAILOVER_AUTH_ACK",
		"UPDATE", "MFSTART", "MODULE", "PUBLISHSHARD", "TYPE11", "TYPE65535",
	} {
		typ, err := bus.ParseType(name)
		if err != nil || typ.String() != name {
			t.Errorf("%s: %s, %v", name, typ, err)
		}
	}
	for alias, want := range map[string]bus.Type{"AUTH_REQUEST": bus.TypeAuthRequest, "AUTH_ACK": bus.TypeAuthAck, "10": bus.TypePublishShard} {
		if typ, err := bus.ParseType(alias); err != nil || typ != want {
			t.Errorf("%s: %s, %v", alias, typ, err)
		}
	}
	for _, bad := range []string{"", "ping", "TYPE", "TYPE65536", "TYPE-1", "-1"} {
		if typ, err := bus.ParseType(bad); err == nil {
			t.Errorf("%q is %s", bad, typ)
		}
	}
}
