package sim

import (
	"errors"
	"fmt"
	"slices"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/nodesconf"
)

// Op is something that befalls a cluster: a fault of the network, of a machine or of a clock, an
// operator's command, or a check. Ops are pointers to the types in [Ops].
type Op interface{ apply(s *Sim) }

// Millis is a span of virtual time in milliseconds.
type Millis int64

// Permille is a share in thousandths.
type Permille int

// Flag is yes or no.
type Flag bool

// Hosts are hosts without repetition.
type Hosts []Host

// CrashPoint is where in the work of one Ready the power fails.
type CrashPoint uint8

// The points.
const (
	Now           CrashPoint = iota // at once, between two Readys
	BeforePersist                   // when the core next wants to sync, before the file is written
	AfterPersist                    // after that, before anything is sent
	AfterSends                      // after some of the frames behind it
)

// Ops of the network. What is not said to be both ways is one way.
type (
	// Cut holds back all that goes from one host to another. It arrives after a [Heal] or [Mend].
	Cut struct{ From, To Host }
	// Split parts some hosts from the rest.
	Split struct{ Side Hosts }
	// Delay adds to the latency. Connections are independent: jitter reorders what goes
	// over several of them, never what goes over one.
	Delay struct {
		From, To      Host
		Ms, MaxJitter Millis
	}
	// Drop loses single frames. A connection that lost one is reset when the way is mended.
	Drop struct {
		From, To Host
		Share    Permille
	}
	// Duplicate delivers single frames twice, but for votes, which Redis counts as often as they come.
	Duplicate struct {
		From, To Host
		Share    Permille
	}
	// Reorder lets single frames be overtaken by the next one of their connection.
	Reorder struct {
		From, To Host
		Share    Permille
	}
	// Mend makes the ways between two hosts clear, but for a split.
	Mend struct{ From, To Host }
	// Heal makes all ways clear.
	Heal struct{}
	// Sever resets all connections between two hosts, both ways.
	Sever struct{ From, To Host }
	// HalfOpen makes one host lose its connections to and from another that is not told, and so
	// keeps the old ones beside the new.
	HalfOpen struct{ From, To Host }
)

// Ops of machines and clocks.
type (
	// Kill ends the process of a node. Its connections are closed; what it wrote stays.
	Kill struct{ Host Host }
	// Crash takes the power from a machine, at a point in the work of a Ready that syncs. What
	// was not synced may be lost.
	Crash struct {
		Host  Host
		Point CrashPoint
		Sends int // of AfterSends: how many frames are sent
	}
	// Behead takes the power from the owner of a slot.
	Behead struct{ Slot int }
	// Blackout takes the power from machines with all nodes on them.
	Blackout struct{ From, Count int }
	// Tear is a disk that gives back the first part of a file, up to the middle of a line. A node that
	// does not run must not take it, and says where it ends; then the file is whole again.
	Tear struct {
		Host  Host
		Share Permille
	}
	// Start starts a node that does not run.
	Start struct{ Host Host }
	// StartAll starts all that do not run, and ends all pauses.
	StartAll struct{}
	// Pause stops a process for a time.
	Pause struct {
		Host Host
		Ms   Millis
	}
	// Skew makes a clock jump ahead and run at Rate thousandths of the right speed.
	Skew struct {
		Host Host
		Jump Millis
		Rate Permille
	}
	// Lag stops a replica from reading its master's stream for a time.
	Lag struct {
		Host Host
		Ms   Millis
	}
)

// Ops of operators. A node that does not run or refuses is no error.
type (
	// Failover is CLUSTER FAILOVER.
	Failover struct{ Host Host }
	// ForceFailover is CLUSTER FAILOVER FORCE.
	ForceFailover struct{ Host Host }
	// Takeover is CLUSTER FAILOVER TAKEOVER.
	Takeover struct{ Host Host }
	// Bump is CLUSTER BUMPEPOCH.
	Bump struct{ Host Host }
	// Move moves slots to a master as redis-cli does, and has that master save them before the source
	// lets go: Redis does not sync the new owner's file, so a loss of power could lose the slots.
	Move struct {
		Lo, Hi int
		To     Host
	}
	// Replicate is CLUSTER REPLICATE.
	Replicate struct{ Host, Of Host }
	// Forget is CLUSTER FORGET of a node that owns no slots.
	Forget struct{ Host, Of Host }
	// Reset is CLUSTER RESET of a node that owns no slots.
	Reset struct {
		Host Host
		Hard Flag
	}
	// Join is CLUSTER MEET, from every node that the first one does not know or that does not know it.
	Join struct{}
	// Wait lets time pass and does nothing.
	Wait struct{}
)

// Ops that check.
type (
	// Converge checks that all views agree within a time. Hosts that do not run are not asked, and
	// between hosts that cannot talk agreement is not wanted.
	Converge struct{ Within Millis }
	// Switch is CLUSTER FAILOVER at the first replica that has the data of the owner of a slot, and a check
	// that it becomes the master. Where there is none, nothing is done.
	Switch struct{ Slot int }
)

func (o *Cut) apply(s *Sim)   { s.paths.at(int(o.From), int(o.To)).cut = true }
func (o *Split) apply(s *Sim) { s.paths.split(o.Side) }
func (o *Delay) apply(s *Sim) {
	p := s.paths.at(int(o.From), int(o.To))
	p.delay, p.jitter = int64(o.Ms), int64(o.MaxJitter)
}
func (o *Drop) apply(s *Sim)      { s.paths.at(int(o.From), int(o.To)).drop = int(o.Share) }
func (o *Duplicate) apply(s *Sim) { s.paths.at(int(o.From), int(o.To)).twice = int(o.Share) }
func (o *Reorder) apply(s *Sim)   { s.paths.at(int(o.From), int(o.To)).late = int(o.Share) }
func (o *Mend) apply(s *Sim) {
	*s.paths.at(int(o.From), int(o.To)) = path{}
	*s.paths.at(int(o.To), int(o.From)) = path{}
	s.retry()
	s.resetLeaky(s.hosts[o.From], s.hosts[o.To])
	s.resetLeaky(s.hosts[o.To], s.hosts[o.From])
}

func (o *Heal) apply(s *Sim) {
	s.paths.heal()
	s.retry()
	for _, from := range s.hosts {
		if !slices.ContainsFunc(from.ends, (*end).impaired) {
			continue
		}
		for _, to := range s.hosts {
			s.resetLeaky(from, to)
		}
	}
}

func (o *Sever) apply(s *Sim) {
	for _, e := range between(s.hosts[o.From], s.hosts[o.To]) {
		if e.other != nil && e.other.open {
			s.lose(e.other)
		}
		s.lose(e)
	}
}

func (o *HalfOpen) apply(s *Sim) {
	for _, e := range between(s.hosts[o.From], s.hosts[o.To]) {
		s.lose(e)
	}
}

// between are the ends that a has of connections to or from b.
func between(a, b *host) (ends []*end) {
	for _, e := range a.ends {
		if e.peer == b && e.up {
			ends = append(ends, e)
		}
	}
	return ends
}

// lose takes an end from its host.
func (s *Sim) lose(e *end) {
	h := e.host
	e.vanish()
	if h.core != nil {
		h.step(cluster.LinkDown{Link: e.link, Reason: "connection reset by peer"})
		s.turn(h)
	}
}

func (o *Kill) apply(s *Sim) {
	if h := s.hosts[o.Host]; h.core != nil {
		h.kill()
	}
}

func (o *Crash) apply(s *Sim) {
	h := s.hosts[o.Host]
	switch {
	case h.core == nil:
	case o.Point == Now:
		h.losePower()
	default:
		h.armed = o
	}
}

func (o *Behead) apply(s *Sim) {
	for _, h := range s.hosts {
		if h.core != nil && !h.core.Replica() {
			if owned := h.core.Owned(); owned.Has(uint16(o.Slot)) {
				h.losePower()
				return
			}
		}
	}
}

func (o *Blackout) apply(s *Sim) {
	for _, h := range s.hosts {
		if h.on && h.machine >= o.From && h.machine < o.From+o.Count {
			h.losePower()
		}
	}
}

func (o *Tear) apply(s *Sim) {
	h := s.hosts[o.Host]
	cut := len(h.disk.cached) * int(o.Share) / 1000
	if cut > 0 && h.disk.cached[cut-1] == '\n' {
		cut--
	}
	if h.core != nil || cut == 0 {
		return
	}
	_, err := nodesconf.Parse(h.disk.cached[:cut])
	if place := new(nodesconf.Error); !errors.As(err, &place) {
		s.broke(Restarts, h, "takes the first %d bytes of %d of its file: %v", cut, len(h.disk.cached), err)
	}
}

func (o *Start) apply(s *Sim) { s.hosts[o.Host].start() }

func (o *StartAll) apply(s *Sim) {
	for _, h := range s.hosts {
		h.armed = nil
		h.start()
		h.resume()
	}
}

func (o *Pause) apply(s *Sim) {
	if h := s.hosts[o.Host]; h.core != nil {
		h.pause(int64(o.Ms))
	}
}

func (o *Skew) apply(s *Sim) {
	h := s.hosts[o.Host]
	h.catchUp()
	h.clock.skew(s.now, int64(o.Jump), int64(o.Rate))
	if h.core != nil {
		h.expectTick(true)
	}
}

func (o *Lag) apply(s *Sim) { s.hosts[o.Host].data.stalled = s.now + int64(o.Ms) }

func (o *Failover) apply(s *Sim) { s.admin(o.Host, cluster.Failover{}) }
func (o *ForceFailover) apply(s *Sim) {
	s.admin(o.Host, cluster.Failover{Option: cluster.FailoverForce})
}

func (o *Takeover) apply(s *Sim) {
	s.admin(o.Host, cluster.Failover{Option: cluster.FailoverTakeover})
}
func (o *Bump) apply(s *Sim) { s.admin(o.Host, cluster.BumpEpoch{}) }
func (o *Replicate) apply(s *Sim) {
	if of := s.hosts[o.Of]; of.core != nil {
		id := of.core.ID()
		s.admin(o.Host, cluster.Replicate{Node: id.String(), Keys: 1})
	}
}
func (o *Wait) apply(*Sim) {}

func (o *Forget) apply(s *Sim) {
	h, of := s.hosts[o.Host], s.hosts[o.Of]
	if h.core == nil || of.core == nil {
		return
	}
	if owned := of.core.Owned(); !owned.Empty() {
		return
	}
	id := of.core.ID()
	if known, ok := h.core.See(id); ok && known.Slots.Empty() {
		s.admin(o.Host, cluster.Forget{Node: id.String()})
	}
}

func (o *Reset) apply(s *Sim) {
	h := s.hosts[o.Host]
	if h.core == nil {
		return
	}
	keys := 0
	if owned := h.core.Owned(); !owned.Empty() {
		keys = 1 // it is refused
	}
	s.admin(o.Host, cluster.Reset{Hard: bool(o.Hard), Keys: keys})
}

func (o *Join) apply(s *Sim) {
	var first *host
	for _, h := range s.hosts {
		switch {
		case h.core == nil || h.paused:
		case first == nil:
			first = h
		default:
			_, known := first.core.See(h.core.ID())
			_, knows := h.core.See(first.core.ID())
			if !known || !knows {
				h.do(cluster.Meet{IP: first.ip.String(), Port: clientPort, CPort: clientPort + 10000})
				s.turn(h)
			}
		}
	}
}

func (s *Sim) admin(at Host, r cluster.Request) {
	h := s.hosts[at]
	h.do(r)
	s.turn(h)
}

func (o *Move) apply(s *Sim) {
	to := s.hosts[o.To]
	if to.core == nil || to.paused || to.core.Replica() {
		return
	}
	target := to.core.ID()
	for _, from := range s.hosts {
		if from == to || from.core == nil || from.paused || from.core.Replica() {
			continue
		}
		source := from.core.ID()
		owned := from.core.Owned()
		var moved []int
		for n := owned.Next(o.Lo); n >= 0 && n <= o.Hi; n = owned.Next(n + 1) {
			if to.do(cluster.SetSlot{Slot: n, Action: cluster.SetSlotImporting, Node: source.String()}) &&
				from.do(cluster.SetSlot{Slot: n, Action: cluster.SetSlotMigrating, Node: target.String()}) &&
				to.do(cluster.SetSlot{Slot: n, Action: cluster.SetSlotNode, Node: target.String()}) {
				moved = append(moved, n)
			}
		}
		to.do(cluster.SaveConfig{})
		if s.turn(to); to.core == nil {
			return
		}
		for _, n := range moved {
			from.do(cluster.SetSlot{Slot: n, Action: cluster.SetSlotNode, Node: target.String()})
		}
		s.turn(from)
	}
}

// check says what of an op does not fit a cluster.
func (s *Setup) checkOp(op Op) error {
	for _, h := range opHosts(op) {
		if h < 0 || int(h) >= s.Nodes {
			return fmt.Errorf("there is no host %s among %d", h, s.Nodes)
		}
	}
	switch o := op.(type) {
	case *Move:
		if o.Lo < 0 || o.Hi < o.Lo || o.Hi > 16383 {
			return fmt.Errorf("no slots: %d-%d", o.Lo, o.Hi)
		}
	case *Behead:
		return checkSlot(o.Slot)
	case *Switch:
		return checkSlot(o.Slot)
	case *Blackout:
		machines := s.Machines
		if machines == 0 {
			machines = s.Nodes
		}
		if o.From < 0 || o.Count < 1 || o.From+o.Count > machines {
			return fmt.Errorf("no machines: %d from %d", o.Count, o.From)
		}
	case *Skew:
		if o.Rate < 1 || o.Jump < 0 {
			return fmt.Errorf("a clock neither stops nor falls: jump=%d rate=%d", o.Jump, o.Rate)
		}
	}
	return nil
}

func checkSlot(s int) error {
	if s < 0 || s > 16383 {
		return fmt.Errorf("no slot: %d", s)
	}
	return nil
}
