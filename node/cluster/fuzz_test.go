package cluster

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// recipe reads events from fuzz input. When it is empty every choice is 0.
type recipe struct {
	b    []byte
	now  Time
	ids  []bus.ID // of puppets, of the node itself, and of nobody
	up   uint64   // links accepted so far
	last LinkID   // highest link that was dialled
}

func (r *recipe) byte() byte {
	if len(r.b) == 0 {
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *recipe) pick(n int) int { return int(r.byte()) % n }

func (r *recipe) id() bus.ID { return r.ids[r.pick(len(r.ids))] }

// epoch is small, or one of the greatest.
func (r *recipe) epoch() uint64 {
	c := r.byte()
	if c < 250 {
		return uint64(c / 8)
	}
	return 1<<64 - 1 - uint64(c-250)
}

func (r *recipe) link() LinkID {
	if n := r.up + 1; r.byte()%4 != 0 {
		return Inbound(1 + uint64(r.byte())%n)
	}
	return 2 * LinkID(1+uint64(r.byte())%uint64(r.last/2+1))
}

func (r *recipe) frame() []byte {
	p := &bus.Packet{}
	p.Type = bus.Type(r.pick(12))
	p.Sender = r.id()
	p.CurrentEpoch, p.ConfigEpoch = r.epoch(), r.epoch()
	if lo := uint16(r.byte()) * 64; r.byte()%2 == 0 {
		p.Slots.AddRange(lo, lo+uint16(r.byte())%64)
	}
	if r.byte()%4 == 0 {
		p.ReplicaOf = r.id()
	}
	p.Port, p.CPort = 7000+uint16(r.pick(4)), 17000+uint16(r.pick(4))
	p.Flags = bus.NodeFlags(r.byte()) | bus.NodeFlags(r.byte()&7)<<8
	p.State = bus.State(r.byte() & 1)
	p.MFlags[0] = r.byte() & 7
	if r.byte()%8 == 0 {
		copy(p.IP[:], []string{"10.0.0.9", "::1", "bad\nip", "x y"}[r.pick(4)])
	}
	switch p.Type {
	case bus.TypePing, bus.TypePong, bus.TypeMeet:
		p.Body = r.ping()
	case bus.TypeFail:
		p.Body = &bus.Fail{About: r.id()}
	case bus.TypePublish, bus.TypePublishShard:
		p.Body = &bus.Publish{Channel: []byte("ch"), Message: []byte("m")}
	case bus.TypeUpdate:
		u := &bus.Update{ConfigEpoch: r.epoch(), Node: r.id()}
		u.Slots.AddRange(uint16(r.byte()), 256+uint16(r.byte()))
		p.Body = u
	case bus.TypeModule:
		p.Body = &bus.Module{Payload: []byte("payload")}
	}
	frame := p.Seal().Append(nil)
	switch r.byte() {
	case 1: // any byte
		frame[r.pick(len(frame)/8)*8+r.pick(8)] ^= r.byte()
	case 2:
		frame = frame[:len(frame)-r.pick(16)]
	}
	return frame
}

func (r *recipe) ping() *bus.Ping {
	body := &bus.Ping{}
	for range r.pick(3) {
		body.Gossip = append(body.Gossip, bus.Gossip{
			ID: r.id(), PongReceived: uint32(r.now/1000) + uint32(r.byte()), IP: bus.IPFrom([]string{"10.0.0.8", "", "a,b"}[r.pick(3)]),
			Port: 7000 + uint16(r.pick(3)), CPort: 17000, Flags: bus.NodeFlags(r.byte()) | bus.NodeFlags(r.byte()&7)<<8,
		})
	}
	for range r.pick(4) {
		var e bus.Extension
		switch bus.ExtType(r.pick(6)) {
		case bus.ExtHostname:
			e = bus.HostnameExt([]string{"", "host.a", "ho st", "host=b"}[r.pick(4)])
		case bus.ExtNodename:
			e = bus.NodenameExt([]string{"", "human", "hu\nman"}[r.pick(3)])
		case bus.ExtForgotten:
			e = bus.ForgottenExt(r.id(), r.epoch())
		case bus.ExtShardID:
			e = bus.ShardIDExt(r.id())
		case bus.ExtSecret:
			e = bus.SecretExt(r.id())
		default:
			e = bus.Extension{Type: 77, Payload: []byte("12345678")}
		}
		body.Exts = append(body.Exts, e)
	}
	return body
}

func (r *recipe) request() Request {
	arg := func() string { id := r.id(); return id.String() }
	slots := func() []Range { lo := int(r.byte()) * 64; return []Range{{lo, lo + r.pick(64)}} }
	keys := r.pick(2)
	switch r.pick(18) {
	case 0:
		return Meet{IP: "10.0.0.7", Port: 7000 + int64(r.pick(3)), CPort: 17000}
	case 1:
		return AddSlotsRange{Ranges: slots()}
	case 2:
		return DelSlotsRange{Ranges: slots()}
	case 3:
		return AddSlots{Slots: []int{r.pick(256), r.pick(256)}}
	case 4:
		return FlushSlots{Keys: keys}
	case 5, 6:
		return SetSlot{Slot: r.pick(256), Action: SetSlotAction(r.pick(5)), Node: arg(), Keys: keys}
	case 7:
		return BumpEpoch{}
	case 8:
		return SetConfigEpoch{Epoch: int64(r.epoch())}
	case 9:
		return SaveConfig{}
	case 10:
		return Forget{Node: arg()}
	case 11:
		return Replicate{Node: arg(), Keys: keys}
	case 12:
		return CountFailureReports{Node: arg()}
	case 13:
		return Failover{Option: FailoverOption(r.pick(3))}
	case 14:
		return Reset{Hard: r.byte()%4 == 0, Keys: keys}
	case 15:
		return Publish{Channel: []byte("c"), Message: []byte("m"), Shard: keys == 0}
	case 16:
		return KillLink{Direction: LinkDirection(1 + r.pick(3)), Node: arg()}
	default:
		s := DefaultSettings(7000)
		s.NodeTimeout = Time(1+r.pick(20)) * 100
		s.ReplicaNoFailover = keys == 0
		s.AnnounceHostname = []string{"", "me.example"}[r.pick(2)]
		return Configure{Settings: s}
	}
}

// event is the next event, and the time at which it comes.
func (r *recipe) event() Event {
	c := r.byte()
	if c&0x80 != 0 {
		r.now += Time(c&0x7f) * 20
	}
	switch c % 16 {
	case 0, 1, 2, 3:
		return Tick{}
	case 4:
		r.up++
		ev := LinkUp{Link: Inbound(r.up), Local: netip.MustParseAddr("10.0.0.1"), Peer: netip.MustParseAddr("10.0.0.5")}
		if r.byte()%8 == 0 {
			ev.Peer = netip.Addr{}
		}
		return ev
	case 5:
		return LinkDown{Link: r.link(), Reason: "EOF"}
	case 6, 7:
		return Admin{Tag: uint64(c), Request: r.request()}
	case 8:
		return Report{ReplOffset: int64(r.byte()), MasterLinkUp: true, MasterSeen: r.now}
	case 9:
		if l := r.link(); !l.Inbound() {
			return LinkUp{Link: l, Local: netip.MustParseAddr("10.0.0.1"), Peer: netip.MustParseAddr("10.0.0.5")}
		}
		return Tick{}
	default:
		return Recv{Link: r.link(), Frame: r.frame()}
	}
}

func newFuzzed(t *testing.T) (*Node, *rand.PCG) {
	set := DefaultSettings(7000)
	set.NodeTimeout = 500
	r := rand.NewPCG(1, 2)
	n, err := New(Config{Rand: r, Now: testStart, Settings: set})
	if err != nil {
		t.Fatal(err)
	}
	return n, r
}

// cloneEvery is after how many events the second core is made anew as a clone of the first.
const cloneEvery = 16

// FuzzCoreSteps feeds a core any events: it must not panic, its tables stay sound, epochs do not
// fall, what it sends is legal and what must be durable first is; and a second core that gets the same
// events does the same, and so do its clones.
func FuzzCoreSteps(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x04\x0a\x01\x00\x00\x01\x02\x03\x80\x81\x82\x0a\x01\x00\x01\x01\x02\x03"))
	f.Add([]byte("\x06\x00\x00\x00\x80\x09\x00\x00\x0a\x00\x00\x01\x01\x08\x08\x00\x00\x20\x01\x01\x01\x11\x00\x00\x04\x01"))
	f.Add(seedMeetAndClaim())
	for i := range uint64(8) {
		src := rand.NewPCG(i, 5)
		b := make([]byte, 0, 2048)
		for len(b) < 2048 {
			b = append(b, byte(src.Uint64()>>11))
		}
		f.Add(b)
	}
	f.Fuzz(runRecipe)
}

func runRecipe(t *testing.T, b []byte) {
	if len(b) > 4096 {
		b = b[:4096]
	}
	one, random := newFuzzed(t)
	two, _ := newFuzzed(t)
	r := &recipe{b: b, now: testStart, ids: puppetIDs(one)}
	var current, vote uint64
	var steps []Step
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the events:\n%s", AppendTrace(nil, testStart, steps))
		}
	})
	for step := 0; len(r.b) > 0; step++ {
		r.last = one.lastLink
		ev := r.event()
		steps = append(steps, Step{r.now, ev})
		for _, n := range []*Node{one, two} {
			if err := n.Step(r.now, ev); err != nil {
				t.Fatalf("step %d: %v", step, err)
			}
		}
		first, second := one.Ready(), two.Ready()
		where := fmt.Sprintf("step %d, %T", step, ev)
		if !reflect.DeepEqual(first, second) {
			if diff := cmp.Diff(first, second, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%s: the same events do not give the same Ready:\n%s", where, diff)
			}
		}
		if err := checkReady(one, &first); err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		if err := checkInvariants(one); err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		if a, ok := ev.(Admin); ok {
			if reset, ok := a.Request.(Reset); ok && reset.Hard {
				current, vote = 0, 0
			}
		}
		if one.currentEpoch < current || one.lastVoteEpoch < vote {
			t.Fatalf("%s: epochs fell from %d, %d to %d, %d", where, current, vote, one.currentEpoch, one.lastVoteEpoch)
		}
		current, vote = one.currentEpoch, one.lastVoteEpoch
		if one.HasReady() {
			t.Fatalf("%s: there is more after Ready", where)
		}
		if step%cloneEvery == cloneEvery-1 {
			two = one.Clone(cloneRand(t, random))
		}
		one.View()
		one.Route(Query{Keys: [][]byte{b[:min(len(b), 8)]}})
	}
}

// TestRandomSteps is FuzzCoreSteps with long random inputs.
func TestRandomSteps(t *testing.T) {
	for seed := range uint64(20) {
		src := rand.NewPCG(seed, 6)
		b := make([]byte, 4096)
		for i := range b {
			b[i] = byte(src.Uint64() >> 11)
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) { runRecipe(t, b) })
	}
}

func puppetIDs(n *Node) []bus.ID {
	ids := []bus.ID{{}, n.ID()}
	for _, c := range "0aZz" {
		var id bus.ID
		for i := range id {
			id[i] = byte(c)
		}
		ids = append(ids, id)
	}
	return ids
}

// seedMeetAndClaim is an input in which a puppet is met, answers, and claims slots.
func seedMeetAndClaim() []byte {
	var b []byte
	b = append(b, 6, 0, 0, 1) // CLUSTER MEET
	b = append(b, 0x80, 0x80) // ticks
	b = append(b, 9, 0, 0)    // the dial succeeds
	for range 3 {
		b = append(b, 10, 0, 0) // a packet on it:
		b = append(b, 1, 2)     // PONG of puppet "000..."
		b = append(b, 80, 80)   // epochs
		b = append(b, 1, 0, 63) // slots
		b = append(b, 1, 0, 0, 1, 0, 0, 4, 1, 0, 0, 0)
	}
	return append(b, 0x90, 0x91, 0x92, 0xff)
}

func BenchmarkStepPing(b *testing.B) {
	for _, hosts := range []int{2, 12} {
		b.Run(fmt.Sprintf("nodes=%d", hosts), func(b *testing.B) {
			net := newNet(b, hosts)
			net.meet()
			net.shareSlots(hosts)
			net.run(5000)
			a, from := net.hosts[0], net.hosts[1]
			from.n.sendPing(from.n.lookup(a.n.ID()).out, bus.TypePing)
			rd := from.n.Ready()
			frame := bytes.Clone(rd.Send[len(rd.Send)-1].Frame)
			ev := Recv{Link: a.n.lookup(from.n.ID()).in.id, Frame: frame}
			var event Event = ev
			b.ReportAllocs()
			b.SetBytes(int64(len(frame)))
			for b.Loop() {
				if err := a.n.Step(net.now, event); err != nil {
					b.Fatal(err)
				}
				a.n.Ready()
			}
		})
	}
}
