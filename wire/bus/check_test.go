package bus_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	fixture "github.com/slotdiff/slotdiff/fixtures/bus"
	"github.com/slotdiff/slotdiff/wire/bus"
)

const gossipLine = "gossip 67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 addr=127.0.0.1:7001@17001 flags=master"

// checkCases hits every rule, most of them in several ways, and shows the order in which rules are looked at.
var checkCases = []struct {
	words string
	lines []string
	want  bus.Rule
}{
	{"PING", nil, bus.RuleNone},
	{"PING", []string{gossipLine, "ext shardid a"}, bus.RuleNone},
	{"FAIL", nil, bus.RuleNone},
	{"PUBLISH channel=a message=b", nil, bus.RuleNone},
	{"PUBLISH", nil, bus.RuleNone},
	{"MODULE", nil, bus.RuleNone},
	{"FAILOVER_AUTH_REQUEST count=3", nil, bus.RuleNone},
	{"MFSTART extcount=3 mflags=ext", nil, bus.RuleNone},

	{"PING sig=52436d63", nil, bus.RuleSignature},
	{"PING sig=00000000 totlen=0 ver=2", nil, bus.RuleSignature},
	{"PING totlen=2255", nil, bus.RuleLengthBelowHeader},
	{"PING totlen=0 ver=2", nil, bus.RuleLengthBelowHeader},
	{"PING totlen=8 truncate=8", nil, bus.RulePrefixOnly},
	{"PING sig=00000000 totlen=8 truncate=8", nil, bus.RulePrefixOnly},
	{"PING totlen=8", nil, bus.RuleFrameLength},
	{"PING totlen=9 truncate=8", nil, bus.RuleLengthBelowHeader},

	{"PING totlen=2257", nil, bus.RuleFrameLength},
	{"PING totlen=4294967295 ver=2", nil, bus.RuleFrameLength},
	{"PING append=00", nil, bus.RuleFrameLength},
	{"PING truncate=7", nil, bus.RuleFrameLength},
	{"PING truncate=0", nil, bus.RuleFrameLength},

	{"PING ver=0", nil, bus.RuleVersion},
	{"PING ver=256 count=1", nil, bus.RuleVersion},
	{"TYPE65535 ver=2", nil, bus.RuleVersion},

	{"PING", []string{"ext 9 payload=0102030405060708 len=7"}, bus.RuleExtPadding},
	{"PING", []string{"ext 9 payload=0102030405060708 len=17"}, bus.RuleExtPadding},
	{"PING", []string{"ext shardid a", "ext 9 payload=- len=65535"}, bus.RuleExtPadding},

	{"PING", []string{"ext 9 payload=- len=16"}, bus.RuleExtExceedsPacket},
	{"PING", []string{"ext 9 payload=- len=65528"}, bus.RuleExtExceedsPacket},
	{"PING", []string{"ext 9 payload=- len=8", "ext 9 payload=- len=16"}, bus.RuleExtExceedsPacket},

	{"PING", []string{"ext 9 payload=- len=65544"}, bus.RuleNone}, // 0x10008: of the last, only the low 16 bits count
	{"PING", []string{"ext 9 payload=- len=65536"}, bus.RuleLengthMismatch},
	{"PING", []string{"ext 9 payload=- len=0"}, bus.RuleLengthMismatch},
	{"PING extcount=0", []string{"ext shardid a"}, bus.RuleLengthMismatch},
	{"PING extcount=1", []string{"ext shardid a", "ext secret b"}, bus.RuleLengthMismatch},
	{"PING mflags=000000", []string{"ext shardid a"}, bus.RuleLengthMismatch},
	{"PING mflags=040000 count=1", nil, bus.RuleLengthMismatch},
	{"PING count=0", []string{gossipLine}, bus.RuleLengthMismatch},
	{"PONG count=1", nil, bus.RuleLengthMismatch},
	{"MEET count=65535", nil, bus.RuleLengthMismatch},
	{"FAIL totlen=2295 truncate=2295", nil, bus.RuleLengthMismatch},
	{"FAIL totlen=2297 append=00", nil, bus.RuleLengthMismatch},
	{"FAILOVER_AUTH_REQUEST totlen=2257 append=00", nil, bus.RuleLengthMismatch},
	{"FAILOVER_AUTH_ACK totlen=2257 append=00", nil, bus.RuleLengthMismatch},
	{"MFSTART totlen=2257 append=00", nil, bus.RuleLengthMismatch},
	{"UPDATE totlen=4351 truncate=4351", nil, bus.RuleLengthMismatch},
	{"PUBLISH channel=abc message=de raw@2256=00000004", nil, bus.RuleLengthMismatch},
	{"PUBLISHSHARD channel=abc message=de raw@2260=00000001", nil, bus.RuleLengthMismatch},
	{"MODULE module.payload=abc raw@2264=00000004", nil, bus.RuleLengthMismatch},
	{"MODULE totlen=2268 truncate=2268", nil, bus.RuleLengthMismatch},

	{"TYPE11", nil, bus.RuleUnknownType},
	{"TYPE11 count=9", []string{"raw 00"}, bus.RuleUnknownType},
	{"PING type=65535", []string{gossipLine}, bus.RuleUnknownType},

	{"PING mflags=ext extcount=1", nil, bus.RuleExtOutOfBounds},
	{"PING mflags=ext extcount=65535", nil, bus.RuleExtOutOfBounds},
	{"PING extcount=2", []string{"ext shardid a"}, bus.RuleExtOutOfBounds},
	{"PING mflags=ext extcount=1 count=65535", nil, bus.RuleExtOutOfBounds},
	{"PING count=2", []string{gossipLine, "ext shardid a"}, bus.RuleExtOutOfBounds},

	{"PING", []string{"ext 9 payload=- len=65544", "ext shardid a"}, bus.RuleExtLengthWide},
	{"PING", []string{"ext 9 payload=- len=65536", "ext shardid a"}, bus.RuleExtLengthWide},
	{"PING", []string{"ext 9 payload=- len=65543", "ext shardid a"}, bus.RuleExtPadding},
	{"PING", []string{"ext 9 payload=- len=4294967288", "ext shardid a"}, bus.RuleExtExceedsPacket},

	{"PING extcount=1", nil, bus.RuleExtWithoutFlag},
	{"PONG extcount=65535", []string{gossipLine}, bus.RuleExtWithoutFlag},

	{"PING", []string{"ext hostname payload=6162636465666768"}, bus.RuleExtTextUnterminated},
	{"PING", []string{"ext nodename payload=-"}, bus.RuleExtTextUnterminated},
	{"PING", []string{"ext shardid a", "ext hostname payload=6162636465666768"}, bus.RuleExtTextUnterminated},
	{"PING", []string{"ext hostname payload=6162636465666768", "ext shardid a"}, bus.RuleNone}, // reads into the next

	{"PING", []string{"ext shardid payload=-"}, bus.RuleExtShort},
	{"PING", []string{"ext secret payload=" + strings.Repeat("61", 32)}, bus.RuleExtShort},
	{"PING", []string{"ext forgotten payload=" + strings.Repeat("61", 40)}, bus.RuleExtShort},
	{"PING", []string{"ext shardid payload=-", "ext shardid a"}, bus.RuleNone}, // reads into the next

	{"PUBLISH totlen=2263 truncate=2263", nil, bus.RulePublishShort},
	{"PUBLISHSHARD totlen=2256 truncate=2256", nil, bus.RulePublishShort},
	{"PUBLISH channel=abc message=de raw@2256=ffffffff00000006", nil, bus.RulePublishLengthWraps},
	{"PUBLISHSHARD raw@2256=8000000080000000", nil, bus.RulePublishLengthWraps},

	{"MODULE totlen=2267 truncate=2267", nil, bus.RuleModuleShort},
	{"MODULE totlen=2268 truncate=2268 raw@2264=ffffffff", nil, bus.RuleModuleLengthWraps},
}

func TestCheckNamesTheRule(t *testing.T) {
	hit := map[bus.Rule]bool{bus.RuleDebugDrop: true} // has a test of its own
	for _, c := range checkCases {
		t.Run(c.words+" "+strings.Join(c.lines, ";"), func(t *testing.T) {
			frame, err := bus.Build(bus.Header{}, strings.Fields(c.words), c.lines)
			if err != nil {
				t.Fatal(err)
			}
			hit[c.want] = true
			v := bus.Check(frame)
			if v.Rule != c.want || v.Action != c.want.Action() {
				t.Fatalf("Check = %s, want rule %s, which %ss", v, c.want, c.want.Action())
			}
			if p, err := bus.Parse(frame); v.Action == bus.Accept && err != nil {
				t.Errorf("it is accepted and does not parse: %v", err)
			} else if err == nil && !bytes.Equal(p.Append(nil), frame) {
				t.Error("it parses with loss")
			}
			if n := testing.AllocsPerRun(10, func() { bus.Check(frame) }); n != 0 {
				t.Errorf("Check allocates %v times", n)
			}
		})
	}
	for _, r := range bus.Rules() {
		if !hit[r] {
			t.Errorf("no case hits rule %s", r)
		}
	}
}

func TestDebugDropComesAfterTheVersionAndBeforeTheBody(t *testing.T) {
	for words, want := range map[string]bus.Rule{
		"PONG count=9": bus.RuleDebugDrop,
		"PONG ver=2":   bus.RuleVersion,
		"PING":         bus.RuleNone,
	} {
		frame, err := bus.Build(bus.Header{}, strings.Fields(words), nil)
		if err != nil {
			t.Fatal(err)
		}
		if v := bus.CheckFiltered(frame, int(bus.TypePong)); v.Rule != want {
			t.Errorf("%s: %s, want %s", words, v, want)
		}
	}
}

func TestRulesAreDocumented(t *testing.T) {
	names := make(map[string]bool)
	for _, r := range bus.Rules() {
		if r.Doc() == "" || names[r.String()] || strings.ToLower(r.String()) != r.String() {
			t.Errorf("rule %d: name %q, doc %q", r, r, r.Doc())
		}
		names[r.String()] = true
		if r.Unsafe() && (r.Action() != bus.Ignore || !strings.Contains(r.Doc(), "A safe node")) {
			t.Errorf("%s is unsafe: it must be ignored and say what a safe node does", r)
		}
	}
}

func TestCutFrame(t *testing.T) {
	frame := (&bus.Packet{}).Seal().Append(nil)
	bad := "GET \x00\x00\x08\xd0" // no signature; the length behind it is that of a header
	for _, tc := range []struct {
		b           string
		frame, rest int
		fails       bool
	}{
		{"", 0, 0, false},
		{string(frame[:7]), 0, 7, false},
		{string(frame[:8]), 0, 8, false},
		{string(frame[:len(frame)-1]), 0, len(frame) - 1, false},
		{string(frame), len(frame), 0, false},
		{string(frame) + "RC", len(frame), 2, false},
		{"RCmb\x00\x00\x00\x08RC", 8, 2, false},
		{string(frame) + bad, len(frame), 8, false}, // what follows is not looked at yet
		{bad[:7], 0, 7, false},
		{bad, 0, 8, true},
	} {
		frame, rest, err := bus.CutFrame([]byte(tc.b))
		if len(frame) != tc.frame || len(rest) != tc.rest || (err != nil) != tc.fails || (frame == nil) != (tc.frame == 0) || string(frame)+string(rest) != tc.b {
			t.Errorf("%d bytes: %d and %d, %v; want %+v", len(tc.b), len(frame), len(rest), err, tc)
		}
	}
}

func TestFrameLen(t *testing.T) {
	for n := range bus.PrefixLen {
		if got, err := bus.FrameLen([]byte("XXXXXXXX")[:n]); got != 0 || err != nil {
			t.Errorf("%d bytes: %d, %v; want more bytes", n, got, err)
		}
	}
	for prefix, want := range map[string]string{
		"RCmb\x00\x00\x08\xd0": "2256",
		"RCmb\xff\xff\xff\xff": "4294967295",
		"RCmb\x00\x00\x08\xcf": "length-below-header",
		"RCmb\x00\x00\x00\x08": "8",
		"xxxx\x00\x00\x00\x08": "8",
		"RCmb\x00\x00\x00\x09": "length-below-header",
		"RCmc\x00\x00\x08\xd0": "signature",
		"\x00\x00\x00\x00RCmb": "signature",
	} {
		n, err := bus.FrameLen([]byte(prefix))
		got := fmt.Sprint(n)
		if re, ok := err.(*bus.RuleError); ok {
			got = re.Rule.String()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", prefix, got, want)
		}
	}
}

// slowCheck is the twin of Check for gossip packets: the same walk in the 32-bit arithmetic of the C source, as if
// zero bytes followed the frame. It gives false where it had to look at those.
func slowCheck(frame []byte) (rule bus.Rule, inside bool) {
	be := binary.BigEndian
	total := uint32(len(frame))
	expected := uint32(bus.HeaderLen) + uint32(bus.GossipLen)*uint32(be.Uint16(frame[14:]))
	inside = true
	if frame[2253]&4 != 0 {
		at := uint64(expected)
		for range be.Uint16(frame[2214:]) {
			var length uint32
			if at+4 > uint64(total) {
				inside = false
			} else {
				length = be.Uint32(frame[at:])
			}
			low := uint16(length)
			if low%8 != 0 {
				return bus.RuleExtPadding, inside
			}
			if total-expected < uint32(low) {
				return bus.RuleExtExceedsPacket, inside
			}
			expected += uint32(low)
			at += uint64(length)
		}
	}
	if expected != total {
		return bus.RuleLengthMismatch, inside
	}
	return bus.RuleNone, inside
}

func TestCheckAgreesWithItsSlowTwin(t *testing.T) {
	base := fixture.Get("ping_full").Frame
	reached := make(map[bus.Rule]int)
	interesting := []int{14, 15, 2214, 2215, 2253, 2568, 2569, 2570, 2571, 2592, 2593, 2594, 2595, 2616}
	for i := range 20000 {
		frame := bytes.Clone(base)
		for j := range 1 + i%3 {
			k := uint64(i*7+j*13) * 0x9e3779b97f4a7c15
			frame[interesting[k>>32%uint64(len(interesting))]] = []byte{0, 1, 2, 3, 4, 5, 8, 16, 24, 48, 56, 255, byte(k >> 20)}[k>>48%13]
		}
		if p, err := bus.Parse(frame); err == nil && !bytes.Equal(p.Append(nil), frame) {
			t.Fatal("loss")
		}
		got := bus.Check(frame).Rule
		want, inside := slowCheck(frame)
		switch {
		case !inside && got == bus.RuleExtLengthWide:
			want = got
		case !inside:
			want = bus.RuleExtOutOfBounds
		case want == bus.RuleNone && got.Unsafe():
			want = got // the twin knows nothing of payloads
		}
		if got != want {
			t.Fatalf("Check says %s, its twin %s:\n%s", got, want, bus.FrameText(frame))
		}
		reached[got]++
	}
	for _, r := range []bus.Rule{
		bus.RuleNone, bus.RuleExtPadding, bus.RuleExtExceedsPacket, bus.RuleLengthMismatch, bus.RuleExtOutOfBounds,
		bus.RuleExtLengthWide,
	} {
		if reached[r] < 50 {
			t.Errorf("rule %s was reached %d times only", r, reached[r])
		}
	}
}
