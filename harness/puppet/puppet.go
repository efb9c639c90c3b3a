// Package puppet plays one peer of the Redis Cluster bus, packet by packet, as a script says. A puppet
// listens on a bus port of its own, dials the bus ports of nodes, sends any bytes, legal or not, and keeps
// what comes back until it is asked for.
//
// It has no opinion: it believes no claim, keeps no cluster state, detects no failure and never reacts on its
// own, except that with auto=pong it answers PING and MEET. It dials loopback addresses only. It knows the
// wire format from wire/bus and must never import node/: the tester does not lean on the tested.
package puppet

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// Names of links.
const (
	// Out is the link that Dial makes unless it is given another name.
	Out = "out"
	// In stands for any link that a node has opened to the puppet. Their own names are in1, in2, ...
	// in the order of their coming.
	In = "in"
)

// Config describes a puppet.
type Config struct {
	// Name and Seed give the puppet its node id; see [ID].
	Name string
	Seed uint64
	// Port is the client port that the puppet announces; nothing listens there. Its bus port is
	// Port+10000. 0 takes any free bus port from 10001 on, and the client port that belongs to it.
	Port uint16
	// Words are the first template, as for [Puppet.Set].
	Words []string
	// Omit is what the packets that come are handed over without. The trace has all.
	Omit bus.Omit
	// Trace, if set, is told of every opened and closed link and of all bytes, in the order of each
	// link. It is called from several goroutines at once and must not call the puppet.
	Trace func(TraceEvent)
}

// ID is the node id of the puppet of that name: 40 hex digits that depend on nothing else.
func ID(seed uint64, name string) bus.ID {
	sum := sha1.Sum([]byte(strconv.FormatUint(seed, 10) + "/" + name))
	return bus.IDFrom(hex.EncodeToString(sum[:]))
}

// TraceKind says what a [TraceEvent] is about.
type TraceKind uint8

// The kinds of trace events.
const (
	TraceOpen  TraceKind = iota // the link is there
	TraceIn                     // a frame came in, or what came of one before the link failed
	TraceOut                    // bytes were sent
	TraceClose                  // the link is gone, by either side
)

// TraceEvent is one thing that happened on a link.
type TraceEvent struct {
	Kind    TraceKind
	At      time.Time
	Puppet  string
	Link    string
	Inbound bool // the node opened the link
	Local   netip.AddrPort
	Remote  netip.AddrPort
	Bytes   []byte // the receiver must not keep or change them
}

// Puppet is one scripted peer. Its methods may be called from several goroutines.
type Puppet struct {
	cfg      Config
	listener net.Listener
	wg       sync.WaitGroup

	// answering is held for reading from an automatic answer's making until it is
	// written, so that no answer of an old template is written after Set.
	answering sync.RWMutex

	mu       sync.Mutex
	tmpl     Template
	links    []*link
	inbound  int    // inbound links accepted so far
	arrivals uint64 // events so far, over all links
	changed  chan struct{}
	closed   bool
}

// New starts a puppet: its bus port accepts links when New returns. Close ends it.
func New(cfg Config) (*Puppet, error) {
	l, err := listen(cfg.Port)
	if err != nil {
		return nil, fmt.Errorf("puppet %s: %w", cfg.Name, err)
	}
	p := &Puppet{cfg: cfg, listener: l, changed: make(chan struct{})}
	p.tmpl = NewTemplate(ID(cfg.Seed, cfg.Name), p.BusAddr().Port())
	if err := p.Set(cfg.Words...); err != nil {
		l.Close()
		return nil, err
	}
	p.wg.Go(p.accept)
	return p, nil
}

// listen opens the bus port that belongs to client port, or any from 10001 on.
func listen(client uint16) (net.Listener, error) {
	lc := net.ListenConfig{KeepAlive: -1} // over loopback it only costs system calls
	if client != 0 {
		if int(client)+bus.PortIncrement > 65535 {
			return nil, fmt.Errorf("client port %d has no bus port", client)
		}
		return lc.Listen(context.Background(), "tcp4", fmt.Sprintf("127.0.0.1:%d", int(client)+bus.PortIncrement))
	}
	l, err := lc.Listen(context.Background(), "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if port := l.Addr().(*net.TCPAddr).Port; port <= bus.PortIncrement {
		l.Close()
		return nil, fmt.Errorf("free port %d is too small for a bus port", port)
	}
	return l, nil
}

// Name is the puppet's name.
func (p *Puppet) Name() string { return p.cfg.Name }

// BusAddr is where the puppet listens.
func (p *Puppet) BusAddr() netip.AddrPort { return addrPort(p.listener.Addr()) }

// Addr is the client address that belongs to BusAddr. Nothing listens there.
func (p *Puppet) Addr() netip.AddrPort {
	a := p.BusAddr()
	return netip.AddrPortFrom(a.Addr(), a.Port()-bus.PortIncrement)
}

// Close closes the bus port and every link and returns when nothing of the puppet runs any more. A
// waiting Recv ends with net.ErrClosed.
func (p *Puppet) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		p.wg.Wait()
		return nil
	}
	p.closed = true
	links := p.links
	p.wake()
	p.mu.Unlock()
	err := p.listener.Close()
	for _, l := range links {
		l.close()
	}
	p.wg.Wait()
	return err
}

// wake lets every waiting Recv look again. p.mu is held.
func (p *Puppet) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Puppet) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return // the listener is closed
		}
		p.mu.Lock()
		p.inbound++
		name := In + strconv.Itoa(p.inbound)
		p.mu.Unlock()
		if err := p.addLink(name, true, conn); err != nil {
			conn.Close()
		}
	}
}

// Dial opens a link to the bus port at addr and names it; "" is Out. A closed link of that name is
// replaced, with what was not received of it; an open one is an error.
func (p *Puppet) Dial(ctx context.Context, addr netip.AddrPort, name string) error {
	if name == "" {
		name = Out
	}
	if !addr.Addr().IsLoopback() {
		return p.errorf(name, "%s is not a loopback address", addr)
	}
	if isInboundName(name) {
		return p.errorf(name, "the name is kept for links that nodes open")
	}
	d := net.Dialer{KeepAlive: -1}
	conn, err := d.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return p.errorf(name, "%w", err)
	}
	if err := p.addLink(name, false, conn); err != nil {
		conn.Close()
		return err
	}
	return nil
}

// addLink registers conn under name and starts its reader.
func (p *Puppet) addLink(name string, inbound bool, conn net.Conn) error {
	l := &link{puppet: p, name: name, inbound: inbound, conn: conn, open: true}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return p.errorf(name, "%w", net.ErrClosed)
	}
	for i, old := range p.links {
		if old.name != name {
			continue
		}
		if old.open {
			return p.errorf(name, "there is an open link of that name")
		}
		p.links = append(p.links[:i:i], p.links[i+1:]...)
		break
	}
	p.links = append(p.links, l)
	l.trace(TraceOpen, nil)
	p.wg.Go(l.read)
	return nil
}

// find is the link called name: exactly, or the newest open inbound one for In, or for "" the link
// Out if it is there, else the newest open link of all. In, when every inbound link has ended, is net.ErrClosed. p.mu is held.
func (p *Puppet) find(name string) (*link, error) {
	var newest *link
	ended := false
	for _, l := range p.links {
		ended = ended || name == In && l.inbound
		if l.name == name || name == "" && l.name == Out {
			return l, nil
		}
		if l.open && (name == "" || name == In && l.inbound) {
			newest = l
		}
	}
	if newest == nil {
		if name == "" {
			return nil, p.errorf("", "there is no open link")
		}
		if ended {
			return nil, p.errorf(name, "%w", net.ErrClosed)
		}
		return nil, p.errorf(name, "there is no such link")
	}
	return newest, nil
}

// Send writes bytes to a link in one piece; see [Puppet.SendPieces] for the names of links. A link that the
// node has closed is an error that wraps net.ErrClosed, or, where the system has not yet noticed, none at all.
func (p *Puppet) Send(ctx context.Context, link string, b []byte) error {
	return p.SendPieces(ctx, link, b)
}

// SendPieces writes b to a link in pieces: the first ends at the first cut, and so on. Each piece is a
// write of its own, and the link sends without delay; the node may still read several at once. A cut
// beyond the end or before the one preceding it is an error. The link is In or "" for the newest open one
// (inbound, or any unless there is one called Out), or a link's own name.
func (p *Puppet) SendPieces(ctx context.Context, link string, b []byte, cuts ...int) error {
	p.mu.Lock()
	l, err := p.find(link)
	p.mu.Unlock()
	if err != nil {
		return err
	}
	from := 0
	for _, cut := range append(slices.Clip(cuts), len(b)) {
		if cut < from || cut > len(b) {
			return p.errorf(l.name, "cannot cut %d bytes at %d after %d", len(b), cut, from)
		}
		if err := l.write(ctx, b[from:cut]); err != nil {
			return err
		}
		from = cut
	}
	return nil
}

// Flood writes n copies of frame to a link as fast as the node takes them.
func (p *Puppet) Flood(ctx context.Context, link string, frame []byte, n int) error {
	const batch = 64 << 10
	per := max(1, batch/max(1, len(frame)))
	var buf []byte
	for range min(per, n) {
		buf = append(buf, frame...)
	}
	for n > 0 {
		k := min(per, n)
		if err := p.Send(ctx, link, buf[:k*len(frame)]); err != nil {
			return err
		}
		n -= k
	}
	return nil
}

// Gone reports whether a link has ended, by either side, or is not there. The name is as for [Puppet.SendPieces].
func (p *Puppet) Gone(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, err := p.find(name)
	return err != nil || !l.open
}

// CloseLink closes a link. What had come in on it can still be received, then Closed. The name is
// as for [Puppet.SendPieces].
func (p *Puppet) CloseLink(name string) error {
	p.mu.Lock()
	l, err := p.find(name)
	p.mu.Unlock()
	if err != nil {
		return err
	}
	l.close()
	return nil
}

func (p *Puppet) errorf(link, format string, args ...any) error {
	where := "puppet " + p.cfg.Name
	if link != "" {
		where += " link " + link
	}
	return fmt.Errorf(where+": "+format, args...)
}

// addrPort is a as a value; an IPv4 address is never in its IPv6 form.
func addrPort(a net.Addr) netip.AddrPort {
	ap := a.(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
