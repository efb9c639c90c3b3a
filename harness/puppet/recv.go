package puppet

import (
	"context"
	"encoding/binary"
	"net"
	"strings"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// Event is a frame that came in, or the end of a link.
type Event struct {
	Link    string // the link's own name: out, in1, ...
	Inbound bool   // the node opened the link
	// Frame is the whole packet. In a Closed event it is what there was of a last, broken one.
	Frame  []byte
	Closed bool
	// Err is why the puppet gave the link up: a reset, bytes that are no packet. Nil for an
	// orderly close, also by the puppet itself.
	Err error
}

// Type is the packet's type; ok is false for a frame that ends before it, as one of eight bytes does.
func (e Event) Type() (t bus.Type, ok bool) {
	if len(e.Frame) < bus.HeaderLen {
		return 0, false
	}
	return bus.Type(binary.BigEndian.Uint16(e.Frame[12:])), true
}

// Text is what a case shows of the event: the packet's text form, or "closed".
func (e Event) Text() string {
	if e.Closed {
		return "closed\n"
	}
	return bus.FrameText(e.Frame)
}

// Filter says which events Recv waits for. The zero Filter takes any frame.
type Filter struct {
	// Type, if set, skips frames of other types.
	Type *bus.Type
	// Link is a link's own name, In for any inbound link, or "" for any link at all.
	Link string
	// Sender, if set, skips frames whose header names another sender.
	Sender *bus.ID
	// Words, if set, skips frames whose text form has no line that contains them.
	Words string
}

// OfType is the filter for frames of type t on a link.
func OfType(t bus.Type, link string) Filter { return Filter{Type: &t, Link: link} }

func (f *Filter) takesLink(l *link) bool {
	return f.Link == "" || f.Link == l.name || f.Link == In && l.inbound
}

func (f *Filter) takes(e *Event) bool {
	if e.Closed {
		return f.Link != ""
	}
	if f.Type != nil {
		if t, ok := e.Type(); !ok || t != *f.Type {
			return false
		}
	}
	if f.Words != "" && !strings.Contains(e.Text(), f.Words) {
		return false
	}
	return f.Sender == nil || len(e.Frame) >= bus.HeaderLen && bus.ID(e.Frame[40:80]) == *f.Sender
}

// Recv waits for the first event that f takes and takes it away, together with the events before it
// on the same link; the other links keep theirs. A closed link is an event only where f names a link or
// In; on a link that f names it stays the answer for ever after. Frames that arrived before Recv was called count.
// The error is that of ctx, net.ErrClosed after Close, or that f names a link that never was.
func (p *Puppet) Recv(ctx context.Context, f Filter) (Event, error) {
	for {
		p.mu.Lock()
		ev, ok := p.take(&f)
		closed, changed, known := p.closed, p.changed, p.knows(f.Link)
		p.mu.Unlock()
		switch {
		case ok:
			return ev, nil
		case closed:
			return Event{}, p.errorf(f.Link, "%w", net.ErrClosed)
		case !known:
			return Event{}, p.errorf(f.Link, "there is no such link")
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Event{}, p.errorf(f.Link, "%w", ctx.Err())
		}
	}
}

// knows reports whether a link of that name is there or may still come. p.mu is held.
func (p *Puppet) knows(name string) bool {
	if name == "" || isInboundName(name) {
		return true
	}
	for _, l := range p.links {
		if l.name == name {
			return true
		}
	}
	return false
}

// take removes the earliest event that f takes. p.mu is held.
func (p *Puppet) take(f *Filter) (Event, bool) {
	var from *link
	at := -1
	for _, l := range p.links {
		if !f.takesLink(l) {
			continue
		}
		for i := range l.events {
			if f.takes(&l.events[i].Event) {
				if from == nil || l.events[i].arrival < from.events[at].arrival {
					from, at = l, i
				}
				break
			}
		}
	}
	if from != nil {
		ev := from.events[at].Event
		from.events = from.events[at+1:]
		return ev, true
	}
	for _, l := range p.links {
		if l.name == f.Link && !l.open {
			return l.closed, true
		}
	}
	return Event{}, false
}
