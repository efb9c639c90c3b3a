package quirks

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// sight is an input as the terms see it.
type sight struct {
	*Input
	rule   bus.Rule
	header *bus.Header // nil where the frame has none
	packet *bus.Packet // nil where it does not parse
}

func look(in *Input) *sight {
	s := &sight{Input: in, rule: bus.Check(in.Frame).Rule}
	if p, err := bus.Parse(in.Frame); err == nil {
		s.packet, s.header = p, &p.Header
		return s
	}
	if len(in.Frame) < bus.HeaderLen {
		return s
	}
	if p, err := bus.Parse(within(in.Frame)); err == nil && s.rule == bus.RuleExtOutOfBounds {
		s.packet, s.header = p, &p.Header
		s.header.Count, s.header.Extensions = be.Uint16(in.Frame[14:]), be.Uint16(in.Frame[2214:])
		return s
	}
	// The header alone: with the length and type of a packet that has no body, any header parses.
	own := bytes.Clone(in.Frame[:bus.HeaderLen])
	be.PutUint32(own[4:], bus.HeaderLen)
	be.PutUint16(own[12:], uint16(bus.TypeMFStart))
	if p, err := bus.Parse(own); err == nil {
		s.header = &p.Header
		s.header.Type = bus.Type(be.Uint16(in.Frame[12:]))
	}
	return s
}

var be = binary.BigEndian

// within is a packet that counts more than it has with what it has: the gossip entries and extensions that lie in it.
func within(frame []byte) []byte {
	own := bytes.Clone(frame)
	count := min(int(be.Uint16(own[14:])), (len(own)-bus.HeaderLen)/bus.GossipLen)
	at, exts := bus.HeaderLen+count*bus.GossipLen, 0
	for exts < int(be.Uint16(own[2214:])) && at+bus.ExtHeaderLen <= len(own) {
		n := int(be.Uint32(own[at:]))
		if n < bus.ExtHeaderLen || n > len(own)-at {
			break
		}
		at, exts = at+n, exts+1
	}
	be.PutUint32(own[4:], uint32(at))
	be.PutUint16(own[14:], uint16(count))
	be.PutUint16(own[2214:], uint16(exts))
	return own[:at]
}

// term is one condition.
type term func(*sight) bool

// numbers are the header fields that a term compares with a number.
var numbers = map[string]func(*bus.Header) uint64{
	"count":        func(h *bus.Header) uint64 { return uint64(h.Count) },
	"extcount":     func(h *bus.Header) uint64 { return uint64(h.Extensions) },
	"currentEpoch": func(h *bus.Header) uint64 { return h.CurrentEpoch },
	"configEpoch":  func(h *bus.Header) uint64 { return h.ConfigEpoch },
	"offset":       func(h *bus.Header) uint64 { return h.Offset },
	"port":         func(h *bus.Header) uint64 { return uint64(h.Port) },
	"cport":        func(h *bus.Header) uint64 { return uint64(h.CPort) },
}

// parseTerm reads one term:
//
//	rule=NAME,...          the rule of wire/bus that the frame meets, one of these; read: one whose packets Redis reads as if they were well formed
//	type=NAME,...          the packet's type is one of these
//	moduletype=N           the type in a MODULE packet
//	flag=NAME              a flag of the sender's own is set
//	FIELD=N FIELD>=N FIELD<=N   a number of the header: count extcount currentEpoch configEpoch offset port cport
//	sender=WHO             known, unknown (not known, and not the receiver), self (the receiver), malformed (no node id)
//	replicaof=WHO          sender, known (not the receiver, not the sender), unknown, self, or follower: a known node whose masters
//	                       lead to the sender; not set is none of these
//	masterless             it names no master: the sender says that it is one
//	stale                  its configEpoch is below the one that the receiver knows of the sender
//	newer                  it is above that
//	followed               the receiver is a replica of the sender
//	follows                the receiver is a replica
//	slotted                the receiver owns slots
//	orphaned               the receiver is a replica and does not know of whom
//	unmet                  the receiver is a replica of a node that is in handshake
//	claims                 slots are claimed for a known node that the receiver does not follow, at a higher config epoch than that of whom it follows
//	update=WHO             an UPDATE about sender, self, known or unknown
//	failing                the receiver takes the sender for failed
//	replica                the receiver takes the sender for a replica
//	roleless               the receiver takes the sender neither for a master nor for a replica
//	handshake, dialled, subscribed  as in Input
//	ip(...)                the sender's announced address has=blank|newline|control|separator|at, one of those between commas
//	gossip(...)            some entry has about=unknown|known|failing|sender|self|malformed, one of those between commas, flag=NAME, noflag=NAME, has= as of ip(...)
//	                       (in its address), all that are given
//	ext(...)               some extension has type=NAME,... (a name or number), has=blank|newline|control|separator|reserved (in its text),
//	                       has=short|malformed (an id of less than 40 bytes; one that no node can have), has=open (its last byte is no zero), has=cut (shorter than its type), about=sender|self|known|unknown (an id in it),
//	                       all that are given
func parseTerm(text string) (term, error) {
	text = strings.TrimSpace(text)
	switch text {
	case "stale":
		return func(s *sight) bool {
			if s.header == nil {
				return false
			}
			p, ok := s.Peers[s.header.Sender]
			return ok && s.header.ConfigEpoch < p.ConfigEpoch
		}, nil
	case "newer":
		return func(s *sight) bool {
			if s.header == nil {
				return false
			}
			p, ok := s.Peers[s.header.Sender]
			return ok && s.header.ConfigEpoch > p.ConfigEpoch
		}, nil
	case "handshake":
		return func(s *sight) bool { return s.Handshake }, nil
	case "subscribed":
		return func(s *sight) bool { return s.Subscribed }, nil
	case "followed":
		return func(s *sight) bool { return s.header != nil && !s.Master.IsZero() && s.header.Sender == s.Master }, nil
	case "follows":
		return func(s *sight) bool { return !s.Master.IsZero() }, nil
	case "masterless":
		return func(s *sight) bool { return s.header != nil && s.header.ReplicaOf.IsZero() }, nil
	case "slotted":
		return func(s *sight) bool { return s.Slotted }, nil
	case "orphaned":
		return func(s *sight) bool { return s.Orphaned }, nil
	case "unmet":
		return func(s *sight) bool {
			_, known := s.Peers[s.Master]
			return !s.Master.IsZero() && !known
		}, nil
	case "claims":
		return (*sight).claims, nil
	case "dialled":
		return func(s *sight) bool { return s.Dialled }, nil
	case "replica":
		return func(s *sight) bool { return s.header != nil && s.Peers[s.header.Sender].Replica }, nil
	case "roleless":
		return func(s *sight) bool { return s.header != nil && s.Peers[s.header.Sender].Roleless }, nil
	case "failing":
		return func(s *sight) bool { return s.header != nil && s.Peers[s.header.Sender].Failing }, nil
	}
	if name, rest, ok := strings.Cut(text, "("); ok && strings.HasSuffix(rest, ")") {
		words := strings.Fields(strings.TrimSuffix(rest, ")"))
		switch name {
		case "gossip":
			return parseGossip(words)
		case "ext":
			return parseExt(words)
		case "ip":
			return parseIP(words)
		}
		return nil, fmt.Errorf("want gossip(...), ext(...) or ip(...)")
	}
	for _, op := range []string{">=", "<=", "="} {
		key, value, ok := strings.Cut(text, op)
		if !ok {
			continue
		}
		if get, isNumber := numbers[key]; isNumber {
			return number(get, op, value)
		}
		if op == "=" {
			return word(key, value)
		}
	}
	return nil, fmt.Errorf("not a term")
}

func number(get func(*bus.Header) uint64, op, value string) (term, error) {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is no number", value)
	}
	return func(s *sight) bool {
		if s.header == nil {
			return false
		}
		v := get(s.header)
		return op == "=" && v == n || op == ">=" && v >= n || op == "<=" && v <= n
	}, nil
}

func word(key, value string) (term, error) {
	switch key {
	case "rule":
		var rules []bus.Rule
		for name := range strings.SplitSeq(value, ",") {
			if name == "read" {
				rules = append(rules, readAll...)
				continue
			}
			i := slices.IndexFunc(bus.Rules(), func(r bus.Rule) bool { return r.String() == name })
			if i < 0 {
				return nil, fmt.Errorf("no rule is named %q", name)
			}
			rules = append(rules, bus.Rules()[i])
		}
		return func(s *sight) bool { return slices.Contains(rules, s.rule) }, nil
	case "type":
		var types []bus.Type
		for name := range strings.SplitSeq(value, ",") {
			t, err := bus.ParseType(name)
			if err != nil {
				return nil, err
			}
			types = append(types, t)
		}
		return func(s *sight) bool { return s.header != nil && slices.Contains(types, s.header.Type) }, nil
	case "moduletype":
		n, err := strconv.ParseUint(value, 10, 8)
		if err != nil {
			return nil, fmt.Errorf("%q is no type of a module's message", value)
		}
		return func(s *sight) bool {
			if s.packet == nil {
				return false
			}
			m, ok := s.packet.Body.(*bus.Module)
			return ok && uint64(m.Type) == n
		}, nil
	case "flag":
		f, err := bus.ParseNodeFlags(value)
		if err != nil {
			return nil, err
		}
		return func(s *sight) bool { return s.header != nil && s.header.Flags&f == f }, nil
	case "sender":
		return who(value, []string{"known", "unknown", "self", "malformed"}, func(s *sight) (bus.ID, bool) {
			if s.header == nil {
				return bus.ID{}, false
			}
			return s.header.Sender, true
		})
	case "update":
		return who(value, []string{"sender", "known", "unknown", "self"}, func(s *sight) (bus.ID, bool) {
			if s.packet == nil {
				return bus.ID{}, false
			}
			u, ok := s.packet.Body.(*bus.Update)
			if !ok {
				return bus.ID{}, false
			}
			return u.Node, true
		})
	case "replicaof":
		return who(value, []string{"sender", "known", "unknown", "self", "follower"}, func(s *sight) (bus.ID, bool) {
			if s.header == nil {
				return bus.ID{}, false
			}
			return s.header.ReplicaOf, !s.header.ReplicaOf.IsZero()
		})
	}
	return nil, fmt.Errorf("no such key")
}

// readAll are the rules whose packets Redis reads to their end: it does not check what they break, or what it finds behind the packet
// passes the check, as zeros do.
var readAll = []bus.Rule{
	bus.RuleNone, bus.RuleUnknownType, bus.RuleExtShort, bus.RuleExtTextUnterminated, bus.RuleExtWithoutFlag, bus.RuleExtOutOfBounds,
}

// who makes a term of what an id is to the receiver: one of the words between commas.
func who(value string, allowed []string, id func(*sight) (bus.ID, bool)) (term, error) {
	words := strings.Split(value, ",")
	for _, w := range words {
		if !slices.Contains(allowed, w) {
			return nil, fmt.Errorf("%q: want one of %s", w, strings.Join(allowed, " "))
		}
	}
	return func(s *sight) bool {
		v, ok := id(s)
		return ok && slices.ContainsFunc(words, func(w string) bool { return s.is(v, w) })
	}, nil
}

// is reports whether an id is what a word says.
func (s *sight) is(id bus.ID, what string) bool {
	_, known := s.Peers[id]
	switch what {
	case "self":
		return id == s.Receiver
	case "failing":
		return s.Peers[id].Failing
	case "known":
		return known && id != s.Receiver
	case "unknown":
		return !known && id != s.Receiver
	case "malformed":
		return !id.Valid()
	case "sender":
		return s.header != nil && id == s.header.Sender
	case "follower":
		return s.header != nil && s.follows(id, s.header.Sender)
	}
	panic("quirks: " + what)
}

// claims reports whether a packet claims slots for a known node, of whom it is or that an UPDATE is about, such that the receiver's master
// may lose its last.
func (s *sight) claims() bool {
	if s.header == nil {
		return false
	}
	owner, epoch, slots := s.header.Sender, s.header.ConfigEpoch, &s.header.Slots
	if s.packet != nil {
		if u, ok := s.packet.Body.(*bus.Update); ok {
			owner, epoch, slots = u.Node, u.ConfigEpoch, &u.Slots
		}
	}
	if _, known := s.Peers[owner]; !known || slots.Len() == 0 {
		return false
	}
	return s.Master.IsZero() || owner != s.Master && epoch > s.Peers[s.Master].ConfigEpoch
}

// follows reports whether the masters of a known node lead to a node. The walk is bounded by the number of nodes.
func (s *sight) follows(id, to bus.ID) bool {
	for range s.Peers {
		p, ok := s.Peers[id]
		if !ok || !p.Replica {
			return false
		}
		if id = p.Master; id == to {
			return true
		}
	}
	return false
}

func (s *sight) ping() (*bus.Ping, bool) {
	if s.packet == nil {
		return nil, false
	}
	p, ok := s.packet.Body.(*bus.Ping)
	return p, ok
}

func all[T any](list []T, f func(T) bool) bool {
	return !slices.ContainsFunc(list, func(t T) bool { return !f(t) })
}
