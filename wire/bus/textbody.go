package bus

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/slot"
)

// rawLineLen is how many bytes one "raw" line of the text form holds.
const rawLineLen = 32

// appendBodyText writes the indented lines of the body.
func appendBodyText(b []byte, body Body) []byte {
	switch body := body.(type) {
	case *Ping:
		for i := range body.Gossip {
			b = body.Gossip[i].appendText(b)
		}
		for i := range body.Exts {
			b = body.Exts[i].appendText(b)
		}
	case *Fail:
		b = append(appendFixed(append(b, "  about "...), body.About[:]), '\n')
	case *Update:
		b = appendFixed(append(b, "  about "...), body.Node[:])
		b = strconv.AppendUint(append(b, " configEpoch="...), body.ConfigEpoch, 10)
		b = append(appendSlots(append(b, " slots="...), &body.Slots), '\n')
	case *Publish:
		b = appendQuoted(append(b, "  publish channel="...), body.Channel)
		b = append(appendQuoted(append(b, " message="...), body.Message), '\n')
	case *Module:
		b = hex.AppendEncode(append(b, "  module id="...), body.ModuleID[:])
		b = strconv.AppendUint(append(b, " type="...), uint64(body.Type), 10)
		b = append(appendQuoted(append(b, " payload="...), body.Payload), '\n')
	case *Unknown:
		for raw := body.Raw; len(raw) > 0; {
			n := min(len(raw), rawLineLen)
			b = append(hex.AppendEncode(append(b, "  raw "...), raw[:n]), '\n')
			raw = raw[n:]
		}
	case *Empty, nil:
	}
	return b
}

func (g *Gossip) appendText(b []byte) []byte {
	b = appendFixed(append(b, "  gossip "...), g.ID[:])
	b = append(b, " addr="...)
	if !g.IP.IsZero() {
		b = appendFixed(b, g.IP[:])
	}
	b = strconv.AppendUint(append(b, ':'), uint64(g.Port), 10)
	b = strconv.AppendUint(append(b, '@'), uint64(g.CPort), 10)
	b = strconv.AppendUint(append(b, " pport="...), uint64(g.PPort), 10)
	b = flagNames.appendBits(append(b, " flags="...), uint64(g.Flags))
	b = strconv.AppendUint(append(b, " ping="...), uint64(g.PingSent), 10)
	b = strconv.AppendUint(append(b, " pong="...), uint64(g.PongReceived), 10)
	if g.Unused != 0 {
		b = strconv.AppendUint(append(b, " unused="...), uint64(g.Unused), 10)
	}
	return append(b, '\n')
}

// appendText writes an extension that is exactly as Redis writes it by its meaning, any other by
// its bytes.
func (e *Extension) appendText(b []byte) []byte {
	b = extNames.append(append(b, "  ext "...), uint64(e.Type))
	start := len(b)
	switch e.Type {
	case ExtHostname, ExtNodename:
		text, _, _ := bytes.Cut(e.Payload, []byte{0})
		b = appendQuoted(append(b, ' '), text)
		if e.equal(textExt(e.Type, string(text))) {
			return append(b, '\n')
		}
	case ExtForgotten:
		p := Ping{Exts: []Extension{*e}}
		if id, ttl, ok := p.ExtForgotten(0); ok && e.equal(ForgottenExt(id, ttl)) {
			b = appendFixed(append(b, ' '), id[:])
			return append(strconv.AppendUint(append(b, " ttl="...), ttl, 10), '\n')
		}
	case ExtShardID, ExtSecret:
		p := Ping{Exts: []Extension{*e}}
		if id, ok := p.ExtID(0); ok && e.equal(makeExt(e.Type, id[:])) {
			return append(appendFixed(append(b, ' '), id[:]), '\n')
		}
	}
	b = append(b[:start], " payload="...)
	if len(e.Payload) == 0 {
		b = append(b, '-')
	}
	b = hex.AppendEncode(b, e.Payload)
	if uint64(e.Length) != uint64(ExtHeaderLen+len(e.Payload)) {
		b = strconv.AppendUint(append(b, " len="...), uint64(e.Length), 10)
	}
	if e.Unused != 0 {
		b = strconv.AppendUint(append(b, " unused="...), uint64(e.Unused), 10)
	}
	return append(b, '\n')
}

func (e *Extension) equal(x Extension) bool {
	return e.Length == x.Length && e.Type == x.Type && e.Unused == x.Unused && bytes.Equal(e.Payload, x.Payload)
}

// parseBodyLine adds one line of the text form, its indent removed, to body.
func parseBodyLine(body Body, line string) error {
	words, err := splitWords(line)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return nil
	}
	var keyword string
	var parse func(words []string) error
	switch body := body.(type) {
	case *Ping:
		if words[0] == "ext" {
			keyword, parse = "ext", body.parseExt
		} else {
			keyword, parse = "gossip", body.parseGossip
		}
	case *Fail:
		keyword, parse = "about", body.parseText
	case *Update:
		keyword, parse = "about", body.parseText
	case *Publish:
		keyword, parse = "publish", body.parseText
	case *Module:
		keyword, parse = "module", body.parseText
	case *Unknown:
		keyword, parse = "raw", body.parseText
	}
	if words[0] != keyword {
		return fmt.Errorf("a packet of this type has no %q line", words[0])
	}
	if err := parse(words[1:]); err != nil {
		return fmt.Errorf("%s: %w", words[0], err)
	}
	return nil
}

// setters maps the keys of a line to what they set.
type setters map[string]func(v string) error

// set applies key=value words, each key at most once.
func (s setters) set(words []string) error {
	for i, word := range words {
		key, value, ok := cutWord(word)
		if !ok {
			return fmt.Errorf("%s is not key=value", word)
		}
		f := s[key]
		if f == nil {
			return fmt.Errorf("unknown key %q", key)
		}
		for _, earlier := range words[:i] {
			if strings.HasPrefix(earlier, key+"=") {
				return fmt.Errorf("%s is given twice", key)
			}
		}
		if err := f(value); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// number makes a setter for an unsigned field.
func number[T ~uint8 | ~uint16 | ~uint32 | ~uint64](p *T, bitSize int) func(string) error {
	return func(v string) error {
		n, err := parseUint(v, bitSize)
		*p = T(n)
		return err
	}
}

// text makes a setter for a quoted text.
func text(p *[]byte) func(string) error {
	return func(v string) (err error) {
		*p, err = parseText(v)
		return err
	}
}

// firstID takes the id that opens a line.
func firstID(id *ID, words []string) ([]string, error) {
	if len(words) == 0 {
		return nil, errors.New("the node id is missing")
	}
	return words[1:], parseFixed(id[:], words[0])
}

func (p *Ping) parseGossip(words []string) error {
	var g Gossip
	words, err := firstID(&g.ID, words)
	if err != nil {
		return err
	}
	err = setters{
		"addr":  g.parseAddr,
		"pport": number(&g.PPort, 16),
		"flags": func(v string) (err error) {
			g.Flags, err = ParseNodeFlags(v)
			return err
		},
		"ping":   number(&g.PingSent, 32),
		"pong":   number(&g.PongReceived, 32),
		"unused": number(&g.Unused, 16),
	}.set(words)
	if err != nil {
		return err
	}
	p.Gossip = append(p.Gossip, g)
	return nil
}

// parseAddr reads ip:port@cport; the ip may be empty, quoted, or hold colons.
func (g *Gossip) parseAddr(v string) error {
	at := strings.LastIndexByte(v, '@')
	if at < 0 {
		return fmt.Errorf("%q is not ip:port@cport", v)
	}
	colon := strings.LastIndexByte(v[:at], ':')
	if colon < 0 {
		return fmt.Errorf("%q is not ip:port@cport", v)
	}
	ip := v[:colon]
	if ip == "" {
		ip = "-"
	}
	return errors.Join(
		parseFixed(g.IP[:], ip),
		number(&g.Port, 16)(v[colon+1:at]),
		number(&g.CPort, 16)(v[at+1:]),
	)
}

// parseExt reads "TYPE value" in one of the typed forms, or "TYPE payload=HEX [len=N] [unused=N]".
func (p *Ping) parseExt(words []string) error {
	if len(words) < 2 {
		return errors.New("want a type and a value")
	}
	v, err := extNames.parse(words[0], 16)
	if err != nil {
		return err
	}
	t, value, rest := ExtType(v), words[1], words[2:]
	if _, _, raw := cutWord(value); raw {
		return p.parseRawExt(t, words[1:])
	}
	var id ID
	var e Extension
	switch t {
	case ExtHostname, ExtNodename:
		text, err := parseText(value)
		if err != nil {
			return err
		}
		e = textExt(t, string(text))
	case ExtForgotten:
		var ttl uint64
		if err := errors.Join(parseFixed(id[:], value), setters{"ttl": number(&ttl, 64)}.set(rest)); err != nil {
			return err
		}
		rest = nil
		e = ForgottenExt(id, ttl)
	case ExtShardID, ExtSecret:
		if err := parseFixed(id[:], value); err != nil {
			return err
		}
		e = makeExt(t, id[:])
	default:
		return fmt.Errorf("type %d has no value form, want payload=HEX", t)
	}
	if len(rest) > 0 {
		return fmt.Errorf("%s is too much", rest[0])
	}
	p.Exts = append(p.Exts, e)
	return nil
}

func (p *Ping) parseRawExt(t ExtType, words []string) error {
	e := Extension{Type: t}
	given := false
	err := setters{
		"payload": func(v string) (err error) {
			e.Payload, err = decodeHex(v)
			return err
		},
		"len": func(v string) error {
			given = true
			return number(&e.Length, 32)(v)
		},
		"unused": number(&e.Unused, 16),
	}.set(words)
	if err != nil {
		return err
	}
	if !given {
		e.Length = uint32(ExtHeaderLen + len(e.Payload))
	}
	p.Exts = append(p.Exts, e)
	return nil
}

func (f *Fail) parseText(words []string) error {
	words, err := firstID(&f.About, words)
	if err != nil {
		return err
	}
	return setters{}.set(words)
}

func (u *Update) parseText(words []string) error {
	words, err := firstID(&u.Node, words)
	if err != nil {
		return err
	}
	return u.setters().set(words)
}

func (u *Update) setters() setters {
	return setters{
		"configEpoch": number(&u.ConfigEpoch, 64),
		"slots": func(v string) (err error) {
			u.Slots, err = slot.Parse(v)
			return err
		},
	}
}

func (p *Publish) parseText(words []string) error { return p.setters().set(words) }

func (p *Publish) setters() setters {
	return setters{"channel": text(&p.Channel), "message": text(&p.Message)}
}

func (m *Module) parseText(words []string) error { return m.setters().set(words) }

func (m *Module) setters() setters {
	return setters{
		"id":      func(v string) error { return parseHex(m.ModuleID[:], v) },
		"type":    number(&m.Type, 8),
		"payload": text(&m.Payload),
	}
}

func (u *Unknown) parseText(words []string) error {
	for _, word := range words {
		b, err := decodeHex(word)
		if err != nil {
			return err
		}
		u.Raw = append(u.Raw, b...)
	}
	return nil
}
