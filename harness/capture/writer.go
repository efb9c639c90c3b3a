// Package capture keeps what went over the links of a run as a pcapng file, which Wireshark, tcpdump and
// slotdiff decode read.
//
// The harness plays both ends of nothing it captures, so the file is a reconstruction: the bytes and their order
// in each direction are those that were read and written, the TCP and IP headers around them are made up. The
// package opens no socket and sniffs no network.
package capture

import (
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// Kind says what happened on a connection.
type Kind uint8

// The kinds of events.
const (
	Open  Kind = iota // From has connected to To
	Data              // From has sent Bytes to To
	Close             // From has closed; or To has, which is not told apart
)

// Event is one thing that happened on a connection.
type Event struct {
	Kind  Kind
	At    time.Time
	Side  string // one of the sides that the Writer was made for
	From  netip.AddrPort
	To    netip.AddrPort
	Bytes []byte
	Note  string // kept as the comment of the first packet; may be empty
}

// maxSegment is how many bytes one made-up segment carries: with its headers it fits an IP packet.
const maxSegment = 32 << 10

// Writer writes one file. Its methods may be called from several goroutines.
type Writer struct {
	mu    sync.Mutex
	ng    *pcapgo.NgWriter
	sides map[string]int // to interface number
	flows map[flow]*flowState
	id    uint16
	err   error
}

// flow is one direction of a connection.
type flow struct {
	side     string
	from, to netip.AddrPort
}

func (f flow) reverse() flow { return flow{side: f.side, from: f.to, to: f.from} }

type flowState struct {
	next uint32 // sequence number of the next byte
	open bool
}

// NewWriter starts a file. Each side becomes an interface of that name; there must be at least one. The comment
// goes into the file's head.
func NewWriter(w io.Writer, comment string, sides ...string) (*Writer, error) {
	if len(sides) == 0 {
		return nil, fmt.Errorf("capture: no side given")
	}
	c := &Writer{sides: make(map[string]int), flows: make(map[flow]*flowState)}
	for i, side := range sides {
		intf := pcapgo.NgInterface{
			Name: side, LinkType: layers.LinkTypeRaw, OS: runtime.GOOS,
			Comment: "TCP and IP headers are made up", TimestampResolution: 9,
		}
		var err error
		if i == 0 {
			c.ng, err = pcapgo.NewNgWriterInterface(w, intf, pcapgo.NgWriterOptions{
				SectionInfo: pcapgo.NgSectionInfo{Application: "slotdiff", Comment: comment},
			})
		} else {
			_, err = c.ng.AddInterface(intf)
		}
		if err != nil {
			return nil, fmt.Errorf("capture: %w", err)
		}
		c.sides[side] = i
	}
	return c, nil
}

// Write adds an event. Data on a connection that was not opened opens it. The first error that writing meets is
// kept and comes from every later Write and Flush.
func (w *Writer) Write(ev Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = w.write(ev)
	}
	return w.err
}

// Flush writes what is buffered to the file.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		if err := w.ng.Flush(); err != nil {
			w.err = fmt.Errorf("capture: %w", err)
		}
	}
	return w.err
}

func (w *Writer) write(ev Event) error {
	if _, ok := w.sides[ev.Side]; !ok {
		return fmt.Errorf("capture: no side %q", ev.Side)
	}
	if !ev.From.IsValid() || !ev.To.IsValid() || ev.From.Addr().Is4() != ev.To.Addr().Is4() {
		return fmt.Errorf("capture: cannot send from %s to %s", ev.From, ev.To)
	}
	f := flow{side: ev.Side, from: ev.From, to: ev.To}
	switch ev.Kind {
	case Open:
		return w.open(f, ev)
	case Data:
		if w.flows[f] == nil || !w.flows[f].open {
			if err := w.open(f, ev); err != nil {
				return err
			}
		}
		for b := ev.Bytes; len(b) > 0; {
			n := min(len(b), maxSegment)
			if err := w.segment(f, ev, layers.TCP{PSH: true, ACK: true}, b[:n]); err != nil {
				return err
			}
			w.flows[f].next += uint32(n)
			b, ev.Note = b[n:], ""
		}
		return nil
	case Close:
		return w.close(f, ev)
	default:
		panic(fmt.Sprintf("capture: kind %d", ev.Kind))
	}
}

// open writes the three packets by which a connection begins.
func (w *Writer) open(f flow, ev Event) error {
	r := f.reverse()
	w.flows[f] = &flowState{open: true}
	w.flows[r] = &flowState{open: true}
	if err := w.segment(f, ev, layers.TCP{SYN: true}, nil); err != nil {
		return err
	}
	w.flows[f].next++
	ev.Note = ""
	if err := w.segment(r, ev, layers.TCP{SYN: true, ACK: true}, nil); err != nil {
		return err
	}
	w.flows[r].next++
	return w.segment(f, ev, layers.TCP{ACK: true}, nil)
}

// close writes the packets by which a connection ends; a second close writes nothing.
func (w *Writer) close(f flow, ev Event) error {
	r := f.reverse()
	if w.flows[f] == nil || !w.flows[f].open {
		return nil
	}
	if err := w.segment(f, ev, layers.TCP{FIN: true, ACK: true}, nil); err != nil {
		return err
	}
	w.flows[f].next++
	ev.Note = ""
	if err := w.segment(r, ev, layers.TCP{FIN: true, ACK: true}, nil); err != nil {
		return err
	}
	w.flows[r].next++
	w.flows[f].open, w.flows[r].open = false, false
	return w.segment(f, ev, layers.TCP{ACK: true}, nil)
}

// segment writes one packet of f with the given flags.
func (w *Writer) segment(f flow, ev Event, tcp layers.TCP, payload []byte) error {
	tcp.SrcPort = layers.TCPPort(f.from.Port())
	tcp.DstPort = layers.TCPPort(f.to.Port())
	tcp.Seq = w.flows[f].next
	if tcp.ACK {
		tcp.Ack = w.flows[f.reverse()].next
	}
	tcp.Window = 65535
	var ip gopacket.SerializableLayer
	var network gopacket.NetworkLayer
	if f.from.Addr().Is4() {
		w.id++
		ip4 := &layers.IPv4{
			Version: 4, TTL: 64, Id: w.id, Flags: layers.IPv4DontFragment, Protocol: layers.IPProtocolTCP,
			SrcIP: f.from.Addr().AsSlice(), DstIP: f.to.Addr().AsSlice(),
		}
		ip, network = ip4, ip4
	} else {
		ip6 := &layers.IPv6{
			Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolTCP,
			SrcIP: f.from.Addr().AsSlice(), DstIP: f.to.Addr().AsSlice(),
		}
		ip, network = ip6, ip6
	}
	buf := gopacket.NewSerializeBuffer()
	if err := tcp.SetNetworkLayerForChecksum(network); err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buf, opts, ip, &tcp, gopacket.Payload(payload)); err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	ci := gopacket.CaptureInfo{
		Timestamp: ev.At, CaptureLength: len(buf.Bytes()), Length: len(buf.Bytes()),
		InterfaceIndex: w.sides[f.side],
	}
	var ngOpts pcapgo.NgPacketOptions
	if ev.Note != "" {
		ngOpts.Comments = []string{ev.Note}
	}
	if err := w.ng.WritePacketWithOptions(ci, buf.Bytes(), ngOpts); err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	return nil
}
