package sim

import (
	"fmt"
	"math/rand/v2"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/nodesconf"
	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// clientPort is the client port of every host; each has its own address.
const clientPort = 6379

// Setup says what cluster a run begins with. Masters own equal runs of slots, have distinct
// config epochs from 1, and the other hosts replicate them in turn.
type Setup struct {
	Seed    uint64
	Nodes   int
	Masters int
	// Machines is how many machines the nodes run on; 0: one each. A master and its replicas
	// run on machines that lie as far apart as can be, as in zones of a data centre.
	Machines int
	// Timeout is cluster-node-timeout, ms.
	Timeout int64
	// Validity is cluster-replica-validity-factor. 0: data of any age will do.
	Validity int
	// Barrier is cluster-migration-barrier.
	Barrier int
	// Meet lets the hosts find each other by CLUSTER MEET; else they begin with a saved
	// configuration, as after a restart.
	Meet bool
}

// DefaultSetup is a cluster of seven nodes, three of them masters.
func DefaultSetup(seed uint64) Setup {
	return Setup{Seed: seed, Nodes: 7, Masters: 3, Timeout: 1000, Barrier: 1}
}

func (s *Setup) check() error {
	switch {
	case s.Nodes < 1 || s.Nodes > 60_000:
		return fmt.Errorf("sim: setup: %d nodes", s.Nodes)
	case s.Masters < 1 || s.Masters > s.Nodes || s.Masters > slot.Count:
		return fmt.Errorf("sim: setup: %d masters among %d nodes", s.Masters, s.Nodes)
	case s.Machines < 0 || s.Machines > s.Nodes:
		return fmt.Errorf("sim: setup: %d machines for %d nodes", s.Machines, s.Nodes)
	case s.Timeout < 1:
		return fmt.Errorf("sim: setup: node timeout of %d ms", s.Timeout)
	case s.Validity < 0 || s.Barrier < 0:
		return fmt.Errorf("sim: setup: validity factor %d, migration barrier %d", s.Validity, s.Barrier)
	}
	return nil
}

func (s *Setup) settings(int) cluster.Settings {
	set := cluster.DefaultSettings(clientPort)
	set.NodeTimeout = s.Timeout
	set.ReplicaValidityFactor = s.Validity
	set.MigrationBarrier = s.Barrier
	return set
}

// single says that a host takes one thing that arrives at a time, and does what follows from it before it
// takes the next: the other extreme of what a server under load and an idle one do.
func (s *Setup) single() bool { return s.Seed%3 == 0 }

// machine is where a node runs.
func (s *Setup) machine(node int) int {
	if s.Machines == 0 {
		return node
	}
	copies := (s.Nodes + s.Masters - 1) / s.Masters
	return (node%s.Masters + node/s.Masters*s.Machines/copies) % s.Machines
}

// share is the run of slots that a master begins with.
func (s *Setup) share(master int) (lo, hi int) {
	return master * slot.Count / s.Masters, (master+1)*slot.Count/s.Masters - 1
}

// form gives the cluster its first configuration.
func (s *Sim) form() {
	if s.setup.Meet {
		s.meet()
		return
	}
	lines := s.firstLines()
	for i, h := range s.hosts {
		lines[i].Flags |= bus.FlagMyself
		f := nodesconf.File{Nodes: lines, CurrentEpoch: uint64(s.setup.Masters)}
		h.disk.write(f.Append(nil), true)
		lines[i].Flags &^= bus.FlagMyself
	}
	for _, h := range s.hosts {
		h.boot()
	}
}

// firstLines are the lines of nodes.conf of all hosts.
func (s *Sim) firstLines() []nodesconf.Node {
	chance := rand.New(rand.NewPCG(s.setup.Seed, 0x69647321))
	lines := make([]nodesconf.Node, len(s.hosts))
	for i, h := range s.hosts {
		n := &lines[i]
		n.ID, n.ShardID = hexID(chance), hexID(chance)
		n.IP, n.Port, n.CPort, n.Connected = h.ip.String(), clientPort, clientPort+10000, true
		if i < s.setup.Masters {
			lo, hi := s.setup.share(i)
			n.Flags, n.ConfigEpoch = bus.FlagMaster, uint64(i+1)
			n.Slots = new(slot.Set)
			n.Slots.AddRange(uint16(lo), uint16(hi))
			continue
		}
		master := &lines[i%s.setup.Masters]
		n.Flags, n.ConfigEpoch = bus.FlagReplica, master.ConfigEpoch
		n.Master, n.ShardID = master.ID, master.ShardID
	}
	return lines
}

func hexID(chance *rand.Rand) (id bus.ID) {
	for i := range id {
		id[i] = "0123456789abcdef"[chance.IntN(16)]
	}
	return id
}

// formTime is how long hosts may take to find each other, ms.
const formTime = 120_000

// meet forms the cluster as redis-cli does: slots and epochs first, then MEET, then REPLICATE.
func (s *Sim) meet() {
	for i, h := range s.hosts {
		h.boot()
		if i < s.setup.Masters {
			lo, hi := s.setup.share(i)
			h.do(cluster.AddSlotsRange{Ranges: []cluster.Range{{Start: lo, End: hi}}})
		}
		h.do(cluster.SetConfigEpoch{Epoch: int64(i + 1)})
		h.do(cluster.SaveConfig{})
		s.turn(h)
	}
	first := s.hosts[0]
	for _, h := range s.hosts[1:] {
		first.do(cluster.Meet{IP: h.ip.String(), Port: clientPort, CPort: clientPort + 10000})
		s.turn(first)
		s.pace(h)
	}
	s.eventually(formTime, "all hosts know each other", func() bool {
		for _, h := range s.hosts {
			if h.core.Known() != len(s.hosts) {
				return false
			}
		}
		return true
	})
	if s.broken != nil {
		return
	}
	for i, h := range s.hosts[s.setup.Masters:] {
		id := s.hosts[(s.setup.Masters+i)%s.setup.Masters].core.ID()
		h.do(cluster.Replicate{Node: id.String()})
		s.turn(h)
		s.pace(h)
	}
	for _, h := range s.hosts {
		h.do(cluster.SaveConfig{})
		s.turn(h)
	}
	s.converge(formTime)
}

// pace lets an operator who goes from host to host take eight in a millisecond: what all hosts broadcast
// at once would fill the memory of a simulated thousand.
func (s *Sim) pace(h *host) {
	if h.index%8 == 7 {
		s.run(s.now + 1)
	}
}

// eventually lets time pass until cond holds.
func (s *Sim) eventually(within int64, what string, cond func() bool) {
	for end := s.now + within; s.broken == nil && !cond(); s.run(s.now + checkPeriod) {
		if s.now >= end {
			s.broke(Converges, nil, "not within %d ms: %s", within, what)
			return
		}
	}
}

// checkPeriod is how often a condition is looked at, ms.
const checkPeriod = 250
