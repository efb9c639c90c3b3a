package bus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// BuildWord is a key that [Build] knows besides those of [HeaderWords], for generated documentation.
type BuildWord struct{ Key, Doc string }

// BuildWords is every such key.
func BuildWords() []BuildWord {
	return []BuildWord{
		{"type=N", "announce another type; the body stays that of the type sent"},
		{"raw@OFF=HEX", "overwrite bytes from offset OFF of the finished packet"},
		{"truncate=N", "send the first N bytes only"},
		{"append=HEX", "send these bytes after the packet; the announced length stays"},
		{"about=ID", "FAIL, UPDATE: the node it is about"},
		{"about.configEpoch=N", "UPDATE: that node's config epoch"},
		{"about.slots=SLOTS", "UPDATE: that node's slots"},
		{"channel=TEXT", "PUBLISH, PUBLISHSHARD: the channel"},
		{"message=TEXT", "PUBLISH, PUBLISHSHARD: the message"},
		{"module.id=HEX", "MODULE: the module's id, 16 hex digits"},
		{"module.type=N", "MODULE: the module's message type"},
		{"module.payload=TEXT", "MODULE: the message"},
	}
}

// Build makes the bytes of one packet, right or deliberately wrong: words[0] is the type, the other
// words are key=value of the text form or one of [BuildWords], and lines are body lines of the text form
// (gossip, ext, ...). Fields that no word sets come from tmpl (signature
// and version may be zero there); what follows from the rest (length, counts,
// the ext message flag where extensions are given) is filled in unless a word says otherwise. Words that
// work on finished bytes (type raw@ truncate append) do so in the order given. A value may be quoted
// as in the text form. The error names the word or line.
func Build(tmpl Header, words, lines []string) ([]byte, error) {
	if len(words) == 0 {
		return nil, errors.New("bus: the packet type is missing")
	}
	if tmpl.Sig == [4]byte{} {
		tmpl.Sig = signature
	}
	if tmpl.Ver == 0 {
		tmpl.Ver = Version
	}
	var c composer
	if err := c.start(tmpl, words[0]); err != nil {
		return nil, fmt.Errorf("bus: %w", err)
	}
	var patches []func([]byte) ([]byte, error)
	for _, word := range words[1:] {
		patch, err := c.buildWord(word)
		if err != nil {
			return nil, fmt.Errorf("bus: word %q: %w", word, err)
		}
		if patch != nil {
			patches = append(patches, func(b []byte) ([]byte, error) {
				b, err := patch(b)
				if err != nil {
					return nil, fmt.Errorf("bus: word %q: %w", word, err)
				}
				return b, nil
			})
		}
	}
	for i, line := range lines {
		if err := c.line(line); err != nil {
			return nil, fmt.Errorf("bus: line %d %q: %w", i+1, strings.TrimSpace(line), err)
		}
	}
	if _, exts := c.pkt.counts(); exts > 0 && !c.given["mflags"] {
		c.pkt.MFlags[0] |= MFlagExtData
	}
	b := c.finish().Append(nil)
	for _, patch := range patches {
		var err error
		if b, err = patch(b); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// buildWord applies one word, or returns what it does to the finished bytes.
func (c *composer) buildWord(word string) (patch func([]byte) ([]byte, error), err error) {
	key, value, ok := cutWord(word)
	if !ok {
		return nil, errors.New("it is not key=value")
	}
	if known, err := c.headerWord(key, value); known {
		return nil, err
	}
	if off, ok := strings.CutPrefix(key, "raw@"); ok {
		return rawPatch(off, value)
	}
	switch key {
	case "type":
		t, err := ParseType(value)
		return func(b []byte) ([]byte, error) {
			if len(b) < offType+2 {
				return nil, fmt.Errorf("the packet has only %d bytes", len(b))
			}
			binary.BigEndian.PutUint16(b[offType:], uint16(t))
			return b, nil
		}, err
	case "truncate":
		n, err := parseUint(value, 31)
		return func(b []byte) ([]byte, error) {
			if int(n) > len(b) {
				return nil, fmt.Errorf("the packet has only %d bytes", len(b))
			}
			return b[:n], nil
		}, err
	case "append":
		more, err := decodeHex(value)
		return func(b []byte) ([]byte, error) { return append(b, more...), nil }, err
	}
	return nil, c.bodyWord(key, value)
}

// rawPatch overwrites bytes from offset off, decimal or hex.
func rawPatch(off, value string) (func([]byte) ([]byte, error), error) {
	at, err := parseUint(off, 31)
	if err != nil {
		return nil, err
	}
	bytes, err := decodeHex(value)
	if err != nil {
		return nil, err
	}
	return func(b []byte) ([]byte, error) {
		if int(at)+len(bytes) > len(b) {
			return nil, fmt.Errorf("it ends at offset %d, the packet has only %d bytes", int(at)+len(bytes), len(b))
		}
		copy(b[at:], bytes)
		return b, nil
	}, nil
}

// bodyWord sets a field of the body, by the key of the body's line in the text form.
func (c *composer) bodyWord(key, value string) error {
	switch body := c.pkt.Body.(type) {
	case *Fail:
		if key == "about" {
			return parseFixed(body.About[:], value)
		}
	case *Update:
		if key == "about" {
			return parseFixed(body.Node[:], value)
		}
		if field, ok := strings.CutPrefix(key, "about."); ok {
			return body.setters().set([]string{field + "=" + value})
		}
	case *Publish:
		if key == "channel" || key == "message" {
			return body.setters().set([]string{key + "=" + value})
		}
	case *Module:
		if field, ok := strings.CutPrefix(key, "module."); ok {
			return body.setters().set([]string{field + "=" + value})
		}
	}
	return fmt.Errorf("a %s packet has no field %q", c.pkt.Type, key)
}
