package bus

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// fatal are the rules that no packet may break, not even of a hunt: what is listed in fixtures/oracle_quirks.txt is known
// by its packet, but these take more than one to tell.
var fatal = map[string]bool{
	"replica-circle": true,
	"epoch-overflow": true,
	"own-master":     true, // and slots of a replica
	"lost-master":    true,
	"unknown-master": true,
	abroad:           true,
}

// oracleVersion is the version of Redis whose faults are known.
const oracleVersion = "8.6.3"

// quirk names the known fault of real Redis that the packets would show which a frame makes with what its link has of one; "": none. Only
// hunts, which send what is unsafe, are asked for all faults, and for what every node shows as it is told: of the others the twin tells. What is held back from the target (quirks.List.With)
// is named in any episode.
func (c *conductor) quirk(known *quirks.List, hunt bool, l Link, frame []byte) string {
	if known == nil {
		return ""
	}
	var in quirks.Input
	var bound bus.ID
	for b := c.withPending(l, frame); ; {
		frame, after, _ := bus.CutFrame(b)
		if frame == nil {
			return ""
		}
		in.Frame, b = frame, after
		all := hunt || replicaOf(in.Frame) == nodeID || updates(in.Frame) == nodeID || isModule(in.Frame)
		if !all && !known.Holds() {
			continue
		}
		if in.Peers == nil {
			bound = c.sight(l, &in)
		}
		if len(in.Frame) >= bus.HeaderLen && !bound.IsZero() {
			in.Frame = bytes.Clone(in.Frame)
			copy(in.Frame[40:80], bound[:])
		}
		q := known.MatchHold(&in)
		if all && q == nil {
			q = known.Match(oracleVersion, &in)
		}
		if q != nil {
			return q.Name
		}
		if hunt {
			if in.Met == nil {
				in.Met = make(map[bus.ID]bool, len(in.Peers))
				for id := range in.Peers {
					in.Met[id] = true
				}
			}
			if name := in.Hazard(); name != "" {
				return name
			}
		}
	}
}

// stream is what an op writes. Of packets that are whole one says as much as many; what is not meets itself where it is written again.
func (c *conductor) stream(op *Op) []byte {
	if op.Times < 2 || c.pending(op.Link) == 0 && len(rest(op.Frame)) == 0 {
		return op.Frame
	}
	return bytes.Repeat(op.Frame, op.Times)
}

// withPending is a frame behind what its link has of a packet that is not yet whole.
func (c *conductor) withPending(l Link, frame []byte) []byte {
	tl := c.links[l.index()]
	if tl == nil || len(tl.buf) == 0 {
		return frame
	}
	c.glued = append(append(c.glued[:0], tl.buf...), frame...)
	return c.glued
}

// foreseen names the rule by which bytes will not be kept, where they alone say so, or nearly; "": none that is seen
// so easily. It spares the twin from being made anew.
func (g *generator) foreseen(l Link, b []byte) string {
	for b = g.cond.withPending(l, b); ; {
		frame, after, _ := bus.CutFrame(b)
		if frame == nil {
			return ""
		}
		b = after
		if !dialsNobody(frame) {
			return abroad
		}
		if len(frame) >= bus.HeaderLen && bytes.Contains(frame[offSlots:offSlots+slot.Count/8], nodeID[:bus.IDLen-len(mark)]) {
			return idAsSlots
		}
		r := bus.Check(frame).Rule
		if r.Unsafe() {
			if name := r.String(); !g.e.Hunt || hugeCount(frame) {
				return name
			}
		}
		if r == bus.RuleNone && !g.e.Hunt && g.bindsToNode(l, frame) {
			return cluster.UnsafeOwnID.String()
		}
		if r == bus.RuleNone && !g.e.Hunt && typeOf(frame).Gossips() {
			if name := g.undefined(l, frame); name != "" {
				return name
			}
		}
	}
}

// bindsToNode reports whether a packet in the node's name makes it the owner of a link on which its actor has said, and will repeat as a
// fence, what the node may not learn of itself.
func (g *generator) bindsToNode(l Link, frame []byte) bool {
	tl := g.cond.links[l.index()]
	return tl != nil && l.Which != In && tl.bound.IsZero() && bus.ID(frame[40:80]) == nodeID && !g.follows(replicaOf(tl.said))
}

// undefined names the rule by which a well-formed packet would leave what Redis defines if the node took it for that of a
// known node.
func (g *generator) undefined(l Link, frame []byte) string {
	const offReplicaOf, offIP = 2128, 2168
	sender, self := bus.ID(frame[40:80]), actorIDs[l.Actor]
	if tl := g.cond.links[l.index()]; tl != nil && !tl.bound.IsZero() {
		sender = tl.bound
	}
	switch m := bus.ID(frame[offReplicaOf : offReplicaOf+bus.IDLen]); {
	case m == sender || m == self:
		return "replica-of-itself"
	case sender == nodeID && !g.follows(m):
		return "own-id"
	}
	if !plainAddress(frame[offIP : offIP+bus.IPLen]) {
		return "address"
	}
	if l.Which == In && gossipsAbout(frame, self) {
		if p, ok := g.cond.n.See(self); ok && p.Flags.Any(bus.FlagFail|bus.FlagPFail) {
			return linkFreed
		}
	}
	at := bus.HeaderLen + int(binary.BigEndian.Uint16(frame[offCount:]))*bus.GossipLen
	for at+bus.ExtHeaderLen <= len(frame) {
		n := int(binary.BigEndian.Uint32(frame[at:]))
		if n < bus.ExtHeaderLen || at+n > len(frame) {
			break
		}
		payload := frame[at+bus.ExtHeaderLen : at+n]
		switch bus.ExtType(binary.BigEndian.Uint16(frame[at+4:])) {
		case bus.ExtForgotten:
			if len(payload) >= bus.IDLen && (bus.ID(payload) == self || bus.ID(payload) == sender) {
				return "forgets-itself"
			}
		case bus.ExtShardID:
			if len(payload) < bus.IDLen || !bus.ID(payload).Valid() {
				return "shard-id"
			}
		case bus.ExtHostname, bus.ExtNodename:
			if text, _, _ := bytes.Cut(payload, []byte{0}); bytes.IndexFunc(text, oddInName) >= 0 {
				return "name"
			}
		}
		at += n
	}
	return ""
}

// gossipsAbout reports whether a well-formed packet has an entry about a node.
func gossipsAbout(frame []byte, id bus.ID) bool {
	at := bus.HeaderLen
	for range binary.BigEndian.Uint16(frame[offCount:]) {
		if at+bus.GossipLen > len(frame) {
			break
		}
		if bus.ID(frame[at:at+bus.IDLen]) == id {
			return true
		}
		at += bus.GossipLen
	}
	return false
}

func oddInName(c rune) bool {
	return c < 0x20 || c == 0x7f || strings.ContainsRune("!#$%&()*+:;<>?@[]^{|}~,= \"'\\", c)
}

// plainAddress reports whether an address can stand in nodes.conf.
func plainAddress(b []byte) bool {
	text, _, _ := bytes.Cut(b, []byte{0})
	for _, c := range text {
		if c != '.' && c != ':' && c != '-' && c != '_' && c != '%' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// hugeCount reports whether the counts reach so far beyond the packet that real Redis is known to die.
func hugeCount(frame []byte) bool {
	return len(frame) >= bus.HeaderLen && int(binary.BigEndian.Uint16(frame[offCount:]))*bus.GossipLen > 64<<10
}

// replicaOf is whom the sender of a frame says that it follows; zero: nobody.
func replicaOf(frame []byte) bus.ID {
	const offReplicaOf = 2128
	if len(frame) < bus.HeaderLen || !bus.Type(binary.BigEndian.Uint16(frame[offType:])).Gossips() {
		return bus.ID{}
	}
	return bus.ID(frame[offReplicaOf : offReplicaOf+bus.IDLen])
}

// updates is the node that an UPDATE is about; zero: no UPDATE.
func updates(frame []byte) bus.ID {
	const offAbout = bus.HeaderLen + 8
	if len(frame) < offAbout+bus.IDLen || typeOf(frame) != bus.TypeUpdate {
		return bus.ID{}
	}
	return bus.ID(frame[offAbout : offAbout+bus.IDLen])
}

// follows reports whether the node follows a master; zero: whether it is one.
func (g *generator) follows(master bus.ID) bool {
	own, _ := g.cond.n.See(nodeID)
	return own.Master == master && g.cond.n.Replica() != master.IsZero()
}

func isModule(frame []byte) bool {
	return len(frame) >= bus.HeaderLen && typeOf(frame) == bus.TypeModule
}

// idAsSlots names the rule by which the node's id, which is another on either side, is nowhere read as slots: as the rest of a packet
// that was cut it may come to stand there.
const idAsSlots = "id-as-slots"

// abroad names the rule by which nothing is sent that would make a node dial someone else: it is no fault of anybody's.
const abroad = "dials-abroad"

// dialsNobody reports whether a packet has no address that a node could dial, but for those of the actors
// and such where nobody listens: whatever is announced stays on this machine and among us. A name would be
// looked up, so only what glibc refuses at once may stand for one.
func dialsNobody(b []byte) bool {
	if len(b) < bus.HeaderLen {
		return true
	}
	const offIP, offGossipIP = 2168, 48
	be := binary.BigEndian
	if !harmlessIP(b[offIP:offIP+bus.IPLen]) || !harmlessPorts(be.Uint16(b[offPort:]), be.Uint16(b[offCPort:]), -1) {
		return false
	}
	if t := bus.Type(be.Uint16(b[offType:])); !t.Gossips() {
		return true
	}
	for at := bus.HeaderLen; at+bus.GossipLen <= len(b) && at < bus.HeaderLen+int(be.Uint16(b[offCount:]))*bus.GossipLen; at += bus.GossipLen {
		if !harmlessIP(b[at+offGossipIP:at+offGossipIP+bus.IPLen]) ||
			!harmlessPorts(be.Uint16(b[at+offGossipPort:]), be.Uint16(b[at+offGossipCPort:]), gossiped(b[at:])) {
			return false
		}
	}
	return true
}

var harmlessIPs = []string{"", "127.0.0.1", "127.0.0.2", "::1"}

func harmlessIP(b []byte) bool {
	s := bus.IP(b).String()
	return slices.Contains(harmlessIPs, s) || strings.HasPrefix(s, "::1%")
}

// gossiped is the actor that a gossip entry is about; actorCount for anyone else.
func gossiped(entry []byte) int {
	if a := actorOf(bus.ID(entry[:bus.IDLen])); a >= 0 {
		return a
	}
	return actorCount
}

// harmlessPorts demands ports where nobody listens, or both of actor a; those of any one with a < 0.
func harmlessPorts(port, cport uint16, a int) bool {
	live := int(port) - actorPort0
	if live >= 0 && live < actorCount && (a < 0 || a == live) && (cport == port+busOffset || dead(cport)) {
		return true
	}
	return dead(port) && (dead(cport) || a >= 0 && a < actorCount && cport == actorPort(a)+busOffset)
}

func dead(p uint16) bool { return p <= deadPort+1 || p == 65535 }
