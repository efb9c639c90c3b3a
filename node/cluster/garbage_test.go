package cluster

import (
	"math/rand/v2"
	"testing"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// garbage changes a few bytes of packets that cores really sent.
type garbage struct {
	rand   *rand.Rand
	frames [][]byte
	buf    []byte
}

func newGarbage(tb testing.TB) (*garbage, *host) {
	net := newNet(tb, 4)
	net.meet()
	net.shareSlots(3)
	net.hosts[3].do(Replicate{Node: net.hosts[0].id()})
	net.run(2000)
	net.hosts[1].do(Publish{Channel: []byte("ch"), Message: []byte("m")})
	net.hosts[3].do(Failover{})
	net.run(2000)
	g := &garbage{rand: rand.New(rand.NewPCG(3, 4))}
	for _, h := range net.hosts {
		for i, p := range h.wrote {
			if i%8 == 0 || p.Type > bus.TypeMeet {
				g.frames = append(g.frames, p.Append(nil))
			}
		}
	}
	return g, net.hosts[0]
}

func (g *garbage) next() []byte {
	g.buf = append(g.buf[:0], g.frames[g.rand.IntN(len(g.frames))]...)
	for range 1 + g.rand.IntN(4) {
		i := g.rand.IntN(len(g.buf))
		if g.rand.IntN(2) == 0 {
			i = 8 + g.rand.IntN(72) // the fields before the slot map
		}
		g.buf[i] = byte(g.rand.Uint32())
	}
	return g.buf
}

// step gives the core one packet, now and then over a new link, and lets time pass.
func (g *garbage) step(h *host, i int) {
	l := Inbound(1000 + uint64(i/64))
	if i%64 == 0 {
		h.step(LinkUp{Link: l, Local: h.ip, Peer: h.ip})
		h.net.now += 100
		h.step(Tick{})
	}
	if err := h.n.Step(h.net.now, Recv{Link: l, Frame: g.next()}); err != nil {
		h.net.tb.Fatal(err)
	}
	h.n.Ready()
	if i%64 == 63 {
		h.step(LinkDown{Link: l, Reason: "EOF"})
	}
}

// A core under mutated packets does not panic, its tables stay sound and do not grow.
func TestGarbage(t *testing.T) {
	g, h := newGarbage(t)
	h.net.queue = nil
	for i := range 20_000 {
		g.step(h, i)
		if i%1000 == 0 {
			h.trace, h.log, h.wrote, h.digests = nil, nil, nil, nil
			if err := checkInvariants(h.n); err != nil {
				t.Fatalf("after %d packets: %v", i, err)
			}
		}
		h.net.queue = h.net.queue[:0]
	}
	if got := len(h.n.peers); got > 1000 {
		t.Errorf("the core knows %d nodes", got)
	}
	if got := len(h.n.links); got > 2*len(h.n.peers)+1 {
		t.Errorf("the core has %d links to %d nodes", got, len(h.n.peers))
	}
}

func BenchmarkStepGarbage(b *testing.B) {
	g, h := newGarbage(b)
	l := Inbound(1000)
	h.step(LinkUp{Link: l, Local: h.ip, Peer: h.ip})
	b.ReportAllocs()
	for b.Loop() {
		if err := h.n.Step(h.net.now, Recv{Link: l, Frame: g.next()}); err != nil {
			b.Fatal(err)
		}
		h.n.Ready()
	}
}
