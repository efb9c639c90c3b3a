package bus

import (
	"encoding/binary"

	"github.com/slotdiff/slotdiff/slot"
)

// Header is the fixed part of every packet, one Go field for each on the wire. Nothing is
// derived: a header read from the wire is written back as it was.
type Header struct {
	Sig          [4]byte // Signature
	TotLen       uint32  // length of the whole packet in bytes
	Ver          uint16  // Version
	Port         uint16  // client port; the TLS port when the bus uses TLS
	Type         Type
	Count        uint16 // gossip entries; no meaning in types that carry none
	CurrentEpoch uint64 // the sender's cluster epoch
	ConfigEpoch  uint64 // the sender's config epoch, or its master's
	Offset       uint64 // replication offset
	Sender       ID
	Slots        slot.Set // the sender's slots; a replica sends its master's
	ReplicaOf    ID       // the sender's master; zero: the sender is a master
	IP           IP       // zero: the address that the packet came from
	Extensions   uint16   // number of extensions
	Reserved     [reservedLen]byte
	PPort        uint16 // the other client port: plain if Port is TLS and the other way round
	CPort        uint16 // bus port
	Flags        NodeFlags
	State        State
	MFlags       MFlags
}

// Offsets of the header's fields.
const (
	offSig          = 0
	offTotLen       = 4
	offVer          = 8
	offPort         = 10
	offType         = 12
	offCount        = 14
	offCurrentEpoch = 16
	offConfigEpoch  = 24
	offOffset       = 32
	offSender       = 40
	offSlots        = 80
	offReplicaOf    = 2128
	offIP           = 2168
	offExtensions   = 2214
	offReserved     = 2216
	offPPort        = 2246
	offCPort        = 2248
	offFlags        = 2250
	offState        = 2252
	offMFlags       = 2253
)

// Append appends the 2256 bytes of h to b.
func (h *Header) Append(b []byte) []byte {
	be := binary.BigEndian
	b = append(b, h.Sig[:]...)
	b = be.AppendUint32(b, h.TotLen)
	b = be.AppendUint16(b, h.Ver)
	b = be.AppendUint16(b, h.Port)
	b = be.AppendUint16(b, uint16(h.Type))
	b = be.AppendUint16(b, h.Count)
	b = be.AppendUint64(b, h.CurrentEpoch)
	b = be.AppendUint64(b, h.ConfigEpoch)
	b = be.AppendUint64(b, h.Offset)
	b = append(b, h.Sender[:]...)
	b = h.Slots.AppendWire(b)
	b = append(b, h.ReplicaOf[:]...)
	b = append(b, h.IP[:]...)
	b = be.AppendUint16(b, h.Extensions)
	b = append(b, h.Reserved[:]...)
	b = be.AppendUint16(b, h.PPort)
	b = be.AppendUint16(b, h.CPort)
	b = be.AppendUint16(b, uint16(h.Flags))
	b = append(b, byte(h.State))
	return append(b, h.MFlags[:]...)
}

// read takes the header from the first HeaderLen bytes of b.
func (h *Header) read(b []byte) {
	_ = b[HeaderLen-1]
	be := binary.BigEndian
	copy(h.Sig[:], b[offSig:])
	h.TotLen = be.Uint32(b[offTotLen:])
	h.Ver = be.Uint16(b[offVer:])
	h.Port = be.Uint16(b[offPort:])
	h.Type = Type(be.Uint16(b[offType:]))
	h.Count = be.Uint16(b[offCount:])
	h.CurrentEpoch = be.Uint64(b[offCurrentEpoch:])
	h.ConfigEpoch = be.Uint64(b[offConfigEpoch:])
	h.Offset = be.Uint64(b[offOffset:])
	copy(h.Sender[:], b[offSender:])
	mustReadSlots(&h.Slots, b[offSlots:])
	copy(h.ReplicaOf[:], b[offReplicaOf:])
	copy(h.IP[:], b[offIP:])
	h.Extensions = be.Uint16(b[offExtensions:])
	copy(h.Reserved[:], b[offReserved:])
	h.PPort = be.Uint16(b[offPPort:])
	h.CPort = be.Uint16(b[offCPort:])
	h.Flags = NodeFlags(be.Uint16(b[offFlags:]))
	h.State = State(b[offState])
	copy(h.MFlags[:], b[offMFlags:])
}

// mustReadSlots reads a slot map whose length the caller has checked.
func mustReadSlots(s *slot.Set, b []byte) {
	if err := s.ReadWire(b); err != nil {
		panic("bus: " + err.Error())
	}
}
