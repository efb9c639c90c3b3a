package bus

import (
	"fmt"
	"strings"
	"sync"

	"github.com/slotdiff/slotdiff/cases"
	fixture "github.com/slotdiff/slotdiff/fixtures/bus"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// seed is a packet of the corpus.
type seed struct {
	name string
	// frame is the packet, words what a case says of it; one of them is set.
	frame []byte
	words []string
	lines []string
}

// packet makes the seed's packet one of actor a, who says of itself what self has. What does not come out as a
// packet by that comes out as a plain PING.
func (s *seed) packet(a int, self *bus.Header) *bus.Packet {
	frame := s.frame
	if frame == nil {
		b, err := bus.Build(*self, s.words, s.lines)
		if err != nil {
			b = (&bus.Packet{Header: *self}).Seal().Append(nil)
		}
		frame = b
	}
	p, err := bus.Parse(frame)
	if err != nil {
		p = (&bus.Packet{Header: *self}).Seal()
	}
	if s.frame != nil {
		p.Sender = actorIDs[a]
	}
	p.Port, p.CPort, p.PPort, p.IP = self.Port, self.CPort, self.PPort, self.IP
	if b, ok := p.Body.(*bus.Ping); ok {
		for i := range b.Gossip {
			g := &b.Gossip[i]
			g.IP, g.Port, g.CPort = bus.IPFrom("127.0.0.1"), deadPort, deadPort
			if s.frame != nil {
				g.ID = otherIDs[i%len(otherIDs)]
			}
		}
	}
	return p
}

// seeds are every captured packet and every packet that a case of the suite sends.
var seeds = sync.OnceValue(func() []*seed {
	var all []*seed
	for _, c := range fixture.Captures() {
		all = append(all, &seed{name: c.Name, frame: c.Frame})
	}
	loaded, err := scenario.Load(cases.FS)
	if err != nil {
		panic("fuzz/bus: " + err.Error())
	}
	known := map[string]bool{}
	for _, c := range loaded {
		for _, st := range c.Steps() {
			s := seedOf(st)
			if s == nil {
				continue
			}
			if key := fmt.Sprint(s.words, s.lines); !known[key] {
				known[key] = true
				s.name = c.Name()
				all = append(all, s)
			}
		}
	}
	return all
})

// options of send and reply that are no words of the packet.
var notOfPacket = []string{"link=", "cut=", "times=", "within="}

// seedOf reads a step in which a puppet sends a packet; nil for any other.
func seedOf(st *scenario.Step) *seed {
	words := make([]string, 0, len(st.Words))
	for _, w := range st.Words {
		text, err := w.Expand(canonicalRef)
		if err != nil {
			return nil
		}
		words = append(words, text)
	}
	switch {
	case len(words) >= 2 && words[0] == "send":
		words = words[1:]
	case len(words) >= 3 && words[0] == "reply":
		words = words[2:]
	default:
		return nil
	}
	if _, err := bus.ParseType(words[0]); err != nil {
		return nil
	}
	s := &seed{words: words[:1:1]}
	for _, w := range words[1:] {
		option := false
		for _, o := range notOfPacket {
			option = option || strings.HasPrefix(w, o)
		}
		if !option {
			s.words = append(s.words, w)
		}
	}
	for _, line := range st.Input {
		text, err := scenario.ExpandText(line, canonicalRef)
		if err != nil {
			return nil
		}
		s.lines = append(s.lines, text)
	}
	if _, err := bus.Build(template(actorP), s.words, s.lines); err != nil {
		return nil
	}
	return s
}

// canonicalRef is the canonical value of a reference: cases call the node a, and the puppets p, q, r as here.
func canonicalRef(ref scenario.Ref) (string, error) {
	id, port := nodeID, uint16(nodePort)
	if ref.Name != "a" {
		a := actorU
		for i, name := range actorNames {
			if ref.Name == name {
				a = i
			}
		}
		id, port = actorIDs[a], actorPort(a)
	}
	switch ref.Field {
	case "id":
		return string(id[:]), nil
	case "ip":
		return "127.0.0.1", nil
	case "port":
		return fmt.Sprint(port), nil
	case "cport":
		return fmt.Sprint(port + busOffset), nil
	case "addr":
		return fmt.Sprintf("127.0.0.1:%d", port), nil
	}
	return "", fmt.Errorf("no field %q", ref.Field)
}
