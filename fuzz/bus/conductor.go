package bus

import "slices"

// Limits of what is written before an answer is waited for.
const (
	segmentPackets = 48
	segmentBytes   = 256 << 10
)

// step is one concrete thing to do on every side, in order.
type step struct {
	op    int // index of the op it belongs to, -1: of the end
	do    Do
	link  Link
	frame []byte // canonical
	cuts  []int
	times int
	args  []string
	fence bool // a frame that the conductor added
	// await, on the last step of a segment, is how many frames have come on the link since it was opened
	// once all that was written is processed; 0: do not wait.
	await int
	// received is how many packets the node has counted by then since the actors were met; only used on a link that the node
	// dialled, where answers can not be told from what it sends unasked.
	received uint64
	// gone says to wait until the node has closed the link.
	gone bool
	// dialled are the actors whose in links a settle waits for.
	dialled []int
}

// conductor turns ops into steps: it lets the twin follow, adds fences, and says how many answers to wait for. It leaves
// ops out that have become impossible, such as a packet on a link that the node closed.
type conductor struct {
	*twin
	steps []step
	// owed is how many frames have been sent by the node on a link since it was opened.
	owed    map[Link]int
	segment Link
	packets int // of the open segment; 0: there is none
	bytes   int
	last    bool // the last packet of the segment was answered on its link
	op      int
	counted uint64 // packets that the node counted before the first op
}

func newConductor(met []int) *conductor {
	c := &conductor{twin: newTwin(), owed: map[Link]int{}}
	c.meet(met)
	c.counted = c.received()
	clear(c.acts)
	return c
}

func (c *conductor) add(s step) *step {
	s.op = c.op
	c.steps = append(c.steps, s)
	return &c.steps[len(c.steps)-1]
}

// note takes an effect's answers and returns it.
func (c *conductor) note(eff effect) effect {
	for l, n := range eff.answers {
		c.owed[l] += n
	}
	return eff
}

// perform adds an op's steps. The effect is that of the op alone.
func (c *conductor) perform(op *Op) (eff effect) {
	if op.Do != DoSend || c.packets > 0 && (op.Link != c.segment || c.packets >= segmentPackets || c.bytes > segmentBytes) {
		eff.add(c.flush())
	}
	switch op.Do {
	case DoDial:
		if op.Link.Which == In {
			return eff
		}
		eff.add(c.note(c.dial(op.Link)))
		c.owed[op.Link] = 0
		c.add(step{do: DoDial, link: op.Link})
	case DoClose:
		if c.open(op.Link) && op.Link.Which != In {
			c.add(step{do: DoClose, link: op.Link})
			eff.add(c.note(c.close(op.Link)))
		}
	case DoAdmin:
		more, ok := c.admin(op.Args)
		if !ok {
			return eff
		}
		eff.add(c.note(more))
		c.add(step{do: DoAdmin, args: op.Args})
	case DoSettle:
		c.performSettle(&eff)
	case DoSend:
		eff.add(c.performSend(op))
	}
	return eff
}

// performSettle waits for the links that the node dials anew.
func (c *conductor) performSettle(eff *effect) {
	before := map[Link]*twinLink{}
	for a := range actorCount {
		before[Link{a, In}] = c.links[Link{a, In}]
	}
	more := c.settle()
	s := step{do: DoSettle}
	for a := range actorCount {
		l := Link{a, In}
		if c.links[l] != before[l] {
			s.dialled = append(s.dialled, a)
			c.owed[l] = 0
		}
	}
	eff.add(c.note(more))
	if s.dialled != nil {
		c.add(s)
	}
}

func (c *conductor) performSend(op *Op) (eff effect) {
	if !c.open(op.Link) {
		return eff
	}
	c.segment = op.Link
	times := max(1, op.Times)
	for range times {
		one := c.note(c.send(op.Link, op.Frame))
		c.last = one.answers[op.Link] > 0
		eff.add(one)
	}
	c.packets += times
	c.bytes += times * len(op.Frame)
	c.add(step{do: DoSend, link: op.Link, frame: op.Frame, cuts: op.Cuts, times: times})
	if !c.open(op.Link) || slices.ContainsFunc(eff.closed, func(l Link) bool { return l == op.Link }) {
		eff.add(c.flush())
	}
	return eff
}

// flush ends the open segment: after it, the node has processed all that was written.
func (c *conductor) flush() (eff effect) {
	if c.packets == 0 {
		return eff
	}
	l := c.segment
	c.packets, c.bytes = 0, 0
	lastStep := &c.steps[len(c.steps)-1]
	switch {
	case !c.open(l):
		lastStep.gone = true
		return eff
	case c.pending(l) > 0:
		// What was whole is processed before the link is closed: a link that is closed with answers unread is reset, and
		// what the node has not read yet is lost.
		lastStep.received = c.received() - c.counted
		if l.Which == In {
			return eff // it stays as it is: nothing more can be said on it
		}
		c.add(step{do: DoClose, link: l, fence: true})
		return c.note(c.close(l))
	case c.last:
		lastStep.await, lastStep.received = c.owed[l], c.received()-c.counted
		return eff
	}
	frame := c.fence(l)
	eff = c.note(c.send(l, frame))
	s := c.add(step{do: DoSend, link: l, frame: frame, times: 1, fence: true})
	if c.open(l) {
		s.await, s.received = c.owed[l], c.received()-c.counted
	} else {
		s.gone = true
	}
	return eff
}
