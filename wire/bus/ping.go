package bus

import (
	"encoding/binary"
	"fmt"
)

// Ping is the body of PING, PONG and MEET: gossip entries, then extensions. How many of
// each there are stands in the header (Count; Extensions where MFlagExtData is set).
type Ping struct {
	Gossip []Gossip
	Exts   []Extension
}

// Gossip is what the sender says of another node.
type Gossip struct {
	ID           ID
	PingSent     uint32 // unix time in seconds; 0: no ping is outstanding
	PongReceived uint32 // unix time in seconds
	IP           IP
	Port         uint16
	CPort        uint16
	Flags        NodeFlags
	PPort        uint16
	Unused       uint16
}

// Offsets of the fields of a gossip entry.
const (
	offGossipPing   = 40
	offGossipPong   = 44
	offGossipIP     = 48
	offGossipPort   = 94
	offGossipCPort  = 96
	offGossipFlags  = 98
	offGossipPPort  = 100
	offGossipUnused = 102
)

func (g *Gossip) append(b []byte) []byte {
	be := binary.BigEndian
	b = append(b, g.ID[:]...)
	b = be.AppendUint32(b, g.PingSent)
	b = be.AppendUint32(b, g.PongReceived)
	b = append(b, g.IP[:]...)
	b = be.AppendUint16(b, g.Port)
	b = be.AppendUint16(b, g.CPort)
	b = be.AppendUint16(b, uint16(g.Flags))
	b = be.AppendUint16(b, g.PPort)
	return be.AppendUint16(b, g.Unused)
}

func (g *Gossip) read(b []byte) {
	_ = b[GossipLen-1]
	be := binary.BigEndian
	copy(g.ID[:], b)
	g.PingSent = be.Uint32(b[offGossipPing:])
	g.PongReceived = be.Uint32(b[offGossipPong:])
	copy(g.IP[:], b[offGossipIP:])
	g.Port = be.Uint16(b[offGossipPort:])
	g.CPort = be.Uint16(b[offGossipCPort:])
	g.Flags = NodeFlags(be.Uint16(b[offGossipFlags:]))
	g.PPort = be.Uint16(b[offGossipPPort:])
	g.Unused = be.Uint16(b[offGossipUnused:])
}

func (p *Ping) size() int {
	n := GossipLen * len(p.Gossip)
	for i := range p.Exts {
		n += ExtHeaderLen + len(p.Exts[i].Payload)
	}
	return n
}

func (p *Ping) append(b []byte) []byte {
	for i := range p.Gossip {
		b = p.Gossip[i].append(b)
	}
	for i := range p.Exts {
		b = p.Exts[i].append(b)
	}
	return b
}

func (p *Ping) reset() {
	p.Gossip, p.Exts = p.Gossip[:0], p.Exts[:0]
}

func (p *Ping) seal(h *Header) {
	for i := range p.Exts {
		p.Exts[i].seal()
	}
	h.Count = uint16(len(p.Gossip))
	h.Extensions = uint16(len(p.Exts))
	if len(p.Exts) > 0 {
		h.MFlags[0] |= MFlagExtData
	}
}

func (p *Ping) decode(h *Header, b []byte) *FormatError {
	off := HeaderLen
	for i := range int(h.Count) {
		if len(b) < GossipLen {
			p.reset()
			return short(fmt.Sprintf("gossip[%d]", i), off, len(b), GossipLen)
		}
		p.Gossip = append(p.Gossip, Gossip{})
		p.Gossip[i].read(b)
		b, off = b[GossipLen:], off+GossipLen
	}
	if h.MFlags.Has(MFlagExtData) {
		for i := range int(h.Extensions) {
			p.Exts = append(p.Exts, Extension{})
			n, reason := p.Exts[i].read(b, i == int(h.Extensions)-1)
			if reason != "" {
				p.reset()
				return &FormatError{Field: fmt.Sprintf("ext[%d]", i), Offset: off, Reason: reason}
			}
			b, off = b[n:], off+n
		}
	}
	if len(b) > 0 {
		p.reset()
		return trailing(off, len(b))
	}
	return nil
}
