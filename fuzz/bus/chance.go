package bus

import (
	"math/rand/v2"

	fuzz "github.com/google/gofuzz"

	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// source is where all choices of an episode come from: a seed, or a recipe, each byte of which is one choice.
type source struct {
	pcg      *rand.PCG
	recipe   []byte
	byRecipe bool
}

func fromSeed(seed uint64) *source { return &source{pcg: rand.NewPCG(seed, 0x62757366757a7a)} }

func fromRecipe(b []byte) *source {
	return &source{pcg: rand.NewPCG(1, 2), recipe: b, byRecipe: true}
}

// Uint64 has a recipe's next byte, 0 after its end, in its highest bits, which are those that decide.
func (s *source) Uint64() uint64 {
	v := s.pcg.Uint64()
	if !s.byRecipe {
		return v
	}
	var b byte
	if len(s.recipe) > 0 {
		b, s.recipe = s.recipe[0], s.recipe[1:]
	}
	return uint64(b)<<56 | v>>8
}

func (s *source) Int63() int64 { return int64(s.Uint64() >> 1) }
func (s *source) Seed(int64)   { panic("fuzz/bus: an episode has one seed") }

// spent reports whether a recipe has been used up.
func (s *source) spent() bool { return s.byRecipe && len(s.recipe) == 0 }

// chance makes choices, and typed values with gofuzz.
type chance struct {
	src  *source
	rnd  *rand.Rand
	fill *fuzz.Fuzzer
	// safe chance makes no name, address or shard id that Redis can not save and read again.
	safe bool
}

func newChance(src *source) *chance {
	c := &chance{src: src, rnd: rand.New(src)}
	c.fill = fuzz.New().RandSource(src).NilChance(0).NumElements(0, 3).Funcs(
		func(id *bus.ID, _ fuzz.Continue) { *id = c.id() },
		func(ip *bus.IP, _ fuzz.Continue) { *ip = c.ip() },
		func(s *slot.Set, _ fuzz.Continue) { *s = c.slots() },
		func(f *bus.NodeFlags, _ fuzz.Continue) { *f = c.nodeFlags() },
		func(s *bus.State, _ fuzz.Continue) { *s = bus.State(pick(c, []byte{0, 1, 2, 255})) },
		func(m *bus.MFlags, _ fuzz.Continue) {
			*m = bus.MFlags{pick(c, []byte{0, 0, 4, 4, 4, 1, 5, 2, 7, 8, 255})}
			if c.one(8) {
				m[1+c.Intn(2)] = byte(c.Intn(256))
			}
		},
		func(t *bus.Type, _ fuzz.Continue) { *t = c.packetType() },
		func(t *bus.ExtType, _ fuzz.Continue) {
			*t = bus.ExtType(pick(c, []uint16{0, 1, 2, 3, 4, 5, 77, 65535}))
		},
		func(v *uint64, _ fuzz.Continue) { *v = c.epoch() },
		func(v *uint32, _ fuzz.Continue) { *v = c.small32() },
		func(v *uint16, _ fuzz.Continue) { *v = c.small16() },
		func(e *bus.Extension, _ fuzz.Continue) { *e = c.extension() },
	)
	return c
}

// typed fills *v.
func (c *chance) typed(v any) { c.fill.Fuzz(v) }

// Intn is in [0, n).
func (c *chance) Intn(n int) int { return c.rnd.IntN(n) }

func (c *chance) one(in int) bool { return c.Intn(in) == 0 }

func pick[T any](c *chance, from []T) T { return from[c.Intn(len(from))] }

// id is the id of someone: mostly one that is known, seldom one that nobody can have.
func (c *chance) id() bus.ID {
	switch n := c.Intn(20); {
	case n < 8:
		return actorIDs[c.Intn(3)]
	case n < 10:
		return actorIDs[actorU]
	case n < 12:
		return nodeID
	case n < 17:
		return pick(c, otherIDs)
	case n < 18 && !c.safe:
		return pick(c, oddIDs)
	case n < 18:
		return pick(c, oddIDs[1:])
	case n < 19:
		return bus.ID{}
	}
	id := actorIDs[c.Intn(actorCount)]
	if c.safe { // 'g' is valid in gossip, although no node has it
		id[c.Intn(len(id))] = pick(c, []byte{'0', 'f', 'A', ' ', '\n', 0, 0xff})
		return id
	}
	id[c.Intn(len(id))] = pick(c, []byte{'0', 'f', 'g', 'A', ' ', '\n', 0, 0xff})
	return id
}

// ip is an address on loopback, none, or one that cannot be dialled and is not looked up anywhere either: after
// an IPv6 address with an unknown zone, glibc gives up before it would ask a name server.
func (c *chance) ip() bus.IP {
	most := 16
	if c.safe {
		most = 14
	}
	switch n := c.Intn(most); {
	case n < 6:
		return bus.IP{}
	case n < 12:
		return bus.IPFrom("127.0.0.1")
	case n < 13:
		return bus.IPFrom("127.0.0.2")
	case n < 14:
		return bus.IPFrom("::1")
	case n < 15:
		return bus.IPFrom(pick(c, []string{"::1%x y", "::1%\n", "::1%,", "::1%x@1", "::1%=", "::1%\x7f"}))
	}
	ip := bus.IPFrom("::1%")
	for i := 4; i < len(ip); i++ {
		ip[i] = 'x' // no NUL at all
	}
	return ip
}

// address is the pair of ports of the node with an id, or of nobody: nobody listens there. No port is 0, since Redis shows such a
// node as it was told, which breaks an invariant of every case on both sides and would hide what a candidate is about.
func (c *chance) address(id bus.ID) (port, cport uint16) {
	switch n := c.Intn(8); {
	case n < 4:
		if a := actorOf(id); a >= 0 {
			return actorPort(a), actorPort(a) + busOffset
		}
		return deadPort, deadPort
	case n < 7:
		return deadPort, deadPort + 1
	}
	return pick(c, []uint16{deadPort, 65535}), pick(c, []uint16{deadPort, deadPort + 1, 65535})
}

// slots is a few ranges that meet those that others own.
func (c *chance) slots() (s slot.Set) {
	switch n := c.Intn(48); {
	case n < 8:
	case n < 43:
		for range 1 + c.Intn(3) {
			lo := uint16(pick(c, []int{0, 1, 99, 100, 101, 199, 200, 250, 5000, 5099, 10000, 16000, 16382}))
			s.AddRange(lo, min(lo+uint16(pick(c, []int{0, 0, 1, 7, 100, 300})), slot.Count-2))
		}
	case n < 47:
		s.Add(slot.Count - 1)
	default:
		s.AddRange(0, slot.Count-2)
	}
	return s
}

func (c *chance) nodeFlags() bus.NodeFlags {
	f := pick(c, []bus.NodeFlags{bus.FlagMaster, bus.FlagMaster, bus.FlagReplica, bus.FlagReplica, bus.FlagMaster | bus.FlagReplica, 0})
	for range c.Intn(3) {
		f |= 1 << c.Intn(16)
	}
	return f
}

// packetType is mostly one of those that carry most meaning.
func (c *chance) packetType() bus.Type {
	switch n := c.Intn(24); {
	case n < 9:
		return bus.TypePing
	case n < 12:
		return bus.TypePong
	case n < 13:
		return bus.TypeMeet
	case n < 14:
		return bus.Type(pick(c, []uint16{11, 12, 255, 256, 0x8004, 65535}))
	}
	return bus.Type(3 + c.Intn(bus.TypeCount-3))
}

// epoch is small, or near one of the borders of its type.
func (c *chance) epoch() uint64 {
	switch n := c.Intn(16); {
	case n < 13:
		return uint64(c.Intn(12))
	case n < 14:
		return 1<<63 - 2 + uint64(c.Intn(4))
	case n < 15:
		return 1<<32 - 1 + uint64(c.Intn(2))
	case c.safe:
		return 1<<64 - 1000 - uint64(c.Intn(4))
	}
	return 1<<64 - 1 - uint64(c.Intn(4))
}

func (c *chance) small16() uint16 {
	return pick(c, []uint16{0, 1, 2, 3, 7, 8, 40, 104, 255, 256, 65535})
}

func (c *chance) small32() uint32 {
	return pick(c, []uint32{0, 1, 8, 1e9, 2256, 2360, 1<<31 - 1, 1<<32 - 1})
}

// gossip is an entry about anyone. It names its values itself: to have gofuzz find each field costs as much as a packet.
func (c *chance) gossip() bus.Gossip {
	g := bus.Gossip{ID: c.id(), PingSent: c.small32(), PongReceived: c.small32(), IP: c.ip(), Flags: c.nodeFlags(), PPort: c.small16(), Unused: c.small16()}
	g.Port, g.CPort = c.address(g.ID)
	if g.IP == (bus.IP{}) {
		g.IP = bus.IPFrom("127.0.0.1")
	}
	if c.safe {
		g.Flags &^= bus.FlagMyself
	}
	return g
}

// extension is of a known type with a payload of its form, or anything that is well framed.
func (c *chance) extension() bus.Extension {
	switch c.Intn(9) {
	case 0, 1:
		return bus.HostnameExt(c.name())
	case 2:
		return bus.NodenameExt(c.name())
	case 3:
		return bus.ForgottenExt(c.id(), pick(c, []uint64{60, 600, 1 << 31, 1 << 32, 1 << 40}))
	case 4, 5:
		if id := c.id(); !c.safe || id.Valid() {
			return bus.ShardIDExt(id)
		}
		return bus.ShardIDExt(actorIDs[actorP])
	case 6:
		return bus.SecretExt(c.id())
	}
	e := bus.Extension{Unused: c.small16()}
	c.typed(&e.Type)
	e.Payload = make([]byte, 8*c.Intn(12))
	for i := range e.Payload {
		e.Payload[i] = pick(c, []byte{0, 'a', 'b', '1', 0xff, ' '})
	}
	e.Length = uint32(bus.ExtHeaderLen + len(e.Payload))
	return e
}

// name is a host name or node name, seldom one that no host can have.
func (c *chance) name() string {
	switch n := c.Intn(16); {
	case n < 10:
		return pick(c, []string{"", "h.example", "h", "other.example", "h-1_2"})
	case n < 11:
		return string(make([]byte, 255)) // nothing, and padding
	case n < 12:
		b := make([]byte, pick(c, []int{63, 254, 255, 256, 300}))
		for i := range b {
			b[i] = 'h'
		}
		return string(b)
	case c.safe:
		return "x" + string(pick(c, []byte("/.`_\x80\xc3\xff"))) + "y"
	}
	return "x" + string(pick(c, []byte(" \n\r\t,=@:;#\"'\\$%&!()*+<>?[]^`{|}~/\x01\x7f\x80\xc3\xff"))) + "y"
}
