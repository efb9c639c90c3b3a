package sim

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// Invariant names what must hold in every run.
type Invariant string

// The invariants.
const (
	OneOwner     Invariant = "one-owner"     // two masters that a majority elected never claim one slot at one config epoch
	OneWinner    Invariant = "one-winner"    // no two nodes win elections of the same epoch
	EpochsRise   Invariant = "epochs-rise"   // the epochs of a node never fall, also over a restart as far as they were promised
	OneVote      Invariant = "one-vote"      // a master votes once in an epoch, also over a restart
	PersistFirst Invariant = "persist-first" // votes, requests for votes and new claims are durable before they are sent
	Quorum       Invariant = "quorum"        // who wins an election has the votes of a majority, each of another master
	Converges    Invariant = "converges"     // after faults all views agree again in time
	Switches     Invariant = "switches"      // a manual failover in a healthy cluster succeeds
	Restarts     Invariant = "restarts"      // a node starts from what it wrote
	NoPanic      Invariant = "no-panic"      // the core does not crash
)

// Invariants are all of them.
func Invariants() []Invariant {
	return []Invariant{OneOwner, OneWinner, EpochsRise, OneVote, PersistFirst, Quorum, Converges, Switches, Restarts, NoPanic}
}

// Broken is an invariant that a run broke.
type Broken struct {
	Invariant Invariant
	At        int64  // virtual ms
	Event     int    // index of the schedule's event during or before which it broke
	Host      string // where, "": in no one place
	Detail    string
}

// Error begins with the invariant.
func (b *Broken) Error() string {
	where := ""
	if b.Host != "" {
		where = " at " + b.Host
	}
	return fmt.Sprintf("%s: %d ms%s: %s", b.Invariant, b.At, where, b.Detail)
}

// Cause is the invariant and the detail without numbers and names: two runs with the same cause
// broke for the same reason.
func (b *Broken) Cause() string {
	out := []byte(b.Invariant + " ")
	for _, c := range []byte(b.Detail) {
		switch {
		case c < '0' || c > '9':
			out = append(out, c)
		case out[len(out)-1] != '#':
			out = append(out, '#')
		}
	}
	return string(out)
}

// broke notes the first invariant that is broken; the run ends.
func (s *Sim) broke(inv Invariant, h *host, format string, args ...any) {
	if s.broken != nil {
		return
	}
	s.broken = &Broken{Invariant: inv, At: s.now, Detail: fmt.Sprintf(format, args...)}
	if h != nil {
		s.broken.Host = h.name()
	}
	s.tracef("%d broken %v\n", s.now, s.broken)
}

// memory is what was seen of one node. A hard reset makes another node of a host.
type memory struct {
	id        bus.ID
	ident     int // its number among all nodes that there ever were
	current   uint64
	config    uint64
	vote      uint64
	master    bool
	owned     slot.Set
	changes   uint64 // cluster.Node.SlotChanges when owned was seen
	voted     uint64 // the highest epoch in which a vote of it was sent, ever
	requested uint64 // the highest epoch in which it asked for votes, ever
	asked     int64  // when it did, local time
	before    int    // late, of the attempt before
	late      int    // votes for that epoch that came after the next attempt was scheduled
	claimed   uint64 // the highest config epoch at which it called itself a master in a frame, ever
	checked   uint64 // config epochs up to this are known to be durable
}

// ledger is what was seen of all.
type ledger struct {
	names   []string             // of nodes, by memory.ident: their hosts
	votes   map[ballot]int       // whom a node voted for
	voters  map[ballot]*electors // who voted for a node
	winners map[uint64]int       // who won the election of an epoch
	claims  map[uint64][]claim   // by config epoch
	alone   map[ballot]bool      // config epochs that a node took without an election
}

// ballot is a node and an epoch.
type ballot struct {
	node  int // memory.ident
	epoch uint64
}

// electors are nodes, as bits.
type electors []uint64

func (e *electors) add(node int) {
	for len(*e) <= node/64 {
		*e = append(*e, 0)
	}
	(*e)[node/64] |= 1 << (node % 64)
}

func (e *electors) has(node int) bool {
	return e != nil && node/64 < len(*e) && (*e)[node/64]&(1<<(node%64)) != 0
}

func (e *electors) count() (n int) {
	if e != nil {
		for _, w := range *e {
			n += bits.OnesCount64(w)
		}
	}
	return n
}

type claim struct {
	node  int
	slots slot.Set
}

func newLedger() ledger {
	return ledger{
		votes: map[ballot]int{}, voters: map[ballot]*electors{}, winners: map[uint64]int{},
		claims: map[uint64][]claim{}, alone: map[ballot]bool{},
	}
}

// Where fields stand in a frame. Source: the offset table of wire/bus, which is checked against
// real Redis. They are read so because every frame is looked at.
const (
	atType         = 12
	atCurrentEpoch = 16
	atConfigEpoch  = 24
	atFlags        = 2250
)

func peekType(frame []byte) bus.Type {
	if len(frame) < atType+2 {
		return bus.Type(0xffff)
	}
	return bus.Type(binary.BigEndian.Uint16(frame[atType:]))
}

// checkFrame looks at a frame that h sends, at the moment when it leaves.
func (s *Sim) checkFrame(h *host, e *end, frame []byte) {
	current := binary.BigEndian.Uint64(frame[atCurrentEpoch:])
	config := binary.BigEndian.Uint64(frame[atConfigEpoch:])
	m := h.seen
	switch peekType(frame) {
	case bus.TypeAuthAck:
		s.checkVote(h, e, current)
	case bus.TypeAuthRequest:
		if current > m.requested {
			m.before, m.late = m.late, 0
			m.requested, m.asked = current, h.clock.local(s.now)
			if h.disk.promised().current < current {
				s.broke(PersistFirst, h, "asks for votes in epoch %d, which is not durable", current)
			}
		}
	}
	flags := bus.NodeFlags(binary.BigEndian.Uint16(frame[atFlags:]))
	if !flags.Any(bus.FlagMaster) || config <= m.checked {
		return
	}
	if durable := h.disk.promised().config; durable < config {
		s.broke(PersistFirst, h, "claims config epoch %d, and %d is durable", config, durable)
	}
	m.checked = config
	m.claimed = max(m.claimed, config)
}

func (s *Sim) checkVote(h *host, e *end, epoch uint64) {
	if h.disk.promised().vote < epoch {
		s.broke(PersistFirst, h, "votes in epoch %d, and that is not durable", epoch)
	}
	if e.peer == nil || e.peer.seen == nil {
		return
	}
	vote := ballot{h.seen.ident, epoch}
	if before, ok := s.ledger.votes[vote]; ok {
		s.broke(OneVote, h, "votes for %s in epoch %d, and voted for %s before", e.peer.name(), epoch, s.ledger.names[before])
		return
	}
	s.stats.Votes++
	s.ledger.votes[vote] = e.peer.seen.ident
	h.seen.voted = max(h.seen.voted, epoch)
	got := ballot{e.peer.seen.ident, epoch}
	if s.ledger.voters[got] == nil {
		s.ledger.voters[got] = &electors{}
	}
	s.ledger.voters[got].add(h.seen.ident)
}

// checkBoot looks at a node that was just started.
func (s *Sim) checkBoot(h *host) {
	ep := h.core.Epochs()
	first := h.past[h.core.ID()] == nil
	if first && h.seen != nil {
		s.broke(Restarts, h, "was %s and is now %s", h.seen.id, h.core.ID())
	}
	m := s.remember(h)
	if !first {
		if ep.Vote < m.voted {
			s.broke(EpochsRise, h, "voted in epoch %d, and remembers %d after a restart", m.voted, ep.Vote)
		}
		if ep.Current < m.requested {
			s.broke(EpochsRise, h, "asked for votes in epoch %d, and is in epoch %d after a restart", m.requested, ep.Current)
		}
		if !h.core.Replica() && ep.Config < m.claimed {
			s.broke(EpochsRise, h, "claimed slots at config epoch %d, and is at %d after a restart", m.claimed, ep.Config)
		}
	}
	switch {
	case first || ep.Config <= m.config:
	case !h.core.Replica() && ep.Config == m.requested: // won, saved, and lost power
		s.checkWin(h, ep.Config)
	default:
		s.ledger.alone[ballot{m.ident, ep.Config}] = true
	}
	m.current, m.config, m.vote = ep.Current, ep.Config, ep.Vote
	m.master, m.owned, m.changes = !h.core.Replica(), h.core.Owned(), h.core.SlotChanges()
	m.checked = min(m.checked, ep.Config)
	if h.core.Replica() {
		// Its own line in nodes.conf has its master's epoch, so what it claimed as a master is forgotten here,
		// by Redis too. As a master again it has an epoch that it won, or claims nothing (CLUSTER RESET).
		m.claimed = min(m.claimed, ep.Config)
	}
	s.noteClaim(h)
}

// remember is what was seen of the node that h is now.
func (s *Sim) remember(h *host) *memory {
	id := h.core.ID()
	m := h.past[id]
	if m == nil {
		m = &memory{id: id, ident: len(s.ledger.names)}
		s.ledger.names = append(s.ledger.names, h.name())
		h.past[id] = m
	}
	h.seen = m
	return m
}

// noteReset begins to look at the node that a hard reset made of h. If the power fails before that is
// saved, h is again what it was.
func (s *Sim) noteReset(h *host) {
	if h.core.ID() != h.seen.id {
		s.remember(h).master = true
		s.tracef("%d %s is now %s\n", s.now, h.name(), h.seen.id)
	}
}

// check looks at a node after every turn.
func (s *Sim) check(h *host) {
	m := h.seen
	ep := h.core.Epochs()
	master := !h.core.Replica()
	changes := h.core.SlotChanges()
	if ep.Current == m.current && ep.Config == m.config && ep.Vote == m.vote && master == m.master && changes == m.changes {
		return
	}
	switch {
	case ep.Current < m.current:
		s.broke(EpochsRise, h, "the current epoch falls from %d to %d", m.current, ep.Current)
	case ep.Config < m.config:
		s.broke(EpochsRise, h, "the config epoch falls from %d to %d", m.config, ep.Config)
	case ep.Vote < m.vote:
		s.broke(EpochsRise, h, "the vote epoch falls from %d to %d", m.vote, ep.Vote)
	}
	if ep.Config > m.config {
		if master && !m.master && ep.Config == m.requested {
			s.checkWin(h, ep.Config)
		} else {
			s.ledger.alone[ballot{m.ident, ep.Config}] = true
		}
	}
	m.current, m.config, m.vote, m.master = ep.Current, ep.Config, ep.Vote, master
	if changes != m.changes {
		m.owned, m.changes = h.core.Owned(), changes
	}
	s.noteClaim(h)
}

// checkLateVote looks at a vote that arrives. Redis forgets the votes of an attempt when it schedules
// the next one, 500 ms or more before it takes the new epoch and asks again. What comes between
// has the epoch of the old attempt, and counts for the new one: so an election may be won without
// a majority of one epoch. The core does as Redis does; see [Stats].Unsound.
func (s *Sim) checkLateVote(h *host, frame []byte) {
	m := h.seen
	retry := 2 * max(h.set.NodeTimeout*2, 2000)
	if binary.BigEndian.Uint64(frame[atCurrentEpoch:]) >= m.requested && h.clock.local(s.now)-m.asked > retry {
		m.late++
	}
}

// checkWin looks at a node that has just won an election. Who won one may vote for another winner of the
// same epoch: Redis notes an epoch as voted in only where it gives a vote (lastVoteEpoch), and a
// candidate gives none to itself. A master that was replaced votes no more, its successor does, so two
// majorities need not meet. The two have different slots, and their epochs collide and are told apart.
// The core does as Redis does; see [Stats].Unsound.
func (s *Sim) checkWin(h *host, epoch uint64) {
	s.stats.Elections++
	s.tracef("%d %s wins epoch %d\n", s.now, h.name(), epoch)
	votes := s.ledger.voters[ballot{h.seen.ident, epoch}].count()
	if need := h.core.Size()/2 + 1; votes < need {
		if votes+h.seen.before < need {
			s.broke(Quorum, h, "is a master by the election of epoch %d with %d votes of %d", epoch, votes, need)
		}
		s.stats.Unsound++
		s.ledger.alone[ballot{h.seen.ident, epoch}] = true
		return
	}
	if other, ok := s.ledger.winners[epoch]; ok && other != h.seen.ident {
		if !s.ledger.voters[ballot{h.seen.ident, epoch}].has(other) {
			s.broke(OneWinner, h, "wins epoch %d, which %s won", epoch, s.ledger.names[other])
		}
		s.stats.Unsound++
		s.ledger.alone[ballot{h.seen.ident, epoch}] = true
		return
	}
	s.ledger.winners[epoch] = h.seen.ident
}

// noteClaim notes which slots a master claims at which config epoch, for ever.
func (s *Sim) noteClaim(h *host) {
	m := h.seen
	if !m.master || m.config == 0 || m.owned.Empty() {
		return
	}
	list := s.ledger.claims[m.config]
	mine := -1
	for i := range list {
		c := &list[i]
		if c.node == m.ident {
			mine = i
			continue
		}
		if c.slots.Intersects(&m.owned) && !s.ledger.alone[ballot{c.node, m.config}] && !s.ledger.alone[ballot{m.ident, m.config}] {
			both := c.slots.Intersect(&m.owned)
			s.broke(OneOwner, h, "claims slots %s at config epoch %d, as %s did", both, m.config, s.ledger.names[c.node])
		}
	}
	if mine < 0 {
		s.ledger.claims[m.config] = append(list, claim{m.ident, m.owned})
		return
	}
	list[mine].slots = list[mine].slots.Union(&m.owned)
}
