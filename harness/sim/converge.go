package sim

import (
	"fmt"
	"slices"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

func (o *Converge) apply(s *Sim) { s.converge(int64(o.Within)) }

// switchTime is how long a manual failover may take, ms: Redis gives up after five seconds, and an
// operator tries again.
const (
	switchTime  = 6000
	switchTries = 3
)

func (o *Switch) apply(s *Sim) {
	h := s.switchable(uint16(o.Slot))
	if h == nil {
		return
	}
	done := func() bool { return h.core == nil || !h.core.Replica() }
	for range switchTries {
		h.do(cluster.Failover{})
		s.turn(h)
		for end := s.now + switchTime; s.broken == nil && s.now < end; s.run(s.now + checkPeriod) {
			if done() {
				return
			}
		}
	}
	s.broke(Switches, h, "%d times CLUSTER FAILOVER, and it is a replica still", switchTries)
}

// switchable is a running replica with a stream from the owner of a slot.
func (s *Sim) switchable(n uint16) *host {
	for _, h := range s.hosts {
		if from := h.data.from; h.running() && h.core.Replica() && h.data.up && from != nil && from.running() && !from.core.Replica() {
			if owned := from.core.Owned(); owned.Has(n) {
				return h
			}
		}
	}
	return nil
}

// converge lets time pass until all views agree.
func (s *Sim) converge(within int64) {
	var why error
	for end := s.now + within; s.broken == nil; s.run(s.now + checkPeriod) {
		if why = s.disagreement(); why == nil {
			s.tracef("%d converged\n", s.now)
			return
		}
		if s.now >= end {
			s.broke(Converges, nil, "not within %d ms: %v", within, why)
		}
	}
}

// disagreement is the first thing in which the views of the running hosts differ, nil: they agree.
//
//   - Each knows each, with its true role, master, config epoch and slots, and as healthy.
//   - A slot has one master that claims it. It may have none if no running replica could take it.
//   - Replicas replicate.
//   - If all slots are claimed, everyone says that the cluster is up.
//   - If all replicas run, no master is an orphan that a replica of another one should move to.
//
// Between hosts that cannot talk nothing is asked.
func (s *Sim) disagreement() error {
	var claimed slot.Set
	for _, h := range s.hosts {
		if !h.running() || h.core.Replica() {
			continue
		}
		owned := h.core.Owned()
		if both := owned.Intersect(&claimed); !both.Empty() {
			return fmt.Errorf("%s claims slots %s, which another master claims", h.name(), both)
		}
		claimed = claimed.Union(&owned)
	}
	whole := claimed == slot.Full()
	masters := s.mastersOfReplicas()
	// The last one that was found wrong is looked at first.
	for i := range s.hosts {
		s.suspect = (s.suspect + min(i, 1)) % len(s.hosts)
		x := s.hosts[s.suspect]
		if !x.running() {
			continue
		}
		if from := x.data.from; x.core.Replica() && !x.data.up && from != nil && from.running() && !s.paths.apart(x.index, from.index) {
			return fmt.Errorf("%s does not replicate %s", x.name(), from.name())
		}
		if !whole && x.core.Replica() && !x.dataTooOld() {
			if err := s.mayTakeOver(x, &claimed); err != nil {
				return err
			}
		}
		if whole && x.core.State() != bus.StateOK && !s.apartFromAny(x) {
			return fmt.Errorf("%s says that the cluster is down", x.name())
		}
		if err := s.compareViews(x, masters); err != nil {
			return err
		}
	}
	if whole {
		return s.orphan(masters)
	}
	return nil
}

// exists reports whether a host is, or was when it last ran, the node with that id. A replica that was
// forgotten when its master was reset goes on to follow that, and nobody else can know whom it means.
func (s *Sim) exists(id bus.ID) bool {
	return slices.ContainsFunc(s.hosts, func(h *host) bool { return h.seen != nil && h.seen.id == id })
}

// orphan is an error if a master has no replica and another can spare one, by the rule of
// clusterHandleSlaveMigration. A replica that does not run may be the one that should move, so then
// nothing is asked. masters are those of replicas, by host.
func (s *Sim) orphan(masters []bus.ID) error {
	if len(s.ledger.names) > len(s.hosts) {
		return nil // who was reset lives on as a replica without an address, which never fails
	}
	replicas := map[bus.ID]int{}
	most := 0
	for i, h := range s.hosts {
		if !h.running() {
			if s.anyoneSeesReplica(h) {
				return nil
			}
			continue
		}
		if s.apartFromAny(h) {
			return nil
		}
		if !masters[i].IsZero() {
			replicas[masters[i]]++
			most = max(most, replicas[masters[i]])
		}
	}
	if most < 2 || most <= s.setup.Barrier {
		return nil
	}
	for _, m := range s.hosts {
		if !m.running() {
			continue
		}
		owned := m.core.Owned()
		if m.core.Replica() || owned.Empty() || replicas[m.core.ID()] > 0 {
			continue
		}
		for i, x := range s.hosts {
			if !x.running() {
				continue
			}
			if known, _ := x.core.See(m.core.ID()); replicas[masters[i]] == most && !known.Flags.Any(bus.FlagMigrateTo) {
				return nil // it never had a replica, as far as x knows
			}
		}
		return fmt.Errorf("%s has no replica, and another master has %d", m.name(), most)
	}
	return nil
}

func (h *host) running() bool { return h.core != nil && !h.paused }

func (s *Sim) apartFromAny(x *host) bool {
	for _, y := range s.hosts {
		if y != x && y.running() && s.paths.apart(x.index, y.index) {
			return true
		}
	}
	return false
}

// dataTooOld reports whether a replica never takes over because it never reached its master.
func (h *host) dataTooOld() bool { return h.sim.setup.Validity != 0 && h.data.seen == 0 }

// mayTakeOver is an error if a replica has a master whose slots nobody claims: it must replace it.
func (s *Sim) mayTakeOver(x *host, claimed *slot.Set) error {
	self, _ := x.core.See(x.core.ID())
	master, ok := x.core.See(self.Master)
	if !ok {
		return fmt.Errorf("%s is a replica of nobody", x.name())
	}
	if left := master.Slots.Minus(claimed); !left.Empty() {
		return fmt.Errorf("nobody claims slots %s, and %s is a replica of their last master", left, x.name())
	}
	return nil
}

// mastersOfReplicas are the masters that running replicas say they have, by host.
func (s *Sim) mastersOfReplicas() []bus.ID {
	masters := make([]bus.ID, len(s.hosts))
	for i, h := range s.hosts {
		if h.running() && h.core.Replica() {
			self, _ := h.core.See(h.core.ID())
			masters[i] = self.Master
		}
	}
	return masters
}

// compareViews compares what x knows of each with what that knows of itself.
func (s *Sim) compareViews(x *host, masters []bus.ID) error {
	for _, y := range s.hosts {
		if y == x || !y.running() || s.paths.apart(x.index, y.index) {
			continue
		}
		v, ok := x.core.See(y.core.ID())
		if !ok {
			return fmt.Errorf("%s does not know %s", x.name(), y.name())
		}
		const sick = bus.FlagPFail | bus.FlagFail | bus.FlagHandshake | bus.FlagNoAddr
		if v.Flags.Any(sick) {
			return fmt.Errorf("%s flags %s as %v", x.name(), y.name(), v.Flags)
		}
		if v.Flags.Any(bus.FlagReplica) != y.core.Replica() {
			return fmt.Errorf("%s is wrong about the role of %s", x.name(), y.name())
		}
		if y.core.Replica() {
			if s.exists(masters[y.index]) && v.Master != masters[y.index] {
				return fmt.Errorf("%s is wrong about the master of %s", x.name(), y.name())
			}
			continue
		}
		if *v.Slots != y.core.Owned() {
			return fmt.Errorf("%s is wrong about the slots of %s", x.name(), y.name())
		}
		// An epoch without slots claims nothing. Redis may remember that of a former master of it.
		if !v.Slots.Empty() && v.ConfigEpoch != y.core.Epochs().Config {
			return fmt.Errorf("%s is wrong about the config epoch of %s: %d, not %d", x.name(), y.name(), v.ConfigEpoch, y.core.Epochs().Config)
		}
	}
	return nil
}

// anyoneSeesReplica reports whether anyone has a host that does not run for a replica.
func (s *Sim) anyoneSeesReplica(gone *host) bool {
	for _, h := range s.hosts {
		if h.running() && gone.seen != nil {
			if known, ok := h.core.See(gone.seen.id); ok && known.Flags.Any(bus.FlagReplica) {
				return true
			}
		}
	}
	return false
}
