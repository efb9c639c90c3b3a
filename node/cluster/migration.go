package cluster

import (
	"bytes"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// replicaMigrationDelay is how long a master must be orphaned (CLUSTER_SLAVE_MIGRATION_DELAY), ms.
const replicaMigrationDelay = 5000

// handleReplicaMigration moves this replica to a master that lost all of its own, if its present
// master can spare it and it has the smallest id among the replicas of the best served masters.
// most is how many working replicas those have. Mirrors clusterHandleSlaveMigration.
func (n *Node) handleReplicaMigration(most int) {
	mine := n.myself.master
	if n.state != bus.StateOK || mine == nil {
		return
	}
	spare := 0
	for _, r := range mine.replicas {
		if !r.flags.Any(flagsFailing) {
			spare++
		}
	}
	if spare <= n.set.MigrationBarrier {
		return
	}
	candidate := n.myself
	var target *peer
	for _, p := range n.peers {
		working := 0
		if p.isMaster() {
			working = p.workingReplicas()
		}
		if p.isReplica() || p.failed() || !p.flags.Any(flagMigrateTo) || working > 0 {
			p.orphanedTime = 0
		} else {
			if target == nil && p.numSlots > 0 {
				target = p
			}
			if p.orphanedTime == 0 {
				p.orphanedTime = n.now
			}
		}
		if working == most {
			for _, r := range p.replicas {
				if bytes.Compare(r.id[:], candidate.id[:]) < 0 {
					candidate = r
				}
			}
		}
	}
	if target == nil || candidate != n.myself || n.now-target.orphanedTime <= replicaMigrationDelay {
		return
	}
	n.logf(LevelNotice, "Migrating to orphaned master %s", target.id)
	n.becomeReplicaOf(target)
	n.later(todoSave | todoSync | todoBroadcastPong)
}
