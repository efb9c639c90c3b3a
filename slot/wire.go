package slot

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// WireLen is the size in bytes of a set on the cluster bus.
const WireLen = Count / 8

// AppendWire appends the slot map of the cluster bus to b, WireLen bytes: slot i is
// bit i%8, lowest first, of byte i/8 (cluster_legacy.c:bitmapTestBit).
func (s *Set) AppendWire(b []byte) []byte {
	at := len(b)
	b = slices.Grow(b, WireLen)[:at+WireLen]
	to := (*[WireLen]byte)(b[at:]) // an array has its bounds checked once
	for i, w := range s {
		binary.LittleEndian.PutUint64(to[i*8:i*8+8], w)
	}
	return b
}

// ReadWire replaces s by the slot map in the first WireLen bytes of b. It fails,
// and leaves s as it was, when b is shorter.
func (s *Set) ReadWire(b []byte) error {
	if len(b) < WireLen {
		return fmt.Errorf("slot: a slot map has %d bytes, got %d", WireLen, len(b))
	}
	from := (*[WireLen]byte)(b)
	for i := range s {
		s[i] = binary.LittleEndian.Uint64(from[i*8 : i*8+8])
	}
	return nil
}
