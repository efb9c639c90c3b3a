package quirks

import (
	"net/netip"
	"slices"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// Hazards of a packet: what a node takes as it is told and shows in CLUSTER NODES and nodes.conf, where the invariants of the harness
// find that it can not be.
const (
	PortZero  = "announces-port-zero"
	NoAddress = "announces-no-address"
)

// ReplicatesWithSlots is a command that ends Redis by itself: CLUSTER REPLICATE to a replica that owns slots; see docs/findings.md.
const ReplicatesWithSlots = "replicates-with-slots"

// HazardOf names the first hazard of a case; "": it has none. Its packets are those that its nodes frame; see [Inputs].
func HazardOf(c *scenario.Case) string {
	w := newWalk(c)
	for _, st := range c.Steps() {
		if w.in.Slotted && clusterSubcommand(st) == "REPLICATE" {
			return ReplicatesWithSlots
		}
		w.command(st)
	}
	for in := range Inputs(c) {
		if name := in.Hazard(); name != "" {
			return name
		}
	}
	return ""
}

// Hazard names what is wrong with an address that the receiver may take from a packet: the sender's own, or that of a node in its
// gossip; "": nothing.
func (in *Input) Hazard() string {
	s := look(in)
	if s.header == nil || !s.header.Type.Gossips() || !slices.Contains(readAll, s.rule) {
		return ""
	}
	if s.takesAddress() {
		ip := s.header.IP
		ip[bus.IPLen-1] = 0
		if name := hazardous(s.header.Port, s.header.CPort, ip.String(), true); name != "" {
			return name
		}
	}
	ping, ok := s.ping()
	if !ok || !s.mayKnow(s.header.Sender) {
		return ""
	}
	for i := range ping.Gossip {
		g := &ping.Gossip[i]
		if g.ID == s.Receiver || g.Flags.Any(bus.FlagNoAddr) || s.Listed[g.ID] && g.Flags.Any(bus.FlagFail|bus.FlagPFail) {
			continue // of a known node another address is only taken when the sender finds it well
		}
		if name := hazardous(g.Port, g.CPort, g.IP.String(), false); name != "" {
			return name
		}
	}
	return ""
}

// takesAddress reports whether the receiver may take the sender's address from the header: it meets a stranger, hears a PING of a known
// node on a link that it has not opened itself, or finds at the end of a handshake that it knows the node.
func (s *sight) takesAddress() bool {
	sender := s.header.Sender
	switch {
	case s.header.Type == bus.TypeMeet && !s.Listed[sender] && sender != s.Receiver:
		return true
	case s.Dialled:
		return s.mayKnow(sender) && !s.Listed[sender]
	default:
		return s.header.Type == bus.TypePing && s.mayKnow(sender)
	}
}

func (s *sight) mayKnow(id bus.ID) bool { return id == s.Receiver || s.Met[id] }

// hazardous names what is wrong with an address. own: none means that of the connection.
func hazardous(port, cport uint16, ip string, own bool) string {
	if port == 0 || cport == 0 {
		return PortZero
	}
	if own && ip == "" {
		return ""
	}
	if _, err := netip.ParseAddr(ip); err != nil || len(ip) >= bus.IPLen {
		return NoAddress
	}
	return ""
}
