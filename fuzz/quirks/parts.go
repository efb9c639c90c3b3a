package quirks

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// The terms on parts of a packet: ip(...), gossip(...) and ext(...).

// ids are the words that about= takes.
var ids = []string{"sender", "self", "known", "unknown"}

func parseGossip(words []string) (term, error) {
	var tests []func(*sight, *bus.Gossip) bool
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "about":
			words := strings.Split(value, ",")
			for _, w := range words {
				if w != "failing" && w != "malformed" && !slices.Contains(ids, w) {
					return nil, fmt.Errorf("about=%s: want one of %s failing malformed", w, strings.Join(ids, " "))
				}
			}
			tests = append(tests, func(s *sight, g *bus.Gossip) bool {
				return slices.ContainsFunc(words, func(w string) bool { return s.is(g.ID, w) })
			})
		case "flag", "noflag":
			f, err := bus.ParseNodeFlags(value)
			if err != nil {
				return nil, err
			}
			tests = append(tests, func(_ *sight, g *bus.Gossip) bool { return (g.Flags&f == f) == (key == "flag") })
		case "has":
			is, err := characterIn(value)
			if err != nil {
				return nil, err
			}
			tests = append(tests, func(_ *sight, g *bus.Gossip) bool { return slices.ContainsFunc([]byte(g.IP.String()), is) })
		default:
			return nil, fmt.Errorf("%q: want about= flag= noflag= has=", w)
		}
	}
	return func(s *sight) bool {
		ping, ok := s.ping()
		return ok && slices.ContainsFunc(ping.Gossip, func(g bus.Gossip) bool {
			return all(tests, func(t func(*sight, *bus.Gossip) bool) bool { return t(s, &g) })
		})
	}, nil
}

// characterIn tells characters that one of the words between commas names.
func characterIn(words string) (func(byte) bool, error) {
	var tests []func(byte) bool
	for w := range strings.SplitSeq(words, ",") {
		is, ok := characters[w]
		if !ok {
			return nil, fmt.Errorf("has=%s: want blank, newline, control, separator or at", w)
		}
		tests = append(tests, is)
	}
	return func(b byte) bool { return slices.ContainsFunc(tests, func(is func(byte) bool) bool { return is(b) }) }, nil
}

// characters are the words that has= takes.
var characters = map[string]func(byte) bool{
	"blank":   func(b byte) bool { return b == ' ' || b == '\t' },
	"newline": func(b byte) bool { return b == '\n' || b == '\r' },
	"control": func(b byte) bool { return b < ' ' || b == 0x7f },
	// What separates or quotes fields of nodes.conf.
	"separator": func(b byte) bool { return b == ',' || b == '"' || b == '\'' },
	// What separates the bus port from an address.
	"at": func(b byte) bool { return b == '@' },
	// What no auxiliary field of nodes.conf may have (cluster_legacy.c:isValidAuxChar), or what separates them.
	"reserved": func(b byte) bool {
		return b < ' ' || b == 0x7f || strings.IndexByte("!#$%&()*+:;<>?@[]^{|}~,=\"'\\", b) >= 0
	},
}

func parseExt(words []string) (term, error) {
	var tests []func(s *sight, ping *bus.Ping, i int) bool
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "type":
			var types []bus.ExtType
			for name := range strings.SplitSeq(value, ",") {
				t, ok := extType(name)
				if !ok {
					return nil, fmt.Errorf("no extension is named %q", name)
				}
				types = append(types, t)
			}
			tests = append(tests, func(_ *sight, ping *bus.Ping, i int) bool { return slices.Contains(types, ping.Exts[i].Type) })
		case "has":
			if value == "malformed" {
				tests = append(tests, func(_ *sight, ping *bus.Ping, i int) bool {
					id, ok := ping.ExtID(i)
					return ok && bytes.IndexByte(id[:], 0) < 0 && !id.Valid()
				})
				continue
			}
			if value == "open" {
				tests = append(tests, func(_ *sight, ping *bus.Ping, i int) bool {
					b := ping.Exts[i].Payload
					return len(b) == 0 || b[len(b)-1] != 0
				})
				continue
			}
			if value == "cut" {
				tests = append(tests, func(_ *sight, ping *bus.Ping, i int) bool {
					return len(ping.Exts[i].Payload) < fixed[ping.Exts[i].Type]
				})
				continue
			}
			if value == "short" {
				tests = append(tests, func(_ *sight, ping *bus.Ping, i int) bool {
					id, ok := ping.ExtID(i)
					return ok && bytes.IndexByte(id[:], 0) >= 0
				})
				continue
			}
			is, ok := characters[value]
			if !ok {
				return nil, fmt.Errorf("has=%s: want blank, newline, control, separator, reserved, short, malformed, open or cut", value)
			}
			tests = append(tests, func(_ *sight, ping *bus.Ping, i int) bool {
				text, ok := ping.ExtText(i)
				if t := ping.Exts[i].Type; t == bus.ExtShardID || t == bus.ExtSecret {
					var id bus.ID
					id, ok = ping.ExtID(i)
					text = id[:]
				}
				return ok && slices.ContainsFunc(text, is)
			})
		case "about":
			if !slices.Contains(ids, value) {
				return nil, fmt.Errorf("about=%s: want one of %s", value, strings.Join(ids, " "))
			}
			tests = append(tests, func(s *sight, ping *bus.Ping, i int) bool {
				id, _, ok := ping.ExtForgotten(i)
				return ok && s.is(id, value)
			})
		default:
			return nil, fmt.Errorf("%q: want type= has= about=", w)
		}
	}
	return func(s *sight) bool {
		ping, ok := s.ping()
		if !ok {
			return false
		}
		for i := range ping.Exts {
			if all(tests, func(t func(*sight, *bus.Ping, int) bool) bool { return t(s, ping, i) }) {
				return true
			}
		}
		return false
	}, nil
}

// fixed are the bytes that extensions of some types have at least.
var fixed = map[bus.ExtType]int{bus.ExtForgotten: bus.IDLen + 8, bus.ExtShardID: bus.IDLen, bus.ExtSecret: bus.IDLen}

func parseIP(words []string) (term, error) {
	if len(words) != 1 {
		return nil, fmt.Errorf("ip: want has=blank, has=newline or has=control")
	}
	key, value, _ := strings.Cut(words[0], "=")
	is, err := characterIn(value)
	if key != "has" || err != nil {
		return nil, fmt.Errorf("%q: want has=blank, has=newline or has=control", words[0])
	}
	return func(s *sight) bool { return s.header != nil && slices.ContainsFunc([]byte(s.header.IP.String()), is) }, nil
}

func extType(name string) (bus.ExtType, bool) {
	for _, t := range []bus.ExtType{bus.ExtHostname, bus.ExtNodename, bus.ExtForgotten, bus.ExtShardID, bus.ExtSecret} {
		if t.String() == name {
			return t, true
		}
	}
	n, err := strconv.ParseUint(name, 10, 16)
	return bus.ExtType(n), err == nil
}
