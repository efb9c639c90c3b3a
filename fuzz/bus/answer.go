package bus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// blank is a frame of a node without what differs from run to run: its id and ports, offset and state, gossip, which
// is drawn at random, and random ids in extensions. The frame is changed in place. What gossip could tell stands in CLUSTER NODES.
func (s *side) blank(b []byte) []byte {
	own := s.id
	be := binary.BigEndian
	replaceRandom := func(b []byte) { copy(b, nodeID[:]) }
	if bus.ID(b[40:80]) == own {
		replaceRandom(b[40:80])
	}
	if be.Uint16(b[offPort:]) == s.port {
		be.PutUint16(b[offPort:], nodePort)
	}
	if be.Uint16(b[offCPort:]) == s.cport {
		be.PutUint16(b[offCPort:], nodePort+busOffset)
	}
	const offOffset, offState, offReplicaOf, offMFlags = 32, 2252, 2128, 2253
	clear(b[offOffset : offOffset+8])
	b[offState] = 0
	b[offMFlags] &^= bus.MFlagPaused // it goes with a timer
	if bus.ID(b[offReplicaOf:offReplicaOf+bus.IDLen]) == own {
		replaceRandom(b[offReplicaOf:])
	}
	t := bus.Type(be.Uint16(b[offType:]))
	if t == bus.TypeFail || t == bus.TypeUpdate {
		at := bus.HeaderLen
		if t == bus.TypeUpdate {
			at += 8
		}
		if len(b) >= at+bus.IDLen && bus.ID(b[at:at+bus.IDLen]) == own {
			replaceRandom(b[at:])
		}
	}
	if !t.Gossips() {
		return b
	}
	at := bus.HeaderLen + int(be.Uint16(b[offCount:]))*bus.GossipLen
	if at > len(b) {
		return b
	}
	be.PutUint16(b[offCount:], 0)
	b = append(b[:bus.HeaderLen], b[at:]...)
	b = s.blankExts(b)
	be.PutUint32(b[offTotLen:], uint32(len(b)))
	return b
}

// blankExts blanks what is up to chance or a clock in extensions. Nodes that are to be forgotten stand in the order of a table of hashes: they
// are sorted, and those of earlier plays dropped.
func (s *side) blankExts(b []byte) []byte {
	be := binary.BigEndian
	const offExtCount = 2214
	first := 0 // of the run of nodes to forget
	for at := bus.HeaderLen; at+bus.ExtHeaderLen <= len(b); {
		n := int(be.Uint32(b[at:]))
		if n < bus.ExtHeaderLen || at+n > len(b) {
			break
		}
		payload := b[at+bus.ExtHeaderLen : at+n]
		switch e := bus.ExtType(be.Uint16(b[at+4:])); {
		case e == bus.ExtHostname:
			// A packet in its own name can give the node one, which its next tick takes back.
			b = append(b[:at], b[at+n:]...)
			be.PutUint16(b[offExtCount:], be.Uint16(b[offExtCount:])-1)
			continue
		case (e == bus.ExtShardID || e == bus.ExtSecret) && len(payload) >= bus.IDLen:
			copy(payload, nodeID[:])
		case e == bus.ExtForgotten && len(payload) == bus.IDLen+8:
			if !bytes.HasSuffix(payload[:bus.IDLen], s.mark[:]) {
				b = append(b[:at], b[at+n:]...)
				be.PutUint16(b[offExtCount:], be.Uint16(b[offExtCount:])-1)
				continue
			}
			clear(payload[bus.IDLen:])
			if first == 0 {
				first = at
			}
			for i := at; i > first && bytes.Compare(b[i-n:i], b[i:i+n]) > 0; i -= n {
				var hold [bus.ExtHeaderLen + bus.IDLen + 8]byte
				copy(hold[:], b[i:i+n])
				copy(b[i:], b[i-n:i])
				copy(b[i-n:], hold[:n])
			}
		}
		at += n
	}
	return b
}

// compareAnswers compares what has come on a link on both sides since the last time. The note is empty where nothing
// differs.
func (ln *lane) compareAnswers(l Link) string {
	o, t := ln.sides[0], ln.sides[1]
	co, ct := o.links[l.index()], t.links[l.index()]
	if co == nil || ct == nil {
		return ""
	}
	defer co.forget()
	defer ct.forget()
	for i := range min(len(co.waiting), len(ct.waiting)) {
		bo := o.blank(ln.omit.Apply(co.frame(i)))
		bt := t.blank(ln.omit.Apply(ct.frame(i)))
		if !bytes.Equal(bo, bt) {
			return fmt.Sprintf("%s answers %s", l, firstDifference(bus.FrameText(bo), bus.FrameText(bt)))
		}
	}
	if no, nt := len(co.waiting), len(ct.waiting); no != nt {
		return fmt.Sprintf("%s has %d answers (%s), not %d (%s)", l, no, typesOf(co), nt, typesOf(ct))
	}
	if co.gone != ct.gone {
		return fmt.Sprintf("%s is %s, not %s", l, fate(co), fate(ct))
	}
	return ""
}

func fate(c *conn) string {
	if c.gone {
		return "closed"
	}
	return "open"
}

func typesOf(c *conn) string {
	var names []string
	for i := range c.waiting {
		names = append(names, typeOf(c.frame(i)).String())
	}
	return strings.Join(names, " ")
}

// firstDifference is the first line in which two texts differ, cut to the words that do.
func firstDifference(o, t string) string {
	lo, lt := strings.Split(o, "\n"), strings.Split(t, "\n")
	for i := range max(len(lo), len(lt)) {
		var a, b string
		if i < len(lo) {
			a = strings.TrimSpace(lo[i])
		}
		if i < len(lt) {
			b = strings.TrimSpace(lt[i])
		}
		if a != b {
			return fmt.Sprintf("%q, not %q", a, b)
		}
	}
	return "the same"
}
