package bus

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// Do is what an op does.
type Do uint8

// The kinds of ops.
const (
	DoSend   Do = iota // write bytes to a link
	DoDial             // open the link anew, closing an older one of that name
	DoClose            // close it
	DoAdmin            // a client's command to the node
	DoSettle           // wait until the node has dialled who it wants to dial
	DoLook             // compare the state of both sides
)

// Link names a link of an actor: one of those that it dials, or the one that the node dialled.
type Link struct {
	Actor int
	Which Which
}

// Which of an actor's links.
type Which uint8

// The links of an actor.
const (
	Out  Which = iota // "out"
	Out2              // "out2", a second one at the same time
	In                // "in": dialled by the node
)

// linkKinds is how many links an actor has, linkCount how many there are of all.
const (
	linkKinds = int(In) + 1
	linkCount = actorCount * linkKinds
)

// index numbers the links of all actors from 0; linkAt is its inverse.
func (l Link) index() int { return l.Actor*linkKinds + int(l.Which) }

func linkAt(i int) Link { return Link{i / linkKinds, Which(i % linkKinds)} }

// linkSet is a set of links by index.
type linkSet uint16

func (s linkSet) has(l Link) bool { return s&(1<<l.index()) != 0 }
func (s *linkSet) add(l Link)     { *s |= only(l) }
func only(l Link) linkSet         { return 1 << l.index() }

// String is actor and name of a link, as a case has them.
func (l Link) String() string { return actorNames[l.Actor] + "/" + l.Which.String() }

// String is the name of the link in a case.
func (w Which) String() string { return [...]string{"out", "out2", "in"}[w] }

// Op is one thing that an episode does.
type Op struct {
	Do   Do
	Link Link
	// Frame is what DoSend writes, canonical. It may hold less or more than a packet.
	Frame []byte
	// Cuts are offsets at which Frame is written in pieces.
	Cuts []int
	// Times is how often Frame is written; 0 is once.
	Times int
	// Args is the command of DoAdmin, with canonical ids and ports.
	Args []string
	// Flood means that it does not matter whether other links' packets come first: nothing is waited for between them.
	Flood bool
	plan  plan // what a packet was to be
}

// Tag says where a packet comes from, for reports: "packet:PING+slots", "seed:ping_full".
func (op *Op) Tag() string { return op.plan.String() }

// Episode is what one seed makes.
type Episode struct {
	Seed uint64
	// Met are the actors that the node meets before the first op.
	Met []int
	Ops []Op
	// Hunt means that inputs are sent that leave what Redis defines: only survival is judged.
	Hunt bool
	// Held counts the ops that were given up because of what they do to real Redis, by name.
	Held map[string]uint64
	// Tokens are what the twin reached while the episode was made.
	Tokens map[string]bool
	// done is what the generator's conductor made of the ops; nil: the episode was changed since.
	done *script
	mem  *arena
}

// Packets counts the packets of an episode's ops.
func (e *Episode) Packets() (n uint64) {
	for i := range e.Ops {
		if e.Ops[i].Do == DoSend {
			n += uint64(max(1, e.Ops[i].Times))
		}
	}
	return n
}

// Digest is SHA-256 of all that is done.
func (e *Episode) Digest() (sum [sha256.Size]byte) {
	h := sha256.New()
	fmt.Fprintf(h, "met=%v hunt=%v\n", e.Met, e.Hunt)
	for i := range e.Ops {
		op := &e.Ops[i]
		fmt.Fprintf(h, "%d %d %d %v %d %q\n", op.Do, op.Link.index(), len(op.Frame), op.Cuts, op.Times, op.Args)
		h.Write(op.Frame)
	}
	h.Sum(sum[:0])
	return sum
}

// ports are the real client ports of the actors.
type ports [actorCount]uint16

// real is the real port for a canonical one, client or bus port; others stay.
func (p *ports) real(port uint16) uint16 {
	switch {
	case port >= actorPort0 && port < actorPort0+actorCount:
		return p[port-actorPort0]
	case port >= actorPort0+busOffset && port < actorPort0+busOffset+actorCount:
		return p[port-actorPort0-busOffset] + busOffset
	}
	return port
}

// Offsets of what is real only when a frame is sent.
const (
	offVer, offPort, offCPort              = 8, 10, 2248
	offGossipPort, offGossipCPort, offType = 94, 96, 12
	offTotLen, offCount, offSlots          = 4, 14, 80
)

// terms are what stands on one side, in one play, for what is canonical.
type terms struct {
	ports *ports
	id    bus.ID // of the node
	mark  [len(mark)]byte
}

// localise appends a canonical frame to dst, with real ports and ids.
// What is no whole packet, or follows one, is changed only in its ids.
func localise(dst, frame []byte, t *terms) []byte {
	start := len(dst)
	dst = append(dst, frame...)
	b := dst[start:]
	be := binary.BigEndian
	port := func(off int) {
		if off+2 <= len(b) {
			be.PutUint16(b[off:], t.ports.real(be.Uint16(b[off:])))
		}
	}
	port(offPort)
	port(offCPort)
	if len(b) >= bus.HeaderLen && typeOf(b).Gossips() {
		for i := range int(be.Uint16(b[offCount:])) {
			at := bus.HeaderLen + i*bus.GossipLen
			if at+bus.GossipLen > len(b) {
				break
			}
			port(at + offGossipPort)
			port(at + offGossipCPort)
		}
	}
	t.replaceIDs(b)
	return dst
}

var markBytes = []byte(mark)

// replaceIDs puts real ids in the place of canonical ones.
func (t *terms) replaceIDs(b []byte) {
	const head = bus.IDLen - len(mark)
	for at := 0; ; at += len(mark) {
		i := bytes.Index(b[at:], markBytes)
		if i < 0 {
			return
		}
		at += i
		if at >= head && bytes.Equal(b[at-head:at], nodeID[:head]) {
			copy(b[at-head:], t.id[:])
			continue
		}
		copy(b[at:], t.mark[:])
	}
}

// text is a text with real ids.
func (t *terms) text(s string) string {
	b := []byte(s)
	t.replaceIDs(b)
	return string(b)
}
