package evidence

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/slotdiff/slotdiff/harness/verdict"
)

// segment is how much of a frame goes into one synthetic TCP segment: an IPv4
// packet with its headers stays below 64 KiB.
const segment = 60000

// Capture writes the frames of the sides as a pcapng file that packet tools open:
// an interface a side, each frame as TCP segments between its two addresses. The
// frames were taken above TCP, so sequence numbers are made up, but in order; there
// are no handshakes. Without any frame it returns nil.
func Capture(sides map[verdict.Witness]*verdict.Side) ([]byte, error) {
	var buf bytes.Buffer
	var w *pcapgo.NgWriter
	for _, witness := range []verdict.Witness{verdict.Oracle, verdict.Target} {
		side := sides[witness]
		if side == nil || len(side.Frames) == 0 {
			continue
		}
		iface := pcapgo.DefaultNgInterface
		iface.Name = string(witness)
		iface.LinkType = layers.LinkTypeRaw
		id := 0
		var err error
		if w == nil {
			w, err = pcapgo.NewNgWriterInterface(&buf, iface, pcapgo.NgWriterOptions{
				SectionInfo: pcapgo.NgSectionInfo{Application: "slotdiff"},
			})
		} else {
			id, err = w.AddInterface(iface)
		}
		if err != nil {
			return nil, fmt.Errorf("capture: %w", err)
		}
		if err := writeFrames(w, id, side.Frames); err != nil {
			return nil, fmt.Errorf("capture: %s: %w", witness, err)
		}
	}
	if w == nil {
		return nil, nil
	}
	if err := w.Flush(); err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	return buf.Bytes(), nil
}

func writeFrames(w *pcapgo.NgWriter, iface int, frames []verdict.Frame) error {
	sent := map[[2]netip.AddrPort]uint32{} // bytes sent by the first to the second
	for _, f := range frames {
		src, err := netip.ParseAddrPort(f.Src)
		if err != nil {
			return err
		}
		dst, err := netip.ParseAddrPort(f.Dst)
		if err != nil {
			return err
		}
		for chunk := range slices.Chunk(f.Data, segment) {
			there, back := [2]netip.AddrPort{src, dst}, [2]netip.AddrPort{dst, src}
			pkt, err := tcpPacket(src, dst, 1+sent[there], 1+sent[back], chunk)
			if err != nil {
				return err
			}
			sent[there] += uint32(len(chunk))
			info := gopacket.CaptureInfo{Timestamp: f.At, CaptureLength: len(pkt), Length: len(pkt), InterfaceIndex: iface}
			if err := w.WritePacket(info, pkt); err != nil {
				return err
			}
		}
	}
	return nil
}

func tcpPacket(src, dst netip.AddrPort, seq, ack uint32, payload []byte) ([]byte, error) {
	tcp := &layers.TCP{
		SrcPort: layers.TCPPort(src.Port()), DstPort: layers.TCPPort(dst.Port()),
		Seq: seq, Ack: ack, ACK: true, PSH: true, Window: 65535,
	}
	var ip gopacket.SerializableLayer
	if a, b := src.Addr().Unmap(), dst.Addr().Unmap(); a.Is4() && b.Is4() {
		v4 := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: a.AsSlice(), DstIP: b.AsSlice()}
		if err := tcp.SetNetworkLayerForChecksum(v4); err != nil {
			return nil, err
		}
		ip = v4
	} else {
		a, b := src.Addr().As16(), dst.Addr().As16()
		v6 := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolTCP, SrcIP: a[:], DstIP: b[:]}
		if err := tcp.SetNetworkLayerForChecksum(v6); err != nil {
			return nil, err
		}
		ip = v6
	}
	buf := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buf, opts, ip, tcp, gopacket.Payload(payload)); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
