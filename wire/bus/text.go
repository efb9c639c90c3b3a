package bus

import (
	"bytes"
	"encoding"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
)

var (
	_ encoding.TextMarshaler   = (*Packet)(nil)
	_ encoding.TextUnmarshaler = (*Packet)(nil)
)

// MarshalText gives the text form of p, each line ended by a newline: the type and the sender, four
// lines with the usual header fields, one with the unusual ones where there are any, one for each
// gossip entry and extension or for the body. Lengths and counts that follow from the rest are left
// out. UnmarshalText reads it back without loss. It fails if the body is not of the header's type.
//
//	PONG sender=07c37dfeb235213a872192d90877d0cd55635b91
//	  ver=1 port=7000 pport=0 cport=17000 ip=-
//	  currentEpoch=5 configEpoch=0 offset=0
//	  slots=0-8191 replicaof=-
//	  flags=master,myself state=ok mflags=040000
//	  gossip 67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 addr=127.0.0.1:7001@17001 pport=0 flags=master ping=0 pong=1700000000
//	  ext hostname "h.example"
func (p *Packet) MarshalText() ([]byte, error) {
	if p.Body != nil && reflect.TypeOf(p.Body) != reflect.TypeOf(newBody(p.Type)) {
		return nil, fmt.Errorf("bus: a %s packet with a body of type %T has no text form", p.Type, p.Body)
	}
	return p.AppendText(nil)
}

// AppendText appends what MarshalText gives to b.
func (p *Packet) AppendText(b []byte) ([]byte, error) {
	return appendBodyText(p.appendHeaderText(b), p.Body), nil
}

// UnmarshalText reads what MarshalText writes. Words that are left out are zero, apart from the
// signature, the version, the length and the counts, which are then what they must be. On error
// p is zero. The error names the line.
func (p *Packet) UnmarshalText(text []byte) error {
	*p = Packet{}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	words, err := splitWords(lines[0])
	if err != nil {
		return fmt.Errorf("bus: line 1: %w", err)
	}
	if len(words) == 0 {
		return fmt.Errorf("bus: line 1: the packet type is missing")
	}
	c := composer{}
	if err := c.start(Header{Sig: signature, Ver: Version}, words[0]); err != nil {
		return fmt.Errorf("bus: line 1: %w", err)
	}
	if err := c.headerWords(words[1:]); err != nil {
		return fmt.Errorf("bus: line 1: %w", err)
	}
	for i, line := range lines[1:] {
		if err := c.line(line); err != nil {
			return fmt.Errorf("bus: line %d: %w", i+2, err)
		}
	}
	*p = *c.finish()
	return nil
}

var signature = [4]byte([]byte(Signature))

// composer gathers a packet from words and lines.
type composer struct {
	pkt   Packet
	given map[string]bool
}

// start begins a packet of the named type with the fields of tmpl.
func (c *composer) start(tmpl Header, typeName string) error {
	t, err := ParseType(typeName)
	if err != nil {
		return fmt.Errorf("packet type: %w", err)
	}
	tmpl.Type = t
	c.pkt = Packet{Header: tmpl, Body: newBody(t)}
	c.given = make(map[string]bool)
	return nil
}

// headerWord sets one header field; known is false for a key that names none.
func (c *composer) headerWord(key, value string) (known bool, err error) {
	known, err = SetHeader(&c.pkt.Header, key, value)
	if !known || err != nil {
		return known, err
	}
	if c.given[key] {
		return true, fmt.Errorf("it is given twice")
	}
	c.given[key] = true
	return true, nil
}

func (c *composer) headerWords(words []string) error {
	for _, word := range words {
		key, value, ok := cutWord(word)
		if !ok {
			return fmt.Errorf("%s is not key=value", word)
		}
		known, err := c.headerWord(key, value)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if !known {
			return fmt.Errorf("unknown key %q", key)
		}
	}
	return nil
}

// line adds a line of header words, of gossip, of an extension or of the body.
func (c *composer) line(line string) error {
	words, err := splitWords(line)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return nil
	}
	if _, _, ok := cutWord(words[0]); ok {
		return c.headerWords(words)
	}
	return parseBodyLine(c.pkt.Body, line)
}

// finish sets the length and the counts that were not given.
func (c *composer) finish() *Packet {
	p := &c.pkt
	gossip, exts := p.counts()
	if !c.given["count"] {
		p.Count = uint16(gossip)
	}
	if !c.given["extcount"] {
		p.Extensions = uint16(exts)
	}
	if !c.given["totlen"] {
		p.TotLen = uint32(p.Size())
	}
	return p
}

// FrameText is the text form of a frame. Bytes that are no packet come as "BYTES" with their number and
// the reason, then as hex lines, so that a transcript can show whatever was on the wire.
func FrameText(frame []byte) string {
	var d Decoder
	p, err := d.Decode(frame)
	if err == nil {
		if text, err := p.MarshalText(); err == nil {
			return string(text)
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "BYTES len=%d", len(frame))
	if err != nil {
		fmt.Fprintf(&b, " # %s", err)
	}
	b.WriteByte('\n')
	for len(frame) > 0 {
		n := min(len(frame), rawLineLen)
		b.WriteString("  raw " + hex.EncodeToString(frame[:n]) + "\n")
		frame = frame[n:]
	}
	return b.String()
}
