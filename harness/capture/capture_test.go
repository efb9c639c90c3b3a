package capture_test

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	fixture "github.com/slotdiff/slotdiff/fixtures/bus"
	"github.com/slotdiff/slotdiff/harness/capture"
	"github.com/slotdiff/slotdiff/wire/bus"
)

var (
	nodeBus    = netip.MustParseAddrPort("127.0.0.1:17000")
	nodeClient = netip.MustParseAddrPort("127.0.0.1:7000")
	nodeV6     = netip.MustParseAddrPort("[::1]:7000")
	peer       = netip.MustParseAddrPort("127.0.0.1:40001")
	peerV6     = netip.MustParseAddrPort("[::1]:40001")
	start      = time.Date(2026, 11, 23, 12, 0, 0, 123456789, time.UTC)
)

// record writes events a millisecond apart.
func record(t *testing.T, events ...capture.Event) *bytes.Buffer {
	t.Helper()
	var file bytes.Buffer
	w, err := capture.NewWriter(&file, "a test", "oracle", "target")
	if err != nil {
		t.Fatal(err)
	}
	for i, ev := range events {
		ev.At = start.Add(time.Duration(i) * time.Millisecond)
		if err := w.Write(ev); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return &file
}

func read(t *testing.T, file io.Reader) []capture.Message {
	t.Helper()
	msgs, err := capture.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return msgs
}

func data(side string, from, to netip.AddrPort, b []byte, note string) capture.Event {
	return capture.Event{Kind: capture.Data, Side: side, From: from, To: to, Bytes: b, Note: note}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	ping, update := fixture.Get("ping_full").Frame, fixture.Get("update").Frame
	long := bytes.Repeat([]byte("0123456789"), 20_000)
	both := append(bytes.Clone(ping), update...)
	file := record(t,
		capture.Event{Kind: capture.Open, Side: "oracle", From: peer, To: nodeBus, Note: "p out"},
		data("oracle", peer, nodeBus, ping[:5], "first"),
		data("target", peer, nodeBus, both, ""),
		data("oracle", peer, nodeBus, ping[5:], "second"),
		data("oracle", nodeBus, peer, update, ""),
		data("oracle", peer, nodeClient, []byte("*1\r\n$4\r\nPING\r\n"), "a default"),
		data("oracle", nodeClient, peer, []byte("+PONG\r\n"), ""),
		data("oracle", peerV6, nodeV6, long, ""),
		capture.Event{Kind: capture.Close, Side: "oracle", From: peer, To: nodeBus},
		capture.Event{Kind: capture.Close, Side: "oracle", From: peer, To: nodeBus},
		data("oracle", peer, nodeBus, update, "a new connection with the same ports"),
	)
	type msg struct {
		ms    int
		side  string
		from  netip.AddrPort
		isBus bool
		note  string
		bytes []byte
	}
	want := []msg{
		{2, "target", peer, true, "", ping},
		{2, "target", peer, true, "", update},
		{3, "oracle", peer, true, "first", ping},
		{4, "oracle", nodeBus, true, "", update},
		{5, "oracle", peer, false, "a default", []byte("*1\r\n$4\r\nPING\r\n")},
		{6, "oracle", nodeClient, false, "", []byte("+PONG\r\n")},
		{7, "oracle", peerV6, false, "", nil},
		{10, "oracle", peer, true, "a new connection with the same ports", update},
	}
	var all []byte
	for _, m := range read(t, file) {
		if m.From == peerV6 { // it came in several segments
			all = append(all, m.Bytes...)
			if len(all) < len(long) {
				continue
			}
			m.Bytes = nil
		}
		if m.Err != nil || len(want) == 0 {
			t.Fatalf("%+v", m)
		}
		w := want[0]
		want = want[1:]
		if !m.At.Equal(start.Add(time.Duration(w.ms)*time.Millisecond)) || m.Side != w.side || m.From != w.from ||
			m.Bus != w.isBus || m.Note != w.note || !bytes.Equal(m.Bytes, w.bytes) {
			t.Errorf("got %s %s %s bus=%v %q %d bytes, want %+v", m.At, m.Side, m.From, m.Bus, m.Note, len(m.Bytes), w)
		}
	}
	if len(want) > 0 || !bytes.Equal(all, long) {
		t.Errorf("%d messages are missing; %d of %d long bytes", len(want), len(all), len(long))
	}
}

// Other tools must be able to follow the connections: sequence numbers, acknowledgements and checksums are right.
func TestMadeUpHeadersAreConsistent(t *testing.T) {
	file := record(t,
		data("oracle", peer, nodeBus, bytes.Repeat([]byte{1}, 70_000), ""),
		data("oracle", nodeBus, peer, []byte("abc"), ""),
		capture.Event{Kind: capture.Close, Side: "oracle", From: nodeBus, To: peer},
	)
	ng, err := pcapgo.NewNgReader(file, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	if got := ng.SectionInfo(); got.Application != "slotdiff" || got.Comment != "a test" {
		t.Errorf("section %+v", got)
	}
	next := make(map[layers.TCPPort]uint32)
	var kinds []string
	for {
		b, ci, err := ng.ReadPacketData()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		p := gopacket.NewPacket(b, layers.LinkTypeRaw, gopacket.Default)
		if p.ErrorLayer() != nil || ci.Length != len(b) {
			t.Fatalf("%v", p)
		}
		tcp := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
		if err := tcp.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
			t.Fatal(err)
		}
		if sum, err := tcp.ComputeChecksum(); err != nil || sum != 0 {
			t.Errorf("checksum is off: %#x, %v", sum, err)
		}
		if tcp.Seq != next[tcp.SrcPort] || tcp.ACK && tcp.Ack != next[tcp.DstPort] {
			t.Errorf("seq %d ack %d, want %d and %d", tcp.Seq, tcp.Ack, next[tcp.SrcPort], next[tcp.DstPort])
		}
		n := uint32(len(tcp.Payload))
		kind := "data"
		switch {
		case tcp.SYN && tcp.ACK:
			kind, n = "syn-ack", 1
		case tcp.SYN:
			kind, n = "syn", 1
		case tcp.FIN:
			kind, n = "fin", 1
		case n == 0:
			kind = "ack"
		}
		kinds = append(kinds, kind)
		next[tcp.SrcPort] += n
	}
	if got := strings.Join(kinds, " "); got != "syn syn-ack ack data data data data fin fin ack" {
		t.Errorf("packets: %s", got)
	}
}

func TestBrokenStreamsAreShown(t *testing.T) {
	ping := fixture.Get("ping").Frame
	bad, err := bus.Build(bus.Header{}, []string{"PING", "totlen=2255"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	msgs := read(t, record(t,
		data("oracle", peer, nodeBus, append(bytes.Clone(ping), bad...), ""),
		data("oracle", peer, nodeBus, []byte("more"), ""),
		data("target", peer, nodeBus, ping[:100], ""),
	))
	if len(msgs) != 4 {
		t.Fatalf("%d messages", len(msgs))
	}
	if msgs[0].Err != nil || !bytes.Equal(msgs[0].Bytes, ping) {
		t.Errorf("the whole frame: %v", msgs[0].Err)
	}
	var rule *bus.RuleError
	if !errors.As(msgs[1].Err, &rule) || rule.Rule != bus.RuleLengthBelowHeader || !bytes.Equal(msgs[1].Bytes, bad) {
		t.Errorf("the bad one: %v", msgs[1].Err)
	}
	if msgs[2].Bus || string(msgs[2].Bytes) != "more" {
		t.Errorf("what follows: %+v", msgs[2])
	}
	if msgs[3].Err != io.ErrUnexpectedEOF || len(msgs[3].Bytes) != 100 {
		t.Errorf("the half: %v", msgs[3].Err)
	}
}

// foreign writes one TCP connection as a network would show it: any order, link layer Ethernet.
func foreign(t *testing.T, segments [][2]int, payload []byte) *bytes.Buffer {
	t.Helper()
	var file bytes.Buffer
	ng, err := pcapgo.NewNgWriter(&file, layers.LinkTypeEthernet)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range segments {
		ip := &layers.IPv4{Version: 4, TTL: 1, Protocol: layers.IPProtocolTCP, SrcIP: peer.Addr().AsSlice(), DstIP: nodeBus.Addr().AsSlice()}
		tcp := &layers.TCP{SrcPort: 40001, DstPort: 17000, Seq: 0xfffffff0 + uint32(s[0]), ACK: true}
		if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
			t.Fatal(err)
		}
		buf := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true},
			&layers.Ethernet{SrcMAC: make([]byte, 6), DstMAC: make([]byte, 6), EthernetType: layers.EthernetTypeIPv4},
			ip, tcp, gopacket.Payload(payload[s[0]:s[1]])); err != nil {
			t.Fatal(err)
		}
		ci := gopacket.CaptureInfo{Timestamp: start.Add(time.Duration(i)), CaptureLength: len(buf.Bytes()), Length: len(buf.Bytes())}
		if err := ng.WritePacket(ci, buf.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	if err := ng.Flush(); err != nil {
		t.Fatal(err)
	}
	return &file
}

func TestForeignCapturesArePutTogether(t *testing.T) {
	ping := fixture.Get("ping_full").Frame
	file := foreign(t, [][2]int{{0, 10}, {1000, 2000}, {10, 500}, {10, 500}, {400, 1100}, {2000, len(ping)}}, ping)
	msgs := read(t, file)
	if len(msgs) != 1 || !msgs[0].Bus || msgs[0].Err != nil || !bytes.Equal(msgs[0].Bytes, ping) {
		t.Fatalf("%d messages: %+v", len(msgs), msgs)
	}
	msgs = read(t, foreign(t, [][2]int{{0, 10}, {20, len(ping)}}, ping))
	if len(msgs) != 1 || msgs[0].Err == nil || len(msgs[0].Bytes) != 10 {
		t.Fatalf("with a gap: %+v", msgs)
	}
}

func TestReadRefusesOtherFiles(t *testing.T) {
	for _, file := range []string{"", "no capture at all, but text"} {
		if msgs, err := capture.Read(strings.NewReader(file)); err == nil || msgs != nil {
			t.Errorf("%q: %v", file, msgs)
		}
	}
	ping := data("oracle", peer, nodeBus, fixture.Get("ping").Frame, "")
	whole := record(t, ping, ping).Bytes()
	if msgs, err := capture.Read(bytes.NewReader(whole[:len(whole)-9])); err == nil || len(msgs) != 1 {
		t.Errorf("a file that ends within its second packet: %d messages, error %v", len(msgs), err)
	}
}

func TestWriterErrors(t *testing.T) {
	if _, err := capture.NewWriter(io.Discard, ""); err == nil {
		t.Error("a writer without a side")
	}
	for want, ev := range map[string]capture.Event{
		`capture: no side "left"`:                                  data("left", peer, nodeBus, nil, ""),
		"capture: cannot send from 127.0.0.1:40001 to [::1]:7000":  data("oracle", peer, nodeV6, nil, ""),
		"capture: cannot send from invalid AddrPort to [::1]:7000": data("oracle", netip.AddrPort{}, nodeV6, nil, ""),
	} {
		w, err := capture.NewWriter(io.Discard, "", "oracle")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(ev); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if err := w.Flush(); err == nil || err.Error() != want {
			t.Errorf("Flush: %v, want %s", err, want)
		}
	}
}
