package bus

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// names maps the values of one field to words and back.
type names struct {
	of      []string          // by value, or by bit number for flags
	aliases map[string]uint64 // other words that are understood
	other   string            // what precedes the number of a value that has no name
}

var typeNames = names{
	of: []string{
		"PING", "PONG", "MEET", "FAIL", "PUBLISH", "FAILOVER_AUTH_REQUEST", "FAILOVER_AUTH_ACK", "UPDATE",
		"MFSTART", "MODULE", "PUBLISHSHARD",
	},
	aliases: map[string]uint64{"AUTH_REQUEST": uint64(TypeAuthRequest), "AUTH_ACK": uint64(TypeAuthAck)},
	other:   "TYPE",
}

var stateNames = names{of: []string{"ok", "fail"}}

var extNames = names{
	of: []string{"hostname", "nodename", "forgotten", "shardid", "secret"},
}

var flagNames = names{
	of: []string{
		"master", "replica", "pfail", "fail", "myself", "handshake", "noaddr", "meet", "migrate_to", "nofailover",
		"extensions",
	},
	aliases: map[string]uint64{"slave": 1},
}

var mflagNames = names{of: []string{"paused", "forceack", "ext"}}

// append writes the name of v, or its number.
func (n *names) append(b []byte, v uint64) []byte {
	if v < uint64(len(n.of)) {
		return append(b, n.of[v]...)
	}
	return strconv.AppendUint(append(b, n.other...), v, 10)
}

// parse reads what append writes, an alias, or a plain number.
func (n *names) parse(s string, bitSize int) (uint64, error) {
	for v, name := range n.of {
		if s == name {
			return uint64(v), nil
		}
	}
	if v, ok := n.aliases[s]; ok {
		return v, nil
	}
	v, err := parseUint(strings.TrimPrefix(s, n.other), bitSize)
	if err != nil {
		return 0, fmt.Errorf("%q is neither a number nor one of %s", s, strings.Join(n.of, " "))
	}
	return v, nil
}

// appendBits writes the names of the bits of v, lowest first, then the bits that have none as one
// hex number; "-" for none at all.
func (n *names) appendBits(b []byte, v uint64) []byte {
	if v == 0 {
		return append(b, '-')
	}
	start := len(b)
	known := v & (1<<len(n.of) - 1)
	for m := known; m != 0; m &= m - 1 {
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(b, n.of[bits.TrailingZeros64(m)]...)
	}
	if rest := v &^ known; rest != 0 {
		if len(b) > start {
			b = append(b, ',')
		}
		b = strconv.AppendUint(append(b, "0x"...), rest, 16)
	}
	return b
}

// parseBits reads what appendBits writes.
func (n *names) parseBits(s string, bitSize int) (uint64, error) {
	if s == "-" {
		return 0, nil
	}
	var v uint64
	for word := range strings.SplitSeq(s, ",") {
		bit, err := n.parseBit(word, bitSize)
		if err != nil {
			return 0, err
		}
		v |= bit
	}
	return v, nil
}

func (n *names) parseBit(word string, bitSize int) (uint64, error) {
	for i, name := range n.of {
		if word == name {
			return 1 << i, nil
		}
	}
	if i, ok := n.aliases[word]; ok {
		return 1 << i, nil
	}
	v, err := parseUint(word, bitSize)
	if err != nil {
		return 0, fmt.Errorf("%q is neither a number nor one of %s", word, strings.Join(n.of, " "))
	}
	return v, nil
}

// parseUint reads decimal digits, or hex after 0x.
func parseUint(s string, bitSize int) (uint64, error) {
	base := 10
	digits := s
	if rest, ok := strings.CutPrefix(s, "0x"); ok {
		base, digits = 16, rest
	}
	if digits == "" || digits[0] == '+' || digits[0] == '-' {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	v, err := strconv.ParseUint(digits, base, bitSize)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number of %d bits", s, bitSize)
	}
	return v, nil
}

// String is the type's name as in Redis's CLUSTERMSG_TYPE_ constants, or TYPEn.
func (t Type) String() string { return string(typeNames.append(nil, uint64(t))) }

// ParseType reads what Type.String writes, AUTH_REQUEST and AUTH_ACK for the long names, and
// plain numbers.
func ParseType(s string) (Type, error) {
	v, err := typeNames.parse(s, 16)
	return Type(v), err
}

// String is the flags' names in the order of their bits, "-" for none.
func (f NodeFlags) String() string { return string(flagNames.appendBits(nil, uint64(f))) }

// ParseNodeFlags reads what NodeFlags.String writes, and "slave" for replica.
func ParseNodeFlags(s string) (NodeFlags, error) {
	v, err := flagNames.parseBits(s, 16)
	return NodeFlags(v), err
}

// String is "ok", "fail" or a number.
func (s State) String() string { return string(stateNames.append(nil, uint64(s))) }

// String is the extension's name in the text form, or its number.
func (t ExtType) String() string { return string(extNames.append(nil, uint64(t))) }
