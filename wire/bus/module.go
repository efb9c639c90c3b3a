package bus

import "encoding/binary"

// Module is the body of MODULE: a message from one module to its like in another node.
type Module struct {
	// ModuleID is raw: the sender writes it in its own byte order.
	ModuleID [8]byte
	Type     uint8
	Payload  []byte
}

// Offsets in the body.
const (
	offModuleID   = 0
	offModuleLen  = 8
	offModuleType = 12
)

func (m *Module) size() int { return moduleHeaderLen + len(m.Payload) }

func (m *Module) append(b []byte) []byte {
	b = append(b, m.ModuleID[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(m.Payload)))
	b = append(b, m.Type)
	return append(b, m.Payload...)
}

func (m *Module) reset() { *m = Module{} }

func (*Module) seal(h *Header) { sealPlain(h) }

func (m *Module) decode(_ *Header, b []byte) *FormatError {
	if len(b) < moduleHeaderLen {
		return short("module", HeaderLen, len(b), moduleHeaderLen)
	}
	n := uint64(binary.BigEndian.Uint32(b[offModuleLen:]))
	payload := b[moduleHeaderLen:]
	off := HeaderLen + moduleHeaderLen
	switch have := uint64(len(payload)); {
	case have < n:
		return short("payload", off, len(payload), int(n))
	case have > n:
		return trailing(off+int(n), int(have-n))
	}
	copy(m.ModuleID[:], b[offModuleID:])
	m.Type = b[offModuleType]
	m.Payload = payload
	return nil
}
