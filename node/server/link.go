package server

import (
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// link is a connection of the cluster bus.
type link struct {
	id    cluster.LinkID
	out   *outbox  // nil while it is being dialled
	gone  bool     // the core closed it or knows that it is down
	early [][]byte // frames sent while it is being dialled
	done  chan struct{}
}

// The events of links.
type (
	busAccepted struct{ nc *net.TCPConn }
	dialled     struct {
		l   *link
		nc  *net.TCPConn // nil: failed
		err error
	}
	frames struct {
		l    *link
		list [][]byte
	}
	linkLost struct {
		l      *link
		reason string
	}
)

func addrOf(a net.Addr) netip.Addr { return a.(*net.TCPAddr).AddrPort().Addr().Unmap() }

func (s *server) handleBusAccepted(nc *net.TCPConn) {
	s.accepts++
	s.linkUp(&link{id: cluster.Inbound(s.accepts)}, nc)
}

// dial connects a link in the background.
func (s *server) dial(d cluster.Dial) {
	l := &link{id: d.Link}
	s.links[l.id] = l
	timeout := max(time.Duration(s.cfg.Int("cluster-node-timeout"))*time.Millisecond, time.Second)
	source := s.cfg.Text("bind-source-addr")
	s.spawn(func() {
		ev := dialled{l: l}
		dialer := net.Dialer{Timeout: timeout, KeepAlive: -1}
		if ip := net.ParseIP(source); ip != nil {
			dialer.LocalAddr = &net.TCPAddr{IP: ip}
		}
		if _, err := netip.ParseAddr(d.Host); err != nil {
			ev.err = err
		} else if nc, err := dialer.DialContext(s.ctx, "tcp", net.JoinHostPort(d.Host, strconv.Itoa(d.Port))); err != nil {
			ev.err = err
		} else {
			ev.nc = nc.(*net.TCPConn)
		}
		if !s.send(ev) && ev.nc != nil {
			ev.nc.Close()
		}
	})
}

func (s *server) handleDialled(ev dialled) {
	switch {
	case ev.l.gone && ev.nc != nil:
		ev.nc.Close()
	case ev.l.gone:
	case ev.nc == nil:
		s.lose(ev.l, ev.err.Error())
	default:
		s.linkUp(ev.l, ev.nc)
	}
}

// linkUp takes a connected link in and starts its reader.
func (s *server) linkUp(l *link, nc *net.TCPConn) {
	out, err := s.newOutbox(nc)
	if err != nil {
		nc.Close()
		s.lose(l, err.Error())
		return
	}
	keepAlive(nc, s.cfg.Int("cluster-node-timeout")/1000*2)
	l.out, l.done = out, make(chan struct{}, 1)
	s.links[l.id] = l
	s.step(cluster.LinkUp{Link: l.id, Local: addrOf(nc.LocalAddr()), Peer: addrOf(nc.RemoteAddr())})
	for _, f := range l.early {
		out.write(f)
	}
	l.early = nil
	s.spawn(func() { s.readFrames(l, nc) })
}

// lose tells the core that a link is down.
func (s *server) lose(l *link, reason string) {
	if l.gone {
		return
	}
	l.gone = true
	delete(s.links, l.id)
	if l.out != nil {
		l.out.end(true)
	}
	s.step(cluster.LinkDown{Link: l.id, Reason: reason})
}

// closeLink closes a link at the core's wish.
func (s *server) closeLink(id cluster.LinkID) {
	l := s.links[id]
	if l == nil {
		return
	}
	l.gone = true
	delete(s.links, id)
	if l.out != nil {
		l.out.end(true)
	}
}

// sendFrames writes frames, those in a row to one link at once.
func (s *server) sendFrames(list []cluster.Send) {
	for len(list) > 0 {
		id, n := list[0].Link, 1
		for n < len(list) && list[n].Link == id {
			n++
		}
		row := list[:n]
		list = list[n:]
		l := s.links[id]
		switch {
		case l == nil:
		case l.out == nil:
			for _, f := range row {
				l.early = append(l.early, append([]byte(nil), f.Frame...))
			}
		case n == 1:
			l.out.write(row[0].Frame)
		default:
			s.joined = s.joined[:0]
			for _, f := range row {
				s.joined = append(s.joined, f.Frame...)
			}
			l.out.write(s.joined)
		}
	}
}

func (s *server) handleFrames(ev frames) {
	if s.engine.ReplOffset() != s.offset {
		// The answer to an MFSTART carries the offset of now. With that of the last tick a replica would wait
		// for an offset that it has passed, and the manual failover would time out.
		s.report()
	}
	for _, f := range ev.list {
		if ev.l.gone {
			break
		}
		s.step(cluster.Recv{Link: ev.l.id, Frame: f})
	}
	ev.l.done <- struct{}{}
}

// readFrames is the goroutine of a link.
func (s *server) readFrames(l *link, nc *net.TCPConn) {
	r := frameReader{}
	for {
		err := r.fill(nc)
		list, bad := r.frames()
		if len(list) > 0 {
			if !s.send(frames{l, list}) {
				return
			}
			select {
			case <-l.done:
			case <-s.stopped:
				return
			}
		}
		if bad {
			return // the core has closed the link
		}
		if err != nil {
			s.send(linkLost{l, err.Error()})
			return
		}
	}
}

// frameReader cuts a stream into frames. Its buffer grows as bytes arrive, never
// ahead of them: the length that a frame announces is not believed.
type frameReader struct {
	buf        []byte
	start, end int  // of the bytes not yet handed out
	filled     bool // the last read took all the room there was
	list       [][]byte
}

// Sizes of a link's buffer: at first, and up to which it grows where more comes than it takes, so that a turn has as many packets as
// were there.
const (
	linkBuffer = 16 << 10
	fastBuffer = 256 << 10
)

func (r *frameReader) fill(nc net.Conn) error {
	if r.start > 0 {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
		if r.end == 0 && len(r.buf) > 1<<20 {
			r.buf = nil
		}
	}
	if r.end == len(r.buf) || r.filled && len(r.buf) < fastBuffer {
		// Double under a megabyte, then grow by one, as clusterReadHandler does.
		grown := make([]byte, max(linkBuffer, len(r.buf)+min(len(r.buf), 1<<20)))
		copy(grown, r.buf)
		r.buf = grown
	}
	n, err := nc.Read(r.buf[r.end:])
	r.end += n
	r.filled = r.end == len(r.buf)
	return err
}

// frames returns the whole frames in the buffer, valid until the next fill. After
// bytes that begin no frame, whose first eight are then the last frame, bad is
// true and the stream is worth nothing.
func (r *frameReader) frames() (list [][]byte, bad bool) {
	list = r.list[:0]
	for r.end-r.start >= bus.PrefixLen {
		b := r.buf[r.start:r.end]
		n, err := bus.FrameLen(b)
		if err != nil {
			list, bad = append(list, b[:bus.PrefixLen]), true
			break
		}
		if n > len(b) {
			break
		}
		list = append(list, b[:n:n])
		r.start += n
	}
	r.list = list
	return list, bad
}
