package cluster

import (
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// Texts and order of checks as redis-server 8.6.3 gave them.
func TestRefusals(t *testing.T) {
	net := newNet(t, 3)
	a, b, r := net.hosts[0], net.hosts[1], net.hosts[2]
	net.meet()
	net.run(2000)
	r.do(Replicate{Node: a.id()})
	net.until(3000, "a and b know the replica", func() bool {
		return a.n.lookup(r.n.ID()).isReplica() && b.n.lookup(r.n.ID()).isReplica()
	})
	a.do(AddSlots{Slots: []int{1}})
	net.run(2000)
	unknown := strings.Repeat("0", bus.IDLen)
	for _, c := range []struct {
		on   *host
		req  Request
		want string
	}{
		{a, Meet{IP: "127.0.0.1", Port: 0, CPort: 10000}, "ERR Invalid node address specified: 127.0.0.1:0"},
		{a, Meet{IP: "127.0.0.1", Port: 70000, CPort: 80000}, "ERR Invalid node address specified: 127.0.0.1:70000"},
		{a, Meet{IP: "127.0.0.1", Port: 60000, CPort: 70000}, "ERR Invalid node address specified: 127.0.0.1:60000"},
		{a, Meet{IP: "fe80::1%lo", Port: 7001, CPort: 17001}, "ERR Invalid node address specified: fe80::1%lo:7001"},
		{a, Meet{IP: "01.2.3.4", Port: 7001, CPort: 17001}, "ERR Invalid node address specified: 01.2.3.4:7001"},
		{a, Meet{IP: "local\r\nhost", Port: 7001, CPort: 17001}, "ERR Invalid node address specified: local  host:7001"},

		{a, AddSlots{Slots: []int{2, 2}}, "ERR Slot 2 specified multiple times"},
		{a, AddSlots{Slots: []int{1, BadSlot}}, "ERR Invalid or out of range slot"},
		{a, AddSlots{Slots: []int{1}}, "ERR Slot 1 is already busy"},
		{a, DelSlots{Slots: []int{2}}, "ERR Slot 2 is already unassigned"},
		{a, DelSlots{Slots: []int{1, 1}}, "ERR Slot 1 specified multiple times"},
		{a, AddSlotsRange{Ranges: []Range{{0, 3}, {BadSlot, 4}}}, "ERR Slot 1 is already busy"},
		{a, AddSlotsRange{Ranges: []Range{{5, 6}, {BadSlot, 4}}}, "ERR Invalid or out of range slot"},
		{a, AddSlotsRange{Ranges: []Range{{5, 3}}}, "ERR start slot number 5 is greater than end slot number 3"},
		{a, AddSlotsRange{Ranges: []Range{{5, 8}, {8, 9}}}, "ERR Slot 8 specified multiple times"},
		{a, DelSlotsRange{Ranges: []Range{{1, 2}}}, "ERR Slot 2 is already unassigned"},
		{a, FlushSlots{Keys: 1}, "ERR DB must be empty to perform CLUSTER FLUSHSLOTS."},

		{r, SetSlot{Slot: BadSlot}, "ERR Please use SETSLOT only with masters."},
		{a, SetSlot{Slot: BadSlot}, "ERR Invalid or out of range slot"},
		{a, SetSlot{Slot: 1}, "ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP"},
		{a, SetSlot{Slot: 2, Action: SetSlotMigrating, Node: unknown}, "ERR I'm not the owner of hash slot 2"},
		{a, SetSlot{Slot: 1, Action: SetSlotMigrating, Node: unknown}, "ERR I don't know about node " + unknown},
		{a, SetSlot{Slot: 1, Action: SetSlotMigrating, Node: r.id()}, "ERR Target node is not a master"},
		{a, SetSlot{Slot: 1, Action: SetSlotImporting, Node: unknown}, "ERR I'm already the owner of hash slot 1"},
		{a, SetSlot{Slot: 2, Action: SetSlotImporting, Node: "abc"}, "ERR I don't know about node abc"},
		{a, SetSlot{Slot: 2, Action: SetSlotImporting, Node: r.id()}, "ERR Target node is not a master"},
		{a, SetSlot{Slot: 1, Action: SetSlotNode, Node: "abc\x00def"}, "ERR Unknown node abc"},
		{a, SetSlot{Slot: 1, Action: SetSlotNode, Node: r.id()}, "ERR Target node is not a master"},
		{
			a,
			SetSlot{Slot: 1, Action: SetSlotNode, Node: b.id(), Keys: 1},
			"ERR Can't assign hashslot 1 to a different node while I still hold keys for this hash slot.",
		},

		{a, SetConfigEpoch{Epoch: -1}, "ERR Invalid config epoch specified: -1"},
		{a, SetConfigEpoch{Epoch: 5}, "ERR The user can assign a config epoch only when the node does not know any other node."},
		{a, Forget{Node: unknown}, "ERR Unknown node " + unknown},
		{a, Forget{Node: a.id()}, "ERR I tried hard but I can't forget myself..."},
		{r, Forget{Node: a.id()}, "ERR Can't forget my master!"},
		{a, Replicate{Node: unknown}, "ERR Unknown node " + unknown},
		{a, Replicate{Node: a.id()}, "ERR Can't replicate myself"},
		{b, Replicate{Node: r.id()}, "ERR I can only replicate a master, not a replica."},
		{a, Replicate{Node: b.id()}, "ERR To set a master the node must be empty and without assigned slots."},
		{b, Replicate{Node: a.id(), Keys: 1}, "ERR To set a master the node must be empty and without assigned slots."},
		{a, CountFailureReports{Node: unknown}, "ERR Unknown node " + unknown},
		{a, Failover{}, "ERR You should send CLUSTER FAILOVER to a replica"},
		{a, Reset{Keys: 1}, "ERR CLUSTER RESET can't be called with master nodes containing keys"},
		{a, KillLink{Direction: LinkAll, Node: "abc"}, "ERR Unknown node abc"},
	} {
		before := c.on.nodes()
		got := c.on.try(c.req)
		if got.Kind != AnswerError || got.Text != c.want {
			t.Errorf("%s %#v:\ngot  %q\nwant %q", c.on.name, c.req, got.Text, c.want)
		}
		if after := c.on.nodes(); after != before {
			t.Errorf("%s %#v was refused and changed\n%s\nto\n%s", c.on.name, c.req, before, after)
		}
	}
	a.down = true
	for id := range a.links {
		a.hangUp(id)
	}
	net.settle()
	if got := r.try(Failover{}); got.Text != "ERR Master is down or failed, please use CLUSTER FAILOVER FORCE" {
		t.Errorf("CLUSTER FAILOVER without a master: %q", got.Text)
	}
	r.n.myself.master, r.n.orphans.stale = nil, true
	if got := r.try(Failover{}); got.Text != "ERR I'm a replica but my master is unknown to me" {
		t.Errorf("CLUSTER FAILOVER with an unknown master: %q", got.Text)
	}
}

func TestEpochCommands(t *testing.T) {
	net := newNet(t, 1)
	a := net.hosts[0]
	if got := a.do(BumpEpoch{}); got.Text != "BUMPED 1" {
		t.Errorf("first: %q", got.Text)
	}
	if got := a.do(BumpEpoch{}); got.Text != "STILL 1" {
		t.Errorf("second: %q", got.Text)
	}
	if got := a.try(SetConfigEpoch{Epoch: 7}); got.Text != "ERR Node config epoch is already non-zero" {
		t.Errorf("after a bump: %q", got.Text)
	}
	a.do(Reset{Hard: true})
	a.do(SetConfigEpoch{Epoch: 7})
	if !strings.Contains(string(a.saved), "vars currentEpoch 7 lastVoteEpoch 0\n") {
		t.Errorf("saved:\n%s", a.saved)
	}
	if a.n.currentEpoch = 1<<64 - 1; a.do(BumpEpoch{}).Text != "STILL 7" {
		t.Error("the last epoch was bumped")
	}
}

func TestReset(t *testing.T) {
	net := newNet(t, 3)
	a, r := net.hosts[0], net.hosts[2]
	net.meet()
	net.shareSlots(2)
	r.do(Replicate{Node: a.id()})
	net.run(1000)
	r.data = nil
	oldID, oldEpoch := r.id(), r.n.currentEpoch
	r.do(Reset{Keys: 3})
	if r.id() != oldID || len(r.n.peers) != 1 || r.n.myself.isReplica() || r.n.currentEpoch != oldEpoch {
		t.Errorf("after a soft reset:\n%s", r.nodes())
	}
	var empty, unfollow bool
	for _, op := range r.data {
		switch op.(type) {
		case EmptyData:
			empty = true
		case Unfollow:
			unfollow = true
		}
	}
	if !empty || !unfollow {
		t.Errorf("data operations of a reset replica: %v", r.data)
	}
	r.do(Reset{Hard: true})
	if r.id() == oldID || r.n.currentEpoch != 0 || r.n.lookupArg(r.id()) != r.n.myself {
		t.Errorf("after a hard reset:\n%s", r.nodes())
	}
}

func TestSetSlotNodeTurnsEmptyMasterIntoReplica(t *testing.T) {
	for _, allow := range []bool{true, false} {
		net := newNet(t, 2, func(s *Settings) { s.AllowReplicaMigration = allow })
		a, b := net.hosts[0], net.hosts[1]
		net.meet()
		a.do(AddSlots{Slots: []int{9}})
		net.run(2000)
		a.do(SetSlot{Slot: 9, Action: SetSlotNode, Node: b.id()})
		if got := a.n.myself.isReplica(); got != allow {
			t.Errorf("cluster-allow-replica-migration %v: replica %v", allow, got)
		}
	}
}

func TestClaimUnassigned(t *testing.T) {
	net := newNet(t, 2)
	a, b := net.hosts[0], net.hosts[1]
	net.meet()
	b.do(AddSlots{Slots: []int{2}})
	net.run(2000)
	a.do(SetSlot{Slot: 3, Action: SetSlotImporting, Node: b.id()})
	var c Claim
	c.Populated.AddRange(1, 4)
	a.do(c)
	if got := a.n.myself.slots.String(); got != "1,4" {
		t.Errorf("claimed %s, want 1,4", got)
	}
}

func TestPublish(t *testing.T) {
	net := newNet(t, 4)
	a, b, r := net.hosts[0], net.hosts[1], net.hosts[2]
	net.meet()
	net.run(2000)
	r.do(Replicate{Node: a.id()})
	net.run(2000)
	a.do(Publish{Channel: []byte("ch"), Message: []byte("all")})
	a.do(Publish{Channel: []byte("ch"), Message: []byte("shard"), Shard: true})
	got := map[string]string{}
	for _, h := range net.hosts {
		for _, op := range h.data {
			if d, ok := op.(Deliver); ok {
				got[h.name] += string(d.Channel) + ":" + string(d.Message) + " "
			}
		}
	}
	if got["a"] != "" || got[b.name] != "ch:all " || got[r.name] != "ch:all ch:shard " || got["d"] != "ch:all " {
		t.Errorf("delivered %v", got)
	}
}

func TestManualFailover(t *testing.T) {
	for _, option := range []FailoverOption{FailoverDefault, FailoverForce, FailoverTakeover} {
		net := newNet(t, 4)
		net.meet()
		net.shareSlots(3)
		net.run(3000)
		a, r := net.hosts[0], net.hosts[3]
		r.do(Replicate{Node: a.id()})
		net.run(3000)
		slots := a.n.Owned()
		a.step(Report{ReplOffset: 70})
		r.step(Report{ReplOffset: 60, MasterLinkUp: true, MasterSeen: net.now})
		r.do(Failover{Option: option})
		if option == FailoverDefault {
			net.run(1000)
			if _, paused := a.data[len(a.data)-1].(PauseWrites); !paused || r.n.myself.isMaster() {
				t.Errorf("before the replica read all: %v, replica is master %v", a.data, r.n.myself.isMaster())
			}
			r.step(Report{ReplOffset: 70, MasterLinkUp: true, MasterSeen: net.now})
		}
		net.until(5000, "the replica took over", func() bool { return r.n.myself.isMaster() && a.n.myself.isReplica() })
		if r.n.Owned() != slots || a.n.myself.master.id != r.n.ID() {
			t.Errorf("option %d:\n%s", option, net.dump())
		}
	}
}

func TestReplicaMigration(t *testing.T) {
	net := newNet(t, 5, func(s *Settings) { s.RequireFullCoverage = false })
	net.meet()
	net.shareSlots(2)
	net.run(3000)
	a, b := net.hosts[0], net.hosts[1]
	net.hosts[2].do(Replicate{Node: a.id()})
	net.hosts[3].do(Replicate{Node: a.id()})
	net.hosts[4].do(Replicate{Node: b.id()})
	net.run(5000)
	orphan := net.hosts[4]
	orphan.down = true
	for id := range orphan.links {
		orphan.hangUp(id)
	}
	net.until(30_000, "a replica moved to b", func() bool { return len(b.n.myself.replicas) == 2 })
	if got := a.n.myself.workingReplicas(); got != 1 {
		t.Errorf("a has %d replicas left, want 1", got)
	}
}
