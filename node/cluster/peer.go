package cluster

import (
	"slices"

	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// peer is one known node, this one too (struct _clusterNode). What gossip about a node and the ticks
// look at stands first: in a large cluster nothing else of most nodes is touched.
type peer struct {
	pingSent     Time // 0: no ping is outstanding
	pongReceived Time
	reports      []failReport
	out          *link  // dialled by this node
	gossiped     uint64 // number of the last packet whose gossip section named it
	flags        bus.NodeFlags
	id           bus.ID
	index        int // in Node.peers, -1: not there

	ip      string // "": not known
	port    int    // plain client port
	tlsPort int
	cport   int

	in           *link // accepted from it, once it is known that it is from it
	dataReceived Time

	numSlots    int       // slots.Len()
	configEpoch uint64    // last seen
	slots       *slot.Set // nil: none
	master      *peer     // nil: a master, or a replica whose master is not known
	replicas    []*peer

	replOffset     int64
	replOffsetTime Time
	created        Time
	failTime       Time // when FAIL was set
	votedTime      Time // when this node last voted for a replica of it
	orphanedTime   Time // since when it is a master without replicas that work, 0: it is not

	hostname string
	nodename string
	shardID  bus.ID
}

// failReport is what a master said: that a node is failing.
type failReport struct {
	from *peer
	time Time
}

func (p *peer) isMaster() bool    { return p.flags.Any(bus.FlagMaster) }
func (p *peer) isReplica() bool   { return p.flags.Any(bus.FlagReplica) }
func (p *peer) inHandshake() bool { return p.flags.Any(bus.FlagHandshake) }
func (p *peer) hasAddr() bool     { return !p.flags.Any(bus.FlagNoAddr) }
func (p *peer) timedOut() bool    { return p.flags.Any(bus.FlagPFail) }
func (p *peer) failed() bool      { return p.flags.Any(bus.FlagFail) }

// clientPort mirrors clusterNodeClientPort.
func (p *peer) clientPort(tls bool) int {
	if tls {
		return p.tlsPort
	}
	return p.port
}

// name is how a node is called in log records.
func (p *peer) name() string { return string(p.id[:]) + " (" + p.nodename + ")" }

// topMaster mirrors clusterNodeGetMaster, which follows masters for ever where replicas name each
// other; here the walk ends at the first node that it meets again.
func (p *peer) topMaster() *peer {
	slow, top := p, p
	for step := 1; top.master != nil; step++ {
		top = top.master
		if top == slow {
			break
		}
		if step%2 == 0 {
			slow = slow.master
		}
	}
	return top
}

// setMaster makes p the master of r.
func (n *Node) setMaster(r, p *peer) {
	r.master = p
	if r.topMaster().master != nil {
		n.unsafe(UnsafeReplicaCircle, "node %s follows %s", r.id, p.id)
	}
}

// owned are the slots of a node, which must not be changed.
func (p *peer) owned() *slot.Set {
	if p.slots == nil {
		return &noSlots
	}
	return p.slots
}

var noSlots slot.Set

// setFlags sets and clears flags of a node, in this order of the arguments but clear first. All flags
// are set here, because what the ticks know of a node depends on them.
func (n *Node) setFlags(p *peer, set, clear bus.NodeFlags) {
	flags := p.flags&^clear | set
	if flags == p.flags {
		return
	}
	p.flags = flags
	n.orphans.stale = true
	n.heed(p)
}

// setPingSent notes that a ping was sent, or with 0 that none is outstanding.
func (n *Node) setPingSent(p *peer, at Time) {
	p.pingSent = at
	n.heed(p)
}

// addReplica mirrors clusterNodeAddSlave.
func (n *Node) addReplica(p, r *peer) {
	if slices.Contains(p.replicas, r) {
		return
	}
	p.replicas = append(p.replicas, r)
	n.orphans.stale = true
	n.setFlags(p, bus.FlagMigrateTo, 0)
}

// removeReplica mirrors clusterNodeRemoveSlave.
func (n *Node) removeReplica(p, r *peer) {
	i := slices.Index(p.replicas, r)
	if i < 0 {
		return
	}
	p.replicas = slices.Delete(p.replicas, i, i+1)
	n.orphans.stale = true
	if len(p.replicas) == 0 {
		n.setFlags(p, 0, bus.FlagMigrateTo)
	}
}

// workingReplicas mirrors clusterCountNonFailingSlaves.
func (p *peer) workingReplicas() int {
	ok := 0
	for _, r := range p.replicas {
		if !r.failed() {
			ok++
		}
	}
	return ok
}

// newPeer mirrors createClusterNode. A zero id is replaced by a random one.
func (n *Node) newPeer(id bus.ID, flags bus.NodeFlags) *peer {
	if id == (bus.ID{}) {
		id = n.randomID()
	}
	return &peer{id: id, shardID: n.randomID(), flags: flags, created: n.now, index: -1}
}

// lookup finds a node by its id (clusterLookupNode); ids that no node can have are not found.
func (n *Node) lookup(id bus.ID) *peer {
	if !id.Valid() {
		return nil
	}
	return n.byID[id]
}

// lookupArg finds a node by the argument of a command.
func (n *Node) lookupArg(arg string) *peer {
	if len(arg) != bus.IDLen {
		return nil
	}
	return n.lookup(bus.ID([]byte(arg)))
}

// addPeer mirrors clusterAddNode.
func (n *Node) addPeer(p *peer) {
	if n.byID[p.id] != nil {
		panic("cluster: node " + p.id.String() + " added twice")
	}
	n.byID[p.id] = p
	p.index = len(n.peers)
	n.peers, n.due = append(n.peers, p), append(n.due, 0)
	n.orphans.stale = true
}

// renamePeer mirrors clusterRenameNode.
func (n *Node) renamePeer(p *peer, id bus.ID) {
	n.logf(LevelDebug, "Renaming node %s into %s", p.id, id)
	delete(n.byID, p.id)
	p.id = id
	n.byID[id] = p
	n.addToShard(p.shardID, p)
}

// delPeer forgets a node. Mirrors clusterDelNode and freeClusterNode.
func (n *Node) delPeer(p *peer) {
	if p == n.myself {
		panic("cluster: a node cannot forget itself")
	}
	open := n.open
	for s := range open.All() {
		if n.importing[s] == p {
			n.setImporting(s, nil)
		}
		if n.migrating[s] == p {
			n.setMigrating(s, nil)
		}
	}
	n.delSlots(p)
	for _, q := range n.peers {
		if q != p {
			n.delFailReport(q, p)
		}
	}
	n.removeFromShard(p)
	for _, r := range p.replicas {
		r.master = nil
	}
	if n.myself.isReplica() && n.myself.master == nil {
		n.unsafe(UnsafeLostMaster, "node %s is forgotten, I am a master again", p.id)
		n.setAsMaster(n.myself)
		n.unfollow()
	}
	if p.master != nil {
		n.removeReplica(p.master, p)
	}
	delete(n.byID, p.id)
	n.peers, n.due = slices.Delete(n.peers, p.index, p.index+1), slices.Delete(n.due, p.index, p.index+1)
	for i, q := range n.peers[p.index:] {
		q.index = p.index + i
	}
	p.index = -1
	n.orphans.stale = true
	n.closeLink(p.out)
	n.closeLink(p.in)
}

// setAsMaster mirrors clusterSetNodeAsMaster.
func (n *Node) setAsMaster(p *peer) {
	if p.isMaster() {
		return
	}
	if p.master != nil {
		n.removeReplica(p.master, p)
		if p != n.myself {
			n.setFlags(p, bus.FlagMigrateTo, 0)
		}
	}
	n.setFlags(p, bus.FlagMaster, bus.FlagReplica)
	p.master = nil
	n.later(todoSave | todoUpdateState)
}

// maxEpoch mirrors clusterGetMaxEpoch.
func (n *Node) maxEpoch() uint64 {
	top := n.currentEpoch
	for _, p := range n.peers {
		top = max(top, p.configEpoch)
	}
	return top
}

// randomID mirrors getRandomHexChars for 40 characters.
func (n *Node) randomID() (id bus.ID) {
	const digits = "0123456789abcdef"
	for i := 0; i < len(id); i += 10 {
		x := n.rand.Uint64()
		for j := range 10 {
			id[i+j] = digits[x>>(4*j)&15]
		}
	}
	return id
}

// chance is a random number in 0..below-1.
func (n *Node) chance(below int) int { return int(n.rand.Uint64() % uint64(below)) }

// Known is how many nodes are known, this one and those in handshake too.
func (n *Node) Known() int { return len(n.peers) }
