package bus

import (
	"slices"
	"strconv"

	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// Bounds of how many packets an episode has.
const (
	minPackets = 40
	MaxPackets = 1600
	// recipePackets is the bound for an episode of a recipe, which is to be small.
	recipePackets = 160
)

// rebuildMost is how many ops are given up before an episode ends: for each the twin has to do some of it again.
const rebuildMost = 200

// lookEvery is after how many packets the state is compared.
const lookEvery = 256

// Generate makes the episode of a seed. hunt asks for inputs that leave what Redis defines, but for the faults that are known.
func Generate(seed uint64, hunt bool, known *quirks.List) *Episode {
	e := generate(fromSeed(seed), hunt, MaxPackets, known)
	e.Seed = seed
	return e
}

// FromRecipe makes an episode of a compact recipe, a byte a choice: what `go test -fuzz` mutates.
func FromRecipe(recipe []byte) *Episode {
	return generate(fromRecipe(recipe), false, recipePackets, nil)
}

// generator makes one episode.
type generator struct {
	*chance
	e    *Episode
	cond *conductor
	pkt  bus.Packet             // the one that is being made
	self [actorCount]bus.Header // what actors say of themselves for now
	exts [actorCount][]bus.Extension
	// epochs are those that the node knows.
	epochs  []uint64
	met     [actorCount]bool // who has announced its own address in a MEET: each at most once
	seen    map[plan]int     // how often a plan was used
	looked  int              // packets since the state was compared
	rebuilt int
	saved   []savepoint // of the episode so far, a few of the last
	settled int
	over    bool
	quirks  *quirks.List
}

func generate(src *source, hunt bool, most int, known *quirks.List) *Episode {
	g := &generator{
		chance: newChance(src), seen: map[plan]int{}, quirks: known,
		e: &Episode{Hunt: hunt, Held: map[string]uint64{}, Tokens: map[string]bool{}, mem: newArena()},
	}
	g.safe = !hunt
	g.e.Met = pick(g.chance, [][]int{{actorP}, {actorP, actorR}, {actorP, actorQ}, {actorP, actorQ, actorR}})
	g.cond = newConductor(g.e.Met)
	for a := range actorCount {
		g.self[a] = template(a)
	}
	g.prelude()
	packets := minPackets + g.Intn(most-minPackets)
	for n := 0; n < packets && !src.spent() && !g.over; {
		did := g.round()
		n += did
		if g.looked += did; g.looked >= lookEvery {
			g.looked = 0
			g.try(Op{Do: DoLook})
		}
	}
	g.fence()
	g.cond.acts.into(g.e.Tokens)
	g.e.done = g.cond.finish()
	return g.e
}

// fence ends the open segment. The fences themselves, which repeat what was last said, may leave what Redis defines: then ops are given up
// from the last on.
func (g *generator) fence() {
	for {
		names := g.banned(g.cond.fenced().unsafe)
		if len(names) == 0 || len(g.e.Ops) == 0 {
			return
		}
		g.e.Held[names[0]]++
		g.e.Ops = g.e.Ops[:len(g.e.Ops)-1]
		g.rebuild()
	}
}

// banned are those of the rules that no input of this episode may break.
func (g *generator) banned(rules []string) []string {
	return slices.DeleteFunc(rules, func(name string) bool { return g.e.Hunt && !fatal[name] })
}

// try performs an op and keeps it, unless it leaves what Redis defines and the episode is not a hunt, or it does what is known
// to end real Redis.
func (g *generator) try(op Op) bool {
	if op.Do == DoSend {
		all := g.cond.stream(&op)
		if name := g.foreseen(op.Link, all); name != "" {
			g.e.Held[name]++
			return false
		}
		if op.Link.Which == In && g.closesIn(op.Link, op.Frame) && !g.one(24) {
			return false
		}
		if !g.framed(op.Link, op.Frame) && !g.one(brokenEvery) {
			return false
		}
		if name := g.cond.quirk(g.quirks, g.e.Hunt, op.Link, all); name != "" {
			g.e.Held["quirk:"+name]++
			return false
		}
	}
	g.save()
	if g.cond.parts(&op) {
		g.fence()
	}
	if op.Do == DoSend && !g.cond.open(op.Link) {
		return false
	}
	g.cond.op = len(g.e.Ops)
	eff := g.cond.perform(&op)
	names := g.banned(eff.unsafe)
	if len(names) > 0 {
		g.e.Held[names[0]]++
		g.rebuild()
		return false
	}
	g.e.Ops = append(g.e.Ops, op)
	for a := range actorCount {
		// The node dials again with a tick. What comes before it and what after depends on the clock, so only hunts, in which
		// nothing is compared, use the new link.
		if g.e.Hunt && eff.closed.has(Link{a, In}) {
			g.try(Op{Do: DoSettle})
			g.settled++
			g.over = g.over || g.settled >= settleMost
			break
		}
	}
	return true
}

// brokenEvery thins out what leaves a link broken or in the middle of a packet: it has to be opened anew, which takes as long as dozens of packets.
const brokenEvery = 4

// framed reports whether a link has whole packets and nothing else behind a frame.
func (g *generator) framed(l Link, frame []byte) bool {
	for b := g.cond.withPending(l, frame); len(b) > 0; {
		frame, after, _ := bus.CutFrame(b)
		if frame == nil {
			return false
		}
		b = after
	}
	return true
}

// settleMost is how often a hunt waits for a tick.
const settleMost = 8

// closesIn reports whether a frame makes the node close a link that it dialled, as far as its bytes tell: it is no frame, or
// in another one's name. That costs a tick.
func (g *generator) closesIn(l Link, frame []byte) bool {
	n, err := bus.FrameLen(frame)
	if err != nil || n < bus.HeaderLen || n > len(frame) {
		return err != nil
	}
	return typeOf(frame).Gossips() && bus.ID(frame[40:80]) != actorIDs[l.Actor] && bus.Check(frame[:n]).Action == bus.Accept
}

// rebuild makes the twin anew, without the op that was tried last.
func (g *generator) rebuild() {
	g.cond.acts.into(g.e.Tokens)
	for len(g.saved) > 0 && g.saved[len(g.saved)-1].ops > len(g.e.Ops) {
		g.saved = g.saved[:len(g.saved)-1]
	}
	if n := len(g.saved); n > 0 {
		g.cond = g.saved[n-1].resume(g.cond)
	} else {
		g.cond = newConductor(g.e.Met)
	}
	g.cond.redo(g.e.Ops[g.cond.op:])
	g.rebuilt++
	g.over = g.over || g.rebuilt >= rebuildMost
}

// savesKept is how many savepoints are kept. Ops are given up from the last on, so older ones are hardly ever asked for; without any the
// twin begins anew.
const savesKept = 2

// save keeps the twin as it is, if it has done enough since it was kept last.
func (g *generator) save() {
	if n := len(g.saved); n > 0 && len(g.e.Ops)-g.saved[n-1].ops < saveEvery || len(g.e.Ops) < saveEvery {
		return
	}
	if len(g.saved) == savesKept {
		g.saved = slices.Delete(g.saved, 0, 1)
	}
	g.cond.op = len(g.e.Ops)
	g.saved = append(g.saved, g.cond.save())
}

// prelude makes the cluster that most episodes begin with.
func (g *generator) prelude() {
	if !g.one(8) {
		g.try(Op{Do: DoAdmin, Args: []string{"CLUSTER", "ADDSLOTSRANGE", "0", "199"}})
	}
	if g.one(3) {
		g.try(Op{Do: DoAdmin, Args: []string{"CLUSTER", "BUMPEPOCH"}})
	}
	for _, a := range append(g.e.Met, actorU) {
		g.try(Op{Do: DoDial, Link: Link{a, Out}})
		h := &g.self[a]
		switch {
		case g.one(6):
			continue
		case a == actorP:
			h.Slots = slots(5000, 5099)
			h.ConfigEpoch, h.CurrentEpoch = 1+uint64(g.Intn(3)), 3
		case a == actorR:
			h.Slots = slots(10000, 10099)
			h.ConfigEpoch, h.CurrentEpoch = 1+uint64(g.Intn(3)), 3
		case a == actorQ && g.one(3):
			h.ReplicaOf, h.Flags = nodeID, bus.FlagReplica|bus.FlagMyself
			h.Slots = slots(0, 199)
		case a == actorQ:
			h.ReplicaOf, h.Flags = actorIDs[actorP], bus.FlagReplica|bus.FlagMyself
			h.Slots, h.ConfigEpoch = g.self[actorP].Slots, g.self[actorP].ConfigEpoch
		}
		if g.one(2) {
			shard := actorIDs[actorP]
			g.exts[a] = []bus.Extension{bus.ShardIDExt(shard)}
		}
		if a != actorU {
			g.try(g.honest(Link{a, Out}, bus.TypePing))
		}
	}
}

func slots(lo, hi uint16) (s slot.Set) {
	s.AddRange(lo, hi)
	return s
}

// honest is a packet in which an actor says what it is.
func (g *generator) honest(l Link, t bus.Type) Op {
	p := &bus.Packet{Header: g.self[l.Actor]}
	p.Type = t
	if p.Body = nil; t.Gossips() {
		p.Body = &bus.Ping{Exts: g.exts[l.Actor]}
	}
	return Op{Link: l, Frame: g.frame(p.Seal()), plan: plan{seed: -1, typ: t, field: noFields, disorder: -1}}
}

var noFields = [3]int8{-1, -1, -1}

// frame is the bytes of a packet, in the memory of the episode.
func (g *generator) frame(p *bus.Packet) []byte {
	size := p.Size()
	return p.Append(g.e.mem.take(size))
}

// round is some packets on one link, or something else that happens. It returns how many packets it had.
func (g *generator) round() int {
	n := g.Intn(48)
	switch {
	case n < 5:
		g.try(Op{Do: DoAdmin, Args: g.command()})
		return 1
	case n < 7:
		l := Link{g.Intn(actorCount), Which(g.Intn(2))}
		g.try(Op{Do: DoDial, Link: l})
		return 1
	case n < 8:
		g.try(Op{Do: DoClose, Link: Link{g.Intn(actorCount), Which(g.Intn(2))}})
		return 1
	case n < 9 && g.e.Hunt:
		g.try(Op{Do: DoSettle})
		return 1
	}
	if n == 9 && g.one(2) {
		return g.flood()
	}
	l := g.link()
	g.learnEpochs()
	sent := 0
	for range 1 + g.Intn(pick(g.chance, []int{4, 64, 128, 256})) {
		if !g.cond.open(l) || g.src.spent() || g.over || g.cond.pending(l) > 0 && (l.Which == In || !g.one(4)) {
			break
		}
		sent++
		// Of two, take the one whose kind has been used less.
		p := g.plan()
		if other := g.plan(); g.seen[other] < g.seen[p] {
			p = other
		}
		if g.try(g.packet(l, p)) {
			g.seen[p]++
		}
	}
	return sent + 1
}

var whichLinks = []Which{Out, Out, Out, Out, Out, Out, Out, Out2, Out2, In}

// link is one that is open, opened now if need be.
func (g *generator) link() Link {
	l := Link{pick(g.chance, append([]int{actorU}, append(g.e.Met, g.e.Met...)...)), pick(g.chance, whichLinks)}
	if g.cond.open(l) && g.cond.pending(l) == 0 {
		return l
	}
	l.Which = Out
	if !g.cond.open(l) || g.cond.pending(l) > 0 {
		g.try(Op{Do: DoDial, Link: l})
	}
	return l
}

// learnEpochs looks up which epochs the node knows: those next to them decide most.
func (g *generator) learnEpochs() {
	own := g.cond.n.Epochs()
	g.epochs = append(g.epochs[:0], own.Current, own.Vote)
	for _, id := range idsOfNodes {
		if s, ok := g.cond.n.See(id); ok {
			g.epochs = append(g.epochs, s.ConfigEpoch)
		}
	}
}

// nearEpoch is one that the node knows, or one next to it.
func (g *generator) nearEpoch() uint64 {
	if g.one(4) || len(g.epochs) == 0 {
		return g.epoch()
	}
	return pick(g.chance, g.epochs) + uint64(g.Intn(3)) - 1
}

// command is a CLUSTER command that changes what packets mean.
func (g *generator) command() []string {
	num := func(n int) string { return strconv.Itoa(n) }
	who := func() string { id := g.id(); return string(id[:]) }
	s := pick(g.chance, []int{0, 1, 50, 199, 5000, 5050, 10000, 12000, 16382})
	id := pick(g.chance, []string{string(actorIDs[g.Intn(3)][:]), string(otherIDs[0][:]), string(nodeID[:])})
	if g.one(8) {
		if bad := who(); plain(bad) {
			id = bad
		}
	}
	args := pick(g.chance, [][]string{
		{"ADDSLOTSRANGE", num(s), num(min(s+g.Intn(100), slot.Count-2))},
		{"DELSLOTSRANGE", num(s), num(s)},
		{"FORGET", id},
		{"FORGET", id},
		{"SETSLOT", num(s), "NODE", id},
		{"SETSLOT", num(s), "MIGRATING", id},
		{"SETSLOT", num(s), "IMPORTING", id},
		{"SETSLOT", num(s), "STABLE"},
		{"BUMPEPOCH"},
		{"COUNT-FAILURE-REPORTS", id},
		{"MEET", "127.0.0.1", num(deadPort), num(deadPort)},
		{"REPLICATE", id},
		{"FLUSHSLOTS"},
		{"SAVECONFIG"},
		{"SET-CONFIG-EPOCH", num(g.Intn(5))},
	})
	return append([]string{"CLUSTER"}, args...)
}

// plain reports whether a text is one word of a case without quotes.
func plain(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return len(s) == bus.IDLen
}
