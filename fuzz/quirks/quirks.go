// Package quirks knows the inputs that crash, hang or corrupt real Redis (fixtures/oracle_quirks.txt),
// each as a predicate on the packet, its sender and what the receiver knows, with the versions it holds for.
// An engine asks before it sends, so that a known fault is not found a thousand times; what is merely
// near one goes through.
//
// It refuses to send anything and to say what is right.
package quirks

import (
	"github.com/slotdiff/slotdiff/wire/bus"
)

// Input is a packet about to be sent, and what its receiver knows.
type Input struct {
	// Frame is the whole packet, as it will go out.
	Frame []byte
	// Receiver is the id of the node it is sent to.
	Receiver bus.ID
	// Peers are the nodes that the receiver knows, without itself.
	Peers map[bus.ID]Peer
	// Answer means that it goes out as the answer to a MEET or PING on a link that the receiver opened to a node
	// in handshake.
	Handshake bool
	// Subscribed means that a client of the receiver has subscribed to some channel.
	Subscribed bool
}

// Peer is what the receiver knows of a node.
type Peer struct {
	Replica     bool
	Master      bus.ID // of a replica
	ConfigEpoch uint64
}

// Quirk is one known fault of the oracle.
type Quirk struct {
	Name    string
	Line    int
	Version string // prefix of the version in whole numbers, "8.6.3"
	Effect  string // "crash", "hang" or "corrupt"
	Seen    string // what was seen
	Safe    string // what a safe node does
}

// List is a parsed file.
type List struct{ quirks []*Quirk }

// Match returns the first quirk that such a version has with such an input, or nil.
func (l *List) Match(version string, in *Input) *Quirk { return nil }
