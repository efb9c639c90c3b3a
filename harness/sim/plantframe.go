package sim

import (
	"encoding/binary"

	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// More places in a frame; see atType.
const (
	atCount       = 14
	atOffset      = 32
	atSlots       = 80
	atReplicaOf   = 2128
	atMFlags      = 2253
	atGossipCPort = bus.HeaderLen + 96
	atGossipFlags = bus.HeaderLen + 98
)

// rewrite changes a frame before it leaves. It may be given the same bytes again: a broadcast is one
// frame on many links.
func (p *planted) rewrite(h *host, frame []byte) {
	if p.is == "" {
		return
	}
	be := binary.BigEndian
	typ := peekType(frame)
	ping := typ == bus.TypePing || typ == bus.TypePong || typ == bus.TypeMeet
	switch p.is {
	case "stale-claim":
		be.PutUint64(frame[atConfigEpoch:], 1)
	case "same-claim":
		be.PutUint64(frame[atConfigEpoch:], be.Uint64(frame[atCurrentEpoch:]))
	case "claim-more":
		if owned := h.core.Owned(); !h.core.Replica() && !owned.Empty() {
			owned.Add(uint16(owned.Next(0)+slot.Count-1) % slot.Count)
			owned.AppendWire(frame[atSlots:atSlots])
		}
	case "replica-claims":
		if h.core.Replica() {
			clear(frame[atReplicaOf : atReplicaOf+bus.IDLen])
			flags := bus.NodeFlags(be.Uint16(frame[atFlags:]))
			be.PutUint16(frame[atFlags:], uint16(flags&^bus.FlagReplica|bus.FlagMaster))
		}
	case "never-paused":
		frame[atMFlags] &^= bus.MFlagPaused
	case "no-force":
		frame[atMFlags] &^= bus.MFlagForceAck
	case "offset-ahead":
		if !h.core.Replica() {
			frame[atOffset] |= 1
		}
	case "old-epoch":
		if typ == bus.TypeAuthRequest {
			be.PutUint64(frame[atCurrentEpoch:], h.core.Epochs().Current-1)
		}
	case "gossip-healthy", "gossip-port":
		if ping {
			p.rewriteGossip(frame)
		}
	case "no-gossip", "forget-forever":
		if ping {
			p.rewriteBody(frame)
		}
	}
}

func (p *planted) rewriteGossip(frame []byte) {
	be := binary.BigEndian
	for i := range int(be.Uint16(frame[atCount:])) {
		at := i * bus.GossipLen
		if p.is == "gossip-port" {
			be.PutUint16(frame[at+atGossipCPort:], 1)
			continue
		}
		flags := bus.NodeFlags(be.Uint16(frame[at+atGossipFlags:]))
		be.PutUint16(frame[at+atGossipFlags:], uint16(flags&^(bus.FlagPFail|bus.FlagFail)))
	}
}

// rewriteBody changes what it cannot find by its place.
func (p *planted) rewriteBody(frame []byte) {
	pkt, err := bus.Parse(frame)
	if err != nil {
		panic(err)
	}
	body := pkt.Body.(*bus.Ping)
	if p.is == "no-gossip" {
		// The sender speaks of nobody but itself, so that the length stays.
		for i := range body.Gossip {
			body.Gossip[i].ID, body.Gossip[i].Flags = pkt.Sender, pkt.Flags
		}
	}
	for i := range body.Exts {
		if id, _, ok := body.ExtForgotten(i); ok && p.is == "forget-forever" && body.Exts[i].Type == bus.ExtForgotten {
			const year = 365 * 24 * 3600
			body.Exts[i].Payload = binary.BigEndian.AppendUint64(append([]byte(nil), id[:]...), year)
		}
	}
	pkt.Append(frame[:0])
}
