package bus

// Limits of what is written before an answer is waited for.
const (
	segmentPackets = 128
	segmentBytes   = 256 << 10
)

// step is one concrete thing to do on every side, in order.
type step struct {
	op    int // index of the op it belongs to, -1: of the end
	do    Do
	link  Link
	frame []byte // canonical; empty: nothing is sent, only waited for
	cuts  []int
	times int
	args  []string
	fence bool // a frame that the conductor added
	// await, on the last step of a link's segment, is how many frames have come on the link since it was opened
	// once all that was written is processed; 0: do not wait.
	await int
	// received is how many packets the node has counted by then since the actors were met, 0: do not wait. It is for links that
	// the node dialled, where answers can not be told from what it sends unasked.
	received uint64
	// gone says to wait until the node has closed the link.
	gone bool
	// dialled are the actors whose in links a settle waits for.
	dialled []int
}

// waits reports whether the step ends a segment.
func (s *step) waits() bool { return s.await > 0 || s.gone || s.received > 0 }

// script is an episode as steps, and the links on which packets are whole at its end.
type script struct {
	steps []step
	open  linkSet
}

// packets counts the packets that are sent to either side, fences too.
func (s *script) packets() (n uint64) {
	for i := range s.steps {
		n += s.steps[i].packets()
	}
	return n
}

// packets counts those of the step.
func (s *step) packets() uint64 {
	if s.do != DoSend || len(s.frame) == 0 {
		return 0
	}
	return uint64(max(1, s.times))
}

// conductor turns ops into steps: it lets the twin follow, adds fences, and says how many answers to wait for. It leaves
// ops out that have become impossible, such as a packet on a link that the node closed.
type conductor struct {
	*twin
	steps []step
	// owed is how many frames have been sent by the node on a link since it was opened.
	owed [linkCount]int
	// The open segment: what was written and has not been waited for. Only packets of floods put several links into one.
	packets int
	bytes   int
	from    int // its first step
	touched linkSet
	flood   bool
	last    [linkCount]int // the step that wrote last on a link, and whether its last packet was answered there
	heard   [linkCount]bool
	op      int
	counted uint64 // packets that the node counted before the first op
	glued   []byte // of withPending
}

func newConductor(met []int) *conductor {
	c := &conductor{twin: newTwin()}
	c.meet(met)
	c.counted = c.received()
	c.acts = tokens{}
	return c
}

// scriptOf is the script of an episode.
func scriptOf(e *Episode) *script {
	if e.done != nil {
		return e.done
	}
	c := newConductor(e.Met)
	c.acts.deaf = true
	for i := range e.Ops {
		c.op = i
		c.perform(&e.Ops[i])
	}
	return c.finish()
}

// finish ends the last segment.
func (c *conductor) finish() *script {
	c.flush()
	s := &script{steps: c.steps}
	for i, l := range c.links {
		if l != nil && l.open && len(l.buf) == 0 {
			s.open.add(linkAt(i))
		}
	}
	return s
}

func (c *conductor) add(s step) *step {
	s.op = c.op
	c.steps = append(c.steps, s)
	return &c.steps[len(c.steps)-1]
}

// note takes an effect's answers and adds it to the whole.
func (c *conductor) note(all *effect, eff effect) {
	for i, n := range eff.answers {
		c.owed[i] += int(n)
	}
	all.add(eff)
}

// perform adds an op's steps. The effect is that of the op alone, and of the fences before it.
func (c *conductor) perform(op *Op) (eff effect) {
	if c.parts(op) {
		c.note(&eff, c.flush())
	}
	switch op.Do {
	case DoDial:
		if op.Link.Which == In {
			return eff
		}
		c.note(&eff, c.dial(op.Link))
		c.owed[op.Link.index()] = 0
		c.add(step{do: DoDial, link: op.Link})
	case DoClose:
		if c.open(op.Link) && op.Link.Which != In {
			c.add(step{do: DoClose, link: op.Link})
			c.note(&eff, c.close(op.Link))
		}
	case DoAdmin:
		more, ok := c.admin(op.Args)
		if !ok {
			return eff
		}
		c.note(&eff, more)
		c.add(step{do: DoAdmin, args: op.Args})
	case DoSettle:
		c.performSettle(&eff)
	case DoLook:
		c.add(step{do: DoLook})
	case DoSend:
		c.performSend(op, &eff)
	}
	return eff
}

// parts reports whether the open segment ends before an op.
func (c *conductor) parts(op *Op) bool {
	return c.packets > 0 && (op.Do != DoSend || c.touched != only(op.Link) && !(c.flood && op.Flood) ||
		c.packets >= segmentPackets || c.bytes > segmentBytes)
}

// performSettle waits for the links that the node dials anew.
func (c *conductor) performSettle(eff *effect) {
	before := c.links
	more := c.settle()
	s := step{do: DoSettle}
	for a := range actorCount {
		l := Link{a, In}.index()
		if c.links[l] != before[l] {
			s.dialled = append(s.dialled, a)
			c.owed[l] = 0
		}
	}
	c.note(eff, more)
	if s.dialled != nil {
		c.add(s)
	}
}

func (c *conductor) performSend(op *Op, eff *effect) {
	if !c.open(op.Link) {
		return
	}
	at := op.Link.index()
	if c.packets == 0 {
		c.touched, c.flood, c.from = 0, op.Flood, len(c.steps)
	}
	c.flood = c.flood && op.Flood
	c.touched.add(op.Link)
	times := max(1, op.Times)
	closed, resized := false, false
	for range times {
		one := c.send(op.Link, op.Frame)
		if resized {
			one.unsafe = append(one.unsafe, oneRead)
		}
		resized = resized || one.resized
		if one.closed&c.touched&^only(op.Link) != 0 {
			one.unsafe = append(one.unsafe, cutShort)
		}
		c.heard[at] = one.answers[at] > 0
		closed = closed || one.closed.has(op.Link)
		c.note(eff, one)
	}
	c.packets += times
	c.bytes += times * len(op.Frame)
	c.add(step{do: DoSend, link: op.Link, frame: op.Frame, cuts: op.Cuts, times: times})
	c.last[at] = len(c.steps) - 1
	if !c.open(op.Link) || closed || resized {
		c.note(eff, c.flush())
	}
}

// fenced ends the open segment.
func (c *conductor) fenced() (eff effect) {
	c.note(&eff, c.flush())
	return eff
}

// flush ends the open segment: after it, the node has processed all that was written. What is returned has not
// been noted yet.
func (c *conductor) flush() (eff effect) {
	if c.packets == 0 {
		return eff
	}
	touched := c.touched
	c.packets, c.bytes, c.touched = 0, 0, 0
	// The fences of nodes that are known may change something, so strangers, whose packets are answered as the node is, come first.
	rest := touched
	for i := range linkCount {
		l := linkAt((i + actorU*linkKinds) % linkCount)
		if !touched.has(l) {
			continue
		}
		rest &^= only(l)
		one := c.flushLink(l)
		if one.closed&rest != 0 {
			one.unsafe = append(one.unsafe, cutShort)
		}
		eff.add(one)
	}
	return eff
}

func (c *conductor) flushLink(l Link) (eff effect) {
	at := l.index()
	last := &c.steps[c.last[at]]
	latest := c.last[at] == len(c.steps)-1
	switch {
	case !c.open(l) && latest:
		last.gone = true
		return eff
	case !c.open(l):
		// What closes it may be written after what was last written on it.
		c.add(step{do: DoSend, link: l, fence: true, gone: true})
		return eff
	case c.pending(l) > 0:
		if l.Which == In {
			last.received = c.received() - c.counted
			return eff // it stays as it is: nothing more can be said on it
		}
		c.add(step{do: DoClose, link: l, fence: true})
		return c.close(l)
	case l.Which == In || c.heard[at] && latest:
		c.wait(last, eff)
		return eff
	}
	frame := c.fence(l)
	eff = c.send(l, frame)
	s := c.add(step{do: DoSend, link: l, frame: frame, times: 1, fence: true})
	if c.open(l) {
		c.wait(s, eff)
	} else {
		s.gone = true
	}
	return eff
}

// wait makes a step wait for all that was written to its link; eff has not been noted.
func (c *conductor) wait(s *step, eff effect) {
	if s.link.Which == In {
		s.received = c.received() - c.counted
		return
	}
	at := s.link.index()
	s.await = c.owed[at] + int(eff.answers[at])
}

// redo does ops that have been done before, from the first that c has not done.
func (c *conductor) redo(ops []Op) {
	c.acts.deaf = true
	for i := range ops {
		c.perform(&ops[i])
		c.op++
	}
	c.acts = tokens{}
}
