package cluster

import (
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// newReplica is a core that replicates puppet m, the owner of all slots; puppets v and w are
// masters that own none.
func newReplica(t *testing.T) (s *stage, m *peer) {
	s = newStage(t)
	m = s.know('m')
	s.know('v')
	for i := range slot.Count {
		s.n.addSlot(m, uint16(i))
	}
	m.configEpoch, s.n.currentEpoch = 3, 3
	s.do(Replicate{Node: m.id.String()})
	s.net.run(3000)
	s.n.updateState()
	s.n.set.RequireFullCoverage = false
	s.step(Report{ReplOffset: 100, MasterLinkUp: true, MasterSeen: s.net.now})
	s.reach(m)
	s.logged()
	return s, m
}

// asked reports whether votes were asked for since the last call.
func (s *stage) asked() bool {
	for _, p := range s.wrote {
		if p.Type == bus.TypeAuthRequest {
			s.wrote = nil
			return true
		}
	}
	return false
}

func (s *stage) failMaster(m *peer) {
	s.n.setFlags(m, bus.FlagFail, 0)
	m.failTime = s.net.now - 60_000
	s.wrote = nil
}

func TestElection(t *testing.T) {
	s, m := newReplica(t)
	s.failMaster(m)
	s.step(Tick{})
	if log := s.logged(); !strings.Contains(log, "Start of election delayed for") || !strings.Contains(log, "(rank #0, offset 100)") {
		t.Fatalf("log:\n%s", log)
	}
	s.net.run(490)
	if s.asked() {
		t.Fatal("votes asked for before 500 ms")
	}
	s.net.run(700)
	if !s.asked() || s.n.currentEpoch != 4 || !strings.Contains(string(s.saved), "currentEpoch 4") {
		t.Fatalf("no votes asked for after 1190 ms, or epoch %d not saved", s.n.currentEpoch)
	}
	ack := &bus.Packet{Header: bus.Header{Type: bus.TypeAuthAck, Sender: puppetID('v'), CurrentEpoch: 4}}
	s.recv(s.accept(), ack.Seal()) // v owns nothing: no vote
	if s.n.myself.isMaster() {
		t.Fatal("a master without slots voted")
	}
	s.n.delSlot(0)
	s.n.addSlot(s.n.lookup(puppetID('v')), 0)
	s.n.updateState() // two masters: two votes are needed
	s.recv(s.accept(), ack.Seal())
	if s.n.myself.isMaster() {
		t.Fatal("one vote of two masters is no majority")
	}
	stale := *ack
	stale.CurrentEpoch = 3
	s.n.currentEpoch = 4
	s.recv(s.accept(), stale.Seal())
	if s.n.myself.isMaster() {
		t.Fatal("a vote of an older epoch counted")
	}
	s.recv(s.accept(), ack.Seal())
	if !s.n.myself.isMaster() || s.n.myself.configEpoch != 4 || s.n.myself.numSlots != slot.Count-1 {
		t.Fatalf("after the votes:\n%s", s.nodes())
	}
	if _, ok := s.data[len(s.data)-1].(DropShardChannels); !ok {
		t.Errorf("data operations: %v", s.data)
	}
}

func TestElectionIsNotTried(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(s *stage, m *peer)
		log  string
	}{
		{"master up", func(s *stage, m *peer) { s.n.setFlags(m, 0, bus.FlagFail) }, ""},
		{"master without slots", func(s *stage, m *peer) { s.n.delSlots(m) }, ""},
		{"not allowed", func(s *stage, _ *peer) { s.n.set.ReplicaNoFailover = true }, ""},
		{
			"old data", func(s *stage, _ *peer) { s.n.report.MasterSeen -= 10_000 + 11*1000 + 2000 },
			"Disconnected from master for longer than allowed.",
		},
	} {
		s, m := newReplica(t)
		s.failMaster(m)
		c.edit(s, m)
		s.net.run(1300)
		log := s.logged()
		if s.asked() || strings.Contains(log, "Start of election") || !strings.Contains(log, c.log) {
			t.Errorf("%s: log:\n%s", c.name, log)
		}
	}
}

func TestOldDataIsFineWithoutValidityFactor(t *testing.T) {
	s, m := newReplica(t)
	s.failMaster(m)
	s.n.set.ReplicaValidityFactor = 0
	s.n.report.MasterSeen = 0
	s.net.run(1300)
	if !s.asked() {
		t.Error("no votes asked for")
	}
}

func TestRankAddsDelay(t *testing.T) {
	s, m := newReplica(t)
	r := s.know('r')
	s.n.setFlags(r, flagReplica, ^bus.NodeFlags(0))
	r.master = m
	s.n.addReplica(m, r)
	s.failMaster(m)
	s.step(Tick{})
	r.replOffset = 200 // it turns out to have more data
	s.net.run(200)
	if log := s.logged(); !strings.Contains(log, "Replica rank updated to #1, added 1000 milliseconds of delay.") {
		t.Fatalf("log:\n%s", log)
	}
	s.net.run(1200)
	if s.asked() {
		t.Fatal("votes asked for before 1500 ms")
	}
	s.net.run(800)
	if !s.asked() {
		t.Fatal("no votes asked for")
	}
}

func TestElectionExpiresAndIsTriedAgain(t *testing.T) {
	s, m := newReplica(t)
	s.failMaster(m)
	s.net.run(1300)
	if !s.asked() {
		t.Fatal("no votes asked for")
	}
	s.net.run(2500)
	if log := s.logged(); !strings.Contains(log, "Failover attempt expired.") || !strings.Contains(log, "Needed quorum: 1.") {
		t.Errorf("log:\n%s", log)
	}
	first := s.n.currentEpoch
	s.net.run(3500)
	if !s.asked() || s.n.currentEpoch <= first {
		t.Error("no second attempt in a new epoch")
	}
}

func TestManualFailoverTimesOut(t *testing.T) {
	net := newNet(t, 4)
	net.meet()
	net.shareSlots(3)
	net.run(3000)
	a, r := net.hosts[0], net.hosts[3]
	r.do(Replicate{Node: a.id()})
	net.run(3000)
	a.step(Report{ReplOffset: 70})
	r.step(Report{ReplOffset: 60, MasterLinkUp: true, MasterSeen: net.now})
	r.do(Failover{})
	net.run(5500)
	if r.n.myself.isMaster() || r.n.manual.end != 0 || a.n.manual.end != 0 {
		t.Error("the manual failover did not end")
	}
	if _, ok := a.data[len(a.data)-1].(ResumeWrites); !ok {
		t.Errorf("data operations of the master: %v", a.data)
	}
}

// A replica that waits for data has nothing to do meanwhile: a driver that performs effects
// until there are none must come to an end.
func TestManualFailoverWaitsWithoutWork(t *testing.T) {
	s, m := newReplica(t)
	s.do(Failover{})
	s.recv(s.accept(), packet('m', func(p *bus.Packet, _ *bus.Ping) {
		p.MFlags[0] |= bus.MFlagPaused
		p.Offset, p.ConfigEpoch, p.Slots = 170, 3, *m.owned()
	}))
	if s.n.manual.masterOffset != 170 {
		t.Fatalf("the master's offset is %d, want 170", s.n.manual.masterOffset)
	}
	if s.n.HasReady() || s.asked() {
		t.Fatal("there is something to do before the data has come")
	}
	s.step(Report{ReplOffset: 170, MasterLinkUp: true, MasterSeen: s.net.now})
	for s.n.HasReady() {
		s.perform()
	}
	if !s.asked() {
		t.Error("no votes asked for although all was read")
	}
}

// Votes are asked for in a manual failover while work that was put off is done; the epoch is durable
// before the request leaves all the same.
func TestManualFailoverSavesBeforeItAsks(t *testing.T) {
	s, _ := newReplica(t)
	if _, err := s.n.Do(s.net.now, Failover{Option: FailoverForce}); err != nil {
		t.Fatal(err)
	}
	asked := false
	for range 3 {
		if err := s.n.Step(s.net.now, Tick{}); err != nil {
			t.Fatal(err)
		}
		for s.n.HasReady() {
			rd := s.n.Ready()
			if err := checkReady(s.n, &rd); err != nil {
				t.Fatal(err)
			}
			for _, snd := range rd.Send {
				asked = asked || frameType(snd.Frame) == bus.TypeAuthRequest
			}
		}
	}
	if !asked {
		t.Error("no votes asked for")
	}
}

func TestReplicaOfReplicaMovesUp(t *testing.T) {
	s, m := newReplica(t)
	v := s.know('x')
	s.recv(s.accept(), packet('m', func(p *bus.Packet, _ *bus.Ping) {
		p.ReplicaOf, p.ConfigEpoch = v.id, 3
	}))
	// The next claim of slots makes this node look at its master's master.
	s.recv(s.accept(), packet('v', func(p *bus.Packet, _ *bus.Ping) { p.Slots.Add(1); p.ConfigEpoch = 9 }))
	if s.n.myself.master != v {
		t.Errorf("after %s became a replica of %s:\n%s", m.id, v.id, s.nodes())
	}
}

func TestFailedReplicaIsClearedAtOnce(t *testing.T) {
	for _, slots := range []int{0, 5} {
		s := newStage(t)
		p := s.know('p')
		for i := range slots {
			s.n.addSlot(p, uint16(i))
		}
		l := s.reach(p)
		s.n.setFlags(p, bus.FlagFail, 0)
		p.failTime = s.net.now
		pong := packet('p', func(p *bus.Packet, _ *bus.Ping) {
			p.Type = bus.TypePong
			for i := range slots {
				p.Slots.Add(uint16(i))
			}
		})
		s.recv(l, pong)
		if cleared := !p.failed(); cleared != (slots == 0) {
			t.Errorf("%d slots: cleared at once %v", slots, cleared)
		}
		s.net.now += 2001
		s.recv(l, pong)
		if p.failed() {
			t.Errorf("%d slots: not cleared after twice the timeout", slots)
		}
	}
}
