// Package relay stands between the bus ports of real nodes and takes their links
// apart: each node announces its relay's port as its bus port, so every link to the
// node comes through here, and a pair of nodes can be cut, delayed and healed, each
// direction by itself.
//
// It moves whole frames and looks at no more of them than their length and their
// sender, by which it knows the pair that a link belongs to. It never changes, makes
// or reorders a packet, has no opinion on clusters, touches loopback only and must
// never import node/: the tester does not lean on the tested. Client and replication
// connections do not pass here and are never cut.
package relay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// How says what a cut does to the frames of a direction.
type How uint8

// The ways to cut. The zero value lets everything pass.
const (
	None How = iota
	// Silence holds every frame back, and the end of a link too, until it is healed: both
	// ends keep their connections and hear nothing. Nothing is lost, since TCP sends again
	// what did not arrive: a node that hears its peer on one link and waits on another for
	// an answer that can never come is in a state that no network brings about.
	Silence
	// Reset resets every link of the pair, and each new one at its first frame.
	Reset
)

// Fate is what became of a frame.
type Fate uint8

// The fates of a frame.
const (
	Passed  Fate = iota // written to its receiver
	Held                // held back by Silence; it is told of again when it gets on
	Refused             // its link was reset
)

// TraceEvent is one frame and its fate.
type TraceEvent struct {
	At       time.Time
	From, To string         // names; From or To is "" while a dialling stranger is unknown
	Src, Dst netip.AddrPort // of the link as its dialler sees it
	Fate     Fate
	Bytes    []byte // must not be kept or changed
}

// Config describes a network of relays.
type Config struct {
	// Trace, if set, is told of every frame. It is called from several goroutines at
	// once and must not call the network.
	Trace func(TraceEvent)
}

// direction is an ordered pair of names.
type direction struct{ from, to string }

// rule is what happens to the frames of a direction.
type rule struct {
	how   How
	delay time.Duration
}

// Net is a set of relays under one set of rules. Its methods may be called from
// several goroutines.
type Net struct {
	cfg Config
	wg  sync.WaitGroup

	mu      sync.Mutex
	relays  map[string]*relay
	names   map[bus.ID]string // every id a node was ever known by
	rules   map[direction]rule
	changed chan struct{} // closed and replaced when a rule changes
	links   map[*link]struct{}
	closed  bool
}

// relay is the front of one node.
type relay struct {
	name     string
	listener net.Listener
	target   netip.AddrPort // the node's own bus port; invalid until Serve
}

// New returns a network without relays.
func New(cfg Config) *Net {
	return &Net{
		cfg: cfg, relays: map[string]*relay{}, names: map[bus.ID]string{}, rules: map[direction]rule{},
		changed: make(chan struct{}), links: map[*link]struct{}{},
	}
}

// Listen opens the relay of the node of that name at a port of 127.0.0.1, any free one
// for 0, and returns its address: the bus port that the node is to announce. Links are
// reset until [Net.Serve] says where the node is.
func (n *Net) Listen(name string, port uint16) (netip.AddrPort, error) {
	lc := net.ListenConfig{KeepAlive: -1} // over loopback it only costs system calls
	l, err := lc.Listen(context.Background(), "tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("relay %s: %w", name, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || n.relays[name] != nil {
		l.Close()
		if n.closed {
			return netip.AddrPort{}, fmt.Errorf("relay %s: %w", name, net.ErrClosed)
		}
		return netip.AddrPort{}, fmt.Errorf("relay %s: it is there already", name)
	}
	r := &relay{name: name, listener: l}
	n.relays[name] = r
	n.wg.Go(func() { n.accept(r) })
	return addrPort(l.Addr()), nil
}

// Serve says where the node itself listens.
func (n *Net) Serve(name string, target netip.AddrPort) error {
	if !target.Addr().IsLoopback() {
		return fmt.Errorf("relay %s: %s is not a loopback address", name, target)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	r, err := n.relay(name)
	if err != nil {
		return err
	}
	r.target = target
	return nil
}

// Know says which id a node has. A node that changes its id keeps its name.
func (n *Net) Know(name string, id bus.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[id] = name
}

// Cut stops what from sends to to from now on; the other direction is as it was. A
// frame whose writing has begun may still arrive. With [Reset] the links between the
// two are gone when Cut returns, whoever opened them.
func (n *Net) Cut(from, to string, how How) error {
	return n.change(from, to, func(r *rule) { r.how = how })
}

// Delay holds each frame that from sends to to back for d, in order; 0 for no more.
// Frames that are under way keep their time.
func (n *Net) Delay(from, to string, d time.Duration) error {
	return n.change(from, to, func(r *rule) { r.delay = d })
}

// Heal ends every cut and delay of what from sends to to. What was held back arrives at once.
func (n *Net) Heal(from, to string) error {
	return n.change(from, to, func(r *rule) { *r = rule{} })
}

// change sets the rule of a direction. Both nodes need relays: which of the two opens
// a link is not for the caller to know.
func (n *Net) change(from, to string, set func(*rule)) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range []string{from, to} {
		if _, err := n.relay(name); err != nil {
			return err
		}
	}
	if from == to {
		return fmt.Errorf("relay %s: a node has no link to itself", from)
	}
	d := direction{from, to}
	r := n.rules[d]
	set(&r)
	n.rules[d] = r
	close(n.changed)
	n.changed = make(chan struct{})
	if r.how != Reset {
		return nil
	}
	for l := range n.links {
		if dialler := n.names[l.dialler]; dialler == from && l.relay.name == to || dialler == to && l.relay.name == from {
			l.reset()
		}
	}
	return nil
}

// relay finds the relay of a node. n.mu is held.
func (n *Net) relay(name string) (*relay, error) {
	if r := n.relays[name]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("relay: no node %q has one", name)
}

// look is the rule of a direction now, and a channel that is closed when rules change.
func (n *Net) look(d direction) (rule, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.rules[d], n.changed
}

// Close ends every relay and link and returns when nothing of them runs any more.
func (n *Net) Close() error {
	n.mu.Lock()
	n.closed = true
	var errs []error
	for _, r := range n.relays {
		if err := r.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	for l := range n.links {
		l.close()
	}
	n.mu.Unlock()
	n.wg.Wait()
	return errors.Join(errs...)
}

// accept takes the links to one node until its listener is closed.
func (n *Net) accept(r *relay) {
	for {
		c, err := r.listener.Accept()
		if err != nil {
			return
		}
		l := newLink(n, r, c.(*net.TCPConn))
		n.mu.Lock()
		if n.closed {
			l.close()
		} else {
			n.links[l] = struct{}{}
			n.wg.Go(l.run)
		}
		n.mu.Unlock()
	}
}

// addrPort is a as a value; an IPv4 address is never in its IPv6 form.
func addrPort(a net.Addr) netip.AddrPort {
	ap := a.(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
