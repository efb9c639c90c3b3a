package cluster

import (
	"errors"
	"fmt"

	"github.com/slotdiff/slotdiff/node/nodesconf"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// load takes over what an earlier run of the node saved. Lines may name nodes whose own line comes
// later. Mirrors the part of clusterLoadConfig behind the parsing.
func (n *Node) load(f *nodesconf.File) error {
	for i := range f.Nodes {
		if err := n.loadLine(&f.Nodes[i]); err != nil {
			return err
		}
	}
	switch {
	case n.myself == nil:
		return errors.New("no node is myself")
	case !n.myself.flags.Any(flagMaster | flagReplica):
		return errors.New("myself is neither master nor replica")
	case n.myself.isReplica() && n.myself.master == nil:
		return errors.New("myself is a replica of nobody")
	}
	n.currentEpoch, n.lastVoteEpoch = f.CurrentEpoch, f.VoteEpoch
	n.currentEpoch = n.maxEpoch()
	return nil
}

func (n *Node) loadLine(line *nodesconf.Node) error {
	p := n.loadPeer(line.ID)
	p.hostname, p.nodename = line.Hostname, line.Nodename
	p.ip, p.port, p.tlsPort, p.cport = line.IP, line.Port, line.TLSPort, line.CPort
	n.setFlags(p, line.Flags, 0)
	if line.Myself() {
		if n.myself != nil {
			return fmt.Errorf("nodes %s and %s are both myself", n.myself.id, p.id)
		}
		n.myself = p
	}
	if p.failed() {
		p.failTime = n.now
	}
	if !line.ShardID.IsZero() {
		p.shardID = line.ShardID
		for _, r := range p.replicas {
			n.updateShard(r, p.shardID)
		}
		n.addToShard(p.shardID, p)
	}
	switch {
	case !line.Master.IsZero():
		master := n.loadPeer(line.Master)
		if master == p {
			return fmt.Errorf("node %s is a replica of itself", p.id)
		}
		if !line.ShardID.IsZero() {
			n.removeFromShard(p)
		}
		p.shardID = master.shardID
		n.addToShard(p.shardID, p)
		p.master = master
		n.addReplica(master, p)
	case line.ShardID.IsZero():
		n.addToShard(p.shardID, p)
	}
	if line.PingSent != 0 {
		n.setPingSent(p, n.now)
	}
	if line.PongReceived != 0 {
		p.pongReceived = n.now
	}
	if !(p.isReplica() && p.master != nil) {
		p.configEpoch = line.ConfigEpoch
	}
	if line.Slots != nil {
		for s := range line.Slots.All() {
			n.addSlot(p, s)
		}
	}
	for _, o := range line.Open {
		with := n.loadPeer(o.Node)
		if o.Importing {
			n.setImporting(o.Slot, with)
		} else {
			n.setMigrating(o.Slot, with)
		}
	}
	return nil
}

// loadPeer is the node with that id, made if need be.
func (n *Node) loadPeer(id bus.ID) *peer {
	p := n.byID[id]
	if p == nil {
		p = n.newPeer(id, 0)
		n.addPeer(p)
	}
	return p
}
