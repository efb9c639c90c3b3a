package bus

import (
	"encoding/binary"

	"github.com/slotdiff/slotdiff/slot"
)

// Update is the body of UPDATE: the newer claim of another node, sent to one whose own
// claim is out of date.
type Update struct {
	ConfigEpoch uint64
	Node        ID
	Slots       slot.Set
}

// Offsets in the body.
const (
	offUpdateConfigEpoch = 0
	offUpdateNode        = 8
	offUpdateSlots       = 48
)

func (*Update) size() int { return updateLen }

func (u *Update) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, u.ConfigEpoch)
	b = append(b, u.Node[:]...)
	return u.Slots.AppendWire(b)
}

func (u *Update) reset() { *u = Update{} }

func (*Update) seal(h *Header) { sealPlain(h) }

func (u *Update) decode(_ *Header, b []byte) *FormatError {
	if len(b) < updateLen {
		return short("update", HeaderLen, len(b), updateLen)
	}
	if len(b) > updateLen {
		return trailing(HeaderLen+updateLen, len(b)-updateLen)
	}
	u.ConfigEpoch = binary.BigEndian.Uint64(b[offUpdateConfigEpoch:])
	copy(u.Node[:], b[offUpdateNode:])
	mustReadSlots(&u.Slots, b[offUpdateSlots:])
	return nil
}
