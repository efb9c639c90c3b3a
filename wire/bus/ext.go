package bus

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Extension is one extension of a PING, PONG or MEET.
type Extension struct {
	// Length is the announced length with header and padding. In a packet that parses its
	// low 16 bits are the real length; the others are zero except perhaps in the last extension,
	// where Redis never looks at them.
	Length  uint32
	Type    ExtType
	Unused  uint16
	Payload []byte // with padding
}

func (e *Extension) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, e.Length)
	b = binary.BigEndian.AppendUint16(b, uint16(e.Type))
	b = binary.BigEndian.AppendUint16(b, e.Unused)
	return append(b, e.Payload...)
}

// read takes one extension from the start of b and says how long it is, or why it is none.
func (e *Extension) read(b []byte, last bool) (n int, reason string) {
	if len(b) < ExtHeaderLen {
		return 0, fmt.Sprintf("%d bytes of %d", len(b), ExtHeaderLen)
	}
	e.Length = binary.BigEndian.Uint32(b)
	e.Type = ExtType(binary.BigEndian.Uint16(b[4:]))
	e.Unused = binary.BigEndian.Uint16(b[6:])
	n = int(uint16(e.Length))
	switch {
	case n%ExtAlign != 0:
		return 0, fmt.Sprintf("length %d is not a multiple of %d", n, ExtAlign)
	case n < ExtHeaderLen:
		return 0, fmt.Sprintf("length %d is less than its own header", n)
	case e.Length > 0xffff && !last:
		return 0, fmt.Sprintf("length %d does not fit in 16 bits", e.Length)
	case n > len(b):
		return 0, fmt.Sprintf("%d bytes of %d", len(b), n)
	}
	e.Payload = b[ExtHeaderLen:n:n]
	return n, ""
}

// seal pads the payload to a multiple of 8 and sets the length.
func (e *Extension) seal() {
	if r := len(e.Payload) % ExtAlign; r != 0 {
		e.Payload = append(bytes.Clone(e.Payload), make([]byte, ExtAlign-r)...)
	}
	e.Length = uint32(ExtHeaderLen + len(e.Payload))
}

// HostnameExt announces a host name, as Redis writes it: terminated and padded with NUL.
func HostnameExt(name string) Extension { return textExt(ExtHostname, name) }

// NodenameExt announces a human node name.
func NodenameExt(name string) Extension { return textExt(ExtNodename, name) }

// ForgottenExt asks the receiver to forget node id for ttl seconds.
func ForgottenExt(id ID, ttl uint64) Extension {
	return makeExt(ExtForgotten, binary.BigEndian.AppendUint64(bytes.Clone(id[:]), ttl))
}

// ShardIDExt announces the sender's shard.
func ShardIDExt(id ID) Extension { return makeExt(ExtShardID, bytes.Clone(id[:])) }

// SecretExt announces the sender's internal secret; the lexicographically least in the cluster wins.
func SecretExt(secret ID) Extension { return makeExt(ExtSecret, bytes.Clone(secret[:])) }

func textExt(t ExtType, s string) Extension { return makeExt(t, append([]byte(s), 0)) }

func makeExt(t ExtType, payload []byte) Extension {
	e := Extension{Type: t, Payload: payload}
	e.seal()
	return e
}

// payloadFrom is what lies in the packet from the payload of extension i on, extensions behind
// it included: Redis bounds no read by the extension's own length.
func (p *Ping) payloadFrom(i int) []byte {
	b := bytes.Clone(p.Exts[i].Payload)
	for j := i + 1; j < len(p.Exts); j++ {
		b = p.Exts[j].append(b)
	}
	return b
}

// ExtText is the text of extension i as Redis reads it: up to the first NUL, which may lie
// behind the extension. ok is false where no NUL follows in the whole packet; Redis then reads
// beyond the packet, and [Check] refuses it as [RuleExtTextUnterminated].
func (p *Ping) ExtText(i int) (text []byte, ok bool) {
	b := p.Exts[i].Payload
	n := bytes.IndexByte(b, 0)
	if n < 0 {
		b = p.payloadFrom(i)
		n = bytes.IndexByte(b, 0)
	}
	if n < 0 {
		return nil, false
	}
	return b[:n], true
}

// ExtID is the id at the start of extension i (shard id, internal secret, forgotten node) as
// Redis reads it: 40 bytes, which may reach into the next extension. ok is false where the packet
// ends earlier; [Check] refuses that as [RuleExtShort].
func (p *Ping) ExtID(i int) (id ID, ok bool) {
	b := p.Exts[i].Payload
	if len(b) < IDLen {
		b = p.payloadFrom(i)
	}
	if len(b) < IDLen {
		return ID{}, false
	}
	return ID(b[:IDLen]), true
}

// ExtForgotten is the node to forget and for how many seconds, read as [Ping.ExtID] does.
func (p *Ping) ExtForgotten(i int) (id ID, ttl uint64, ok bool) {
	b := p.Exts[i].Payload
	if len(b) < forgottenLen {
		b = p.payloadFrom(i)
	}
	if len(b) < forgottenLen {
		return ID{}, 0, false
	}
	return ID(b[:IDLen]), binary.BigEndian.Uint64(b[IDLen:]), true
}
