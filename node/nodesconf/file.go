package nodesconf

import (
	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// File is the content of nodes.conf. Nodes stand in the order of their lines, which means
// nothing: Redis writes them in the order of a hash table.
type File struct {
	Nodes        []Node
	CurrentEpoch uint64
	VoteEpoch    uint64 // lastVoteEpoch
}

// Node is one line.
type Node struct {
	ID       bus.ID
	IP       string // "": not known
	Port     int    // plain client port
	TLSPort  int
	CPort    int
	Hostname string // "": none
	Nodename string // human node name, "": none
	// ShardID is zero where the line has none, as in files before 7.2.
	ShardID bus.ID
	Flags   bus.NodeFlags
	Master  bus.ID // zero: "-"
	// PingSent and PongReceived are milliseconds of Unix time, 0: never.
	PingSent, PongReceived int64
	ConfigEpoch            uint64 // of the master where Master is known
	Connected              bool
	Slots                  *slot.Set // nil: none
	Open                   []Open    // only of the node that wrote the file
}

// Myself reports whether the line is that of the node that wrote the file.
func (n *Node) Myself() bool { return n.Flags.Any(bus.FlagMyself) }

// Open is a slot that is migrating to a node, or that is importing from it.
type Open struct {
	Slot      uint16
	Importing bool
	Node      bus.ID
}

// Form says which of the three texts of a node is wanted.
type Form struct {
	// Saved asks for the form of nodes.conf, with shard id and further ports.
	Saved bool
	// TLS makes the TLS port the first one. Redis never saves so.
	TLS bool
}

// FlagNames are the names of flags in the order in which they are listed. Flags without a name
// are not shown, and a node without a flag that has one shows "noflags".
// Source: cluster_legacy.c:redisNodeFlagsTable of 8.6.3.
var FlagNames = []struct {
	Flag bus.NodeFlags
	Name string
}{
	{bus.FlagMyself, "myself"},
	{bus.FlagMaster, "master"},
	{bus.FlagReplica, "slave"},
	{bus.FlagPFail, "fail?"},
	{bus.FlagFail, "fail"},
	{bus.FlagHandshake, "handshake"},
	{bus.FlagNoAddr, "noaddr"},
	{bus.FlagNoFailover, "nofailover"},
}
