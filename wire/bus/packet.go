package bus

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Packet is one packet: a header and the body that the header's type asks for. A packet made
// by [Parse] owns nothing of the caller's bytes; one made by a [Decoder] aliases them.
type Packet struct {
	Header
	Body Body
}

// Body is what follows the header: [*Ping] for PING, PONG and MEET, [*Fail], [*Publish] for
// PUBLISH and PUBLISHSHARD, [*Empty] for the two AUTH types and MFSTART, [*Update], [*Module],
// and [*Unknown] for types that 8.6 does not have. There is no other.
type Body interface {
	// size is the length of the body on the wire.
	size() int
	// append appends exactly the fields to b.
	append(b []byte) []byte
	// decode reads the whole body, which begins at HeaderLen of a frame; the result may alias b.
	// On error the body is as reset leaves it.
	decode(h *Header, b []byte) *FormatError
	// reset zeroes the body, keeping capacity.
	reset()
	// seal fills in what a legal body and its header's counts need.
	seal(h *Header)
}

// FormatError says why bytes are not a packet.
type FormatError struct {
	Field  string // as in fixtures/bus/offsets.txt, e.g. "totlen" or "gossip[2]"
	Offset int    // of the field, in bytes from the start of the packet
	Reason string
}

// Error begins with the field and its offset.
func (e *FormatError) Error() string {
	return fmt.Sprintf("%s at offset %d: %s", e.Field, e.Offset, e.Reason)
}

// Parse reads one whole packet. It judges layout only: every field must be there and nothing
// may follow, but any value is taken, also those that [Check] refuses. Append of the result
// gives b back. The packet shares no memory with b. The error is a [*FormatError].
func Parse(b []byte) (*Packet, error) {
	if err := checkExtent(b); err != nil {
		return nil, err
	}
	p := new(Packet)
	p.Header.read(b)
	p.Body = newBody(p.Type)
	if err := p.Body.decode(&p.Header, bytes.Clone(b[HeaderLen:])); err != nil {
		return nil, err
	}
	return p, nil
}

// checkExtent demands a whole header and the length that it announces.
func checkExtent(b []byte) *FormatError {
	if len(b) < HeaderLen {
		return short("header", 0, len(b), HeaderLen)
	}
	if n := binary.BigEndian.Uint32(b[offTotLen:]); uint64(n) != uint64(len(b)) {
		return &FormatError{
			Field: "totlen", Offset: offTotLen,
			Reason: fmt.Sprintf("says %d bytes, there are %d", n, len(b)),
		}
	}
	return nil
}

// Append appends exactly the fields of p to b, legal or not: counts and lengths in the header
// are written as they are, whatever the body holds. A nil body is an empty one.
func (p *Packet) Append(b []byte) []byte {
	b = p.Header.Append(b)
	if p.Body != nil {
		b = p.Body.append(b)
	}
	return b
}

// Size is the number of bytes that Append writes.
func (p *Packet) Size() int {
	if p.Body == nil {
		return HeaderLen
	}
	return HeaderLen + p.Body.size()
}

// Seal fills in what a legal packet needs and returns p: signature, version and total length,
// count and number of extensions, the EXT_DATA message flag where there are extensions, and the
// length and padding of each extension. A nil body becomes the empty one of the header's type.
func (p *Packet) Seal() *Packet {
	if p.Body == nil {
		p.Body = newBody(p.Type)
	}
	copy(p.Sig[:], Signature)
	p.Ver = Version
	p.Body.seal(&p.Header)
	p.TotLen = uint32(p.Size())
	return p
}

// newBody is an empty body for packets of type t.
func newBody(t Type) Body {
	switch t {
	case TypePing, TypePong, TypeMeet:
		return &Ping{}
	case TypeFail:
		return &Fail{}
	case TypePublish, TypePublishShard:
		return &Publish{}
	case TypeAuthRequest, TypeAuthAck, TypeMFStart:
		return &Empty{}
	case TypeUpdate:
		return &Update{}
	case TypeModule:
		return &Module{}
	default:
		return &Unknown{}
	}
}

// trailing is the error for n bytes too many after a body that ends at offset off.
func trailing(off, n int) *FormatError {
	return &FormatError{Field: "body", Offset: off, Reason: fmt.Sprintf("%d bytes too many", n)}
}

// short is the error for a field of want bytes at offset off of which only have are there.
func short(field string, off, have, want int) *FormatError {
	return &FormatError{Field: field, Offset: off, Reason: fmt.Sprintf("%d bytes of %d", have, want)}
}
