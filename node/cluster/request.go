package cluster

import "github.com/slotdiff/slotdiff/slot"

// Request is an administrative command, its arguments already counted and split. The core validates
// in the order of clusterCommandSpecial; what an argument is worth before the core sees it is said
// at each field. Node ids are the raw argument: any other text is an unknown node.
type Request interface{ request() }

// Meet is CLUSTER MEET ip port [cport]. The caller has answered ports that are no integers
// ("ERR Invalid base port specified: <arg>", "ERR Invalid bus port specified: <arg>", in this order),
// and CPort is Port+10000 where none was given.
type Meet struct {
	IP          string
	Port, CPort int64
}

// BadSlot stands for a slot argument that is no integer in 0..16383.
const BadSlot = -1

// AddSlots is CLUSTER ADDSLOTS; a slot that does not parse is [BadSlot].
type AddSlots struct{ Slots []int }

// DelSlots is CLUSTER DELSLOTS; a slot that does not parse is [BadSlot].
type DelSlots struct{ Slots []int }

// Range is a pair of slot arguments; each may be [BadSlot], and Start may exceed End.
type Range struct{ Start, End int }

// AddSlotsRange is CLUSTER ADDSLOTSRANGE with an even number of slots.
type AddSlotsRange struct{ Ranges []Range }

// DelSlotsRange is CLUSTER DELSLOTSRANGE with an even number of slots.
type DelSlotsRange struct{ Ranges []Range }

// FlushSlots is CLUSTER FLUSHSLOTS.
type FlushSlots struct{ Keys int } // Keys in the whole keyspace

// SetSlotAction is the action of CLUSTER SETSLOT.
type SetSlotAction uint8

// The actions. SetSlotInvalid is any other word, and a known one with a wrong number of arguments.
const (
	SetSlotInvalid SetSlotAction = iota
	SetSlotMigrating
	SetSlotImporting
	SetSlotStable
	SetSlotNode
)

// SetSlot is CLUSTER SETSLOT slot action [node].
type SetSlot struct {
	Slot   int // may be BadSlot
	Action SetSlotAction
	Node   string
	Keys   int // in the slot; only SetSlotNode looks at it
}

// BumpEpoch is CLUSTER BUMPEPOCH, answered with "BUMPED n" or "STILL n".
type BumpEpoch struct{}

// SetConfigEpoch is CLUSTER SET-CONFIG-EPOCH. The caller has answered what is no integer.
type SetConfigEpoch struct{ Epoch int64 }

// SaveConfig is CLUSTER SAVECONFIG. The Ready that answers it persists and syncs.
type SaveConfig struct{}

// Forget is CLUSTER FORGET node.
type Forget struct{ Node string }

// Replicate is CLUSTER REPLICATE node.
type Replicate struct {
	Node string
	Keys int // in the whole keyspace
}

// CountFailureReports is CLUSTER COUNT-FAILURE-REPORTS node.
type CountFailureReports struct{ Node string }

// FailoverOption is the option of CLUSTER FAILOVER.
type FailoverOption uint8

// The options of CLUSTER FAILOVER.
const (
	FailoverDefault FailoverOption = iota
	FailoverForce
	FailoverTakeover
)

// Failover is CLUSTER FAILOVER [FORCE|TAKEOVER]. The caller has answered any other option with
// a syntax error.
type Failover struct{ Option FailoverOption }

// Reset is CLUSTER RESET [HARD|SOFT]. The caller has answered any other option with a syntax error.
type Reset struct {
	Hard bool
	Keys int // in the whole keyspace
}

// Publish tells the other nodes a message: all of them, or those of this shard.
type Publish struct {
	Channel, Message []byte
	Shard            bool
}

// Configure replaces the settings: CONFIG SET of the cluster-* directives and DEBUG
// CLUSTER-DROP-PACKET-FILTER.
type Configure struct{ Settings Settings }

// LinkDirection says which links of a node [KillLink] closes.
type LinkDirection uint8

// The directions.
const (
	LinkTo LinkDirection = 1 << iota
	LinkFrom
	LinkAll = LinkTo | LinkFrom
)

// KillLink is DEBUG CLUSTERLINK KILL to|from|all node. The caller answers another
// direction with "ERR Unknown direction <arg>", after the node was looked up.
type KillLink struct {
	Direction LinkDirection
	Node      string
}

// Claim brings the slot table and the loaded keys together, once after the data is loaded: a master
// takes those of the populated slots that nobody owns, and gives up its keys in slots of others
// ([DropKeys]); slots that it imports stay as they are. Mirrors cluster.c:verifyClusterConfigWithData.
type Claim struct{ Populated slot.Set }

func (Meet) request()                {}
func (AddSlots) request()            {}
func (DelSlots) request()            {}
func (AddSlotsRange) request()       {}
func (DelSlotsRange) request()       {}
func (FlushSlots) request()          {}
func (SetSlot) request()             {}
func (BumpEpoch) request()           {}
func (SetConfigEpoch) request()      {}
func (SaveConfig) request()          {}
func (Forget) request()              {}
func (Replicate) request()           {}
func (CountFailureReports) request() {}
func (Failover) request()            {}
func (Reset) request()               {}
func (Publish) request()             {}
func (Configure) request()           {}
func (KillLink) request()            {}
func (Claim) request()               {}
