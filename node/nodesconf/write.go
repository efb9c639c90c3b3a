package nodesconf

import (
	"strconv"

	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// Append appends the whole file to b. Mirrors cluster_legacy.c:clusterSaveConfig, which leaves
// out nodes in handshake; the caller does that.
func (f *File) Append(b []byte) []byte {
	for i := range f.Nodes {
		b = f.Nodes[i].Append(b, Form{Saved: true})
		b = append(b, '\n')
	}
	return AppendVars(b, f.CurrentEpoch, f.VoteEpoch)
}

// AppendVars appends the line of variables that ends the file.
func AppendVars(b []byte, currentEpoch, voteEpoch uint64) []byte {
	b = append(b, "vars currentEpoch "...)
	b = strconv.AppendUint(b, currentEpoch, 10)
	b = append(b, " lastVoteEpoch "...)
	b = strconv.AppendUint(b, voteEpoch, 10)
	return append(b, '\n')
}

// Append appends the node's line to b, without a newline.
// Mirrors cluster_legacy.c:clusterGenNodeDescription.
func (n *Node) Append(b []byte, form Form) []byte {
	b = append(b, n.ID[:]...)
	b = append(b, ' ')
	b = append(b, n.IP...)
	port := n.Port
	if form.TLS {
		port = n.TLSPort
	}
	b = strconv.AppendInt(append(b, ':'), int64(port), 10)
	b = strconv.AppendInt(append(b, '@'), int64(n.CPort), 10)
	if n.Hostname != "" || form.Saved {
		b = append(b, ',')
		b = append(b, n.Hostname...)
	}
	if form.Saved {
		b = n.appendAux(b, form.TLS)
	}
	b = appendFlags(append(b, ' '), n.Flags)
	b = append(b, ' ')
	if n.Master == (bus.ID{}) {
		b = append(b, '-')
	} else {
		b = append(b, n.Master[:]...)
	}
	b = strconv.AppendInt(append(b, ' '), n.PingSent, 10)
	b = strconv.AppendInt(append(b, ' '), n.PongReceived, 10)
	b = strconv.AppendUint(append(b, ' '), n.ConfigEpoch, 10)
	if n.Connected {
		b = append(b, " connected"...)
	} else {
		b = append(b, " disconnected"...)
	}
	if n.Slots != nil {
		b = appendSlots(b, n.Slots)
	}
	for _, o := range n.Open {
		b = strconv.AppendUint(append(b, " ["...), uint64(o.Slot), 10)
		if o.Importing {
			b = append(b, "-<-"...)
		} else {
			b = append(b, "->-"...)
		}
		b = append(b, o.Node[:]...)
		b = append(b, ']')
	}
	return b
}

// appendAux writes the auxiliary fields in the order of Redis, which is that of its table of them
// from the end. The port that stands before the '@' is left out; the other one is
// always there, be it 0.
func (n *Node) appendAux(b []byte, tls bool) []byte {
	if tls {
		b = append(b, ",tcp-port="...)
		b = strconv.AppendInt(b, int64(n.Port), 10)
	} else {
		b = append(b, ",tls-port="...)
		b = strconv.AppendInt(b, int64(n.TLSPort), 10)
	}
	if n.Nodename != "" {
		b = append(b, ",nodename="...)
		b = append(b, n.Nodename...)
	}
	if n.ShardID != (bus.ID{}) {
		b = append(b, ",shard-id="...)
		b = append(b, n.ShardID[:]...)
	}
	return b
}

func appendFlags(b []byte, flags bus.NodeFlags) []byte {
	start := len(b)
	for _, f := range FlagNames {
		if flags.Any(f.Flag) {
			if len(b) > start {
				b = append(b, ',')
			}
			b = append(b, f.Name...)
		}
	}
	if len(b) == start {
		b = append(b, "noflags"...)
	}
	return b
}

func appendSlots(b []byte, s *slot.Set) []byte {
	for lo, hi := range s.Ranges() {
		b = strconv.AppendUint(append(b, ' '), uint64(lo), 10)
		if lo != hi {
			b = strconv.AppendUint(append(b, '-'), uint64(hi), 10)
		}
	}
	return b
}
