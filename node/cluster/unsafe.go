package cluster

import "fmt"

// Unsafe names an input that real Redis answers with a crash, a hang, an access out of bounds or a
// table that it cannot read again. The core ignores what the rule names and goes on. Its log
// record begins with the name.
type Unsafe uint8

// The rules.
const (
	UnsafeNone Unsafe = iota
	// UnsafeEpochOverflow: an epoch would go on from 2^64-1 to 0.
	UnsafeEpochOverflow
	// UnsafeForgetsItself: a FORGOTTEN_NODE extension names its own sender, which Redis goes on
	// to use after it was freed. It is forgotten, and nothing more of the packet is read.
	UnsafeForgetsItself
	// UnsafeOwnMaster: this node would follow itself, or follow while it owns slots (assertion).
	UnsafeOwnMaster
	// UnsafeLostMaster: this node's own master is forgotten, because it was made the master
	// while it was still in handshake (nodes.conf).
	UnsafeLostMaster
	// UnsafeOwnID: a packet in this node's own name would change its role (nodes.conf).
	UnsafeOwnID
	// UnsafeSenderID: a node introduces itself with an id that no node can have (nodes.conf).
	UnsafeSenderID
	// UnsafeShardID: a shard id that no shard can have (nodes.conf).
	UnsafeShardID
	// UnsafeName: a host name or node name with bytes that end a field or a line (nodes.conf).
	UnsafeName
	// UnsafeAddress: an address with such bytes, or one that is not terminated (nodes.conf).
	UnsafeAddress
	// UnsafeMyselfGossiped: gossip that would add another node that is "myself" (nodes.conf).
	UnsafeMyselfGossiped
	// UnsafeReplicaOfItself: a node that says it is its own replica (endless loop).
	UnsafeReplicaOfItself
	// UnsafeReplicaCircle: replicas whose masters lead back to themselves (endless loop).
	UnsafeReplicaCircle
	// UnsafeUnknownMaster: a slot is claimed while this node's own master is unknown (null pointer).
	UnsafeUnknownMaster
	// UnsafeEpochFalls: a replica hands its slots to this node at an epoch below this node's own, which Redis takes over: its
	// claims are then older than those that it has made (two owners of a slot).
	UnsafeEpochFalls
	// UnsafeRoleSplit: a packet makes this node, a replica, a master, while Redis goes on to replicate (ROLE and CLUSTER NODES disagree for ever).
	UnsafeRoleSplit
	// UnsafeRolelessReplica: a node that gossip made known without a role says that it is a replica. Redis puts it among the replicas of its
	// master and leaves it there when it is forgotten, since it does not have their flag (use after free).
	UnsafeRolelessReplica
	// UnsafeLayout: a packet that Check accepts and that cannot be laid out.
	UnsafeLayout
)

var unsafeNames = [...]string{
	UnsafeNone:            "none",
	UnsafeEpochOverflow:   "epoch-overflow",
	UnsafeForgetsItself:   "forgets-itself",
	UnsafeOwnMaster:       "own-master",
	UnsafeLostMaster:      "lost-master",
	UnsafeOwnID:           "own-id",
	UnsafeSenderID:        "sender-id",
	UnsafeShardID:         "shard-id",
	UnsafeName:            "name",
	UnsafeAddress:         "address",
	UnsafeMyselfGossiped:  "myself-gossiped",
	UnsafeReplicaOfItself: "replica-of-itself",
	UnsafeReplicaCircle:   "replica-circle",
	UnsafeUnknownMaster:   "unknown-master",
	UnsafeEpochFalls:      "epoch-falls",
	UnsafeRoleSplit:       "role-split",
	UnsafeRolelessReplica: "roleless-replica",
	UnsafeLayout:          "layout",
}

// String is the rule's name.
func (u Unsafe) String() string {
	if int(u) < len(unsafeNames) {
		return unsafeNames[u]
	}
	return fmt.Sprintf("unsafe(%d)", uint8(u))
}

// unsafe records that a rule applied.
func (n *Node) unsafe(u Unsafe, format string, args ...any) {
	n.logf(LevelWarning, "unsafe %s: %s", u, fmt.Sprintf(format, args...))
}
