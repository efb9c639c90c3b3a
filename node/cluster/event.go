package cluster

import "net/netip"

// Event is one input of the core: [Tick], [LinkUp], [LinkDown], [Recv], [Admin] or [Report].
type Event interface{ event() }

// LinkID names a link for its life. The core numbers the links that it dials, always even; the
// driver numbers those that it accepts, always odd ([Inbound]). Ids are not used again.
type LinkID uint64

// Inbound is the id of the nth link that a driver accepted.
func Inbound(n uint64) LinkID { return LinkID(n<<1 | 1) }

// Inbound reports whether id names a link that was accepted, not dialled.
func (id LinkID) Inbound() bool { return id&1 == 1 }

// Tick is the cluster cron. It is due at [Node.NextTick], every 100 ms.
type Tick struct{}

// LinkUp says that a link is connected: an accepted one, which is new, or one from [Ready].Dial.
type LinkUp struct {
	Link LinkID
	// Local and Peer are the addresses of the connection's two ends. Without a valid Peer the
	// node at the other end cannot be learned from a MEET that announces no address.
	Local, Peer netip.Addr
}

// LinkDown says that a link is gone, or that it could not be dialled. It is not sent for
// links that the core itself closed.
type LinkDown struct {
	Link   LinkID
	Reason string // for the log
}

// Recv is one frame as it came from a link: as many bytes as [bus.FrameLen] says. Where FrameLen
// refuses the first eight bytes, those are given, and the core closes the link. The bytes
// are not kept.
type Recv struct {
	Link  LinkID
	Frame []byte
}

// Admin is a command of an operator. Its answer comes in [Ready].Answers with the same tag;
// [Node.Do] gives it at once.
type Admin struct {
	Tag     uint64
	Request Request
}

// Report carries facts of the data plane. It replaces the last report whole; a driver sends one
// when something changed, before it ticks or lets the core send.
type Report struct {
	// ReplOffset is master_repl_offset of a master, the processed offset of a replica.
	ReplOffset int64
	// MasterLinkUp says that a replica's replication link is connected.
	MasterLinkUp bool
	// MasterSeen is when a replica last heard from its master; with the link down, when it went
	// down. 0: never connected.
	MasterSeen Time
	// SendQueues are the bytes queued on links, for cluster-link-sendbuf-limit. Links that are
	// not named have none. The slice is not kept.
	SendQueues []SendQueue
}

// SendQueue is how many bytes wait to be written to a link.
type SendQueue struct {
	Link  LinkID
	Bytes int64
}

func (Tick) event()     {}
func (LinkUp) event()   {}
func (LinkDown) event() {}
func (Recv) event()     {}
func (Admin) event()    {}
func (Report) event()   {}
