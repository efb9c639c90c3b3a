package cluster

import (
	"maps"
	"slices"

	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// Clone is another node in the same state, which shares nothing that either may change with n. Its random numbers come from r. What n has
// to do must have been drained by [Node.Ready]: effects are done once.
func (n *Node) Clone(r Random) *Node {
	if !n.ready.Empty() {
		panic("cluster: Clone with effects that Ready has not given")
	}
	copied := *n
	c := &copied
	c.rand = r
	c.dec, c.pkt, c.ping, c.fail, c.update, c.empty = bus.Decoder{}, bus.Packet{}, bus.Ping{}, bus.Fail{}, bus.Update{}, bus.Empty{}
	c.about, c.extBytes, c.text, c.ready, c.spare, c.frames, c.spent = nil, nil, nil, Ready{}, Ready{}, frames{}, frames{}

	k := newCopies(n)
	c.myself = k.peer(n.myself)
	c.peers = k.list(n.peers)
	c.due = slices.Clone(n.due)
	c.byID = make(map[bus.ID]*peer, len(n.byID))
	for id, p := range n.byID { // order-free: one entry each
		c.byID[id] = k.peer(p)
	}
	c.shards = make([]*shard, len(n.shards))
	c.shardByID = make(map[bus.ID]*shard, len(n.shards))
	for i, sh := range n.shards {
		c.shards[i] = &shard{id: sh.id, members: k.list(sh.members)}
		c.shardByID[sh.id] = c.shards[i]
	}
	c.blacklist = slices.Clone(n.blacklist)
	c.links = make(map[LinkID]*link, len(n.links))
	for id, l := range n.links { // order-free: one entry each
		c.links[id] = k.link(l)
	}
	c.queued = nil
	for _, l := range n.queued {
		c.queued = append(c.queued, k.link(l))
	}
	c.slots = new([slot.Count]*peer)
	for _, p := range c.peers {
		for s := range p.owned().All() {
			c.slots[s] = p
		}
	}
	c.migrating, c.importing = maps.Clone(n.migrating), maps.Clone(n.importing)
	for s, p := range c.migrating { // order-free: one entry each
		c.migrating[s] = k.peer(p)
	}
	for s, p := range c.importing { // order-free: one entry each
		c.importing[s] = k.peer(p)
	}
	c.manual.replica = k.peer(n.manual.replica)
	return c
}

// copies are the peers and links of a clone, by those that they are copies of.
type copies struct {
	known  []peer // those in Node.peers, by index
	strays map[*peer]*peer
	links  map[*link]*link
}

func newCopies(n *Node) *copies {
	k := &copies{known: make([]peer, len(n.peers)), strays: map[*peer]*peer{}, links: make(map[*link]*link, len(n.links))}
	for _, p := range n.peers {
		k.fill(&k.known[p.index], p)
	}
	return k
}

func (k *copies) peer(p *peer) *peer {
	switch {
	case p == nil:
		return nil
	case p.index >= 0:
		return &k.known[p.index]
	case k.strays[p] == nil:
		k.strays[p] = new(peer) // before fill, which may meet it again
		k.fill(k.strays[p], p)
	}
	return k.strays[p]
}

func (k *copies) fill(c, p *peer) {
	*c = *p
	c.master = k.peer(p.master)
	c.replicas = k.list(p.replicas)
	c.reports = slices.Clone(p.reports)
	for i := range c.reports {
		c.reports[i].from = k.peer(c.reports[i].from)
	}
	c.in, c.out = k.link(p.in), k.link(p.out)
	if p.slots != nil {
		set := *p.slots
		c.slots = &set
	}
}

func (k *copies) list(peers []*peer) []*peer {
	if peers == nil {
		return nil
	}
	c := make([]*peer, len(peers))
	for i, p := range peers {
		c[i] = k.peer(p)
	}
	return c
}

func (k *copies) link(l *link) *link {
	if l == nil {
		return nil
	}
	if c := k.links[l]; c != nil {
		return c
	}
	c := new(link)
	k.links[l] = c // before the peer, which may have it
	*c = *l
	c.peer = k.peer(l.peer)
	return c
}
