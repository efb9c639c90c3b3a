package relay

import (
	"bufio"
	"context"
	"io"
	"net"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/wire/bus"
)

const (
	// queueLen bounds the frames under way in one direction of a link; more than that
	// stay in the sender's socket.
	queueLen = 1024
	// maxFrame bounds what is buffered of one packet, in bytes. What announces more, or
	// is no packet, is passed on as it comes.
	maxFrame = 16 << 20
	// strayLen is how much of what is no packet is passed on at once, in bytes.
	strayLen = 16 << 10
)

// link is one connection to a node, from whoever dialled its relay. The connection to
// the node itself is made for the first frame that may pass: while a pair is cut, the
// node does not even hear of an attempt.
type link struct {
	net   *Net
	relay *relay
	front *net.TCPConn    // to the dialler
	ctx   context.Context // ends with the link
	stop  context.CancelFunc
	wg    sync.WaitGroup

	dialler bus.ID       // as its last frame said; zero until one came. Guarded by net.mu
	back    *net.TCPConn // to the node; nil until dialled. Guarded by net.mu
}

// item is a frame under way.
type item struct {
	due   time.Time
	bytes []byte
	last  bool // the sender has ended the link
}

func newLink(n *Net, r *relay, c *net.TCPConn) *link {
	l := &link{net: n, relay: r, front: c}
	l.ctx, l.stop = context.WithCancel(context.Background())
	return l
}

// run moves frames until the link ends.
func (l *link) run() {
	l.pump(l.front, true)
	l.wg.Wait()
	l.end()
	l.net.mu.Lock()
	delete(l.net.links, l)
	l.net.mu.Unlock()
}

// pump starts moving what comes in on c: from the dialler to the node, or back.
func (l *link) pump(c *net.TCPConn, forth bool) {
	queue := make(chan item, queueLen)
	l.wg.Go(func() { l.read(c, forth, queue) })
	l.wg.Go(func() { l.write(forth, queue) })
}

// close ends the link at both ends. It is idempotent. net.mu is held.
func (l *link) close() {
	l.stop()
	l.front.Close()
	if l.back != nil {
		l.back.Close()
	}
}

// reset is close, but both ends see a reset. net.mu is held.
func (l *link) reset() {
	_ = l.front.SetLinger(0) // it fails on what is closed already
	if l.back != nil {
		_ = l.back.SetLinger(0)
	}
	l.close()
}

// end is close for those who do not hold net.mu.
func (l *link) end() {
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	l.close()
}

// direction is the pair whose rule holds for a frame: the dialler may have got its
// name only after it dialled.
func (l *link) direction(forth bool) direction {
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	d := direction{l.net.names[l.dialler], l.relay.name}
	if !forth {
		d.from, d.to = d.to, d.from
	}
	return d
}

// read takes frames from c, notes when each is due and queues it.
func (l *link) read(c *net.TCPConn, forth bool, queue chan<- item) {
	defer close(queue)
	r := bufio.NewReaderSize(c, strayLen)
	for {
		frame, err := readFrame(r)
		if forth && len(frame) >= bus.HeaderLen {
			l.net.mu.Lock()
			l.dialler = bus.ID(frame[40:80])
			l.net.mu.Unlock()
		}
		now, _ := l.net.look(l.direction(forth))
		it := item{due: time.Now().Add(now.delay), bytes: frame, last: err != nil}
		select {
		case queue <- it:
		case <-l.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// write delivers, holds back or refuses the queued frames, each when it is due.
func (l *link) write(forth bool, queue <-chan item) {
	for it := range queue {
		if !l.until(it.due) {
			return
		}
		if len(it.bytes) > 0 && !l.deliver(forth, it.bytes) {
			return
		}
		if it.last {
			if l.open(forth, nil) {
				l.end()
			}
			return
		}
	}
}

// until waits for a moment; false means that the link ended before it.
func (l *link) until(due time.Time) bool {
	d := time.Until(due)
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.ctx.Done():
		return false
	}
}

// deliver does with a frame what the rule says; false means that the link has ended.
func (l *link) deliver(forth bool, frame []byte) bool {
	if !l.open(forth, frame) {
		return false
	}
	d := l.direction(forth)
	if now, _ := l.net.look(d); now.how == Reset {
		l.trace(d, forth, Refused, frame)
		l.net.mu.Lock()
		l.reset()
		l.net.mu.Unlock()
		return false
	}
	to := l.front
	if forth {
		if to = l.dial(); to == nil {
			l.trace(d, forth, Refused, frame)
			return false
		}
	}
	l.trace(d, forth, Passed, frame)
	if _, err := to.Write(frame); err != nil {
		l.end()
		return false
	}
	return true
}

// open waits until the direction is not silent; false means that the link ended before.
// The frame that waits is traced once; nil is the end of the link.
func (l *link) open(forth bool, frame []byte) bool {
	for held := false; ; held = true {
		d := l.direction(forth)
		now, changed := l.net.look(d)
		if now.how != Silence {
			return true
		}
		if !held && frame != nil {
			l.trace(d, forth, Held, frame)
		}
		select {
		case <-changed:
		case <-l.ctx.Done():
			return false
		}
	}
}

// dial returns the connection to the node, making it at first. Without one the dialler
// is refused. Only the writer of the way forth calls it.
func (l *link) dial() *net.TCPConn {
	l.net.mu.Lock()
	back, target := l.back, l.relay.target
	l.net.mu.Unlock()
	if back != nil {
		return back
	}
	var c net.Conn
	err := net.ErrClosed
	if target.IsValid() {
		d := net.Dialer{KeepAlive: -1}
		c, err = d.DialContext(l.ctx, "tcp4", target.String())
	}
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	if err != nil {
		l.reset()
		return nil
	}
	l.back = c.(*net.TCPConn)
	if l.ctx.Err() != nil { // it ended meanwhile
		l.back.Close()
		return nil
	}
	l.pump(l.back, false)
	return l.back
}

func (l *link) trace(d direction, forth bool, fate Fate, frame []byte) {
	f := l.net.cfg.Trace
	if f == nil {
		return
	}
	ev := TraceEvent{
		At: time.Now(), From: d.from, To: d.to, Fate: fate, Bytes: frame,
		Src: addrPort(l.front.RemoteAddr()), Dst: addrPort(l.front.LocalAddr()),
	}
	if !forth {
		ev.Src, ev.Dst = ev.Dst, ev.Src
	}
	f(ev)
}

// readFrame reads one frame, or a piece of what is no frame. With an error comes what
// there was of the last one.
func readFrame(r *bufio.Reader) ([]byte, error) {
	prefix, err := r.Peek(bus.PrefixLen)
	if err != nil {
		rest, _ := io.ReadAll(r)
		return rest, err
	}
	n, err := bus.FrameLen(prefix)
	if err != nil || n > maxFrame {
		b := make([]byte, max(r.Buffered(), 1))
		k, err := r.Read(b)
		return b[:k], err
	}
	b := make([]byte, n)
	k, err := io.ReadFull(r, b)
	return b[:k], err
}
