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

// Ids that stand in canonical frames. That of the node is replaced by its real one. Real ids are random, so
// which of two ids is the smaller, which decides collisions of epochs, is settled by the first digits.
var (
	nodeID   = bus.IDFrom(strings.Repeat("a", bus.IDLen))
	actorIDs = [actorCount]bus.ID{
		bus.IDFrom("0000" + strings.Repeat("1", bus.IDLen-4)),
		bus.IDFrom("0000" + strings.Repeat("7", bus.IDLen-4)),
		bus.IDFrom("ffff" + strings.Repeat("e", bus.IDLen-4)),
		bus.IDFrom("0000" + strings.Repeat("c", bus.IDLen-4)),
	}
	// otherIDs are of nodes that only gossip knows.
	otherIDs = []bus.ID{
		bus.IDFrom(strings.Repeat("3", bus.IDLen)),
		bus.IDFrom("ffff" + strings.Repeat("4", bus.IDLen-4)),
		bus.IDFrom("0000" + strings.Repeat("5", bus.IDLen-4)),
	}
	// idsOfNodes are those that the node may know, itself too.
	idsOfNodes = append(append([]bus.ID{nodeID}, actorIDs[:]...), otherIDs...)
	// oddIDs are ids that no node has: not hex but valid in gossip, and not valid at all.
	oddIDs = []bus.ID{
		bus.IDFrom(strings.Repeat("z", bus.IDLen)),
		bus.IDFrom(strings.Repeat("G", bus.IDLen)),
		bus.IDFrom("short"),
	}
)

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
