package cluster

import (
	"bytes"
	"fmt"
)

// bumpEpoch gives this node a config epoch above all others without asking anyone, unless it has
// one already. Mirrors clusterBumpConfigEpochWithoutConsensus. Where the cluster's epoch is the last
// there is, nothing is bumped: Redis starts again at 0 and loses every claim.
func (n *Node) bumpEpoch() bool {
	if (n.myself.configEpoch != 0 && n.myself.configEpoch == n.maxEpoch()) || !n.nextEpoch() {
		return false
	}
	n.myself.configEpoch = n.currentEpoch
	n.later(todoSave | todoSync | todoBroadcastPong)
	n.logf(LevelNotice, "New configEpoch set to %d", n.myself.configEpoch)
	return true
}

// nextEpoch advances the cluster's epoch, unless it is the last one.
func (n *Node) nextEpoch() bool {
	if n.currentEpoch == noEpochLeft {
		n.unsafe(UnsafeEpochOverflow, "the current epoch is the last one")
		return false
	}
	n.currentEpoch++
	return true
}

// handleEpochCollision lets the master with the smaller id move to a new config epoch.
// Mirrors clusterHandleConfigEpochCollision.
func (n *Node) handleEpochCollision(sender *peer) {
	if sender.configEpoch != n.myself.configEpoch || !sender.isMaster() || !n.myself.isMaster() ||
		bytes.Compare(sender.id[:], n.myself.id[:]) <= 0 || !n.nextEpoch() {
		return
	}
	n.myself.configEpoch = n.currentEpoch
	n.saveNow()
	n.later(todoBroadcastPong)
	n.logf(LevelVerbose, "WARNING: configEpoch collision with node %s. configEpoch set to %d",
		sender.name(), n.myself.configEpoch)
}

// handleBumpEpoch is CLUSTER BUMPEPOCH.
func (n *Node) handleBumpEpoch() Answer {
	word := "STILL"
	if n.bumpEpoch() {
		word = "BUMPED"
	}
	return Answer{Kind: AnswerStatus, Text: fmt.Sprintf("%s %d", word, n.myself.configEpoch)}
}

// handleSetConfigEpoch is CLUSTER SET-CONFIG-EPOCH.
func (n *Node) handleSetConfigEpoch(r SetConfigEpoch) Answer {
	switch {
	case r.Epoch < 0:
		return refuse("Invalid config epoch specified: %d", r.Epoch)
	case len(n.peers) > 1:
		return refuse("The user can assign a config epoch only when the node does not know any other node.")
	case n.myself.configEpoch != 0:
		return refuse("Node config epoch is already non-zero")
	}
	n.myself.configEpoch = uint64(r.Epoch)
	n.logf(LevelNotice, "configEpoch set to %d via CLUSTER SET-CONFIG-EPOCH", r.Epoch)
	n.currentEpoch = max(n.currentEpoch, uint64(r.Epoch))
	n.later(todoUpdateState | todoSave)
	return ok
}

// Epochs are the three epochs that a node keeps.
type Epochs struct {
	Current uint64 // the cluster's
	Config  uint64 // this node's own; of a replica the one that it had as a master
	Vote    uint64 // the last one in which it voted
}

// Epochs are this node's epochs. They never fall but by a hard reset.
func (n *Node) Epochs() Epochs {
	return Epochs{Current: n.currentEpoch, Config: n.myself.configEpoch, Vote: n.lastVoteEpoch}
}
