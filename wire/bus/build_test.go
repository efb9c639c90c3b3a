package bus_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/wire/bus"
)

func mustBuild(t *testing.T, words string, lines ...string) []byte {
	t.Helper()
	b, err := bus.Build(bus.Header{}, strings.Fields(words), lines)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A lie changes what it names and nothing else.
func TestBuildLies(t *testing.T) {
	honest := mustBuild(t, "PING port=7000", gossipLine)
	for _, c := range []struct {
		words string
		want  func([]byte) []byte
	}{
		{"totlen=2255", patch(4, 0, 0, 0x08, 0xcf)},
		{"ver=2", patch(8, 0, 2)},
		{"sig=58585858", patch(0, 'X', 'X', 'X', 'X')},
		{"count=65535", patch(14, 0xff, 0xff)},
		{"extcount=258", patch(2214, 1, 2)},
		{"type=77", patch(12, 0, 77)},
		{"type=FAIL", patch(12, 0, 3)},
		{"raw@2250=ffff", patch(2250, 0xff, 0xff)},
		{"raw@0x10=01", patch(16, 1)},
		{"raw@0=58 raw@0=59", patch(0, 'Y')},
		{"truncate=100", func(b []byte) []byte { return b[:100] }},
		{"append=0102", func(b []byte) []byte { return append(b, 1, 2) }},
		{"truncate=2256 append=ff raw@2256=fe", func(b []byte) []byte { return append(b[:2256], 0xfe) }},
		{"append=-", func(b []byte) []byte { return b }},
	} {
		got := mustBuild(t, "PING port=7000 "+c.words, gossipLine)
		if want := c.want(bytes.Clone(honest)); !bytes.Equal(got, want) {
			t.Errorf("%s: got\n%swant\n%s", c.words, bus.FrameText(got), bus.FrameText(want))
		}
	}
}

func patch(off int, bytes ...byte) func([]byte) []byte {
	return func(b []byte) []byte {
		copy(b[off:], bytes)
		return b
	}
}

func TestBuildTakesTheTemplate(t *testing.T) {
	tmpl := bus.Header{Sender: bus.IDFrom("me"), Port: 7000, Flags: bus.FlagReplica, CurrentEpoch: 9, Type: bus.TypeFail}
	b, err := bus.Build(tmpl, []string{"PONG", "currentEpoch=10"}, []string{"  ext hostname h", "", "  offset=3"})
	if err != nil {
		t.Fatal(err)
	}
	p := mustParse(t, b)
	if p.Type != bus.TypePong || p.Sender != tmpl.Sender || p.Port != 7000 || p.Flags != bus.FlagReplica || p.CurrentEpoch != 10 ||
		p.Offset != 3 || p.Ver != bus.Version || string(p.Sig[:]) != bus.Signature || !p.MFlags.Has(bus.MFlagExtData) {
		t.Errorf("%s", bus.FrameText(b))
	}
	if v := bus.Check(b); v.Rule != bus.RuleNone {
		t.Errorf("%s", v)
	}
}

func TestBuildErrorsNameTheWord(t *testing.T) {
	for _, c := range []struct {
		words, line, want string
	}{
		{"", "", "bus: the packet type is missing"},
		{"NONE", "", `bus: packet type: "NONE" is neither a number nor one of PING PONG`},
		{"PING now", "", `bus: word "now": it is not key=value`},
		{"PING port=", "", `bus: word "port=": "" is not a number`},
		{"PING about=x", "", `bus: word "about=x": a PING packet has no field "about"`},
		{"FAIL about.slots=1", "", `bus: word "about.slots=1": a FAIL packet has no field "about.slots"`},
		{"UPDATE about.port=1", "", `bus: word "about.port=1": unknown key "port"`},
		{"MODULE module.id=12", "", `bus: word "module.id=12": id: 1 bytes of hex, want 8`},
		{"PING raw@x=00", "", `bus: word "raw@x=00": "x" is not a number`},
		{"PING raw@0=0", "", `bus: word "raw@0=0": "0" is not hex`},
		{"PING raw@2255=0000", "", `bus: word "raw@2255=0000": it ends at offset 2257, the packet has only 2256 bytes`},
		{"PING truncate=2257", "", `bus: word "truncate=2257": the packet has only 2256 bytes`},
		{"PING truncate=3 type=1", "", `bus: word "type=1": the packet has only 3 bytes`},
		{"PING type=x", "", `bus: word "type=x": "x" is neither`},
		{"PING append=x", "", `bus: word "append=x": "x" is not hex`},
		{"PING port=1 port=2", "", `bus: word "port=2": it is given twice`},
		{"PING", "  gossip", `bus: line 1 "gossip": gossip: the node id is missing`},
		{"MFSTART", "gossip x", `bus: line 1 "gossip x": a packet of this type has no "gossip" line`},
	} {
		var lines []string
		if c.line != "" {
			lines = []string{c.line}
		}
		b, err := bus.Build(bus.Header{}, strings.Fields(c.words), lines)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || b != nil {
			t.Errorf("%s %q: %v, want %s", c.words, c.line, err, c.want)
		}
	}
}

// The lists that documentation is made from are those that work.
func TestListedWordsAreUnderstood(t *testing.T) {
	var h bus.Header
	for _, w := range bus.HeaderWords() {
		if known, _ := bus.SetHeader(&h, w.Key, "x"); !known || w.Doc == "" {
			t.Errorf("header word %s: known %v, doc %q", w.Key, known, w.Doc)
		}
	}
	values := strings.NewReplacer("ID", "x", "SLOTS", "1", "HEX", "0102030405060708", "TEXT", "x", "OFF", "0", "N", "3")
	for _, w := range bus.BuildWords() {
		types := []string{"PING"}
		if list, _, ok := strings.Cut(w.Doc, ": "); ok {
			types = strings.Split(list, ", ")
		}
		for _, typ := range types {
			key, value, _ := strings.Cut(w.Key, "=")
			key = strings.Replace(key, "OFF", "0", 1)
			if _, err := bus.Build(bus.Header{}, []string{typ, key + "=" + values.Replace(value)}, nil); err != nil {
				t.Errorf("%s: %v", w.Key, err)
			}
		}
	}
}
