package cluster

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// stage is one core with puppets: known nodes that are nothing but packets.
type stage struct {
	*host
	links uint64
}

func newStage(t *testing.T) *stage {
	net := newNet(t, 1)
	return &stage{host: net.hosts[0]}
}

func puppetID(c byte) bus.ID { return bus.ID(bytes.Repeat([]byte{c}, bus.IDLen)) }

// know makes a puppet a known master.
func (s *stage) know(c byte) *peer {
	p := s.n.newPeer(puppetID(c), flagMaster)
	p.ip, p.port, p.cport = "10.0.0.50", 7050, 17050
	s.n.addPeer(p)
	s.n.addToShard(p.shardID, p)
	return p
}

// accept opens a link to the core.
func (s *stage) accept() LinkID {
	s.links++
	id := Inbound(100 + s.links)
	s.step(LinkUp{Link: id, Local: s.ip, Peer: netip.MustParseAddr("10.0.0.50")})
	return id
}

// packet is a PING in the name of puppet c.
func packet(c byte, edit ...func(*bus.Packet, *bus.Ping)) *bus.Packet {
	body := &bus.Ping{}
	p := &bus.Packet{Header: bus.Header{
		Type: bus.TypePing, Sender: puppetID(c), Port: 7050, CPort: 17050, Flags: flagMaster | bus.FlagMyself,
	}, Body: body}
	p.MFlags[0] = bus.MFlagExtData
	for _, f := range edit {
		f(p, body)
	}
	return p.Seal()
}

func (s *stage) recv(l LinkID, p *bus.Packet) { s.step(Recv{Link: l, Frame: p.Append(nil)}) }

// logged are the records since the last call.
func (s *stage) logged() string {
	var b strings.Builder
	for _, l := range s.log {
		b.WriteString(l.Text + "\n")
	}
	s.log = nil
	return b.String()
}

func withExt(exts ...bus.Extension) func(*bus.Packet, *bus.Ping) {
	return func(_ *bus.Packet, body *bus.Ping) { body.Exts = exts }
}

func withGossip(g ...bus.Gossip) func(*bus.Packet, *bus.Ping) {
	return func(_ *bus.Packet, body *bus.Ping) { body.Gossip = g }
}

// What kills or corrupts real Redis is named in the log and changes nothing else.
func TestUnsafe(t *testing.T) {
	unterminated := bus.Gossip{ID: puppetID('q'), Flags: flagMaster}
	for i := range unterminated.IP {
		unterminated.IP[i] = '1'
	}
	cases := map[Unsafe]func(s *stage){
		UnsafeEpochOverflow: func(s *stage) {
			s.recv(s.accept(), packet('p', func(p *bus.Packet, _ *bus.Ping) { p.CurrentEpoch = 1<<64 - 1 }))
			s.do(BumpEpoch{})
			if s.n.myself.configEpoch != 0 || s.n.currentEpoch != 1<<64-1 {
				s.net.tb.Errorf("epochs %d, %d", s.n.myself.configEpoch, s.n.currentEpoch)
			}
		},
		UnsafeForgetsItself: func(s *stage) {
			s.recv(s.accept(), packet('p', withExt(bus.ForgottenExt(puppetID('p'), 60), bus.HostnameExt("ghost"))))
			if s.n.lookup(puppetID('p')) != nil || !s.n.blacklisted(puppetID('p')) || len(s.n.links) != 0 {
				s.net.tb.Errorf("nodes:\n%s", s.nodes())
			}
		},
		UnsafeOwnMaster: func(s *stage) {
			s.do(AddSlots{Slots: []int{1}})
			s.n.becomeReplicaOf(s.n.lookup(puppetID('p')))
			s.perform()
			if s.n.myself.isReplica() {
				s.net.tb.Error("a master with slots became a replica")
			}
		},
		UnsafeLostMaster: func(s *stage) {
			s.do(Meet{IP: "10.0.0.60", Port: 7060, CPort: 17060})
			s.do(Replicate{Node: s.n.peers[len(s.n.peers)-1].id.String()})
			s.net.run(5000)
			if !s.n.myself.isMaster() {
				s.net.tb.Error("a replica of a handshake that timed out")
			}
		},
		UnsafeOwnID: func(s *stage) {
			s.recv(s.accept(), packet('p', func(p *bus.Packet, _ *bus.Ping) {
				p.Sender, p.ReplicaOf = s.n.ID(), puppetID('z')
			}))
			if !s.n.myself.isMaster() {
				s.net.tb.Error("a stranger made this node a replica")
			}
		},
		UnsafeSenderID: func(s *stage) {
			s.do(Meet{IP: "10.0.0.60", Port: 7060, CPort: 17060})
			s.n.keepLinks()
			l := s.n.lastLink
			s.n.Ready()
			s.step(LinkUp{Link: l, Local: s.ip, Peer: netip.MustParseAddr("10.0.0.60")})
			s.recv(l, packet('!', func(p *bus.Packet, _ *bus.Ping) { p.Type = bus.TypePong }))
			if p := s.n.peers[len(s.n.peers)-1]; !p.inHandshake() || !p.id.Valid() {
				s.net.tb.Errorf("the handshake ended with %q", p.id)
			}
		},
		UnsafeShardID: func(s *stage) {
			before := s.n.lookup(puppetID('p')).shardID
			s.recv(s.accept(), packet('p', withExt(bus.ShardIDExt(puppetID('\n')))))
			if got := s.n.lookup(puppetID('p')).shardID; got != before {
				s.net.tb.Errorf("shard %q", got)
			}
		},
		UnsafeName: func(s *stage) {
			s.n.lookup(puppetID('p')).hostname = "before"
			s.recv(s.accept(), packet('p', withExt(bus.HostnameExt("two words"))))
			if got := s.n.lookup(puppetID('p')).hostname; got != "before" {
				s.net.tb.Errorf("host name %q", got)
			}
		},
		UnsafeAddress: func(s *stage) {
			s.recv(s.accept(), packet('p', withGossip(unterminated)))
			s.recv(s.accept(), packet('p', func(p *bus.Packet, _ *bus.Ping) { p.IP = bus.IPFrom("1.2.3.4 vars") }))
			if s.n.lookup(puppetID('q')) != nil || s.n.lookup(puppetID('p')).ip != "10.0.0.50" {
				s.net.tb.Errorf("nodes:\n%s", s.nodes())
			}
		},
		UnsafeMyselfGossiped: func(s *stage) {
			s.recv(s.accept(), packet('p', withGossip(bus.Gossip{ID: puppetID('q'), IP: bus.IPFrom("10.0.0.51"), Flags: flagMaster | bus.FlagMyself})))
			if p := s.n.lookup(puppetID('q')); p == nil || p.flags != flagMaster {
				s.net.tb.Errorf("nodes:\n%s", s.nodes())
			}
		},
		UnsafeReplicaOfItself: func(s *stage) {
			s.recv(s.accept(), packet('p', func(p *bus.Packet, _ *bus.Ping) { p.ReplicaOf = p.Sender }))
			if p := s.n.lookup(puppetID('p')); !p.isReplica() || p.master != nil {
				s.net.tb.Errorf("nodes:\n%s", s.nodes())
			}
		},
		UnsafeReplicaCircle: func(s *stage) {
			s.know('q')
			s.recv(s.accept(), packet('p', func(p *bus.Packet, _ *bus.Ping) { p.ConfigEpoch = 3 }))
			s.recv(s.accept(), packet('q', func(p *bus.Packet, _ *bus.Ping) { p.ReplicaOf = puppetID('p') }))
			s.recv(s.accept(), packet('p', func(p *bus.Packet, _ *bus.Ping) { p.ReplicaOf = puppetID('q') })) // out of date
			if p, q := s.n.lookup(puppetID('p')), s.n.lookup(puppetID('q')); p.master != q || q.master != p || p.topMaster() != p && p.topMaster() != q {
				s.net.tb.Errorf("nodes:\n%s", s.nodes())
			}
		},
		UnsafeUnknownMaster: func(s *stage) {
			s.n.setFlags(s.n.myself, flagReplica, flagMaster)
			s.recv(s.accept(), packet('p', func(p *bus.Packet, _ *bus.Ping) { p.Slots.Add(7) }))
			if s.n.slots[7] != s.n.lookup(puppetID('p')) {
				s.net.tb.Error("p did not get its slot")
			}
			s.n.setAsMaster(s.n.myself)
		},
		UnsafeEpochFalls: func(s *stage) {
			s.n.currentEpoch, s.n.myself.configEpoch = 5, 5
			own := s.n.myself
			s.n.updateShard(s.n.lookup(puppetID('p')), own.shardID)
			s.recv(s.accept(), packet('p', func(p *bus.Packet, _ *bus.Ping) {
				p.ReplicaOf, p.Flags, p.ConfigEpoch = own.id, flagReplica|bus.FlagMyself, 4
			}))
			if own.configEpoch != 5 || s.n.lookup(puppetID('p')).master != own {
				s.net.tb.Errorf("nodes:\n%s", s.nodes())
			}
		},
		UnsafeRolelessReplica: func(s *stage) {
			s.recv(s.accept(), packet('p', withGossip(bus.Gossip{ID: puppetID('q'), IP: bus.IPFrom("10.0.0.51")})))
			s.recv(s.accept(), packet('q', func(p *bus.Packet, _ *bus.Ping) { p.ReplicaOf = puppetID('p') }))
			if got := len(s.n.lookup(puppetID('p')).replicas); got != 1 {
				s.net.tb.Errorf("p has %d replicas", got)
			}
			s.do(Forget{Node: puppetID('q').String()})
			if got := len(s.n.lookup(puppetID('p')).replicas); got != 0 {
				s.net.tb.Errorf("p has %d replicas", got)
			}
		},
		UnsafeRoleSplit: func(s *stage) {
			s.do(Replicate{Node: puppetID('p').String()})
			own := s.n.myself
			s.recv(s.accept(), packet('p', func(p *bus.Packet, _ *bus.Ping) {
				p.ReplicaOf, p.Flags = own.id, flagReplica|bus.FlagMyself
			}))
			if own.isReplica() || s.n.follows {
				s.net.tb.Errorf("follows %v, nodes:\n%s", s.n.follows, s.nodes())
			}
		},
	}
	for u := UnsafeNone + 1; u < UnsafeLayout; u++ {
		t.Run(u.String(), func(t *testing.T) {
			run := cases[u]
			if run == nil {
				t.Fatal("no input reaches this rule")
			}
			s := newStage(t)
			s.know('p')
			s.logged()
			run(s)
			if err := checkInvariants(s.n); err != nil {
				t.Error(err)
			}
			if log := s.logged(); !strings.Contains(log, "unsafe "+u.String()+": ") {
				t.Errorf("the log does not name the rule:\n%s", log)
			}
			rd := Ready{Persist: s.n.AppendConfig(nil)}
			if err := checkReady(s.n, &rd); err != nil {
				t.Error(err)
			}
		})
	}
}

// Replicas that name each other in a ring do not stop the node: Redis would look for
// the ring's master for ever.
func TestRingOfReplicas(t *testing.T) {
	s := newStage(t)
	for _, c := range "pqr" {
		s.know(byte(c))
	}
	for _, pair := range []string{"pq", "qr", "rp"} {
		s.recv(s.accept(), packet(pair[0], func(p *bus.Packet, _ *bus.Ping) { p.ReplicaOf = puppetID(pair[1]) }))
	}
	for _, c := range "pqr" {
		if p := s.n.lookup(puppetID(byte(c))); !p.isReplica() || p.topMaster() == nil {
			t.Errorf("node %c is no replica", c)
		}
	}
	s.n.View()
}

// Whom real Redis does not know gets its PONG even with extensions that Redis would read from beyond
// the packet, because it does not read those of strangers.
func TestStrangersExtensionsAreNotRead(t *testing.T) {
	for _, known := range []bool{false, true} {
		s := newStage(t)
		if known {
			s.know('p')
		}
		p := packet('p')
		p.MFlags[0] = 0
		p.Extensions = 3
		s.wrote = nil
		l := s.accept()
		s.step(Recv{Link: l, Frame: p.Append(nil)})
		if answered := len(s.wrote) > 0; answered == known {
			t.Errorf("sender known %v: answered %v", known, answered)
		}
	}
}

func TestFramingClosesTheLink(t *testing.T) {
	s := newStage(t)
	l := s.accept()
	s.step(Recv{Link: l, Frame: []byte("GET / HT")})
	if s.n.links[l] != nil {
		t.Error("the link lives")
	}
	s.step(Recv{Link: l, Frame: packet('p').Append(nil)}) // too late
	if s.n.stats.Received[bus.TypePing] != 0 {
		t.Error("a packet from a closed link was counted")
	}
}

func TestSecondInboundLinkReplacesFirst(t *testing.T) {
	s := newStage(t)
	p := s.know('p')
	first, second := s.accept(), s.accept()
	s.recv(first, packet('p'))
	s.recv(second, packet('p'))
	if s.n.links[first] != nil || p.in == nil || p.in.id != second {
		t.Errorf("inbound link %v, first %v", p.in, s.n.links[first])
	}
}

// Vote rules in the order of clusterSendFailoverAuthIfNeeded.
func TestVotes(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(s *stage, p *bus.Packet)
		want string
	}{
		{"granted", func(*stage, *bus.Packet) {}, "Failover auth granted to " + puppetID('r').String()},
		{"no slots", func(s *stage, _ *bus.Packet) { s.n.delSlots(s.n.myself) }, ""},
		{"old epoch", func(s *stage, p *bus.Packet) { p.CurrentEpoch = 4 }, "reqEpoch (4) < curEpoch(5)"},
		{"voted", func(s *stage, _ *bus.Packet) { s.n.lastVoteEpoch = 6 }, "already voted for epoch 6"},
		{"master", func(s *stage, _ *bus.Packet) { s.n.setAsMaster(s.n.lookup(puppetID('r'))) }, "it is a master node"},
		{"unknown master", func(s *stage, _ *bus.Packet) {
			s.n.removeReplica(s.n.lookup(puppetID('m')), s.n.lookup(puppetID('r')))
			s.n.lookup(puppetID('r')).master = nil
		}, "I don't know its master"},
		{"master up", func(s *stage, _ *bus.Packet) { s.n.setFlags(s.n.lookup(puppetID('m')), 0, bus.FlagFail) }, "its master is up"},
		{"master up, forced", func(s *stage, p *bus.Packet) {
			s.n.setFlags(s.n.lookup(puppetID('m')), 0, bus.FlagFail)
			p.MFlags[0] |= bus.MFlagForceAck
		}, "Failover auth granted"},
		{
			"too soon", func(s *stage, _ *bus.Packet) { s.n.lookup(puppetID('m')).votedTime = s.net.now - 500 },
			"can't vote about this master before 1500 milliseconds",
		},
		{"newer owner", func(s *stage, p *bus.Packet) {
			p.Slots.Add(9)
			s.n.myself.configEpoch = 5
		}, "slot 9 epoch (5) > reqEpoch (3)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t)
			s.do(AddSlots{Slots: []int{9}})
			s.n.currentEpoch = 5
			m, r := s.know('m'), s.know('r')
			s.n.setFlags(m, bus.FlagFail, 0)
			m.configEpoch = 3
			for n := range slot.Count {
				if n >= 100 {
					s.n.addSlot(m, uint16(n))
				}
			}
			s.n.setFlags(r, flagReplica, flagMaster)
			r.master = m
			s.n.addReplica(m, r)
			s.n.dial(r)
			s.perform()
			p := &bus.Packet{Header: bus.Header{
				Type: bus.TypeAuthRequest, Sender: puppetID('r'), ReplicaOf: puppetID('m'),
				CurrentEpoch: 6, ConfigEpoch: 3, Slots: *m.owned(), Flags: flagReplica,
			}}
			c.edit(s, p)
			s.logged()
			s.wrote = nil
			before := s.n.lastVoteEpoch
			s.recv(s.accept(), p.Seal())
			log := s.logged()
			granted := strings.Contains(log, "granted")
			if !strings.Contains(log, c.want) || (c.want == "" && strings.Contains(log, "Failover")) {
				t.Errorf("log:\n%swant %q", log, c.want)
			}
			acks := 0
			for _, w := range s.wrote {
				if w.Type == bus.TypeAuthAck {
					acks++
				}
			}
			if granted != (acks == 1) || granted != (s.n.lastVoteEpoch != before) {
				t.Errorf("granted %v, %d acks, last vote epoch %d after %d", granted, acks, s.n.lastVoteEpoch, before)
			}
			if granted && !strings.Contains(string(s.saved), "lastVoteEpoch 6") {
				t.Errorf("the vote was not saved:\n%s", s.saved)
			}
		})
	}
}
