package puppet

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// maxFrame bounds what a puppet buffers of one packet: a node under test may announce anything.
const maxFrame = 64 << 20

// link is one connection of a puppet.
type link struct {
	puppet  *Puppet
	name    string
	inbound bool
	conn    net.Conn
	writing sync.Mutex

	// Guarded by puppet.mu.
	open   bool
	events []queued
	closed Event // once it is not open
}

// queued is an event with its place among all events of the puppet.
type queued struct {
	Event
	arrival uint64
}

// isInboundName reports whether only the puppet itself gives such a name.
func isInboundName(name string) bool {
	rest, ok := strings.CutPrefix(name, In)
	return ok && strings.Trim(rest, "0123456789") == ""
}

// read takes frames from the connection until it ends, answers those that auto=pong answers, and
// queues each.
func (l *link) read() {
	r := bufio.NewReaderSize(l.conn, 32<<10)
	for {
		frame, err := readFrame(r)
		if len(frame) > 0 {
			l.trace(TraceIn, frame)
		}
		if err != nil {
			l.end(frame, err)
			return
		}
		l.autoReply(frame)
		if o := l.puppet.cfg.Omit; !o.IsZero() {
			frame = o.Apply(bytes.Clone(frame))
		}
		l.push(Event{Link: l.name, Inbound: l.inbound, Frame: frame})
	}
}

// end closes the link and queues that as its last event.
func (l *link) end(partial []byte, err error) {
	l.close()
	if err == io.EOF || errors.Is(err, net.ErrClosed) {
		err = nil
	}
	l.trace(TraceClose, nil)
	l.push(Event{Link: l.name, Inbound: l.inbound, Closed: true, Frame: partial, Err: err})
}

func (l *link) push(ev Event) {
	p := l.puppet
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrivals++
	l.events = append(l.events, queued{Event: ev, arrival: p.arrivals})
	if ev.Closed {
		l.open, l.closed = false, ev
	}
	p.wake()
}

// readFrame reads one frame. With an error comes what there was of it: io.EOF at a frame's border,
// io.ErrUnexpectedEOF within, or why the bytes are no frame.
func readFrame(r *bufio.Reader) ([]byte, error) {
	prefix, err := r.Peek(bus.PrefixLen)
	if err != nil {
		rest, _ := io.ReadAll(r)
		if err == io.EOF && len(rest) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return rest, err
	}
	n, err := bus.FrameLen(prefix)
	if err == nil && n > maxFrame {
		err = fmt.Errorf("a packet of %d bytes is more than a puppet takes (%d)", n, maxFrame)
	}
	if err != nil {
		return bytes.Clone(prefix), err
	}
	var b bytes.Buffer
	b.Grow(min(n, 1<<20))
	_, err = io.CopyN(&b, r, int64(n))
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return b.Bytes(), err
}

// write sends bytes as one piece. The deadline of ctx bounds it.
func (l *link) write(ctx context.Context, b []byte) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return l.puppet.errorf(l.name, "%w", err)
	}
	deadline, _ := ctx.Deadline() // zero: none
	if err := l.conn.SetWriteDeadline(deadline); err != nil {
		return l.puppet.errorf(l.name, "%w", err)
	}
	stop := context.AfterFunc(ctx, func() { l.conn.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	l.trace(TraceOut, b)
	if _, err := l.conn.Write(b); err != nil {
		return l.puppet.errorf(l.name, "%w", err)
	}
	return nil
}

func (l *link) close() { l.conn.Close() }

func (l *link) trace(kind TraceKind, b []byte) {
	f := l.puppet.cfg.Trace
	if f == nil {
		return
	}
	f(TraceEvent{
		Kind: kind, At: time.Now(), Puppet: l.puppet.cfg.Name, Link: l.name, Inbound: l.inbound,
		Local: addrPort(l.conn.LocalAddr()), Remote: addrPort(l.conn.RemoteAddr()), Bytes: b,
	})
}
