package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// Subscribers hear of slots that change hands in the order in which they do, and of messages between them in their place.
func TestShardChannelsEndInOrder(t *testing.T) {
	s := newStage(t)
	for _, at := range []uint16{3, 5, 7, 9} {
		s.n.delSlot(at)
		s.n.addSlot(s.n.myself, at)
	}
	s.n.Ready()
	s.n.delSlot(5)
	s.n.delSlot(9)
	s.n.delSlot(3)
	s.n.deliver(&bus.Publish{Channel: []byte("c")}, true)
	s.n.delSlot(7)
	var got []string
	for _, op := range s.n.Ready().Data {
		switch op := op.(type) {
		case DropShardChannels:
			got = append(got, fmt.Sprint(slices.Collect(op.Slots.All())))
		case Deliver:
			got = append(got, string(op.Channel))
		}
	}
	if want := "[5 9] [3] c [7]"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}
