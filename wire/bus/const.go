package bus

import "github.com/slotdiff/slotdiff/slot"

// Sizes and values of the wire format. Source: cluster_legacy.h of Redis 8.6.3 (struct
// clusterMsg and its static asserts, CLUSTERMSG_*, CLUSTER_NODE_*); fixtures/bus/offsets.txt
// lists every field and is checked against this codec. Integers are big-endian.
const (
	// Signature opens every packet.
	Signature = "RCmb"
	// Version is the only protocol version that Redis has ever spoken.
	Version = 1
	// PrefixLen is how many bytes must be there before the length of a packet is known.
	PrefixLen = 8
	// HeaderLen is the length of the header and the least length of a packet.
	HeaderLen = 2256
	// IDLen is the length of a node id, of a shard id and of the internal secret.
	IDLen = 40
	// IPLen is the length of an address field (NET_IP_STR_LEN of Redis, INET6_ADDRSTRLEN).
	IPLen = 46
	// SlotsLen is the length of a slot map.
	SlotsLen = slot.WireLen
	// GossipLen is the length of one gossip entry.
	GossipLen = 104
	// ExtHeaderLen is the length of what precedes the payload of an extension.
	ExtHeaderLen = 8
	// ExtAlign is what the length of an extension must be a multiple of.
	ExtAlign = 8
	// PortIncrement is the distance from a client port to its default bus port.
	PortIncrement = 10000

	reservedLen      = 30
	failLen          = IDLen
	publishHeaderLen = 8
	updateLen        = 8 + IDLen + SlotsLen
	moduleHeaderLen  = 8 + 4 + 1
	forgottenLen     = IDLen + 8
)

// Type is the message type in a packet's header.
type Type uint16

// The message types of Redis 8.6. Any other value is of no known type.
const (
	TypePing         Type = 0
	TypePong         Type = 1
	TypeMeet         Type = 2
	TypeFail         Type = 3
	TypePublish      Type = 4
	TypeAuthRequest  Type = 5 // FAILOVER_AUTH_REQUEST: may I fail over?
	TypeAuthAck      Type = 6 // FAILOVER_AUTH_ACK: yes, you have my vote
	TypeUpdate       Type = 7
	TypeMFStart      Type = 8
	TypeModule       Type = 9
	TypePublishShard Type = 10

	// TypeCount is the number of known types.
	TypeCount = 11
)

// Known reports whether Redis 8.6 has a name for t.
func (t Type) Known() bool { return t < TypeCount }

// Gossips reports whether packets of type t carry gossip and extensions.
func (t Type) Gossips() bool { return t <= TypeMeet }

// NodeFlags are the flags of a node, in a header about its sender and in a gossip
// entry about another node.
type NodeFlags uint16

// The node flags of Redis 8.6.
const (
	FlagMaster     NodeFlags = 1 << 0
	FlagReplica    NodeFlags = 1 << 1
	FlagPFail      NodeFlags = 1 << 2 // the sender cannot reach it
	FlagFail       NodeFlags = 1 << 3 // a majority cannot reach it
	FlagMyself     NodeFlags = 1 << 4
	FlagHandshake  NodeFlags = 1 << 5
	FlagNoAddr     NodeFlags = 1 << 6
	FlagMeet       NodeFlags = 1 << 7
	FlagMigrateTo  NodeFlags = 1 << 8 // eligible for replica migration
	FlagNoFailover NodeFlags = 1 << 9
	FlagExtensions NodeFlags = 1 << 10 // understands extensions
)

// Has reports whether all flags of x are set.
func (f NodeFlags) Has(x NodeFlags) bool { return f&x == x }

// Any reports whether some flag of x is set.
func (f NodeFlags) Any(x NodeFlags) bool { return f&x != 0 }

// State is the cluster state in the sender's view.
type State uint8

// The cluster states.
const (
	StateOK   State = 0
	StateFail State = 1
)

// MFlags are the message flags. Only byte 0 has flags defined, bytes 1 and 2 are sent as zero.
type MFlags [3]byte

// The message flags in byte 0.
const (
	MFlagPaused   = 1 << 0 // a master whose writes are paused for a manual failover
	MFlagForceAck = 1 << 1 // vote even though the master is up
	MFlagExtData  = 1 << 2 // extensions follow; 8.x sets it in every packet it builds
)

// Has reports whether all bits of x are set in byte 0.
func (m MFlags) Has(x byte) bool { return m[0]&x == x }

// ExtType is the type of an extension.
type ExtType uint16

// The extensions of Redis 8.6.
const (
	ExtHostname  ExtType = 0 // NUL-terminated text
	ExtNodename  ExtType = 1 // HUMAN_NODENAME, NUL-terminated text
	ExtForgotten ExtType = 2 // FORGOTTEN_NODE: id, 8-byte time to live in seconds
	ExtShardID   ExtType = 3 // 40 bytes
	ExtSecret    ExtType = 4 // INTERNALSECRET, 40 bytes

	// ExtCount is the number of known extension types.
	ExtCount = 5
)
