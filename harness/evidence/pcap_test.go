package evidence

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/slotdiff/slotdiff/harness/verdict"
)

// What goes into a capture comes out of it: bytes, ports and interfaces, in order,
// with sequence numbers that a stream reassembler accepts.
func TestCapture(t *testing.T) {
	res := result(verdict.Fail, "x/y")
	data, err := Capture(res.Sides)
	if err != nil {
		t.Fatal(err)
	}
	r, err := pcapgo.NewNgReader(bytes.NewReader(data), pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	streams := map[[2]int][]byte{} // interface, source port
	for n := 0; ; n++ {
		pkt, info, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) {
			if n != 6 {
				t.Errorf("%d packets", n)
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !info.Timestamp.Equal(at) {
			t.Errorf("time %v", info.Timestamp)
		}
		decoded := gopacket.NewPacket(pkt, layers.LayerTypeIPv4, gopacket.Default)
		tcp, ok := decoded.Layer(layers.LayerTypeTCP).(*layers.TCP)
		if !ok {
			t.Fatalf("no TCP in packet %d: %v", n, decoded)
		}
		key := [2]int{info.InterfaceIndex, int(tcp.SrcPort)}
		if int(tcp.Seq) != 1+len(streams[key]) {
			t.Errorf("packet %d: sequence %d after %d bytes", n, tcp.Seq, len(streams[key]))
		}
		streams[key] = append(streams[key], tcp.Payload...)
	}
	for i, w := range []verdict.Witness{verdict.Oracle, verdict.Target} {
		intf, err := r.Interface(i)
		if err != nil || intf.Name != string(w) {
			t.Errorf("interface %d: %q %v", i, intf.Name, err)
		}
		for _, f := range res.Sides[w].Frames {
			port := 30000
			if string(f.Data) == "pong" {
				port = 26384
			}
			if !bytes.Equal(streams[[2]int{i, port}], f.Data) {
				t.Errorf("%s: stream from %s is not what was sent", w, f.Src)
			}
		}
	}

	if none, err := Capture(nil); none != nil || err != nil {
		t.Errorf("a capture of nothing: %d bytes, %v", len(none), err)
	}
	v6 := map[verdict.Witness]*verdict.Side{verdict.Target: {Frames: []verdict.Frame{{At: at, Src: "[::1]:1", Dst: "[::1]:2", Data: []byte("x")}}}}
	if data, err := Capture(v6); err != nil || len(data) == 0 {
		t.Errorf("IPv6: %v", err)
	}
	bad := map[verdict.Witness]*verdict.Side{verdict.Target: {Frames: []verdict.Frame{{Src: "p", Dst: "a", Data: []byte("x")}}}}
	if _, err := Capture(bad); err == nil {
		t.Error("addresses that are none were accepted")
	}
}
