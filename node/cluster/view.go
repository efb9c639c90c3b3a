package cluster

import (
	"iter"

	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// View is a deep copy of what a node knows, for CLUSTER replies and snapshots. References
// between nodes are indices into Nodes. Texts of CLUSTER NODES and CLUSTER INFO are made
// without it, by [Node.AppendNodes] and [Node.AppendInfo].
type View struct {
	Self         int // index of this node
	State        bus.State
	Size         int // masters that own slots
	CurrentEpoch uint64
	VoteEpoch    uint64 // lastVoteEpoch
	Endpoint     Endpoint
	TLSCluster   bool
	Nodes        []NodeView // in the order in which they were learned
	Ranges       []OwnedRange
	Shards       []ShardView
	Open         []OpenSlot
	Stats        Stats
}

// NodeView is one known node, this one too.
type NodeView struct {
	ID, ShardID  bus.ID
	Flags        bus.NodeFlags
	IP           string
	Hostname     string // "": none announced
	Nodename     string // human node name, "": none announced
	Endpoint     string // preferred endpoint, for CLUSTER SHARDS
	Port         int    // plain client port, 0: none
	TLSPort      int    // 0: none
	CPort        int
	Master       int   // -1: a master, or a replica of an unknown master
	Replicas     []int // of a master, in the order in which they became so
	Created      Time
	PingSent     Time // 0: no ping is outstanding
	PongReceived Time
	DataReceived Time
	FailTime     Time
	ConfigEpoch  uint64
	ReplOffset   int64 // for this node the offset of the last Report
	Slots        slot.Set
	Reports      int // failure reports, outdated ones too
	Out, In      *LinkView
}

// Replica reports whether the node is a replica.
func (v *NodeView) Replica() bool { return v.Flags.Any(bus.FlagReplica) }

// LinkView is one link of CLUSTER LINKS.
type LinkView struct {
	ID      LinkID
	Created Time
	Up      bool // false: still being dialled
	Queued  int64
}

// OwnedRange is a run of slots with one owner, as CLUSTER SLOTS lists them.
type OwnedRange struct {
	Start, End uint16
	Owner      int
}

// ShardView is one shard of CLUSTER SHARDS.
type ShardView struct {
	ID     bus.ID
	Nodes  []int    // in the order in which they joined the shard
	Slots  slot.Set // of the shard's master: see Master
	Master int      // the master of its first node that is not failing, -1: all are failing
}

// OpenSlot is a slot that is migrating to or importing from a node.
type OpenSlot struct {
	Slot      uint16
	Importing bool
	Node      bus.ID
}

// Stats are the counters of CLUSTER INFO.
type Stats struct {
	Sent, Received [bus.TypeCount]uint64
	LinksOverLimit uint64 // total_cluster_links_buffer_limit_exceeded
}

// Stats are the counters as they are now.
func (n *Node) Stats() Stats { return n.stats }

// Size is how many masters own slots, as of the last time the node counted them.
func (n *Node) Size() int { return n.size }

// Sight is what a node knows of one node. It copies no slots, unlike [View].
type Sight struct {
	ID          bus.ID
	Myself      bool
	Flags       bus.NodeFlags
	Master      bus.ID // zero: a master, or a replica of an unknown master
	ConfigEpoch uint64
	Slots       *slot.Set // must not be changed, and holds until the next Step
	In, Out     LinkID    // links accepted from it and dialled to it, 0: none
}

// See is what this node knows of another one, or of itself; false: nothing.
func (n *Node) See(id bus.ID) (Sight, bool) {
	p := n.lookup(id)
	if p == nil {
		return Sight{}, false
	}
	return n.sight(p), true
}

// Sights are what this node knows of every node, itself too, in the order in which it learned of them.
func (n *Node) Sights() iter.Seq[Sight] {
	return func(yield func(Sight) bool) {
		for _, p := range n.peers {
			if !yield(n.sight(p)) {
				return
			}
		}
	}
}

func (n *Node) sight(p *peer) Sight {
	s := Sight{ID: p.id, Myself: p == n.myself, Flags: p.flags, ConfigEpoch: p.configEpoch, Slots: p.owned()}
	if p.master != nil {
		s.Master = p.master.id
	}
	if p.in != nil {
		s.In = p.in.id
	}
	if p.out != nil {
		s.Out = p.out.id
	}
	return s
}

// View copies all that the node knows.
func (n *Node) View() View {
	v := View{
		State:        n.state,
		Size:         n.size,
		CurrentEpoch: n.currentEpoch,
		VoteEpoch:    n.lastVoteEpoch,
		Endpoint:     n.set.Endpoint,
		TLSCluster:   n.set.TLSCluster,
		Nodes:        make([]NodeView, len(n.peers)),
		Stats:        n.stats,
	}
	index := make(map[*peer]int, len(n.peers))
	for i, p := range n.peers {
		index[p] = i
	}
	for i, p := range n.peers {
		v.Nodes[i] = n.viewPeer(p, index)
	}
	v.Self = index[n.myself]
	for _, sh := range n.shards {
		v.Shards = append(v.Shards, viewShard(sh, index))
	}
	for s := 0; s < slot.Count; {
		owner, start := n.slots[s], s
		for s++; s < slot.Count && n.slots[s] == owner; s++ {
		}
		if owner != nil {
			v.Ranges = append(v.Ranges, OwnedRange{Start: uint16(start), End: uint16(s - 1), Owner: index[owner]})
		}
	}
	for _, o := range n.openSlots() {
		v.Open = append(v.Open, OpenSlot(o))
	}
	return v
}

func (n *Node) viewPeer(p *peer, index map[*peer]int) NodeView {
	v := NodeView{
		ID: p.id, ShardID: p.shardID, Flags: p.flags,
		IP: p.ip, Hostname: p.hostname, Nodename: p.nodename, Endpoint: n.endpoint(p),
		Port: p.port, TLSPort: p.tlsPort, CPort: p.cport,
		Master:  -1,
		Created: p.created, PingSent: p.pingSent, PongReceived: p.pongReceived,
		DataReceived: p.dataReceived, FailTime: p.failTime,
		ConfigEpoch: p.configEpoch, ReplOffset: p.replOffset,
		Slots:   *p.owned(),
		Reports: len(p.reports),
		Out:     viewLink(p.out), In: viewLink(p.in),
	}
	if p == n.myself {
		v.ReplOffset = n.report.ReplOffset
	}
	if p.master != nil {
		v.Master = index[p.master]
	}
	for _, r := range p.replicas {
		v.Replicas = append(v.Replicas, index[r])
	}
	return v
}

func viewLink(l *link) *LinkView {
	if l == nil {
		return nil
	}
	return &LinkView{ID: l.id, Created: l.created, Up: l.up, Queued: l.queued}
}

// viewShard mirrors clusterGetMasterFromShard.
func viewShard(sh *shard, index map[*peer]int) ShardView {
	v := ShardView{ID: sh.id, Master: -1}
	for _, p := range sh.members {
		v.Nodes = append(v.Nodes, index[p])
		if v.Master < 0 && !p.flags.Any(bus.FlagFail) {
			m := p.topMaster()
			v.Master, v.Slots = index[m], *m.owned()
		}
	}
	return v
}
