package bus

import (
	"fmt"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// lines are what a case has said on its links. On one link packets are processed in their order, on several they are not: before a case
// goes from one to another, to a command or to the end, a fence waits for what was sent. It changes nothing, and a case that lost the packets
// before it is none the worse.
type lines struct {
	unfenced linkSet
	// pending is what a link has of a packet that is not yet whole: on it no fence can be raised.
	pending [linkCount][]byte
}

// opened notes that a link begins anew, or has ended.
func (s *lines) opened(l Link) {
	s.unfenced &^= only(l)
	s.pending[l.index()] = nil
}

// wrote notes what a step sends.
func (s *lines) wrote(st *step) {
	s.unfenced.add(st.link)
	for range max(1, st.times) {
		s.pending[st.link.index()] = rest(append(s.pending[st.link.index()], st.frame...))
	}
}

// rest is what stands behind the last whole packet.
func rest(b []byte) []byte {
	for {
		frame, after, err := bus.CutFrame(b)
		if err != nil {
			return nil // the link ends
		}
		if frame == nil {
			return b
		}
		b = after
	}
}

// fencesBefore raises the fences that a step needs: on all other links, and on its own where it ends the link or leaves it
// with half a packet.
func (w *writer) fencesBefore(st *step) {
	switch st.do {
	case DoSend:
		if w.floods(st) || len(st.frame) == 0 {
			return
		}
		whole := len(rest(append(w.pending[st.link.index()], st.frame...))) == 0
		w.fences(st.link, !whole)
	case DoLook:
	default:
		w.fences(Link{}, true)
	}
}

// floods reports whether a step is of a flood, in which it does not matter what comes first.
func (w *writer) floods(st *step) bool {
	return !st.fence && st.op >= 0 && st.op < len(w.e.Ops) && w.e.Ops[st.op].Flood && w.flooding(st.op)
}

// flooding reports whether what came before an op was of the same flood.
func (w *writer) flooding(op int) bool { return op > 0 && w.e.Ops[op-1].Flood }

// fences raises a fence on each link with something that was sent since the last, but for one, unless all are meant.
func (w *writer) fences(but Link, all bool) {
	for i := range linkCount {
		l := linkAt(i)
		if !w.unfenced.has(l) || l == but && !all || len(w.pending[i]) > 0 {
			continue
		}
		w.unfenced &^= only(l)
		w.add(fmt.Sprintf("%s fence a within=5s link=%s", actorNames[l.Actor], l.Which), nil, nil)
	}
}
