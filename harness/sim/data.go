package sim

import "github.com/slotdiff/slotdiff/node/cluster"

// data is what a host has of a data plane: how far its replication stream goes, and from whom
// it comes. Masters write at a constant rate; a replica that reaches its master has what that has.
type data struct {
	offset     int64
	written    int64 // world time up to which offset counts
	from       *host // whom it replicates, nil: nobody, or nobody at that address
	follows    bool
	seen       cluster.Time // when the master was last heard, local time; 0: never
	up         bool
	pauseUntil cluster.Time // writes are paused, local time
	stalled    int64        // the stream is not read until then, world time
	reported   cluster.Report
}

// writeRate is how many bytes a master's clients write in a millisecond.
const writeRate = 3

// catchUp brings the offset of a host up to now.
func (h *host) catchUp() {
	d, s := &h.data, h.sim
	defer func() { d.written = s.now }()
	if !d.follows {
		if h.clock.local(s.now) >= d.pauseUntil && h.core != nil && !h.core.Replica() {
			d.offset += (s.now - d.written) * writeRate
		}
		return
	}
	from := d.from
	d.up = from != nil && from != h && from.core != nil && !from.paused && !s.paths.apart(h.index, from.index)
	if !d.up {
		return
	}
	d.seen = h.clock.local(s.now)
	if s.now >= d.stalled {
		if !from.data.follows {
			from.catchUp()
		}
		d.offset = from.data.offset
	}
}

// report tells the core what it cannot see of the data plane, if that changed.
func (h *host) report() {
	h.catchUp()
	r := cluster.Report{ReplOffset: h.data.offset, MasterLinkUp: h.data.up, MasterSeen: h.data.seen}
	if old := h.data.reported; r.ReplOffset != old.ReplOffset || r.MasterLinkUp != old.MasterLinkUp || r.MasterSeen != old.MasterSeen {
		h.data.reported = r
		h.step(r)
	}
}

func (h *host) performData(op cluster.DataOp) {
	h.catchUp()
	switch op := op.(type) {
	case cluster.Follow:
		h.data.follows, h.data.seen = true, 0
		h.data.from = h.sim.byClientAddr[addr{op.Host, op.Port}]
	case cluster.Unfollow:
		h.data.follows, h.data.from, h.data.up = false, nil, false
	case cluster.EmptyData:
		h.data.offset = 0
	case cluster.PauseWrites:
		h.data.pauseUntil = op.Until
	case cluster.ResumeWrites:
		h.data.pauseUntil = 0
	}
}
