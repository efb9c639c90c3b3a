package main

import (
	"github.com/slotdiff/slotdiff/harness/puppet"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// scenes is everything that is captured.
var scenes = []scene{
	{"gossip", gossip},
	{"failure", failureDetection},
	{"state", clusterState},
	{"links", unconnected},
	{"publish", publish},
	{"update", update},
	{"vote", vote},
	{"election", election},
	{"manual", manualFailover},
}

// flagged wants a gossip entry about id with all the flags.
func flagged(id bus.ID, flags bus.NodeFlags) func(*bus.Packet, *bus.Ping) bool {
	return func(_ *bus.Packet, p *bus.Ping) bool {
		for _, g := range p.Gossip {
			if g.ID == id && g.Flags.Has(flags) {
				return true
			}
		}
		return false
	}
}

// gossip: MEET, PING and PONG, from the barest to three gossip entries and every extension.
func gossip(s *stage) {
	a := s.node("a")
	p := s.puppet("p")
	s.send(p, a, []string{"PING"})
	s.capture("pong_unknown", s.await(p, bus.TypePong, puppet.Out, nil),
		"a PING from a node that Redis does not know: it answers, without gossip and extensions")

	a.meet(p)
	s.capture("meet", s.await(p, bus.TypeMeet, puppet.In, nil), "CLUSTER MEET")
	s.capture("ping", s.await(p, bus.TypePing, puppet.In, nil),
		"Redis knows one other node, which has not announced that it understands extensions")

	a.do("CONFIG", "SET", "cluster-announce-hostname", "h.example")
	a.do("CONFIG", "SET", "cluster-announce-human-nodename", "blue")
	forgotten := s.puppet("forgotten")
	q := s.puppet("q", "mflags=ext")
	for _, other := range []*puppet.Puppet{q, s.puppet("r"), s.puppet("t"), forgotten} {
		a.meet(other)
	}
	s.send(q, a, []string{"PING"})
	s.capture("pong_gossip", s.ask(p, a,
		func(_ *bus.Packet, b *bus.Ping) bool { return len(b.Gossip) > 0 }),
		"a PING from a known node that has not announced that it understands extensions; Redis knows others")

	s.must(p.Set("mflags=ext"))
	s.capture("pong_extensions", s.ask(p, a,
		func(_ *bus.Packet, b *bus.Ping) bool { return len(b.Exts) == 4 }),
		"a PING whose sender sets the ext message flag; hostname and node name are set in the configuration")

	a.do("CLUSTER", "FORGET", forgotten.ID().String())
	s.capture("ping_full", s.await(p, bus.TypePing, puppet.In,
		func(h *bus.Packet, b *bus.Ping) bool {
			return len(b.Gossip) == 3 && len(b.Exts) == 5 && flagged(q.ID(), bus.FlagExtensions)(h, b)
		}),
		"after CLUSTER FORGET of a node; the peer understands extensions and Redis knows three others, of which one does too")
	s.capture("pong_full", s.ask(p, a,
		func(_ *bus.Packet, b *bus.Ping) bool { return len(b.Gossip) == 3 && len(b.Exts) == 5 }),
		"the same as an answer to a PING")
}

// failureDetection: a node falls silent; PFAIL in gossip, then FAIL.
func failureDetection(s *stage) {
	a := s.node("a", [2]string{"cluster-node-timeout", "500"})
	a.do("CLUSTER", "ADDSLOTSRANGE", "0", "100")
	p := s.puppet("p", "slots=101-200", "currentEpoch=2", "configEpoch=1")
	q := s.puppet("q", "slots=201-300", "currentEpoch=2", "configEpoch=2")
	a.meet(p)
	a.meet(q)
	a.knows(p.ID(), "101-200")
	a.knows(q.ID(), "201-300")

	s.must(q.Set("auto=off"))
	s.capture("ping_pfail", s.await(p, bus.TypePing, puppet.In, flagged(q.ID(), bus.FlagPFail)),
		"another node has not answered for longer than cluster-node-timeout")

	s.send(p, a, []string{"PING"},
		"gossip "+q.ID().String()+" addr=127.0.0.1:1@1 flags=master,pfail")
	s.capture("fail", s.await(p, bus.TypeFail, puppet.In, nil),
		"two of three masters, Redis and the peer, cannot reach the third")
	s.capture("ping_fail", s.await(p, bus.TypePing, puppet.In, flagged(q.ID(), bus.FlagFail)),
		"another node has failed")
}

// clusterState: all slots are served, so the sender's view is ok.
func clusterState(s *stage) {
	a := s.node("a")
	a.do("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	p := s.puppet("p")
	a.meet(p)
	s.capture("ping_state_ok", s.await(p, bus.TypePing, puppet.In,
		func(h *bus.Packet, _ *bus.Ping) bool { return h.State == bus.StateOK }),
		"Redis serves all slots and has been up for two seconds")
}

// unconnected: Redis gossips a node with flags that it took over from another's gossip.
func unconnected(s *stage) {
	a := s.node("a")
	p := s.puppet("p")
	a.meet(p)
	gone := puppet.ID(0, "gone")
	s.send(p, a, []string{"PING"}, "gossip "+gone.String()+" addr=127.0.0.1:1@10001 flags=master,meet")
	a.knows(gone)
	s.send(p, a, []string{"UPDATE", "about=" + gone.String(), "about.configEpoch=1", "about.slots=7"})
	a.knows(gone, " 7")
	s.capture("pong_meet_flag", s.ask(p, a,
		flagged(gone, bus.FlagMeet)),
		"the flags of an unreachable slot owner were taken over from the peer's gossip, where it stood as meet")
}

// publish: PUBLISH to every node, PUBLISHSHARD within the shard.
func publish(s *stage) {
	a := s.node("a")
	a.do("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	r := s.puppet("r", "role=replica", "replicaof="+a.id().String(), "slots=0-16383", "mflags=ext",
		"shardid="+a.do("CLUSTER", "MYSHARDID"))
	a.meet(r)
	a.knows(r.ID(), "slave "+a.id().String())
	s.capture("ping_migrate_to", s.await(r, bus.TypePing, puppet.In,
		func(h *bus.Packet, _ *bus.Ping) bool { return h.Flags.Has(bus.FlagMigrateTo) }),
		"Redis is a master with a replica")

	a.until("state ok", func(info string) bool { return len(info) > 16 && info[:16] == "cluster_state:ok" }, "CLUSTER", "INFO")
	a.do("PUBLISH", "news", "hello")
	s.capture("publish", s.await(r, bus.TypePublish, puppet.In, nil), "PUBLISH news hello")
	a.do("SPUBLISH", "news", "hello shard")
	s.capture("publishshard", s.await(r, bus.TypePublishShard, puppet.In, nil),
		"SPUBLISH news \"hello shard\", as the owner of the slot, to a replica of the same shard")
}

// update: a claim with an epoch that is too old is answered by UPDATE.
func update(s *stage) {
	a := s.node("a")
	a.do("CLUSTER", "SET-CONFIG-EPOCH", "5")
	a.do("CLUSTER", "ADDSLOTSRANGE", "0", "100")
	p := s.puppet("p", "currentEpoch=5", "configEpoch=1")
	a.meet(p)
	s.must(p.Set("slots=50"))
	s.send(p, a, []string{"PING"})
	s.capture("update", s.await(p, bus.TypeUpdate, puppet.In, nil),
		"a peer with config epoch 1 claims a slot that Redis owns with config epoch 5")
}

// vote: Redis, a master, votes for a replica of another.
func vote(s *stage) {
	a := s.node("a")
	a.do("CLUSTER", "ADDSLOTSRANGE", "0", "100")
	p := s.puppet("p", "slots=101-200", "currentEpoch=2", "configEpoch=2")
	r := s.puppet("r", "role=replica", "replicaof="+p.ID().String(), "slots=101-200", "currentEpoch=2", "configEpoch=2")
	a.meet(p)
	a.knows(p.ID(), "101-200")
	a.meet(r)
	a.knows(r.ID(), "slave "+p.ID().String())
	s.send(r, a, []string{"FAILOVER_AUTH_REQUEST", "currentEpoch=3", "mflags=forceack"})
	s.capture("failover_auth_ack", s.await(r, bus.TypeAuthAck, puppet.In, nil),
		"a replica of another master asks for Redis's vote with the forceack message flag")
}

// replicaOf starts a real node that is a replica of a puppet with slots.
func replicaOf(s *stage, p *puppet.Puppet, directives ...[2]string) *server {
	b := s.node("b", directives...)
	b.meet(p)
	b.knows(p.ID(), "101-200")
	b.do("CLUSTER", "REPLICATE", p.ID().String())
	return b
}

// election: Redis, a replica, asks for votes, forced and because its master has failed.
func election(s *stage) {
	p := s.puppet("p", "slots=101-200", "currentEpoch=2", "configEpoch=2")
	b := replicaOf(s, p, [2]string{"cluster-replica-no-failover", "yes"})
	s.capture("ping_replica", s.await(p, bus.TypePing, puppet.In,
		func(h *bus.Packet, _ *bus.Ping) bool { return h.Flags.Has(bus.FlagReplica | bus.FlagNoFailover) }),
		"Redis is a replica of the peer and has cluster-replica-no-failover set")
	b.do("CLUSTER", "FAILOVER", "FORCE")
	s.capture("failover_auth_request", s.await(p, bus.TypeAuthRequest, puppet.In, nil), "CLUSTER FAILOVER FORCE")
}

// manualFailover: MFSTART from a replica, and the answer of a master.
func manualFailover(s *stage) {
	p := s.puppet("p", "slots=101-200", "currentEpoch=2", "configEpoch=2")
	b := replicaOf(s, p)
	b.do("CLUSTER", "FAILOVER")
	s.capture("mfstart", s.await(p, bus.TypeMFStart, puppet.In, nil), "CLUSTER FAILOVER on a replica of the peer")

	a := s.node("a")
	a.do("CLUSTER", "ADDSLOTSRANGE", "0", "100")
	r := s.puppet("r", "role=replica", "replicaof="+a.id().String(), "slots=0-100")
	a.meet(r)
	a.knows(r.ID(), "slave "+a.id().String())
	s.send(r, a, []string{"MFSTART"})
	s.capture("ping_paused", s.await(r, bus.TypePing, "",
		func(h *bus.Packet, _ *bus.Ping) bool { return h.MFlags.Has(bus.MFlagPaused) }),
		"a replica of Redis has sent MFSTART, so writes are paused")
}
