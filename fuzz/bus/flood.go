package bus

import "github.com/slotdiff/slotdiff/wire/bus"

// flood sends many packets on several links at once without waiting in between. They are such that their order does not
// matter: whatever a stranger says but for MEET, and what the node reads no further than its version.
func (g *generator) flood() int {
	var links []Link
	for a := range actorCount {
		for w := range In {
			l := Link{a, w}
			if !g.cond.open(l) && g.one(2) {
				g.try(Op{Do: DoDial, Link: l})
			}
			if g.cond.open(l) && g.cond.pending(l) == 0 {
				links = append(links, l)
			}
		}
	}
	if len(links) == 0 {
		return 1
	}
	sent := 0
	for range 2 + g.Intn(10) {
		l := pick(g.chance, links)
		op := g.honest(l, pick(g.chance, []bus.Type{bus.TypePing, bus.TypePing, bus.TypePong, bus.TypePublish, bus.TypeModule, bus.TypeUpdate}))
		if l.Actor != actorU {
			op.Frame[offVer+1] ^= byte(1 + g.Intn(255))
		} else if bus.ID(op.Frame[40:80]) != actorIDs[actorU] || g.cond.n.Knows(actorIDs[actorU]) || !g.cond.links[l.index()].bound.IsZero() {
			continue
		}
		op.Flood, op.Times = true, 1+g.Intn(6)
		if g.try(op) {
			sent += op.Times
		}
	}
	return sent + 1
}
