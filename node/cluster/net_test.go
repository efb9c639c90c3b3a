package cluster

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/node/nodesconf"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// testNet is a network of cores in virtual time: what one sends, the other receives in the same
// millisecond, in order. Every host ticks when it is due.
type testNet struct {
	tb    testing.TB
	now   Time
	hosts []*host
	queue []func()
}

// host is one node of a testNet. Host i has the address 10.0.0.i, client port 7000+i.
type host struct {
	net     *testNet
	name    string
	n       *Node
	ip      netip.Addr
	port    int
	links   map[LinkID]wire // where frames of a link go
	accept  uint64
	down    bool // dead: nothing is received, nothing ticks
	saved   []byte
	data    []DataOp
	log     []LogRecord
	answers []Answer
	wrote   []*bus.Packet // all packets that were sent
	first   Settings      // of the start
	trace   []Step        // all events
	digests []string      // of the effects of the start and of each event
}

// wire is one end of a connection: the other end.
type wire struct {
	to   *host
	link LinkID
}

const testStart Time = 1_700_000_000_000

func newNet(tb testing.TB, hosts int, edit ...func(*Settings)) *testNet {
	tb.Helper()
	net := &testNet{tb: tb, now: testStart}
	for range hosts {
		net.addHost(nil, edit...)
	}
	return net
}

func (net *testNet) addHost(saved *nodesconf.File, edit ...func(*Settings)) *host {
	net.tb.Helper()
	i := len(net.hosts) + 1
	set := DefaultSettings(7000 + i)
	set.NodeTimeout = 1000
	for _, f := range edit {
		f(&set)
	}
	n, err := New(Config{Rand: rand.NewPCG(uint64(i), 7), Now: net.now, Saved: saved, Settings: set})
	if err != nil {
		net.tb.Fatal(err)
	}
	h := &host{
		net: net, name: string(rune('a' + i - 1)), n: n, port: set.Port,
		ip: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), links: make(map[LinkID]wire), first: set,
	}
	net.hosts = append(net.hosts, h)
	h.perform()
	return h
}

// step gives h an event and performs what follows.
func (h *host) step(ev Event) {
	h.net.tb.Helper()
	if h.down {
		return
	}
	if err := h.n.Step(h.net.now, ev); err != nil {
		h.net.tb.Fatalf("%s: %v", h.name, err)
	}
	if err := checkTickKnowledge(h.n); err != nil {
		h.net.tb.Fatalf("%s: after %T: %v", h.name, ev, err)
	}
	h.trace = append(h.trace, Step{h.net.now, ev})
	h.perform()
}

func (h *host) perform() {
	rd := h.n.Ready()
	h.digests = append(h.digests, digest(&rd))
	if rd.Persist != nil {
		h.saved = bytes.Clone(rd.Persist)
	}
	h.log = append(h.log, rd.Log...)
	h.data = append(h.data, rd.Data...)
	h.answers = append(h.answers, rd.Answers...)
	for _, id := range rd.Close {
		h.hangUp(id)
	}
	for _, d := range rd.Dial {
		h.net.queue = append(h.net.queue, func() { h.connect(d) })
	}
	for _, s := range rd.Send {
		h.transmit(s)
	}
}

// hangUp closes h's end of a link; the other end learns it.
func (h *host) hangUp(id LinkID) {
	w, ok := h.links[id]
	if !ok {
		return
	}
	delete(h.links, id)
	h.net.queue = append(h.net.queue, func() {
		if _, ok := w.to.links[w.link]; ok {
			delete(w.to.links, w.link)
			w.to.step(LinkDown{Link: w.link, Reason: "EOF"})
		}
	})
}

func (h *host) connect(d Dial) {
	for _, to := range h.net.hosts {
		if !to.down && d.Host == to.ip.String() && d.Port == to.port+bus.PortIncrement {
			to.accept++
			there := Inbound(to.accept)
			h.links[d.Link], to.links[there] = wire{to, there}, wire{h, d.Link}
			to.step(LinkUp{Link: there, Local: to.ip, Peer: h.ip})
			h.step(LinkUp{Link: d.Link, Local: h.ip, Peer: to.ip})
			return
		}
	}
	h.step(LinkDown{Link: d.Link, Reason: "connection refused"})
}

// transmit takes a frame at once, so that later reuse of its bytes shows, and delivers it in turn.
func (h *host) transmit(s Send) {
	frame := bytes.Clone(s.Frame)
	pkt, err := bus.Parse(frame)
	if err != nil {
		h.net.tb.Fatalf("%s sends what does not parse: %v", h.name, err)
	}
	if v := bus.Check(frame); v.Action != bus.Accept {
		h.net.tb.Fatalf("%s sends what is not accepted: %v", h.name, v)
	}
	h.wrote = append(h.wrote, pkt)
	h.net.queue = append(h.net.queue, func() {
		if w, ok := h.links[s.Link]; ok {
			w.to.step(Recv{Link: w.link, Frame: frame})
		}
	})
}

// settle delivers all that is under way.
func (net *testNet) settle() {
	for len(net.queue) > 0 {
		f := net.queue[0]
		net.queue = net.queue[1:]
		f()
	}
}

// run lets ms of virtual time pass.
func (net *testNet) run(ms Time) {
	net.settle()
	for end := net.now + ms; net.now < end; net.now++ {
		for _, h := range net.hosts {
			if !h.down && h.n.NextTick() <= net.now {
				h.step(Tick{})
				net.settle()
			}
		}
	}
}

// until lets time pass until cond holds, and fails after within.
func (net *testNet) until(within Time, what string, cond func() bool) {
	net.tb.Helper()
	for end := net.now + within; net.now < end; net.run(10) {
		if cond() {
			return
		}
	}
	net.tb.Fatalf("not within %d ms: %s\n%s", within, what, net.dump())
}

func (net *testNet) dump() string {
	var b strings.Builder
	for _, h := range net.hosts {
		fmt.Fprintf(&b, "%s:\n%s%s", h.name, h.n.AppendNodes(nil, false), h.n.AppendInfo(nil))
		for _, l := range h.log {
			fmt.Fprintf(&b, "  %d %s\n", l.Level, l.Text)
		}
	}
	return b.String()
}

// do runs a request that must not be refused.
func (h *host) do(req Request) Answer {
	h.net.tb.Helper()
	a := h.try(req)
	if a.Err() {
		h.net.tb.Fatalf("%s: %T: %s", h.name, req, a.Text)
	}
	return a
}

func (h *host) try(req Request) Answer {
	h.net.tb.Helper()
	h.answers = nil
	h.step(Admin{Request: req})
	h.net.settle()
	if len(h.answers) != 1 {
		h.net.tb.Fatalf("%s: %d answers to %T", h.name, len(h.answers), req)
	}
	return h.answers[0]
}

func (h *host) id() string { id := h.n.ID(); return id.String() }

// meet joins all hosts, as far as they are up, and waits until each knows every other.
func (net *testNet) meet() {
	net.tb.Helper()
	first := net.hosts[0]
	for _, h := range net.hosts[1:] {
		first.do(Meet{IP: h.ip.String(), Port: int64(h.port), CPort: int64(h.port + bus.PortIncrement)})
	}
	net.until(10_000, "all know all", func() bool {
		for _, h := range net.hosts {
			for _, other := range net.hosts {
				if p := h.n.lookup(other.n.ID()); p == nil || (h != other && p.out == nil) {
					return false
				}
			}
			if len(h.n.peers) != len(net.hosts) {
				return false
			}
		}
		return true
	})
}

// shareSlots gives every host an equal run of slots, and waits until the cluster is up.
func (net *testNet) shareSlots(owners int) {
	net.tb.Helper()
	for i, h := range net.hosts[:owners] {
		h.do(AddSlotsRange{Ranges: []Range{{i * 16384 / owners, (i+1)*16384/owners - 1}}})
	}
	net.until(20_000, "cluster up everywhere", func() bool { return net.all(bus.StateOK) })
}

func (net *testNet) all(s bus.State) bool {
	for _, h := range net.hosts {
		if !h.down && h.n.State() != s {
			return false
		}
	}
	return true
}

// nodes is CLUSTER NODES of h with ids and times folded, sorted by nothing: the core's order.
func (h *host) nodes() string {
	text := string(h.n.AppendNodes(nil, false))
	for _, other := range h.net.hosts {
		text = strings.ReplaceAll(text, other.id(), "$"+other.name)
	}
	var out []string
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		f[4], f[5] = "-", "-"
		out = append(out, strings.Join(f, " "))
	}
	return strings.Join(out, "\n")
}
