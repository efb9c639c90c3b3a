package cluster

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slotdiff/slotdiff/node/nodesconf"
	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

func TestTwoNodesMeet(t *testing.T) {
	net := newNet(t, 2)
	a, b := net.hosts[0], net.hosts[1]
	net.meet()
	net.run(3000)
	want := "$a 10.0.0.1:7001@17001 myself,master - - - 0 connected\n$b 10.0.0.2:7002@17002 master - - - 0 connected"
	// Both start with config epoch 0, so the smaller id has moved to 1.
	if a.id() < b.id() {
		want = strings.Replace(want, "- - - 0", "- - - 1", 1)
	} else {
		want = strings.Replace(want, "master - - - 0 connected\n$b 10.0.0.2:7002@17002 master - - - 0",
			"master - - - 0 connected\n$b 10.0.0.2:7002@17002 master - - - 1", 1)
	}
	if diff := cmp.Diff(want, a.nodes()); diff != "" {
		t.Errorf("CLUSTER NODES of a (-want +got):\n%s", diff)
	}
	if a.wrote[0].Type != bus.TypeMeet {
		t.Errorf("the first packet of a is a %s, want MEET", a.wrote[0].Type)
	}
	if a.n.secret != b.n.secret {
		t.Error("the nodes do not share the internal secret")
	}
}

func TestFirstPongToUnknownCarriesNothing(t *testing.T) {
	net := newNet(t, 2)
	net.meet()
	for _, p := range net.hosts[1].wrote {
		if p.Type == bus.TypePong {
			body := p.Body.(*bus.Ping)
			if len(body.Exts) != 0 || len(body.Gossip) != 0 || !p.MFlags.Has(bus.MFlagExtData) {
				t.Errorf("first PONG: %d extensions, %d gossip, mflags %x; want 0, 0, EXT_DATA",
					len(body.Exts), len(body.Gossip), p.MFlags)
			}
			return
		}
	}
	t.Fatal("b never sent a PONG")
}

func TestExtensionsOrder(t *testing.T) {
	net := newNet(t, 3, func(s *Settings) { s.AnnounceHostname, s.AnnounceNodename = "h.example", "human" })
	a, b, c := net.hosts[0], net.hosts[1], net.hosts[2]
	net.meet()
	net.run(2000)
	a.do(Forget{Node: c.id()})
	a.wrote = nil
	net.run(2000)
	for _, p := range a.wrote {
		body := p.Body.(*bus.Ping)
		if len(body.Exts) == 0 {
			continue
		}
		var got []bus.ExtType
		for i := range body.Exts {
			got = append(got, body.Exts[i].Type)
		}
		want := []bus.ExtType{bus.ExtHostname, bus.ExtNodename, bus.ExtForgotten, bus.ExtShardID, bus.ExtSecret}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("extensions (-want +got):\n%s", diff)
		}
		if b.n.lookup(c.n.ID()) != nil {
			t.Error("b still knows c, which a forgot")
		}
		if p := b.n.lookup(a.n.ID()); p.hostname != "h.example" || p.nodename != "human" {
			t.Errorf("b knows a as %q, %q", p.hostname, p.nodename)
		}
		return
	}
	t.Fatal("a sent no extensions")
}

func TestThreeNodesConverge(t *testing.T) {
	net := newNet(t, 3)
	net.meet()
	net.shareSlots(3)
	epochs := map[uint64]bool{}
	net.until(20_000, "distinct epochs", func() bool {
		clear(epochs)
		for _, h := range net.hosts {
			epochs[h.n.myself.configEpoch] = true
		}
		return len(epochs) == 3
	})
	net.run(3000)
	for _, h := range net.hosts {
		for _, other := range net.hosts {
			p := h.n.lookup(other.n.ID())
			if *p.owned() != other.n.Owned() {
				t.Errorf("%s thinks that %s owns %s, it owns %s", h.name, other.name, p.owned(), other.n.myself.owned())
			}
			if p.configEpoch != other.n.myself.configEpoch {
				t.Errorf("%s knows epoch %d of %s, which has %d", h.name, p.configEpoch, other.name, other.n.myself.configEpoch)
			}
			if p.shardID != other.n.myself.shardID {
				t.Errorf("%s knows shard %s of %s, which is in %s", h.name, p.shardID, other.name, other.n.myself.shardID)
			}
		}
		if h.n.size != 3 {
			t.Errorf("%s counts %d masters", h.name, h.n.size)
		}
	}
}

func TestWritableDelay(t *testing.T) {
	net := newNet(t, 1)
	a := net.hosts[0]
	net.run(500)
	a.do(AddSlotsRange{Ranges: []Range{{0, 16383}}})
	begun := net.now - 500
	net.until(10_000, "up", func() bool { return a.n.State() == bus.StateOK })
	// Counting starts with the first tick. While a master waits nobody is counted, so no
	// minority is noted, and the rejoin delay does not come on top.
	if took := net.now - begun; took < 2000 || took > 2200 {
		t.Errorf("up after %d ms, want 2000 to 2200", took)
	}
}

func TestRejoinDelay(t *testing.T) {
	net := newNet(t, 1, func(s *Settings) { s.NodeTimeout = 3000 })
	a := net.hosts[0]
	net.run(5000) // without slots it is a minority, noted with every tick
	a.do(AddSlotsRange{Ranges: []Range{{0, 16383}}})
	begun := net.now
	net.until(10_000, "up", func() bool { return a.n.State() == bus.StateOK })
	if took := net.now - begun; took < 2800 || took > 3200 {
		t.Errorf("up after %d ms, want about the node timeout of 3000", took)
	}
}

func TestCoverage(t *testing.T) {
	net := newNet(t, 1)
	a := net.hosts[0]
	a.do(AddSlotsRange{Ranges: []Range{{0, 16383}}})
	net.until(5000, "up", func() bool { return a.n.State() == bus.StateOK })
	a.do(DelSlots{Slots: []int{5}})
	if a.n.State() != bus.StateFail {
		t.Error("up without slot 5")
	}
	set := a.n.set
	set.RequireFullCoverage = false
	a.do(Configure{Settings: set})
	net.until(5000, "up without full coverage", func() bool { return a.n.State() == bus.StateOK })
}

func TestHigherEpochTakesSlots(t *testing.T) {
	net := newNet(t, 2)
	a, b := net.hosts[0], net.hosts[1]
	net.meet()
	net.shareSlots(2)
	net.run(3000)
	a.do(SetSlot{Slot: 100, Action: SetSlotMigrating, Node: b.id()})
	b.do(SetSlot{Slot: 100, Action: SetSlotImporting, Node: a.id()})
	before := b.n.myself.configEpoch
	b.do(SetSlot{Slot: 100, Action: SetSlotNode, Node: b.id()})
	if after := b.n.myself.configEpoch; after <= before && before != b.n.currentEpoch {
		t.Errorf("config epoch of b went from %d to %d", before, after)
	}
	net.until(5000, "a gave slot 100 up", func() bool { return !a.n.myself.slots.Has(100) })
	if !strings.Contains(a.nodes(), "[100->-$b]") {
		t.Errorf("a no longer lists the open slot:\n%s", a.nodes())
	}
	dropped := slot.Set{}
	for _, op := range a.data {
		if d, ok := op.(DropKeys); ok {
			dropped = dropped.Union(&d.Slots)
		}
	}
	if want := (slot.Set{}); dropped == want || !dropped.Has(100) || dropped.Len() != 1 {
		t.Errorf("a drops the keys of %s, want 100", dropped)
	}
}

// A PONG is built before the claims of its PING are believed.
func TestPongCarriesOldSlots(t *testing.T) {
	net := newNet(t, 2)
	a, b := net.hosts[0], net.hosts[1]
	net.meet()
	a.do(AddSlots{Slots: []int{1, 2}})
	b.n.addSlot(b.n.myself, 1)
	b.n.currentEpoch, b.n.myself.configEpoch = 50, 50
	a.wrote = nil
	b.n.sendPing(b.n.lookup(a.n.ID()).out, bus.TypePing)
	b.perform()
	net.settle()
	if len(a.wrote) == 0 || a.wrote[0].Type != bus.TypePong {
		t.Fatalf("a answered with %v", a.wrote)
	}
	if got := a.wrote[0].Slots.String(); got != "1-2" {
		t.Errorf("PONG claims %s, want 1-2", got)
	}
	if got := a.n.myself.slots.String(); got != "2" {
		t.Errorf("a owns %s, want 2", got)
	}
}

func TestStaleClaimGetsUpdate(t *testing.T) {
	net := newNet(t, 2)
	a, b := net.hosts[0], net.hosts[1]
	net.meet()
	net.run(3000)
	a.do(AddSlots{Slots: []int{7}})
	a.do(BumpEpoch{})
	a.do(BumpEpoch{})
	net.run(2000)
	// b claims what a owns at a higher epoch.
	b.n.delSlot(7)
	b.n.addSlot(b.n.myself, 7)
	b.n.lookup(a.n.ID()).configEpoch = 0
	a.wrote = nil
	b.n.sendPing(b.n.lookup(a.n.ID()).out, bus.TypePing)
	b.perform()
	net.settle()
	var update *bus.Update
	for _, p := range a.wrote {
		if u, ok := p.Body.(*bus.Update); ok {
			update = u
		}
	}
	if update == nil || update.Node != a.n.ID() || !update.Slots.Has(7) {
		t.Fatalf("a sent %+v, want an UPDATE about itself", update)
	}
}

func TestDeadNodeFails(t *testing.T) {
	net := newNet(t, 4)
	net.meet()
	net.shareSlots(4)
	net.run(3000)
	dead := net.hosts[3]
	dead.down = true
	for id := range dead.links {
		dead.hangUp(id)
	}
	net.until(10_000, "the dead node is FAIL everywhere", func() bool {
		for _, h := range net.hosts[:3] {
			if !h.n.lookup(dead.n.ID()).failed() {
				return false
			}
		}
		return true
	})
	net.until(1000, "down everywhere", func() bool { return net.all(bus.StateFail) })
	if !strings.Contains(net.hosts[0].nodes(), "master,fail -") {
		t.Errorf("CLUSTER NODES:\n%s", net.hosts[0].nodes())
	}
	dead.down = false
	net.until(20_000, "up again", func() bool { return net.all(bus.StateOK) })
}

func TestMinorityStops(t *testing.T) {
	net := newNet(t, 3, func(s *Settings) { s.RequireFullCoverage = false })
	net.meet()
	net.shareSlots(3)
	net.run(3000)
	for _, h := range net.hosts[1:] {
		h.down = true
		for id := range h.links {
			h.hangUp(id)
		}
	}
	a := net.hosts[0]
	net.until(10_000, "alone is down", func() bool { return a.n.State() == bus.StateFail })
	if !strings.Contains(a.nodes(), "fail?") {
		t.Errorf("without a majority nobody can be FAIL:\n%s", a.nodes())
	}
}

func TestHandshakeTimesOut(t *testing.T) {
	net := newNet(t, 1)
	a := net.hosts[0]
	a.do(Meet{IP: "10.0.0.99", Port: 7099, CPort: 17099})
	net.run(500)
	if !strings.Contains(a.nodes(), "handshake") {
		t.Fatalf("no handshake:\n%s", a.nodes())
	}
	net.run(1000)
	if len(a.n.peers) != 1 {
		t.Errorf("after the timeout a knows %d nodes", len(a.n.peers))
	}
	if strings.Contains(string(a.saved), "handshake") {
		t.Errorf("a node in handshake was saved:\n%s", a.saved)
	}
}

func TestForgottenNodeStaysAwayForAMinute(t *testing.T) {
	net := newNet(t, 3)
	a, b, c := net.hosts[0], net.hosts[1], net.hosts[2]
	net.meet()
	net.run(2000)
	c.down = true // or it would tell the others of itself again
	a.do(Forget{Node: c.id()})
	net.run(5000)
	if a.n.lookup(c.n.ID()) != nil || b.n.lookup(c.n.ID()) != nil {
		t.Fatal("c is still known")
	}
	if got := a.try(Forget{Node: strings.ToUpper(c.id())}); got.Err() {
		t.Errorf("forgetting it again: %s", got.Text)
	}
	net.run(62_000)
	if a.n.blacklisted(c.n.ID()) {
		t.Error("c is blacklisted for more than 60 seconds")
	}
}

func TestReplicaFollowsAndFailsOver(t *testing.T) {
	net := newNet(t, 4)
	net.meet()
	net.shareSlots(3)
	net.run(3000)
	a, r := net.hosts[0], net.hosts[3]
	r.do(Replicate{Node: a.id()})
	if got, ok := r.data[len(r.data)-2].(Follow); !ok || got != (Follow{Host: "10.0.0.1", Port: 7001}) {
		t.Errorf("data operations %v, want Follow", r.data)
	}
	net.until(5000, "all know the replica", func() bool {
		for _, h := range net.hosts {
			if p := h.n.lookup(r.n.ID()); !p.isReplica() || p.master == nil || p.master.id != a.n.ID() ||
				p.shardID != a.n.myself.shardID {
				return false
			}
		}
		return true
	})
	if _, ok := r.saved, true; !ok || !strings.Contains(string(r.saved), "myself,slave "+a.id()) {
		t.Errorf("saved:\n%s", r.saved)
	}
	r.step(Report{ReplOffset: 10, MasterLinkUp: true, MasterSeen: net.now})
	slots := a.n.Owned()
	a.down = true
	for id := range a.links {
		a.hangUp(id)
	}
	net.until(20_000, "the replica took over", func() bool { return r.n.myself.isMaster() && net.all(bus.StateOK) })
	if r.n.Owned() != slots {
		t.Errorf("it owns %s, want %s", r.n.myself.owned(), slots)
	}
	a.down = false
	net.until(20_000, "the old master follows", func() bool {
		return a.n.myself.isReplica() && a.n.myself.master.id == r.n.ID()
	})
}

// A node goes on from what redis-server 8.6.3 saved, and saves the same.
func TestStartsFromRealFile(t *testing.T) {
	text, err := os.ReadFile("../nodesconf/testdata/redis-8.6.3.conf")
	if err != nil {
		t.Fatal(err)
	}
	f, err := nodesconf.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	net := newNet(t, 0)
	a := net.addHost(f, func(s *Settings) {
		s.Port, s.AnnounceHostname, s.AnnounceNodename = 17421, "a.example", "node-a"
	})
	fold := func(text []byte) string {
		return strings.ReplaceAll(foldTimes(string(text)), " connected", " disconnected")
	}
	if diff := cmp.Diff(fold(text), fold(a.n.AppendConfig(nil))); diff != "" {
		t.Errorf("nodes.conf (-redis +core):\n%s", diff)
	}
	v := a.n.View()
	if len(v.Shards) != 2 || len(v.Open) != 2 || len(v.Ranges) != 4 {
		t.Errorf("%d shards, %d open slots, %d ranges; want 2, 2, 4", len(v.Shards), len(v.Open), len(v.Ranges))
	}
	for _, sh := range v.Shards {
		if m := v.Nodes[sh.Master]; m.Replica() || m.Slots != sh.Slots {
			t.Errorf("shard %s has the master %s", sh.ID, m.ID)
		}
	}
}

func TestRestart(t *testing.T) {
	net := newNet(t, 2)
	a, b := net.hosts[0], net.hosts[1]
	net.meet()
	net.shareSlots(2)
	net.run(3000)
	a.do(SetSlot{Slot: 3, Action: SetSlotMigrating, Node: b.id()})
	again := restart(t, a)
	want := strings.ReplaceAll(string(a.n.AppendConfig(nil)), " connected", " disconnected")
	got := strings.ReplaceAll(string(again.AppendConfig(nil)), " connected", " disconnected")
	if diff := cmp.Diff(foldTimes(want), foldTimes(got)); diff != "" {
		t.Errorf("nodes.conf of the restarted node (-want +got):\n%s", diff)
	}
	if again.migrating[3] == nil || again.State() != bus.StateFail {
		t.Error("the restarted node lost the open slot, or is up before it counted")
	}
}
