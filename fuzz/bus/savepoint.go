package bus

import (
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/slotdiff/slotdiff/node/cluster"
)

// saveEvery is how many ops lie between two savepoints. To copy a twin costs as much as some packets.
const saveEvery = 96

// savepoint is a conductor that has done the first ops of an episode and no more. When an op is given up, the episode goes on from there.
type savepoint struct {
	cond *conductor // its steps are those of the segment that was open, from cond.from on
	ops  int
}

// save keeps what c has done, all but the steps of closed segments, which never change.
func (c *conductor) save() savepoint {
	s := savepoint{cond: c.clone(), ops: c.op}
	if c.packets == 0 {
		s.cond.from = len(c.steps)
	}
	s.cond.steps = slices.Clone(c.steps[s.cond.from:])
	return s
}

// resume is a conductor as it was saved. It takes over the steps of one that went on from there and is not used any more.
func (s *savepoint) resume(gone *conductor) *conductor {
	c := s.cond.clone()
	c.steps = append(gone.steps[:c.from], s.cond.steps...)
	return c
}

// clone is another conductor in the same state, but for its steps.
func (c *conductor) clone() *conductor {
	k := *c
	k.twin, k.steps, k.glued = c.twin.clone(), nil, nil
	return &k
}

// clone is another twin in the same state, which has reached nothing yet.
func (t *twin) clone() *twin {
	t.step(nil) // what came of dials that failed at once: log records
	k := *t
	k.rand = new(rand.PCG)
	*k.rand = *t.rand
	k.n = t.n.Clone(k.rand)
	k.acts = tokens{}
	k.dials = maps.Clone(t.dials)
	k.sent = slices.Clone(t.sent)
	k.byID = make(map[cluster.LinkID]*twinLink, len(t.byID))
	links := make(map[*twinLink]*twinLink, len(t.byID))
	for id, l := range t.byID {
		c := *l
		c.buf, c.said = slices.Clone(l.buf), slices.Clone(l.said)
		k.byID[id], links[l] = &c, &c
	}
	for i, l := range t.links {
		k.links[i] = links[l]
	}
	return &k
}
