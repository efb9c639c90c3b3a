package cluster

import (
	"github.com/slotdiff/slotdiff/wire/bus"
)

// quorum is the majority of the masters that own slots, as of the last time they were counted.
func (n *Node) quorum() int { return n.size/2 + 1 }

// updateState decides whether the cluster is up: slots are covered, a majority of masters is
// reachable, and a master that starts or rejoins has waited long enough for the others to tell it
// that its slots are no longer its own. While it waits nothing is counted.
// Mirrors clusterUpdateState.
func (n *Node) updateState() {
	n.todo &^= todoUpdateState
	if n.firstUpdate == 0 {
		n.firstUpdate = n.now
	}
	if n.myself.isMaster() && n.state == bus.StateFail && n.now-n.firstUpdate < writableDelay {
		return
	}
	state := bus.StateOK
	if n.set.RequireFullCoverage && !n.covered() {
		state = bus.StateFail
	}
	reachable := 0
	n.size = 0
	for _, p := range n.peers {
		if p.isMaster() && p.numSlots > 0 {
			n.size++
			if !p.flags.Any(flagsFailing) {
				reachable++
			}
		}
	}
	if reachable < n.quorum() {
		state = bus.StateFail
		n.minorityTime = n.now
	}
	if state == n.state {
		return
	}
	if state == bus.StateOK {
		delay := min(max(n.set.NodeTimeout, minRejoinDelay), maxRejoinDelay)
		if n.myself.isMaster() && n.now-n.minorityTime < delay {
			return
		}
		n.logf(LevelNotice, "Cluster state changed: ok")
	} else {
		n.logf(LevelWarning, "Cluster state changed: fail")
	}
	n.state = state
}

// covered reports whether every slot has an owner that did not fail.
func (n *Node) covered() bool {
	owned := 0
	for _, p := range n.peers {
		if !p.failed() {
			owned += p.numSlots
		}
	}
	return owned == len(n.slots)
}
