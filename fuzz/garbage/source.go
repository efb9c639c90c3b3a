package garbage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/slotdiff/slotdiff/harness/sim"
	"github.com/slotdiff/slotdiff/node/nodesconf"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// nodes is how many nodes the cluster has whose packets are mutated. The first is the one that gets them.
const nodes = 4

// source makes mutated packets of those that a simulated cluster sent.
type source struct {
	rand   *rand.Rand
	frames [][]byte
	pongs  [nodes][]byte // a valid PONG of each node
	file   *nodesconf.File
	buf    []byte
}

// newSource plays a cluster through a manual failover, an election, a collision of epochs and a move of slots,
// so that there are packets of every type that nodes send without clients.
func newSource(seed uint64) (*source, error) {
	src := &source{rand: rand.New(rand.NewPCG(seed, 0x67617262))}
	count := 0
	tap := func(from sim.Host, frame []byte) {
		t := bus.Type(binary.BigEndian.Uint16(frame[12:]))
		if t == bus.TypePong {
			src.pongs[from] = append(src.pongs[from][:0], frame...)
		}
		if count++; t > bus.TypeMeet || count%16 == 0 {
			src.frames = append(src.frames, bytes.Clone(frame))
		}
	}
	s, err := sim.New(sim.Setup{Seed: 1, Nodes: nodes, Masters: nodes - 1, Timeout: 1000, Barrier: 1}, sim.Options{Tap: tap})
	if err != nil {
		return nil, fmt.Errorf("garbage: %w", err)
	}
	for _, ev := range []sim.Event{
		{After: 4000, Op: &sim.Switch{Slot: 1}},
		{After: 5000, Op: &sim.Move{Lo: 9000, Hi: 9005, To: 0}},
		{After: 1000, Op: &sim.Behead{Slot: 1}},
		{After: 12_000, Op: &sim.StartAll{}},
		{After: 100, Op: &sim.Converge{Within: 60_000}},
	} {
		if err := s.Advance(ev.After); err != nil {
			return nil, fmt.Errorf("garbage: %w", err)
		}
		if err := s.Apply(ev.Op); err != nil {
			return nil, fmt.Errorf("garbage: %w", err)
		}
	}
	if src.file, err = nodesconf.Parse(s.File(0)); err != nil {
		return nil, fmt.Errorf("garbage: %w", err)
	}
	src.addMessages()
	return src, nil
}

// addMessages adds the types that only operators, clients and modules make nodes send.
func (src *source) addMessages() {
	meet := bytes.Clone(src.pongs[1])
	meet[13] = byte(bus.TypeMeet)
	src.frames = append(src.frames, meet)
	for _, t := range []bus.Type{bus.TypePublish, bus.TypePublishShard, bus.TypeModule} {
		var body bus.Body = &bus.Publish{Channel: []byte("channel"), Message: []byte("message")}
		if t == bus.TypeModule {
			body = &bus.Module{Payload: []byte("payload")}
		}
		pkt, err := bus.Parse(src.pongs[1])
		if err != nil {
			panic(err) // a core sent it
		}
		pkt.Type, pkt.Body, pkt.MFlags = t, body, bus.MFlags{}
		src.frames = append(src.frames, pkt.Seal().Append(nil))
	}
}

// Where things are in a packet.
const (
	atTotLen = 4
	prefix   = 8  // signature and length, which decide about the connection
	atSlots  = 80 // the fields before it are those that matter most
)

// next is a mutated packet, valid until the next call. fixed says which bytes must stay, nil: none.
// bad says that the node must close the connection.
func (src *source) next(fixed func(i int) bool) (frame []byte, bad bool) {
	src.buf = append(src.buf[:0], src.frames[src.rand.IntN(len(src.frames))]...)
	b := src.buf
	for range 1 + src.rand.IntN(4) {
		i := prefix + src.rand.IntN(len(b)-prefix)
		switch src.rand.IntN(3) {
		case 0:
			i = prefix + src.rand.IntN(atSlots-prefix)
		case 1:
			i = bus.HeaderLen - 42 + src.rand.IntN(42) // from the count of extensions on
		}
		if fixed == nil || !fixed(i) {
			b[i] = byte(src.rand.Uint32())
		}
	}
	switch src.rand.IntN(256) {
	case 0: // a signature or a length that ends the connection
		if b[src.rand.IntN(prefix)] ^= 1 << src.rand.IntN(8); len(b) != int(binary.BigEndian.Uint32(b[atTotLen:])) {
			binary.BigEndian.PutUint32(b[atTotLen:], bus.PrefixLen-1) // not one that waits for more
		}
	case 1, 2, 3: // a shorter packet
		b = b[:bus.PrefixLen+src.rand.IntN(len(b)-bus.PrefixLen)]
		binary.BigEndian.PutUint32(b[atTotLen:], uint32(len(b)))
	}
	_, err := bus.FrameLen(b)
	return b, err != nil
}
