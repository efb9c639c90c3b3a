package bus

import (
	"strings"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// The puppets of an episode. All but the stranger may be met by the node.
const (
	actorP = iota // its id sorts before that of any node
	actorQ
	actorR // its id sorts after that of any node
	actorU // the stranger: never met by the node
	actorCount
)

var actorNames = [actorCount]string{"p", "q", "r", "u"}

// mark ends every id in canonical frames. Each play has its own characters in its place, so that what a node
// remembers of ids for a minute, those that it was told to forget, means nothing to the next play.
const mark = "c0ffee"

// Ids that stand in canonical frames. That of the node is replaced by its real one. Real ids are random, so
// which of two ids is the smaller, which decides collisions of epochs, is settled by the first digits.
var (
	nodeID   = canonicalID("", "a")
	actorIDs = [actorCount]bus.ID{
		canonicalID("0000", "1"),
		canonicalID("0000", "7"),
		canonicalID("ffff", "e"),
		canonicalID("0000", "c"),
	}
	// otherIDs are of nodes that only gossip knows.
	otherIDs = []bus.ID{canonicalID("0000", "3"), canonicalID("ffff", "4"), canonicalID("0000", "5")}
	// idsOfNodes are those that the node may know, itself too.
	idsOfNodes = append(append([]bus.ID{nodeID}, actorIDs[:]...), otherIDs...)
	// oddIDs are ids that no node has: not hex but valid in gossip, and not valid at all.
	oddIDs = []bus.ID{
		canonicalID("", "z"),
		canonicalID("", "G"),
		bus.IDFrom("short"),
	}
)

func canonicalID(head, digit string) bus.ID {
	return bus.IDFrom(head + strings.Repeat(digit, bus.IDLen-len(head)-len(mark)) + mark)
}

// Canonical ports: what stands in frames until they are sent.
const (
	nodePort   = 16400
	actorPort0 = 16401 // of the first actor; each further one has the next
	busOffset  = bus.PortIncrement
	// deadPort is a port on which nobody listens: it is below those that servers get.
	deadPort = 2
)

func actorPort(a int) uint16 { return uint16(actorPort0 + a) }

// template is what an actor says of itself when it does not lie.
func template(a int) bus.Header {
	var h bus.Header
	copy(h.Sig[:], bus.Signature)
	h.Ver = bus.Version
	h.Sender = actorIDs[a]
	h.Port, h.CPort = actorPort(a), actorPort(a)+busOffset
	h.Flags = bus.FlagMaster | bus.FlagMyself
	if a == actorR {
		// With the epoch of a new node it would make the node take another.
		h.CurrentEpoch, h.ConfigEpoch = 1, 1
	}
	return h
}

// actorOf is the actor with an id, -1: none.
func actorOf(id bus.ID) int {
	for a, x := range actorIDs {
		if x == id {
			return a
		}
	}
	return -1
}
