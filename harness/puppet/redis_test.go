package puppet_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	fixture "github.com/slotdiff/slotdiff/fixtures/bus"
	"github.com/slotdiff/slotdiff/harness/puppet"
	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/process"
	"github.com/slotdiff/slotdiff/wire/bus"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// redisEnv names the redis-server that these tests talk to; without it they are skipped.
const redisEnv = "SLOTDIFF_TEST_REDIS"

// server is a real node and a client of it.
type server struct {
	oracle.Node
	conn net.Conn
	in   *resp.Reader
}

func startRedis(t *testing.T) *server {
	t.Helper()
	path := os.Getenv(redisEnv)
	if path == "" {
		t.Skipf("needs a redis-server, named by %s", redisEnv)
	}
	d, err := process.Open(testContext(t), process.Options{Binary: process.Binary{Argv: []string{path}}, Product: "redis", Version: "8.6"})
	must(t, err)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	n, err := d.Start(testContext(t), oracle.NodeSpec{Name: "a"})
	must(t, err)
	conn, err := net.Dial("tcp", n.Addr().String())
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	must(t, conn.SetDeadline(time.Now().Add(testTime)))
	return &server{Node: n, conn: conn, in: resp.NewReader(conn, resp.Limits{})}
}

func (s *server) do(t *testing.T, words ...string) string {
	t.Helper()
	_, err := s.conn.Write(resp.AppendCommandStrings(nil, words...))
	must(t, err)
	v, err := s.in.Read()
	must(t, err)
	if v.Kind == resp.Error {
		t.Fatalf("%s: %s", words, v.Str)
	}
	return string(v.Str)
}

// logUntil makes Redis log a line and gives the log up to it; the log comes in behind the replies.
func (s *server) logUntil(t *testing.T, mark string) string {
	t.Helper()
	s.do(t, "DEBUG", "LOG", mark)
	ctx := testContext(t)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if log, _, ok := strings.Cut(s.Log(), mark); ok {
			return log
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the log never has %q", mark)
		}
	}
}

// meet makes Redis know p: when it PINGs, the handshake is over.
func (s *server) meet(t *testing.T, p *puppet.Puppet) {
	t.Helper()
	s.do(t, "CLUSTER", "MEET", "127.0.0.1", fmt.Sprint(p.Addr().Port()), fmt.Sprint(p.BusAddr().Port()))
	recv(t, p, puppet.OfType(bus.TypeMeet, puppet.In))
	recv(t, p, puppet.OfType(bus.TypePing, puppet.In))
	if nodes := s.do(t, "CLUSTER", "NODES"); !strings.Contains(nodes, p.ID().String()+" "+p.Addr().String()+"@") {
		t.Fatalf("after the handshake Redis knows\n%s", nodes)
	}
}

func TestRedisMeetsAPuppet(t *testing.T) {
	a := startRedis(t)
	p := newPuppet(t, "p", "auto=pong", "slots=8192-16383", "currentEpoch=1", "configEpoch=1")
	a.meet(t, p)
	must(t, p.Dial(testContext(t), a.BusAddr(), ""))
	send(t, p, "", "PING slots=5,8192-16383 configEpoch=3")
	recv(t, p, puppet.OfType(bus.TypePong, puppet.Out))
	if nodes := a.do(t, "CLUSTER", "NODES"); !strings.Contains(nodes, " 3 connected 5 8192-16383") {
		t.Errorf("Redis believes\n%s", nodes)
	}
	send(t, p, "", "PING totlen=2255")
	if ev := recv(t, p, puppet.Filter{Link: puppet.Out}); !ev.Closed {
		t.Errorf("got\n%s", ev.Text())
	}
}

// mutable is where TestCheckAgreesWithRedis changes bytes. Addresses are not among it: Redis must dial nothing but
// the puppet.
var mutable = []int{8, 9, 12, 13, 14, 15, 2214, 2215, 2253}

// Every frame is sent by a node that Redis knows, with an epoch of its own: Redis has accepted it if it has the epoch
// then, has closed the link, or has ignored it. The log has one warning for each frame that breaks a rule that warns.
func TestCheckAgreesWithRedis(t *testing.T) {
	a := startRedis(t)
	ctx := testContext(t)
	p := newPuppet(t, "p", "auto=pong", "configEpoch=1")
	a.meet(t, p)
	must(t, p.Dial(ctx, a.BusAddr(), ""))

	rng := rand.New(rand.NewPCG(8, 6))
	var bases [][]byte
	for _, c := range fixture.Captures() {
		bases = append(bases, asPuppet(t, p, c.Frame))
	}
	sent := make(map[bus.Rule]int)
	for epoch := uint64(10); epoch < 6010; epoch++ {
		frame := mutate(rng, bases[rng.IntN(len(bases))])
		if len(frame) > 24 {
			binary.BigEndian.PutUint64(frame[16:], epoch)
		}
		v := bus.Check(frame)
		if v.Rule.Unsafe() || v.Rule == bus.RuleFrameLength {
			continue // no answer, or one that the packet does not determine
		}
		sent[v.Rule]++
		typ, _ := puppet.Event{Frame: frame}.Type()
		fence, err := p.Build([]string{"PING"}, nil)
		must(t, err)
		must(t, p.Send(ctx, "", append(bytes.Clone(frame), fence...)))

		var got bus.Action
		want := 1 // PONGs
		if v.Action == bus.Accept && (typ == bus.TypePing || typ == bus.TypeMeet) {
			want = 2
		}
		var last puppet.Event
		for range want {
			if last = recv(t, p, puppet.Filter{Link: puppet.Out}); last.Closed {
				break
			}
		}
		switch {
		case last.Closed:
			got = bus.CloseLink
			must(t, p.Dial(ctx, a.BusAddr(), ""))
		case mustParse(t, last.Frame).CurrentEpoch == epoch:
			got = bus.Accept
		default:
			got = bus.Ignore
		}
		if got != v.Action {
			t.Fatalf("Check says %s, Redis does %s:\n%s", v, got, bus.FrameText(frame))
		}
	}
	log := a.logUntil(t, "the end of the frames")
	for rule, warning := range map[bus.Rule]string{
		bus.RuleExtPadding:       "packet without proper padding",
		bus.RuleExtExceedsPacket: "with extension data that exceeds total packet length",
		bus.RuleLengthMismatch:   "but expected length",
		bus.RuleUnknownType:      "Received unknown packet type",
	} {
		if n := strings.Count(log, warning); n != sent[rule] {
			t.Errorf("%d frames break %s, Redis warns of %d", sent[rule], rule, n)
		}
	}
	n := strings.Count(log, "Bad message length or signature")
	if want := sent[bus.RuleSignature] + sent[bus.RuleLengthBelowHeader]; n != want {
		t.Errorf("%d frames break the framing, Redis warns of %d", want, n)
	}
	for _, r := range bus.Rules() {
		if !r.Unsafe() && r != bus.RuleFrameLength && r != bus.RuleDebugDrop && sent[r] < 10 {
			t.Errorf("rule %s was met %d times only", r, sent[r])
		}
	}
	t.Logf("frames by rule: %v", sent)
}

func mustParse(t *testing.T, frame []byte) *bus.Packet {
	t.Helper()
	pkt, err := bus.Parse(frame)
	must(t, err)
	return pkt
}

// asPuppet is a captured frame with the puppet as its sender and nothing in it that makes Redis dial somebody.
func asPuppet(t *testing.T, p *puppet.Puppet, frame []byte) []byte {
	t.Helper()
	pkt := mustParse(t, frame)
	typ := pkt.Type
	pkt.Header = p.Template().Header
	pkt.Type = typ
	if ping, ok := pkt.Body.(*bus.Ping); ok {
		for i := range ping.Gossip {
			ping.Gossip[i].Flags = bus.FlagNoAddr
		}
	}
	return pkt.Seal().Append(nil)
}

// mutate changes a few bytes that the sanity of a packet depends on, and sometimes its length.
func mutate(rng *rand.Rand, base []byte) []byte {
	frame := bytes.Clone(base)
	if rng.IntN(4) == 0 {
		n := bus.HeaderLen + rng.IntN(len(frame)-bus.HeaderLen+1)
		frame = append(frame[:n], make([]byte, 8*rng.IntN(3))...)
		binary.BigEndian.PutUint32(frame[4:], uint32(len(frame)))
	}
	values := []byte{0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 16, 24, 48, 56, 255, byte(rng.Uint32())}
	for range rng.IntN(3) {
		at := mutable[rng.IntN(len(mutable))]
		if len(frame) > bus.HeaderLen && rng.IntN(3) == 0 {
			at = extensionByte(rng, frame)
		}
		frame[at] = values[rng.IntN(len(values))]
	}
	switch rng.IntN(40) {
	case 0:
		frame[rng.IntN(4)] ^= 0x20
	case 1:
		binary.BigEndian.PutUint32(frame[4:], uint32(rng.IntN(bus.HeaderLen)))
	}
	return frame
}

// extensionByte is a byte of the length of an extension, of a publish or of a module packet.
func extensionByte(rng *rand.Rand, frame []byte) int {
	at := bus.HeaderLen
	if bus.Type(binary.BigEndian.Uint16(frame[12:])).Gossips() {
		at += bus.GossipLen * int(binary.BigEndian.Uint16(frame[14:]))
		for at+8 < len(frame) && rng.IntN(2) == 0 {
			at += max(8, int(binary.BigEndian.Uint16(frame[at+2:])))
		}
	}
	return min(at+rng.IntN(12), len(frame)-1)
}
