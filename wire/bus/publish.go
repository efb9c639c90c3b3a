package bus

import "encoding/binary"

// Publish is the body of PUBLISH and PUBLISHSHARD. The two lengths on the wire are those of
// the two fields; a packet in which they say otherwise does not parse.
type Publish struct {
	Channel []byte
	Message []byte
}

// Offsets in the body.
const (
	offPublishChannelLen = 0
	offPublishMessageLen = 4
)

func (p *Publish) size() int { return publishHeaderLen + len(p.Channel) + len(p.Message) }

func (p *Publish) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(p.Channel)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(p.Message)))
	b = append(b, p.Channel...)
	return append(b, p.Message...)
}

func (p *Publish) reset() { *p = Publish{} }

func (*Publish) seal(h *Header) { sealPlain(h) }

func (p *Publish) decode(_ *Header, b []byte) *FormatError {
	if len(b) < publishHeaderLen {
		return short("publish", HeaderLen, len(b), publishHeaderLen)
	}
	c := uint64(binary.BigEndian.Uint32(b[offPublishChannelLen:]))
	m := uint64(binary.BigEndian.Uint32(b[offPublishMessageLen:]))
	b = b[publishHeaderLen:]
	off := HeaderLen + publishHeaderLen
	switch n := uint64(len(b)); {
	case n < c:
		return short("channel", off, len(b), int(c))
	case n < c+m:
		return short("message", off+int(c), len(b)-int(c), int(m))
	case n > c+m:
		return trailing(off+int(c+m), int(n-c-m))
	}
	p.Channel, p.Message = b[:c:c], b[c:]
	return nil
}
