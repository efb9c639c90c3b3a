package cluster

import (
	"fmt"
	"slices"

	"github.com/slotdiff/slotdiff/node/nodesconf"
	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// checkInvariants says what is wrong with a node's tables.
func checkInvariants(n *Node) error {
	selves := 0
	for i, p := range n.peers {
		if n.byID[p.id] != p {
			return fmt.Errorf("node %s is not found by its id", p.id)
		}
		if !p.id.Valid() {
			return fmt.Errorf("node %d has the id %q", i, p.id)
		}
		if p.flags.Any(bus.FlagMyself) {
			selves++
		}
		if p.numSlots != p.owned().Len() || (p.numSlots == 0) != (p.slots == nil) {
			return fmt.Errorf("node %s counts %d slots and has %d", p.id, p.numSlots, p.owned().Len())
		}
		if p.master == p {
			return fmt.Errorf("node %s is its own master", p.id)
		}
		if p.master != nil && !slices.Contains(p.master.replicas, p) {
			return fmt.Errorf("node %s is no replica of its master", p.id)
		}
		for _, r := range p.replicas {
			if n.byID[r.id] != r {
				return fmt.Errorf("node %s has a replica that is not known", p.id)
			}
			if r.master != p {
				return fmt.Errorf("node %s has the replica %s, which has another master", p.id, r.id)
			}
		}
		for _, r := range p.reports {
			if n.byID[r.from.id] != r.from {
				return fmt.Errorf("node %s is reported by one that is not known", p.id)
			}
		}
		for _, l := range []*link{p.out, p.in} {
			if l != nil && (l.closed || l.peer != p || n.links[l.id] != l) {
				return fmt.Errorf("node %s has the dead link %d", p.id, l.id)
			}
		}
		if !p.inHandshake() && p.shardID.IsZero() {
			return fmt.Errorf("node %s is in no shard", p.id)
		}
	}
	if selves != 1 || !n.myself.flags.Any(bus.FlagMyself) || len(n.byID) != len(n.peers) {
		return fmt.Errorf("%d nodes are myself, %d nodes have %d ids", selves, len(n.peers), len(n.byID))
	}
	if err := checkTickKnowledge(n); err != nil {
		return err
	}
	for s := range uint16(slot.Count) {
		if p := n.slots[s]; p != nil && (n.byID[p.id] != p || !p.owned().Has(s)) {
			return fmt.Errorf("slot %d has the owner %s, which does not have it", s, p.id)
		}
		if open := n.migrating[s] != nil || n.importing[s] != nil; open != n.open.Has(s) {
			return fmt.Errorf("slot %d is open: %v, and the set says otherwise", s, open)
		}
		for _, p := range []*peer{n.migrating[s], n.importing[s]} {
			if p != nil && n.byID[p.id] != p {
				return fmt.Errorf("slot %d is open to a node that is not known", s)
			}
		}
	}
	for _, sh := range n.shards {
		if n.shardByID[sh.id] != sh || len(n.shardByID) != len(n.shards) {
			return fmt.Errorf("shard %s is not found by its id", sh.id)
		}
		if len(sh.members) == 0 {
			return fmt.Errorf("shard %s is empty", sh.id)
		}
		for _, p := range sh.members {
			if n.byID[p.id] != p {
				return fmt.Errorf("shard %s has a member that is not known", sh.id)
			}
		}
	}
	return nil
}

// checkTickKnowledge compares what ticks remember of nodes with what Redis would find by looking at
// every node at every tick: nothing is due at a node that is passed over, and the counts are right.
func checkTickKnowledge(n *Node) error {
	if len(n.due) != len(n.peers) {
		return fmt.Errorf("%d nodes have %d times", len(n.peers), len(n.due))
	}
	orphans := orphanCount{}
	for i, p := range n.peers {
		if p.index != i {
			return fmt.Errorf("node %s is number %d and thinks %d", p.id, i, p.index)
		}
		if n.due[i] > n.now && hasWork(n, p, n.due[i]-1) {
			return fmt.Errorf("node %s is passed over until %d, and has work before", p.id, n.due[i]-n.now)
		}
		if p.isMaster() && !p.flags.Any(bus.FlagMyself|bus.FlagNoAddr|bus.FlagHandshake|bus.FlagFail) {
			working := p.workingReplicas()
			if working == 0 && p.numSlots > 0 && p.flags.Any(bus.FlagMigrateTo) {
				orphans.masters++
			}
			orphans.most = max(orphans.most, working)
			if n.myself.master == p {
				orphans.mine = working
			}
		}
	}
	if !n.orphans.stale && n.orphans != orphans {
		return fmt.Errorf("orphans are %+v, counted %+v", orphans, n.orphans)
	}
	return nil
}

// hasWork reports whether clusterCron of Redis would do anything for p at a time, if nothing happens until then.
func hasWork(n *Node, p *peer, at Time) bool {
	for _, l := range []*link{p.out, p.in} {
		if l != nil && n.set.LinkSendbufLimit != 0 && l.queued > n.set.LinkSendbufLimit {
			return true
		}
	}
	if p.flags.Any(bus.FlagMyself | bus.FlagNoAddr) {
		return false
	}
	timeout := n.set.NodeTimeout
	interval := n.set.PingInterval
	if interval == 0 {
		interval = timeout / 2
	}
	pingDelay, dataDelay := at-p.pingSent, at-p.dataReceived
	silent := min(pingDelay, dataDelay)
	return p.out == nil || p.inHandshake() || p.timedOut() ||
		(p.pingSent == 0 && at-p.pongReceived > interval) ||
		(p.pingSent != 0 && at-p.out.created > timeout && silent > timeout/2) ||
		(p.pingSent != 0 && silent > timeout && !p.failed())
}

// checkReady says what is wrong with the effects that n asks for.
func checkReady(n *Node, rd *Ready) error {
	if rd.Sync && rd.Persist == nil {
		return fmt.Errorf("sync of nothing")
	}
	if rd.Persist != nil {
		f, err := nodesconf.Parse(rd.Persist)
		if err != nil {
			return fmt.Errorf("what is persisted does not parse: %w\n%s", err, rd.Persist)
		}
		again := &Node{
			rand: n.rand, now: n.now, set: n.set, byID: map[bus.ID]*peer{}, shardByID: map[bus.ID]*shard{},
			migrating: map[uint16]*peer{}, importing: map[uint16]*peer{}, slots: new([slot.Count]*peer),
		}
		again.rand = zeroRand{}
		if err := again.load(f); err != nil {
			return fmt.Errorf("what is persisted does not load: %w\n%s", err, rd.Persist)
		}
	}
	for _, s := range rd.Send {
		if v := bus.Check(s.Frame); v.Action != bus.Accept {
			return fmt.Errorf("a frame is sent that is not accepted: %v", v)
		}
		p, err := bus.Parse(s.Frame)
		if err != nil {
			return fmt.Errorf("a frame is sent that does not parse: %w", err)
		}
		if (p.Type == bus.TypeAuthAck || p.Type == bus.TypeAuthRequest) && (rd.Persist == nil || !rd.Sync) {
			return fmt.Errorf("a %s is sent that is not durable", p.Type)
		}
		if slices.Contains(rd.Close, s.Link) {
			return fmt.Errorf("a frame is sent to link %d, which is closed", s.Link)
		}
	}
	for _, d := range rd.Dial {
		if slices.Contains(rd.Close, d.Link) {
			return fmt.Errorf("link %d is closed and dialled", d.Link)
		}
	}
	return nil
}

// zeroRand makes shard ids where a test does not care.
type zeroRand struct{}

func (zeroRand) Uint64() uint64 { return 0 }
