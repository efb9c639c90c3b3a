package bus

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/slotdiff/slotdiff/slot"
)

// headerField is one key=value word of the text form.
type headerField struct {
	key string
	doc string
	// line is the line of the text form the word stands in, counted from 0; words of the last
	// line are left out when they are usual.
	line   int
	append func(b []byte, h *Header) []byte
	parse  func(h *Header, v string) error
	// usual reports whether a word of the last line says nothing new.
	usual func(p *Packet) bool
}

const oddLine = 5

// headerFields is every word that sets a header field, in the order of the text form.
var headerFields = []headerField{
	{
		key: "sender", doc: "node id of the sender, or - for 40 NUL bytes", line: 0,
		append: func(b []byte, h *Header) []byte { return appendFixed(b, h.Sender[:]) },
		parse:  func(h *Header, v string) error { return parseFixed(h.Sender[:], v) },
	},

	numberField("ver", "protocol version", 1, 16,
		func(h *Header) uint64 { return uint64(h.Ver) }, func(h *Header, v uint64) { h.Ver = uint16(v) }),
	numberField("port", "client port", 1, 16,
		func(h *Header) uint64 { return uint64(h.Port) }, func(h *Header, v uint64) { h.Port = uint16(v) }),
	numberField("pport", "the other client port, plain or TLS", 1, 16,
		func(h *Header) uint64 { return uint64(h.PPort) }, func(h *Header, v uint64) { h.PPort = uint16(v) }),
	numberField("cport", "bus port", 1, 16,
		func(h *Header) uint64 { return uint64(h.CPort) }, func(h *Header, v uint64) { h.CPort = uint16(v) }),
	{
		key: "ip", doc: "announced address, or - to let the receiver take the peer's", line: 1,
		append: func(b []byte, h *Header) []byte { return appendFixed(b, h.IP[:]) },
		parse:  func(h *Header, v string) error { return parseFixed(h.IP[:], v) },
	},

	numberField("currentEpoch", "cluster epoch", 2, 64,
		func(h *Header) uint64 { return h.CurrentEpoch }, func(h *Header, v uint64) { h.CurrentEpoch = v }),
	numberField("configEpoch", "config epoch of the sender or its master", 2, 64,
		func(h *Header) uint64 { return h.ConfigEpoch }, func(h *Header, v uint64) { h.ConfigEpoch = v }),
	numberField("offset", "replication offset", 2, 64,
		func(h *Header) uint64 { return h.Offset }, func(h *Header, v uint64) { h.Offset = v }),

	{
		key: "slots", doc: "slots of the sender or its master: 0-5,7 or -", line: 3,
		append: func(b []byte, h *Header) []byte { return appendSlots(b, &h.Slots) },
		parse: func(h *Header, v string) (err error) {
			h.Slots, err = slot.Parse(v)
			return err
		},
	},
	{
		key: "replicaof", doc: "node id of the sender's master, or -", line: 3,
		append: func(b []byte, h *Header) []byte { return appendFixed(b, h.ReplicaOf[:]) },
		parse:  func(h *Header, v string) error { return parseFixed(h.ReplicaOf[:], v) },
	},

	{
		key: "flags", doc: "node flags of the sender: names and numbers joined by commas, or -", line: 4,
		append: func(b []byte, h *Header) []byte { return flagNames.appendBits(b, uint64(h.Flags)) },
		parse: func(h *Header, v string) (err error) {
			h.Flags, err = ParseNodeFlags(v)
			return err
		},
	},
	{
		key: "state", doc: "cluster state in the sender's view: ok, fail or a number", line: 4,
		append: func(b []byte, h *Header) []byte { return stateNames.append(b, uint64(h.State)) },
		parse: func(h *Header, v string) error {
			n, err := stateNames.parse(v, 8)
			h.State = State(n)
			return err
		},
	},
	{
		key: "mflags", doc: "message flags: 6 hex digits, or names out of paused, forceack, ext joined by commas", line: 4,
		append: func(b []byte, h *Header) []byte { return hex.AppendEncode(b, h.MFlags[:]) },
		parse:  parseMFlags,
	},

	{
		key: "sig", doc: "signature: 8 hex digits", line: oddLine,
		append: func(b []byte, h *Header) []byte { return hex.AppendEncode(b, h.Sig[:]) },
		parse:  func(h *Header, v string) error { return parseHex(h.Sig[:], v) },
		usual:  func(p *Packet) bool { return string(p.Sig[:]) == Signature },
	},
	odd(numberField("totlen", "announced length of the packet", oddLine, 32,
		func(h *Header) uint64 { return uint64(h.TotLen) }, func(h *Header, v uint64) { h.TotLen = uint32(v) }),
		func(p *Packet) bool { return uint64(p.TotLen) == uint64(p.Size()) }),
	odd(numberField("count", "announced number of gossip entries", oddLine, 16,
		func(h *Header) uint64 { return uint64(h.Count) }, func(h *Header, v uint64) { h.Count = uint16(v) }),
		func(p *Packet) bool { n, _ := p.counts(); return int(p.Count) == n }),
	odd(numberField("extcount", "announced number of extensions", oddLine, 16,
		func(h *Header) uint64 { return uint64(h.Extensions) }, func(h *Header, v uint64) { h.Extensions = uint16(v) }),
		func(p *Packet) bool { _, n := p.counts(); return int(p.Extensions) == n }),
	{
		key: "reserved", doc: "the 30 bytes without a meaning, in hex", line: oddLine,
		append: func(b []byte, h *Header) []byte { return hex.AppendEncode(b, h.Reserved[:]) },
		parse:  func(h *Header, v string) error { return parseHex(h.Reserved[:], v) },
		usual:  func(p *Packet) bool { return p.Reserved == [reservedLen]byte{} },
	},
}

func numberField(key, doc string, line, bitSize int, get func(*Header) uint64, set func(*Header, uint64)) headerField {
	return headerField{
		key: key, doc: doc, line: line,
		append: func(b []byte, h *Header) []byte { return strconv.AppendUint(b, get(h), 10) },
		parse: func(h *Header, v string) error {
			n, err := parseUint(v, bitSize)
			if err == nil {
				set(h, n)
			}
			return err
		},
	}
}

func appendSlots(b []byte, s *slot.Set) []byte {
	if s.Empty() {
		return append(b, '-')
	}
	return s.AppendRanges(b, ',')
}

func odd(f headerField, usual func(*Packet) bool) headerField {
	f.usual = usual
	return f
}

func parseMFlags(h *Header, v string) error {
	if parseHex(h.MFlags[:], v) == nil {
		return nil
	}
	n, err := mflagNames.parseBits(v, 8)
	if err != nil {
		return fmt.Errorf("%q is neither six hex digits nor a list out of paused,forceack,ext", v)
	}
	h.MFlags = MFlags{byte(n)}
	return nil
}

// HeaderWord is a key of the text form, for generated documentation.
type HeaderWord struct{ Key, Doc string }

// HeaderWords is every key that [SetHeader] knows, in the order of the text form.
func HeaderWords() []HeaderWord {
	words := make([]HeaderWord, len(headerFields))
	for i, f := range headerFields {
		words[i] = HeaderWord{f.key, f.doc}
	}
	return words
}

// SetHeader sets the field of h that key names in the text form to value. known is false for a key
// that names no field.
func SetHeader(h *Header, key, value string) (known bool, err error) {
	i := slices.IndexFunc(headerFields, func(f headerField) bool { return f.key == key })
	if i < 0 {
		return false, nil
	}
	return true, headerFields[i].parse(h, value)
}

// appendHeaderText writes the first line and the indented lines of the header.
func (p *Packet) appendHeaderText(b []byte) []byte {
	b = typeNames.append(b, uint64(p.Type))
	line := 0
	for _, f := range headerFields {
		if f.usual != nil && f.usual(p) {
			continue
		}
		if f.line != line {
			line = f.line
			b = append(b, "\n "...)
		}
		b = append(b, ' ')
		b = append(b, f.key...)
		b = append(b, '=')
		b = f.append(b, &p.Header)
	}
	return append(bytes.TrimRight(b, " "), '\n')
}

// counts is how many gossip entries and extensions the body has.
func (p *Packet) counts() (gossip, exts int) {
	if b, ok := p.Body.(*Ping); ok {
		return len(b.Gossip), len(b.Exts)
	}
	return 0, 0
}
