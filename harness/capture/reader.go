package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// Message is one cluster-bus packet of a file, or a run of other bytes.
type Message struct {
	At   time.Time // of its last byte
	Side string    // name of the interface
	From netip.AddrPort
	To   netip.AddrPort
	Note string // comment of the packet it began in
	// Bus tells that Bytes are one frame of the cluster bus, or with Err its beginning.
	Bus   bool
	Bytes []byte
	// Err says why a frame ends early: the link broke its framing, or the file ends within it.
	Err error
}

// Read takes a pcapng file, of a Writer or captured on a network, and gives what its TCP connections carried, in
// the order of time. A direction that begins with the signature of the cluster bus is cut into frames; of any
// other each segment is a message. Segments that came twice or out of order are put right; bytes that the file does
// not have end their direction with an error in the last message. With an error, what could be read before it is
// returned too.
func Read(r io.Reader) ([]Message, error) {
	ng, err := pcapgo.NewNgReader(r, pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		return nil, fmt.Errorf("capture: not a pcapng file: %w", err)
	}
	streams := make(map[flow]*stream)
	var order []*stream
	var cut error // why not all of it could be read
	for n := 1; ; n++ {
		data, ci, opts, err := ng.ReadPacketDataWithOptions()
		if err == io.EOF {
			break
		}
		if err != nil {
			cut = fmt.Errorf("capture: packet %d: %w", n, err)
			break
		}
		intf, err := ng.Interface(ci.InterfaceIndex)
		if err != nil {
			cut = fmt.Errorf("capture: packet %d: %w", n, err)
			break
		}
		f, tcp := tcpOf(gopacket.NewPacket(data, intf.LinkType, gopacket.NoCopy))
		if tcp == nil {
			continue
		}
		f.side = intf.Name
		s := streams[f]
		if s == nil || tcp.SYN { // the same ports may be used again
			s = &stream{flow: f, next: tcp.Seq}
			streams[f] = s
			order = append(order, s)
		}
		if tcp.SYN {
			s.next = tcp.Seq + 1
			continue
		}
		s.add(segment{at: ci.Timestamp, seq: tcp.Seq, data: bytes.Clone(tcp.Payload), note: firstComment(opts)})
	}
	var all []Message
	for _, s := range order {
		all = append(all, s.finish()...)
	}
	slices.SortStableFunc(all, func(a, b Message) int { return a.At.Compare(b.At) })
	return all, cut
}

func firstComment(opts pcapgo.NgPacketOptions) string {
	if len(opts.Comments) == 0 {
		return ""
	}
	return opts.Comments[0]
}

// tcpOf is the flow and the TCP layer of a packet, nil if it has none.
func tcpOf(p gopacket.Packet) (flow, *layers.TCP) {
	tcp, ok := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
	if !ok || p.NetworkLayer() == nil {
		return flow{}, nil
	}
	src, ok1 := netip.AddrFromSlice(p.NetworkLayer().NetworkFlow().Src().Raw())
	dst, ok2 := netip.AddrFromSlice(p.NetworkLayer().NetworkFlow().Dst().Raw())
	if !ok1 || !ok2 {
		return flow{}, nil
	}
	return flow{from: netip.AddrPortFrom(src, uint16(tcp.SrcPort)), to: netip.AddrPortFrom(dst, uint16(tcp.DstPort))}, tcp
}

// segment is the payload of one TCP packet.
type segment struct {
	at   time.Time
	seq  uint32
	data []byte
	note string
}

// stream puts one direction of a connection together.
type stream struct {
	flow
	next    uint32    // sequence number of the first byte that is missing
	waiting []segment // what came too early
	began   bool
	isBus   bool
	broken  bool
	buf     []byte // the beginning of a frame
	note    string
	last    time.Time
	out     []Message
}

// add takes a segment, and those that waited for it.
func (s *stream) add(seg segment) {
	if len(seg.data) == 0 {
		return
	}
	s.waiting = append(s.waiting, seg)
	for again := true; again; {
		again = false
		for i, w := range s.waiting {
			ahead := int32(w.seq - s.next) // sequence numbers wrap
			if ahead > 0 {
				continue
			}
			if skip := int(-int64(ahead)); skip < len(w.data) {
				w.data = w.data[skip:]
				s.take(w)
			}
			s.waiting = slices.Delete(s.waiting, i, i+1)
			again = true
			break
		}
	}
}

// take adds the bytes that come next.
func (s *stream) take(seg segment) {
	s.next += uint32(len(seg.data))
	s.last = seg.at
	if !s.began {
		s.began = true
		s.isBus = bytes.HasPrefix([]byte(bus.Signature), seg.data) || bytes.HasPrefix(seg.data, []byte(bus.Signature))
	}
	if !s.isBus || s.broken {
		s.emit(seg.data, seg.note, false, nil)
		return
	}
	if len(s.buf) == 0 {
		s.note = seg.note
	}
	s.buf = append(s.buf, seg.data...)
	for {
		n, err := bus.FrameLen(s.buf)
		if err != nil {
			s.broken = true
			s.emit(s.buf, s.note, true, err)
			s.buf = nil
			return
		}
		if n == 0 || n > len(s.buf) {
			return
		}
		s.emit(s.buf[:n:n], s.note, true, nil)
		s.buf, s.note = s.buf[n:], seg.note
		if len(s.buf) == 0 {
			return
		}
	}
}

func (s *stream) emit(b []byte, note string, isBus bool, err error) {
	s.out = append(s.out, Message{At: s.last, Side: s.side, From: s.from, To: s.to, Note: note, Bus: isBus, Bytes: b, Err: err})
}

// finish gives the messages of the stream.
func (s *stream) finish() []Message {
	var err error
	switch {
	case len(s.waiting) > 0:
		err = errors.New("bytes that follow are missing in the file")
	case len(s.buf) > 0:
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		s.emit(s.buf, s.note, s.isBus, err)
	}
	return s.out
}
