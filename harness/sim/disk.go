package sim

import "github.com/slotdiff/slotdiff/node/nodesconf"

// disk holds a host's nodes.conf. The file is replaced atomically; what was not synced is
// in the page cache, which outlives the process but not the machine's power.
type disk struct {
	cached  []byte // nil: no file
	durable []byte
	synced  bool   // cached is durable, the same memory
	spare   []byte // memory of a file that is no more
	parsed  bool   // facts are those of durable
	facts   promises
}

func (d *disk) write(text []byte, sync bool) {
	if d.synced {
		d.cached, d.spare = d.spare, nil
	}
	d.cached = append(d.cached[:0], text...)
	if d.synced = sync; sync {
		d.durable, d.spare, d.parsed = d.cached, d.durable, false
	}
}

// losePower leaves what was synced. The page cache may have been written back in time.
func (d *disk) losePower(writtenBack bool) {
	if writtenBack {
		d.durable, d.parsed = d.cached, false
	}
	d.cached, d.synced, d.spare = d.durable, true, nil
}

// promises are the epochs that a file remembers. All are 0 where there is no file that parses.
type promises struct {
	current uint64
	vote    uint64
	config  uint64 // of the node itself, as a master
}

// promised is what the durable file remembers.
func (d *disk) promised() promises {
	if d.parsed {
		return d.facts
	}
	d.parsed, d.facts = true, promises{}
	f, err := nodesconf.Parse(d.durable)
	if err != nil {
		return d.facts
	}
	d.facts.current, d.facts.vote = f.CurrentEpoch, f.VoteEpoch
	for i := range f.Nodes {
		if n := &f.Nodes[i]; n.Myself() && n.Master.IsZero() {
			d.facts.config = n.ConfigEpoch
		}
	}
	return d.facts
}
