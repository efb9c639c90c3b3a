package bus

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Omit says what is left out of packets before they are compared: what servers of one version say in nearly every packet
// and those of another never. The zero Omit leaves nothing out.
type Omit struct {
	Flags  NodeFlags // of the header
	MFlags MFlags
	Exts   []ExtType // in ascending order, each once
}

// omitKey is a word of the text form of an Omit.
type omitKey struct {
	key   string
	parse func(o *Omit, v string) error
}

var omitKeys = []omitKey{
	{"flags", func(o *Omit, v string) (err error) {
		o.Flags, err = ParseNodeFlags(v)
		return err
	}},
	{"mflags", func(o *Omit, v string) error {
		var h Header
		err := parseMFlags(&h, v)
		o.MFlags = h.MFlags
		return err
	}},
	{"ext", func(o *Omit, v string) error {
		for name := range strings.SplitSeq(v, ",") {
			n, err := extNames.parse(name, 16)
			if err != nil {
				return err
			}
			o.Exts = append(o.Exts, ExtType(n))
		}
		slices.Sort(o.Exts)
		o.Exts = slices.Compact(o.Exts)
		return nil
	}},
}

// ParseOmit reads words such as "flags=extensions,0x1800 mflags=ext ext=shardid,6", each key once at most.
func ParseOmit(text string) (Omit, error) {
	var o Omit
	seen := map[string]bool{}
	for word := range strings.FieldsSeq(text) {
		key, v, _ := strings.Cut(word, "=")
		i := slices.IndexFunc(omitKeys, func(k omitKey) bool { return k.key == key })
		if i < 0 || seen[key] {
			return Omit{}, fmt.Errorf("%q: want flags=, mflags= and ext=, each once at most", word)
		}
		seen[key] = true
		if err := omitKeys[i].parse(&o, v); err != nil {
			return Omit{}, fmt.Errorf("%s=: %w", key, err)
		}
	}
	return o, nil
}

// String is what ParseOmit reads; "" for the zero Omit.
func (o Omit) String() string {
	var words []string
	if o.Flags != 0 {
		words = append(words, "flags="+o.Flags.String())
	}
	if o.MFlags != (MFlags{}) {
		words = append(words, fmt.Sprintf("mflags=%x", o.MFlags[:]))
	}
	if len(o.Exts) > 0 {
		names := make([]string, len(o.Exts))
		for i, t := range o.Exts {
			names[i] = t.String()
		}
		words = append(words, "ext="+strings.Join(names, ","))
	}
	return strings.Join(words, " ")
}

// IsZero reports whether nothing is left out.
func (o Omit) IsZero() bool { return o.Flags == 0 && o.MFlags == (MFlags{}) && len(o.Exts) == 0 }

// Join is what either leaves out.
func (o Omit) Join(p Omit) Omit {
	o.Flags |= p.Flags
	for i := range o.MFlags {
		o.MFlags[i] |= p.MFlags[i]
	}
	o.Exts = slices.Concat(o.Exts, p.Exts)
	slices.Sort(o.Exts)
	o.Exts = slices.Compact(o.Exts)
	return o
}

// Apply leaves it out of a frame: in place, and shorter where extensions were left out, whose count and the length of the packet
// then say so. The flag for extensions stays where there are still some. What is no whole packet stays as it is.
func (o Omit) Apply(frame []byte) []byte {
	if o.IsZero() || len(frame) < HeaderLen {
		return frame
	}
	frame = o.cutExts(frame)
	be := binary.BigEndian
	be.PutUint16(frame[offFlags:], be.Uint16(frame[offFlags:])&^uint16(o.Flags))
	ext := frame[offMFlags] & MFlagExtData
	for i, b := range o.MFlags {
		frame[offMFlags+i] &^= b
	}
	if be.Uint16(frame[offExtensions:]) > 0 {
		frame[offMFlags] |= ext
	}
	return frame
}

// cutExts cuts the extensions out.
func (o Omit) cutExts(frame []byte) []byte {
	be := binary.BigEndian
	if len(o.Exts) == 0 || !Type(be.Uint16(frame[offType:])).Gossips() {
		return frame
	}
	at := HeaderLen + int(be.Uint16(frame[offCount:]))*GossipLen
	for left := be.Uint16(frame[offExtensions:]); left > 0 && at+ExtHeaderLen <= len(frame); left-- {
		n := int(be.Uint32(frame[at:]))
		if n < ExtHeaderLen || at+n > len(frame) {
			break
		}
		if !slices.Contains(o.Exts, ExtType(be.Uint16(frame[at+4:]))) {
			at += n
			continue
		}
		frame = append(frame[:at], frame[at+n:]...)
		be.PutUint16(frame[offExtensions:], be.Uint16(frame[offExtensions:])-1)
		be.PutUint32(frame[offTotLen:], be.Uint32(frame[offTotLen:])-uint32(n))
	}
	return frame
}
