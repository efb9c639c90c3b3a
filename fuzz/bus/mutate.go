package bus

import (
	"encoding/binary"
	"slices"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// plan is what a packet is to be: a seed or a type, what is mutated, and how the stream is broken.
type plan struct {
	seed     int16 // index into seeds, -1: none
	typ      bus.Type
	field    [3]int8 // indices into fields, -1: none
	disorder int8    // of disrupt, -1: whole
}

var fieldCounts = []int{0, 0, 1, 1, 1, 2, 3}

func (g *generator) plan() plan {
	p := plan{seed: -1, field: noFields, disorder: -1}
	if g.one(6) {
		p.seed = int16(g.Intn(len(seeds())))
	} else {
		p.typ = g.packetType()
	}
	for i := range pick(g.chance, fieldCounts) {
		f := g.Intn(len(fields))
		if fields[f].dear && !g.one(6) {
			f = g.Intn(len(fields))
		}
		p.field[i] = int8(f)
	}
	if g.one(24) {
		p.disorder = int8(g.Intn(breaks))
	}
	return p
}

// String names a plan, for reports.
func (p plan) String() string {
	s := "packet:" + typeToken(p.typ)
	if p.seed >= 0 {
		s = "seed:" + seeds()[p.seed].name
	}
	for _, f := range p.field {
		if f >= 0 {
			s += "+" + fields[f].name
		}
	}
	return s
}

// packet makes the next packet for a link: something that its actor could say, mutated, or a packet of
// the corpus in its name, and sometimes broken.
func (g *generator) packet(l Link, pl plan) Op {
	a := l.Actor
	op := Op{Link: l, plan: pl}
	p := &g.pkt
	*p = bus.Packet{Header: g.self[a]}
	if pl.seed >= 0 {
		p = seeds()[pl.seed].packet(a, &g.self[a])
	} else {
		p.Type = pl.typ
		g.body(p, a)
	}
	late := false
	for _, i := range pl.field {
		if i >= 0 && fields[i].late {
			late = true
		} else if i >= 0 {
			fields[i].set(g, p)
		}
	}
	flag := p.MFlags
	p.Seal()
	if g.one(10) {
		p.MFlags = flag // extensions without the flag that says so
	}
	if !late && p.Type.Gossips() && g.one(3) {
		g.persist(a, p)
	}
	for _, i := range pl.field {
		if i >= 0 && fields[i].late {
			fields[i].set(g, p)
		}
	}
	op.Frame = g.frame(p)
	if pl.disorder >= 0 {
		g.disrupt(&op, int(pl.disorder))
	}
	if g.one(64) {
		op.Times = 2 + g.Intn(30)
	}
	if g.one(24) {
		for at := g.Intn(64); at < len(op.Frame) && len(op.Cuts) < 4; at += 1 + g.Intn(3000) {
			op.Cuts = append(op.Cuts, at)
		}
	}
	return op
}

// persist makes what a packet says of its sender what the actor says from now on.
func (g *generator) persist(a int, p *bus.Packet) {
	h := p.Header
	h.Sender, h.Count, h.Extensions, h.TotLen, h.Type = actorIDs[a], 0, 0, 0, 0
	h.Port, h.CPort = actorPort(a), actorPort(a)+busOffset
	h.MFlags, h.IP, h.PPort = bus.MFlags{}, bus.IP{}, 0
	g.self[a] = h
	if body, ok := p.Body.(*bus.Ping); ok {
		g.exts[a] = nil
		for _, e := range body.Exts {
			if e.Type != bus.ExtForgotten {
				g.exts[a] = append(g.exts[a], e)
			}
		}
	}
}

// body fills in what belongs to the packet's type.
func (g *generator) body(p *bus.Packet, a int) {
	switch p.Type {
	case bus.TypePing, bus.TypePong, bus.TypeMeet:
		b := &bus.Ping{}
		for range pick(g.chance, []int{0, 0, 0, 1, 1, 2, 5}) {
			b.Gossip = append(b.Gossip, g.gossip())
		}
		if g.one(2) {
			b.Exts = append(b.Exts, g.exts[a]...)
		}
		for range pick(g.chance, []int{0, 0, 0, 1, 2}) {
			b.Exts = append(b.Exts, g.extension())
		}
		p.Body = b
		if p.Type == bus.TypeMeet {
			g.addressOnce(p, a)
		}
	case bus.TypeFail:
		p.Body = &bus.Fail{About: g.id()}
	case bus.TypePublish, bus.TypePublishShard:
		texts := [][]byte{[]byte("c"), {}, []byte("m\x00\r\n"), make([]byte, 300)}
		channel := pick(g.chance, texts)
		if g.one(2) {
			channel = []byte(pick(g.chance, shardChannels))
		}
		p.Body = &bus.Publish{Channel: channel, Message: pick(g.chance, texts)}
	case bus.TypeUpdate:
		u := &bus.Update{}
		g.typed(u)
		u.ConfigEpoch = g.nearEpoch()
		p.Body = u
	case bus.TypeModule:
		m := &bus.Module{Payload: make([]byte, g.Intn(20))}
		m.Type = byte(g.Intn(256))
		p.Body = m
	case bus.TypeAuthRequest:
		p.CurrentEpoch, p.ConfigEpoch = g.nearEpoch(), g.nearEpoch()
		if g.one(2) {
			p.MFlags[0] |= bus.MFlagForceAck
		}
		p.Body = &bus.Empty{}
	case bus.TypeAuthAck, bus.TypeMFStart:
		p.Body = &bus.Empty{}
	default:
		b := make([]byte, 8*g.Intn(40))
		p.Body = &bus.Unknown{Raw: b}
	}
}

// addressOnce lets an actor's own address stand in the first MEET only: the node would dial it once for each.
func (g *generator) addressOnce(p *bus.Packet, a int) {
	if g.met[a] || g.one(2) {
		p.Port, p.CPort = deadPort, deadPort
	}
	g.met[a] = true
}

// field is one thing of a packet that is mutated.
type field struct {
	name string
	set  func(g *generator, p *bus.Packet)
	// late fields are changed in the sealed packet: they lie about it.
	late bool
	// dear fields cost a link, or a tick, when the node dials a sender again that seems to have moved. They are seldom taken.
	dear bool
}

var fields = []field{
	{name: "sender", set: func(g *generator, p *bus.Packet) { g.typed(&p.Sender) }},
	{name: "slots", set: func(g *generator, p *bus.Packet) { g.typed(&p.Slots) }},
	{name: "slots-more", set: func(g *generator, p *bus.Packet) { more := g.slots(); p.Slots = p.Slots.Union(&more) }},
	{name: "slots-less", set: func(g *generator, p *bus.Packet) { less := g.slots(); p.Slots = p.Slots.Minus(&less) }},
	{name: "currentEpoch", set: func(g *generator, p *bus.Packet) { p.CurrentEpoch = g.nearEpoch() }},
	{name: "configEpoch", set: func(g *generator, p *bus.Packet) { p.ConfigEpoch = g.nearEpoch() }},
	{name: "configEpoch-claim", set: func(g *generator, p *bus.Packet) {
		p.ConfigEpoch = g.nearEpoch()
		p.CurrentEpoch = p.ConfigEpoch
		g.typed(&p.Slots)
	}},
	{name: "offset", set: func(g *generator, p *bus.Packet) { g.typed(&p.Offset) }},
	{name: "replicaof", set: func(g *generator, p *bus.Packet) {
		g.typed(&p.ReplicaOf)
		p.Flags = p.Flags&^bus.FlagMaster | bus.FlagReplica
	}},
	{name: "master", set: func(_ *generator, p *bus.Packet) {
		p.ReplicaOf = bus.ID{}
		p.Flags = p.Flags&^bus.FlagReplica | bus.FlagMaster
	}},
	{name: "ip", dear: true, set: func(g *generator, p *bus.Packet) { g.typed(&p.IP) }},
	{name: "port", dear: true, set: func(g *generator, p *bus.Packet) { p.Port, p.CPort = g.address(bus.ID{}) }},
	{name: "pport", dear: true, set: func(g *generator, p *bus.Packet) { g.typed(&p.PPort) }},
	{name: "flags", set: func(g *generator, p *bus.Packet) { g.typed(&p.Flags) }},
	{name: "nofailover", set: func(_ *generator, p *bus.Packet) { p.Flags ^= bus.FlagNoFailover }},
	{name: "state", set: func(g *generator, p *bus.Packet) { g.typed(&p.State) }},
	{name: "mflags", set: func(g *generator, p *bus.Packet) { g.typed(&p.MFlags) }},
	{name: "reserved", set: func(g *generator, p *bus.Packet) { p.Reserved[g.Intn(len(p.Reserved))] = byte(g.Intn(256)) }},
	{name: "ver", late: true, set: func(g *generator, p *bus.Packet) { p.Ver = pick(g.chance, []uint16{0, 1, 2, 256, 65535}) }},
	{name: "type", late: true, set: func(g *generator, p *bus.Packet) { g.typed(&p.Type) }},
	{name: "count", late: true, set: func(g *generator, p *bus.Packet) { p.Count = nudge16(g, p.Count) }},
	{name: "extcount", late: true, set: func(g *generator, p *bus.Packet) { p.Extensions = nudge16(g, p.Extensions) }},
	{name: "totlen", late: true, dear: true, set: func(g *generator, p *bus.Packet) {
		p.TotLen = pick(g.chance, []uint32{0, 8, 16, 2255, 2256, p.TotLen - 1, p.TotLen + 1, p.TotLen + 8, p.TotLen + 104, p.TotLen + 2256, 1 << 20})
	}},
	{name: "sig", late: true, dear: true, set: func(g *generator, p *bus.Packet) { p.Sig[g.Intn(4)] ^= 1 << g.Intn(8) }},
	{name: "ext-length", late: true, set: func(g *generator, p *bus.Packet) {
		if b, ok := p.Body.(*bus.Ping); ok && len(b.Exts) > 0 {
			e := &b.Exts[g.Intn(len(b.Exts))]
			e.Length = pick(g.chance, []uint32{0, 4, 7, 8, e.Length - 8, e.Length + 8, e.Length + 1, e.Length | 1<<16, 65528, 65535})
		}
	}},
	{name: "gossip-again", set: func(_ *generator, p *bus.Packet) {
		if b, ok := p.Body.(*bus.Ping); ok && len(b.Gossip) > 0 {
			b.Gossip = append(b.Gossip, b.Gossip[0])
		}
	}},
	{name: "gossip-fail", set: func(g *generator, p *bus.Packet) {
		if b, ok := p.Body.(*bus.Ping); ok && len(b.Gossip) > 0 {
			b.Gossip[g.Intn(len(b.Gossip))].Flags |= pick(g.chance, []bus.NodeFlags{bus.FlagFail, bus.FlagPFail})
		}
	}},
	{name: "body-longer", late: true, set: func(g *generator, p *bus.Packet) {
		p.TotLen += 8
		switch b := p.Body.(type) {
		case *bus.Unknown:
			b.Raw = append(b.Raw, 1, 2, 3, 4, 5, 6, 7, 8)
		case *bus.Ping:
			b.Exts = append(b.Exts, bus.Extension{Length: 8, Type: 77})
		}
	}},
}

func nudge16(g *generator, v uint16) uint16 {
	return pick(g.chance, []uint16{v + 1, v - 1, 0, 1, v + 2, 255})
}

// breaks is how many ways of disrupt there are.
const breaks = 6

// disrupt breaks the stream: bytes are missing, changed, added or repeated.
func (g *generator) disrupt(op *Op, how int) {
	frame := op.Frame
	switch how {
	case 0: // cut short, and the rest never comes
		if op.Link.Which == In {
			return
		}
		op.Frame = frame[:g.Intn(len(frame))]
	case 1: // the beginning of another one behind it, which the next packet goes on
		if op.Link.Which == In {
			return
		}
		op.Frame = append(slices.Clip(frame), frame[:1+g.Intn(bus.PrefixLen+30)]...)
	case 2: // garbage behind it
		if op.Link.Which == In {
			return
		}
		op.Frame = append(slices.Clip(frame), make([]byte, 1+g.Intn(20))...)
	case 3: // the length says that all is one packet
		op.Frame = append(slices.Clip(frame), make([]byte, 8*(1+g.Intn(30)))...)
		binary.BigEndian.PutUint32(op.Frame[4:], uint32(len(op.Frame)))
	default: // any bit, but for those of addresses
		at := g.Intn(len(frame))
		for isAddress(at) {
			at = (at + 7) % len(frame)
		}
		op.Frame[at] ^= 1 << g.Intn(8)
	}
}

func isAddress(at int) bool {
	return at >= 10 && at < 12 || at >= 2168 && at < 2214 || at >= 2246 && at < 2250 ||
		at >= bus.HeaderLen && (at-bus.HeaderLen)%bus.GossipLen >= 48 && (at-bus.HeaderLen)%bus.GossipLen < 102
}
