package cluster

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// reach dials puppet p and answers for it, and gives the link.
func (s *stage) reach(p *peer) LinkID {
	s.n.dial(p)
	s.n.Ready()
	l := s.n.lastLink
	s.step(LinkUp{Link: l, Local: s.ip, Peer: netip.MustParseAddr("10.0.0.50")})
	return l
}

func TestAnotherNodeAnswers(t *testing.T) {
	s := newStage(t)
	p := s.know('p')
	l := s.reach(p)
	s.recv(l, packet('q', func(p *bus.Packet, _ *bus.Ping) { p.Type = bus.TypePong }))
	if s.n.links[l] != nil || p.hasAddr() || p.ip != "" || p.cport != 0 {
		t.Errorf("nodes:\n%s", s.nodes())
	}
	if !strings.Contains(s.nodes(), ":0@0 master,noaddr") {
		t.Errorf("CLUSTER NODES:\n%s", s.nodes())
	}
	s.net.run(1000)
	if p.out != nil {
		t.Error("a node without address is dialled")
	}
	// It comes back with a PING of its own.
	s.recv(s.accept(), packet('p'))
	if !p.hasAddr() || p.ip != "10.0.0.50" || p.port != 7050 {
		t.Errorf("nodes:\n%s", s.nodes())
	}
}

func TestPingFromNewAddress(t *testing.T) {
	s := newStage(t)
	p := s.know('p')
	l := s.reach(p)
	s.recv(s.accept(), packet('p', func(p *bus.Packet, _ *bus.Ping) { p.IP, p.Port = bus.IPFrom("10.0.0.77"), 7077 }))
	if p.ip != "10.0.0.77" || p.port != 7077 || s.n.links[l] != nil {
		t.Errorf("nodes:\n%s", s.nodes())
	}
}

func TestFailingNodeIsFoundByGossip(t *testing.T) {
	entry := bus.Gossip{ID: puppetID('q'), IP: bus.IPFrom("10.0.0.88"), Port: 7088, CPort: 17088, Flags: flagMaster}
	for _, c := range []struct {
		name         string
		mine, theirs bus.NodeFlags
		moved        bool
	}{
		{"up here", 0, 0, false},
		{"failing here", bus.FlagPFail, 0, true},
		{"failed here", bus.FlagFail, 0, true},
		{"failing there too", bus.FlagPFail, bus.FlagPFail, false},
		{"no address there", bus.FlagFail, bus.FlagNoAddr, false},
	} {
		s := newStage(t)
		s.know('p')
		q := s.know('q')
		s.n.setFlags(q, c.mine, 0)
		l := s.reach(q)
		g := entry
		g.Flags |= c.theirs
		s.recv(s.accept(), packet('p', withGossip(g)))
		if moved := q.ip == "10.0.0.88" && q.cport == 17088 && s.n.links[l] == nil; moved != c.moved {
			t.Errorf("%s: moved %v, want %v", c.name, moved, c.moved)
		}
	}
}

func TestGossipedPongTime(t *testing.T) {
	for _, c := range []struct {
		name  string
		ahead Time
		ping  Time
		taken bool
	}{
		{"newer", 0, 0, true},
		{"a ping is out", 0, 1, false},
		{"from the future", 2000, 0, false},
	} {
		s := newStage(t)
		s.know('p')
		q := s.know('q')
		s.n.setPingSent(q, c.ping)
		s.recv(s.accept(), packet('p', withGossip(bus.Gossip{
			ID: puppetID('q'), PongReceived: uint32((s.net.now + c.ahead) / 1000), Flags: flagMaster,
		})))
		if taken := q.pongReceived != 0; taken != c.taken {
			t.Errorf("%s: taken %v", c.name, taken)
		}
	}
}

func TestSendbufLimit(t *testing.T) {
	s := newStage(t)
	set := s.n.set
	set.LinkSendbufLimit = 1000
	s.do(Configure{Settings: set})
	out := s.reach(s.know('p'))
	in := s.accept()
	s.recv(in, packet('p'))
	s.step(Report{SendQueues: []SendQueue{{out, 1000 - emptySendQueue}, {in, 1001 - emptySendQueue}}})
	s.step(Tick{})
	if s.n.links[out] == nil || s.n.links[in] != nil {
		t.Errorf("link of 1000 bytes lives %v, of 1001 bytes %v", s.n.links[out] != nil, s.n.links[in] != nil)
	}
	if !strings.Contains(string(s.n.AppendInfo(nil)), "total_cluster_links_buffer_limit_exceeded:1\r\n") {
		t.Errorf("CLUSTER INFO:\n%s", s.n.AppendInfo(nil))
	}
	s.step(Report{})
	if s.n.links[out].queued != 0 {
		t.Error("a link that is not reported has bytes queued")
	}
	set.LinkSendbufLimit = emptySendQueue - 1
	s.do(Configure{Settings: set})
	if s.step(Tick{}); s.n.links[out] != nil {
		t.Error("a limit below what an empty queue takes up leaves a link alone")
	}
}

func TestPorts(t *testing.T) {
	for _, c := range []struct {
		name                string
		edit                func(*Settings)
		port, pport, cport  uint16
		learnPort, learnTLS int
	}{
		{"plain", func(*Settings) {}, 7001, 0, 17001, 7050, 7051},
		{"both", func(s *Settings) { s.TLSPort = 7443 }, 7001, 7443, 17001, 7050, 7051},
		{"TLS bus", func(s *Settings) { s.TLSPort, s.TLSCluster = 7443, true }, 7443, 7001, 17443, 7051, 7050},
		{"announced", func(s *Settings) { s.AnnouncePort, s.AnnounceTLSPort, s.AnnounceBusPort = 1, 2, 3 }, 1, 2, 3, 7050, 7051},
		{"cluster-port", func(s *Settings) { s.BusPort = 9 }, 7001, 0, 9, 7050, 7051},
	} {
		net := newNet(t, 1, c.edit)
		s := &stage{host: net.hosts[0]}
		p := s.know('p')
		s.recv(s.accept(), packet('p', func(p *bus.Packet, _ *bus.Ping) { p.PPort = 7051 }))
		w := s.wrote[len(s.wrote)-1]
		if w.Port != c.port || w.PPort != c.pport || w.CPort != c.cport {
			t.Errorf("%s: announces %d, %d, %d; want %d, %d, %d", c.name, w.Port, w.PPort, w.CPort, c.port, c.pport, c.cport)
		}
		if p.port != c.learnPort || p.tlsPort != c.learnTLS {
			t.Errorf("%s: learned %d, %d; want %d, %d", c.name, p.port, p.tlsPort, c.learnPort, c.learnTLS)
		}
	}
}

// An answer of the peer, be it to another packet, puts off the suspicion.
func TestSuspicionNeedsSilence(t *testing.T) {
	s := newStage(t)
	p := s.know('p')
	s.reach(p)
	s.n.setPingSent(p, s.net.now)
	for range 25 {
		s.net.run(100)
		s.recv(s.accept(), packet('p'))
	}
	if p.timedOut() {
		t.Error("a node that talks is suspected")
	}
	s.net.run(1300)
	if !p.flags.Any(flagsFailing) {
		t.Error("a node that is silent for longer than the timeout is not suspected")
	}
}

func TestDropPacketFilter(t *testing.T) {
	s := newStage(t)
	set := s.n.set
	set.DropPacketFilter = int(bus.TypePing)
	s.do(Configure{Settings: set})
	s.recv(s.accept(), packet('p'))
	if len(s.wrote) != 0 || s.n.stats.Received[bus.TypePing] != 1 {
		t.Errorf("%d packets sent, %d received", len(s.wrote), s.n.stats.Received[bus.TypePing])
	}
}

func TestLinksOfKillLink(t *testing.T) {
	for _, c := range []struct {
		direction LinkDirection
		out, in   bool
	}{{LinkTo, false, true}, {LinkFrom, true, false}, {LinkAll, false, false}} {
		s := newStage(t)
		p := s.know('p')
		s.reach(p)
		s.recv(s.accept(), packet('p'))
		s.do(KillLink{Direction: c.direction, Node: p.id.String()})
		if (p.out != nil) != c.out || (p.in != nil) != c.in {
			t.Errorf("direction %d: out lives %v, in lives %v", c.direction, p.out != nil, p.in != nil)
		}
	}
}

// What was queued for a link that is closed at once is neither sent nor is the link dialled.
func TestCloseTakesBackDialAndSend(t *testing.T) {
	s := newStage(t)
	p := s.know('p')
	s.n.dial(p)
	s.n.sendPing(p.out, bus.TypePing)
	s.n.closeLink(p.out)
	if rd := s.n.Ready(); len(rd.Dial)+len(rd.Send)+len(rd.Close) != 0 {
		t.Errorf("%d dials, %d sends, %d closes", len(rd.Dial), len(rd.Send), len(rd.Close))
	}
}
