package bus

// Action is what Redis does with a packet before it asks who sent it.
type Action uint8

// The actions, from mild to severe.
const (
	Accept    Action = iota // go on to the packet's meaning
	Ignore                  // drop the packet, keep the link
	CloseLink               // drop the link
)

// String is "accept", "ignore" or "close-link".
func (a Action) String() string {
	return [...]string{"accept", "ignore", "close-link"}[a]
}

// Rule names one path through the validation of a packet.
type Rule uint8

// The rules. Their text is in the table below, which is what docs and tests read.
const (
	RuleNone Rule = iota // nothing to say: a well-formed packet of a known type

	// Framing.
	RuleSignature
	RuleLengthBelowHeader

	// Packet sanity.
	RulePrefixOnly
	RuleFrameLength
	RuleVersion
	RuleDebugDrop
	RuleExtPadding
	RuleExtExceedsPacket
	RuleLengthMismatch
	RuleUnknownType

	// Packet sanity, where Redis reads beyond the packet.
	RuleExtOutOfBounds
	RuleExtLengthWide
	RuleExtWithoutFlag
	RuleExtTextUnterminated
	RuleExtShort
	RulePublishShort
	RulePublishLengthWraps
	RuleModuleShort
	RuleModuleLengthWraps

	ruleCount
)

type ruleInfo struct {
	name   string
	action Action
	unsafe bool
	doc    string
}

var rules = [ruleCount]ruleInfo{
	RuleNone: {
		"none", Accept, false,
		"The packet is well formed. What it means depends on its sender and on the node's state.",
	},

	RuleSignature: {
		"signature", CloseLink, false,
		"The first four bytes are not RCmb. Seen as soon as eight bytes are there: one warning in the log, " +
			"and the link is closed. (clusterReadHandler)",
	},
	RuleLengthBelowHeader: {
		"length-below-header", CloseLink, false,
		"The announced length is less than the header's 2256 bytes, and not eight (see prefix-only). Seen as soon as eight bytes are there: the same " +
			"warning as for a wrong signature, and the link is closed. There is no upper limit. (clusterReadHandler)",
	},

	RulePrefixOnly: {
		"prefix-only", Ignore, false,
		"The announced length is the eight bytes that were read to learn it, so the packet is whole before signature and length are looked at. " +
			"Dropped in silence, whatever the signature: it is too short to be anything. (clusterReadHandler, clusterProcessPacket)",
	},
	RuleFrameLength: {
		"frame-length", Ignore, false,
		"The frame is not as long as its header says. Dropped in silence. No stream of bytes leads here, because the announced " +
			"length is what cuts the stream into frames. (clusterProcessPacket)",
	},
	RuleVersion: {
		"version", Ignore, false,
		"The protocol version is not 1. Dropped in silence: nothing is logged, the sender is not considered alive. " +
			"(clusterProcessPacket)",
	},
	RuleDebugDrop: {
		"debug-drop", Ignore, false,
		"DEBUG CLUSTERDROPPACKETFILTER names this type. Dropped with a warning. It comes after the version and before every " +
			"look at the body. (clusterProcessPacket)",
	},
	RuleExtPadding: {
		"ext-padding", Ignore, false,
		"The low 16 bits of an extension's length are not a multiple of 8. Dropped with a warning. (clusterProcessPacket)",
	},
	RuleExtExceedsPacket: {
		"ext-exceeds-packet", Ignore, false,
		"An extension is longer than what is left of the packet. Dropped with a warning. (clusterProcessPacket)",
	},
	RuleLengthMismatch: {
		"length-mismatch", Ignore, false,
		"The announced length is not what type, counts and inner lengths add up to, in 32-bit arithmetic. Dropped with a warning " +
			"that names both. (clusterProcessPacket)",
	},
	RuleUnknownType: {
		"unknown-type", Accept, false,
		"The type is 11 or greater. Any length is right. It refreshes a known sender's liveness, epochs and offset as every accepted packet does " +
			"and is then given up with a warning. (clusterProcessPacket)",
	},

	RuleExtOutOfBounds: {
		"ext-out-of-bounds", Ignore, true,
		"An extension's header does not lie within the packet: the counts announce more than is there, or the gossip entries alone exceed the " +
			"packet, which also makes the remaining length underflow. Redis reads the header from beyond the packet and goes on with what it finds " +
			"there: mostly zeros, a length of 0, and the packet is accepted; with 65535 gossip entries announced 8.6.3 dies of a segmentation fault, whoever " +
			"the sender is. A safe node drops the packet. (clusterProcessPacket)",
	},
	RuleExtLengthWide: {
		"ext-length-wide", Ignore, true,
		"The length of an extension other than the last is 65536 or more. Redis checks and adds up its low 16 bits, but goes on to the next extension " +
			"by all 32: it leaves the packet, up to 4 GB away, and 8.6.3 dies of a segmentation fault, whoever the sender is. (Only in a packet of " +
			"more than 64 KB may it land inside.) A safe node drops the packet. (clusterProcessPacket, getNextPingExt)",
	},
	RuleExtWithoutFlag: {
		"ext-without-flag", Ignore, true,
		"The header counts extensions, but the EXT_DATA flag is not set. Redis skips the check of their lengths, accepts the packet and, if the " +
			"sender is known, processes that many extensions from beyond the packet's end. A safe node drops the packet. " +
			"(clusterProcessPacket, clusterProcessPingExtensions)",
	},
	RuleExtTextUnterminated: {
		"ext-text-unterminated", Ignore, true,
		"No NUL follows the start of a host name or node name up to the packet's end. Redis accepts the packet and, if the sender is known, reads " +
			"the text on beyond the end. A safe node drops the packet. (clusterProcessPingExtensions)",
	},
	RuleExtShort: {
		"ext-short", Ignore, true,
		"The packet ends before the id (and time to live) that an extension's type promises. Redis accepts the packet and, if the sender is known, " +
			"reads them from beyond the end. A safe node drops the packet. (An extension that is too short but followed by enough others is " +
			"accepted: Redis reads into its neighbour, see Ping.ExtID.) (clusterProcessPingExtensions)",
	},
	RulePublishShort: {
		"publish-short", Ignore, true,
		"A PUBLISH or PUBLISHSHARD ends before its two lengths do. Redis reads them from beyond the packet; hardly any value found there makes the " +
			"length right. A safe node drops the packet. (clusterProcessPacket)",
	},
	RulePublishLengthWraps: {
		"publish-length-wraps", Ignore, true,
		"The lengths of channel and message exceed the packet, and only their 32-bit sum is right. Redis accepts the packet and, if the sender is " +
			"known and someone here has subscribed, copies gigabytes from beyond the packet; 8.6.3 dies of it. A safe node drops the packet. " +
			"(clusterProcessPacket)",
	},
	RuleModuleShort: {
		"module-short", Ignore, true,
		"A MODULE packet ends before its payload length does. Redis reads it from beyond the packet. A safe node drops the packet. " +
			"(clusterProcessPacket)",
	},
	RuleModuleLengthWraps: {
		"module-length-wraps", Ignore, true,
		"A MODULE packet of 2268 bytes says that its payload has 2^32-1: the 32-bit sum is right. Redis accepts it and, if the sender is known, hands a " +
			"module a length of 4 GB. A safe node drops the packet. (clusterProcessPacket)",
	},
}

// Rules is every rule, in the order of the enum.
func Rules() []Rule {
	all := make([]Rule, ruleCount)
	for i := range all {
		all[i] = Rule(i)
	}
	return all
}

// String is the rule's stable kebab-case name.
func (r Rule) String() string { return rules[r].name }

// Doc says in a few sentences what breaks the rule, what Redis does and which C function does it.
func (r Rule) Doc() string { return rules[r].doc }

// Action is what a safe node does with a packet that meets r; for a rule that is not Unsafe
// this is exactly what Redis does.
func (r Rule) Action() Action { return rules[r].action }

// Unsafe reports whether Redis reads beyond the packet here, so that its behaviour is not
// defined by the packet alone. For ext-without-flag, ext-text-unterminated, ext-short and
// publish-length-wraps that is so only if the sender is known (see Doc): a PING of an unknown
// sender is answered all the same.
func (r Rule) Unsafe() bool { return rules[r].unsafe }

// RuleError is a [Rule] as an error.
type RuleError struct{ Rule Rule }

// Error begins with the rule's name.
func (e *RuleError) Error() string { return e.Rule.String() + ": " + e.Rule.Doc() }

// Verdict is what [Check] says of a frame.
type Verdict struct {
	Action Action
	Rule   Rule
}

// String is "accept", or action and rule: "ignore (version)".
func (v Verdict) String() string {
	if v.Rule == RuleNone {
		return v.Action.String()
	}
	return v.Action.String() + " (" + v.Rule.String() + ")"
}
