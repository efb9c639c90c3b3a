package cluster

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// digest is a fingerprint of all that a Ready asks for.
func digest(rd *Ready) string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%+v", rd)))[:16]
}

// A run that was written down and read again gives the same effects.
func TestTraceReplays(t *testing.T) {
	net := newNet(t, 3)
	a := net.hosts[0]
	net.meet()
	net.shareSlots(2)
	net.hosts[2].do(Replicate{Node: a.id()})
	a.do(SetSlot{Slot: 5, Action: SetSlotMigrating, Node: net.hosts[1].id()})
	net.hosts[1].down = true
	for id := range net.hosts[1].links {
		net.hosts[1].hangUp(id)
	}
	net.run(4000)
	a.do(Publish{Channel: []byte("ch\x00"), Message: []byte("m"), Shard: true})
	a.step(Report{ReplOffset: 9, SendQueues: []SendQueue{{Link: 2, Bytes: 4}}})

	text := AppendTrace(nil, testStart, a.trace)
	steps, err := ParseTrace(string(text), testStart)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a.trace, steps, cmp.Comparer(func(x, y netip.Addr) bool { return x == y })); diff != "" {
		t.Fatalf("events (-taken +read):\n%s", diff)
	}
	n, err := New(Config{Rand: rand.NewPCG(1, 7), Now: testStart, Settings: a.first})
	if err != nil {
		t.Fatal(err)
	}
	rd := n.Ready()
	got := []string{digest(&rd)}
	for _, s := range steps {
		if err := n.Step(s.At, s.Event); err != nil {
			t.Fatal(err)
		}
		rd := n.Ready()
		got = append(got, digest(&rd))
	}
	if len(got) < 100 {
		t.Fatalf("only %d steps", len(got))
	}
	for i := range a.digests {
		if got[i] != a.digests[i] {
			t.Fatalf("step %d has other effects", i)
		}
	}
	if !bytes.Equal(n.AppendNodes(nil, false), a.n.AppendNodes(nil, false)) {
		t.Error("CLUSTER NODES differ in the end")
	}
}

func TestTraceForms(t *testing.T) {
	ping := packet('p')
	odd := ping.Append(nil)
	odd[0] = 'X'
	steps := []Step{
		{5, Tick{}},
		{5, LinkUp{Link: 1, Local: netip.MustParseAddr("::1")}},
		{8, Recv{Link: 1, Frame: ping.Append(nil)}},
		{8, Recv{Link: 1, Frame: []byte("GET / HT")}},
		{8, Recv{Link: 1, Frame: odd}},
		{9, LinkDown{Link: 1, Reason: "read: connection reset by peer"}},
	}
	for i, r := range requests {
		steps = append(steps, Step{10, Admin{Tag: uint64(i), Request: r}})
	}
	text := string(AppendTrace(nil, 2, steps))
	for _, want := range []string{
		"+3 tick\n+0 up 1 local=::1 peer=-\n+3 recv 1\n  PING sender=" + puppetID('p').String() + "\n",
		"+0 recv 1 hex=474554202f204854\n",
		"+1 down 1 read: connection reset by peer\n+1 admin 0 Meet {",
		` Claim {"Populated":"-"}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	got, err := ParseTrace(text, 2)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(steps, got) {
		t.Errorf("read (-want +got):\n%s", cmp.Diff(steps, got, cmp.Comparer(func(x, y netip.Addr) bool { return x == y })))
	}
}

func TestParseTraceRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"tick\n":                      `trace:1: "tick" is no +milliseconds`,
		"+0 tick\n-1 tick\n":          `trace:2: "-1" is no +milliseconds`,
		"+0 tock 1\n":                 `trace:1: no event "tock"`,
		"+0 tick\n  PING sender=-\n":  `trace:1: tick takes no packet`,
		"+0 up x\n":                   `trace:1: up: strconv.ParseUint: parsing "x": invalid syntax`,
		"+0 up 1 here=1 peer=-\n":     `trace:1: "here=1" is no local=`,
		"+0 recv 1 hex=0\n":           `trace:1: encoding/hex: odd length hex string`,
		"+0 admin 1 Dance {}\n":       `trace:1: no request "Dance"`,
		"+0 admin 1 Forget {\n":       `trace:1: Forget: unexpected end of JSON input`,
		"+0 report\n":                 `trace:1: unexpected end of JSON input`,
		"+0 report {\"ReplOffset\":}": `trace:1: invalid character '}' looking for beginning of value`,
	} {
		steps, err := ParseTrace(text, 0)
		if err == nil || err.Error() != want || steps != nil {
			t.Errorf("%q: got %v, %v; want %s", text, steps, err, want)
		}
	}
}

// Every frame that a core sends has a text form that gives it back.
func TestSentFramesHaveText(t *testing.T) {
	net := newNet(t, 3)
	net.meet()
	net.shareSlots(3)
	seen := map[bus.Type]bool{}
	for _, h := range net.hosts {
		for _, p := range h.wrote {
			seen[p.Type] = true
			if text := appendFrame(nil, p.Append(nil)); bytes.Contains(text, []byte("hex=")) {
				t.Fatalf("a %s has no text form", p.Type)
			}
		}
	}
	if !seen[bus.TypePing] || !seen[bus.TypePong] || !seen[bus.TypeMeet] {
		t.Errorf("seen %v", seen)
	}
}

func FuzzParseTrace(f *testing.F) {
	f.Add("+0 tick\n+3 up 1 local=10.0.0.1 peer=-\n+0 recv 1 hex=52434d62\n")
	f.Add(string(AppendTrace(nil, 0, []Step{{1, Recv{Link: 1, Frame: packet('p').Append(nil)}}})))
	f.Add("+1 admin 4 AddSlots {\"Slots\":[1,2]}\n+1 report {\"ReplOffset\":7}\n+0 admin 1 Claim {\"Populated\":\"1-2\"}\n")
	f.Fuzz(func(t *testing.T, text string) {
		steps, err := ParseTrace(text, 0)
		if err != nil {
			return
		}
		written := string(AppendTrace(nil, 0, steps))
		again, err := ParseTrace(written, 0)
		if err != nil {
			t.Fatalf("what is written does not parse: %v\n%s", err, written)
		}
		if twice := string(AppendTrace(nil, 0, again)); twice != written {
			t.Fatalf("written once:\n%s\ntwice:\n%s", written, twice)
		}
	})
}
