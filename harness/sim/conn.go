package sim

import (
	"slices"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// end is one end of a connection, and the stream of what is on its way to it. TCP keeps the order
// within a stream, and loses nothing of it but with the connection; what is sent into a cut
// arrives once that is healed.
type end struct {
	host  *host
	peer  *host // at the other end; nil: nobody has the address
	other *end  // nil: not accepted
	link  cluster.LinkID
	open  bool // this end holds it open
	up    bool // of the dialling end: connected
	early []*frame
	leaky bool   // a frame that it sent was lost
	back  *frame // sent, and held back until the next one has overtaken it
	again bool   // of an end that is no more: it is in host.again

	in      []item
	head    int   // in[:head] is delivered
	last    int64 // when the last item arrives
	pending bool  // an event for the first item exists, or the stream is held
}

// item is one thing that arrives at an end.
type item struct {
	at    int64
	kind  itemKind
	frame *frame
}

type itemKind uint8

const (
	itemFrame itemKind = iota
	itemUp             // the connection is accepted
	itemEOF
	itemReset
	itemRefused
)

// frame is one frame, shared by all links that it was sent to.
type frame struct {
	bytes []byte
	refs  int
}

// spareFrames is how many frames are kept to be used again.
const spareFrames = 4096

// newFrame takes a copy: the core reuses the bytes.
func (s *Sim) newFrame(b []byte) *frame {
	var f *frame
	if n := len(s.frames); n > 0 {
		f, s.frames = s.frames[n-1], s.frames[:n-1]
	} else {
		f = new(frame)
	}
	f.bytes = append(f.bytes[:0], b...)
	return f
}

func (s *Sim) release(f *frame) {
	if f == nil {
		return
	}
	if f.refs--; f.refs == 0 && len(s.frames) < spareFrames {
		s.frames = append(s.frames, f)
	}
}

// dial starts to connect.
func (h *host) dial(d cluster.Dial) {
	e := &end{host: h, peer: h.sim.byAddr[addr{d.Host, d.Port}], link: d.Link, open: true}
	h.attach(e)
	if e.peer == nil {
		e.push(item{at: h.sim.now + latency, kind: itemRefused})
		return
	}
	h.sim.queue.push(event{at: h.sim.now + h.sim.travel(h, e.peer), kind: evDial, end: e})
}

// arrive is a SYN at its destination. One that does not get there is sent again later.
func (s *Sim) arrive(e *end) {
	if !e.open {
		return
	}
	to := e.peer
	switch {
	case !to.on || s.paths.apart(e.host.index, to.index):
		s.hold(held{e, true})
	case to.core == nil:
		e.push(item{at: s.now + s.travel(to, e.host), kind: itemRefused})
	case to.paused:
		to.waiting = append(to.waiting, held{e, true})
	default:
		s.accept(e)
	}
}

func (s *Sim) accept(e *end) {
	to := e.peer
	to.accepts++
	e.other = &end{host: to, peer: e.host, other: e, link: cluster.Inbound(to.accepts), open: true, up: true}
	to.attach(e.other)
	e.push(item{at: s.now + s.travel(to, e.host), kind: itemUp})
	to.step(cluster.LinkUp{Link: e.other.link, Local: to.ip, Peer: e.host.ip})
	s.turn(to)
}

// travel is how long something takes from one host to another now.
func (s *Sim) travel(from, to *host) int64 {
	p := s.paths.get(from.index, to.index)
	d := latency + p.delay
	if p.jitter > 0 {
		d += s.net.Int64N(p.jitter + 1)
	}
	return d
}

// push queues an item that arrives at e, behind those on the way.
func (e *end) push(it item) {
	it.at = max(it.at, e.last)
	e.last = it.at
	e.in = append(e.in, it)
	e.expect()
}

// expect makes the event for the first item.
func (e *end) expect() {
	if e.pending || e.head == len(e.in) {
		return
	}
	e.pending = true
	s, h := e.host.sim, e.host
	at := max(s.now, e.in[e.head].at)
	if !s.setup.single() {
		for _, w := range h.wakes {
			if w.at == at {
				w.ends = append(w.ends, e)
				return
			}
		}
	}
	w := s.newWake(at, e)
	h.wakes = append(h.wakes, w)
	s.queue.push(event{at: at, kind: evWake, host: h, wake: w})
}

func (s *Sim) newWake(at int64, e *end) *wake {
	w := new(wake)
	if n := len(s.wakes); n > 0 {
		w, s.wakes = s.wakes[n-1], s.wakes[:n-1]
	}
	w.at, w.ends = at, append(w.ends[:0], e)
	return w
}

// wake lets a host take what arrives, also what comes to arrive in the same moment meanwhile.
func (s *Sim) wake(h *host, w *wake) {
	taken := false
	if h.running() {
		h.report() // what is sent in answer carries the offset of now
	}
	for i := 0; i < len(w.ends) && s.broken == nil; i++ {
		taken = s.deliver(w.ends[i]) || taken
	}
	i := slices.Index(h.wakes, w)
	h.wakes = slices.Delete(h.wakes, i, i+1)
	clear(w.ends)
	s.wakes = append(s.wakes, w)
	if taken {
		s.turn(h)
	}
}

func (e *end) pop() item {
	it := e.in[e.head]
	e.in[e.head] = item{}
	e.head++
	if e.head == len(e.in) {
		e.in, e.head = e.in[:0], 0
	}
	return it
}

// send puts a frame on its way from e to the other end.
func (e *end) send(f *frame) {
	s := e.host.sim
	if e.other == nil {
		s.release(f)
		return
	}
	if s.befalls(s.paths.get(e.host.index, e.peer.index).drop) {
		e.leaky = true
		s.release(f)
		return
	}
	if e.back == nil && s.befalls(s.paths.get(e.host.index, e.peer.index).late) {
		e.back = f
		return
	}
	e.transmit(f)
	if twice := s.paths.get(e.host.index, e.peer.index).twice; peekType(f.bytes) != bus.TypeAuthAck && s.befalls(twice) {
		f.refs++
		e.transmit(f)
	}
	e.letGo()
}

func (e *end) transmit(f *frame) {
	s := e.host.sim
	e.other.push(item{at: s.now + s.travel(e.host, e.peer), frame: f})
}

// letGo sends what was held back.
func (e *end) letGo() {
	if f := e.back; f != nil {
		e.back = nil
		e.transmit(f)
	}
}

// impaired reports whether e changes when its way is mended.
func (e *end) impaired() bool { return e.leaky || e.back != nil }

// befalls decides about one frame.
func (s *Sim) befalls(permille int) bool { return permille > 0 && s.net.IntN(1000) < permille }

// hangUp closes e. The other end learns it behind all that was sent; with a reset too.
func (e *end) hangUp(how itemKind) {
	if how == itemEOF {
		e.letGo()
	}
	e.vanish()
	if e.other != nil && e.other.open {
		s := e.host.sim
		e.other.push(item{at: s.now + s.travel(e.host, e.peer), kind: how})
	}
}

// vanish closes e and tells nobody.
func (e *end) vanish() {
	e.open = false
	h := e.host
	delete(h.links, e.link)
	if i := slices.Index(h.ends, e); i >= 0 {
		last := len(h.ends) - 1
		h.ends[i] = h.ends[last]
		h.ends[last] = nil
		h.ends = h.ends[:last]
	}
	for _, f := range e.early {
		h.sim.release(f)
	}
	e.early = nil
	h.sim.release(e.back)
	e.back = nil
}

func (h *host) attach(e *end) {
	h.links[e.link] = e
	h.ends = append(h.ends, e)
}

// held is a stream, or a SYN, that waits for a way.
type held struct {
	end  *end
	dial bool
}

// deliver takes what arrives at e. It reports whether the host's core took it.
func (s *Sim) deliver(e *end) bool {
	h := e.host
	if e.peer != nil && e.in[e.head].kind != itemRefused && s.paths.blocked(e.peer.index, h.index) {
		s.hold(held{e, false})
		return false
	}
	if e.open && h.paused {
		h.waiting = append(h.waiting, held{e, false})
		return false
	}
	e.pending = false
	it := e.pop()
	defer s.release(it.frame)
	defer e.expect()
	if !e.open {
		if it.kind == itemFrame && e.other != nil && e.other.open {
			e.unheard()
		}
		return false
	}
	switch it.kind {
	case itemFrame:
		if peekType(it.frame.bytes) == bus.TypeAuthAck {
			s.checkLateVote(h, it.frame.bytes)
		}
		h.step(cluster.Recv{Link: e.link, Frame: it.frame.bytes})
		s.plant.onRequest(h, e, it.frame.bytes)
	case itemUp:
		e.up = true
		for _, f := range e.early {
			e.send(f)
		}
		e.early = nil
		h.step(cluster.LinkUp{Link: e.link, Local: h.ip, Peer: e.peer.ip})
	case itemEOF:
		e.hangUp(itemEOF)
		h.step(cluster.LinkDown{Link: e.link, Reason: "connection closed"})
	case itemReset:
		e.vanish()
		h.step(cluster.LinkDown{Link: e.link, Reason: "connection reset by peer"})
	case itemRefused:
		e.vanish()
		h.step(cluster.LinkDown{Link: e.link, Reason: "connection refused"})
	}
	return true
}

// unheard is a frame that came to an end that is no more: the other one is reset. A machine without power
// says so when it is back, because what it did not acknowledge is sent again until then.
func (e *end) unheard() {
	h := e.host
	switch {
	case h.on:
		e.other.push(item{at: h.sim.now + h.sim.travel(h, e.peer), kind: itemReset})
	case !e.again:
		e.again = true
		h.again = append(h.again, e)
	}
}

// resetLeaky resets the connections from a host to another that lost frames, when the way is mended:
// TCP would never deliver what was sent behind them.
func (s *Sim) resetLeaky(from, to *host) {
	for _, e := range between(from, to) {
		if e.open {
			e.letGo()
		}
		if e.leaky && e.open {
			if e.other.open {
				s.lose(e.other)
			}
			s.lose(e)
		}
	}
}

// hold keeps w until a way may be clear. SYNs of connections that were given up are dropped now and then.
func (s *Sim) hold(w held) {
	if len(s.held) > s.heldMost {
		s.held = slices.DeleteFunc(s.held, func(w held) bool { return w.dial && !w.end.open })
		s.heldMost = 2*len(s.held) + 1000
	}
	s.held = append(s.held, w)
}

// retry gives all that was held another try.
func (s *Sim) retry() {
	list := s.held
	s.held = nil
	for _, w := range list {
		s.unhold(w)
	}
}

func (s *Sim) unhold(w held) {
	if w.dial {
		s.queue.push(event{at: s.now + s.travel(w.end.host, w.end.peer), kind: evDial, end: w.end})
		return
	}
	w.end.pending = false
	w.end.expect()
}
