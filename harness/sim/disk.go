package sim

import "github.com/slotdiff/slotdiff/node/nodesconf"

// disk holds a host's nodes.conf. The file is replaced atomically; what was not synced is
// in the page cache, which outlives the process but not the machine's power.
type disk struct {
	cached  []byte // nil: no file
	durable []byte
	synced  bool            // cached is durable, the same memory
	spare   []byte          // memory of a file that is no more
	parsed  *nodesconf.File // of durable, nil: not parsed
}

func (d *disk) write(text []byte, sync bool) {
	if d.synced {
		d.cached, d.spare = d.spare, nil
	}
	d.cached = append(d.cached[:0], text...)
	if d.synced = sync; sync {
		d.durable, d.spare, d.parsed = d.cached, d.durable, nil
	}
}

// losePower leaves what was synced. The page cache may have been written back in time.
func (d *disk) losePower(writtenBack bool) {
	if writtenBack {
		d.durable, d.parsed = d.cached, nil
	}
	d.cached, d.synced, d.spare = d.durable, true, nil
}

// facts is what the durable file says, nil: there is none or it does not parse.
func (d *disk) facts() *nodesconf.File {
	if d.parsed == nil && d.durable != nil {
		d.parsed, _ = nodesconf.Parse(d.durable)
	}
	return d.parsed
}

// durableConfig is the config epoch that the durable file gives to the node itself as a master.
func (d *disk) durableConfig() uint64 {
	f := d.facts()
	if f == nil {
		return 0
	}
	for i := range f.Nodes {
		if n := &f.Nodes[i]; n.Myself() && n.Master.IsZero() {
			return n.ConfigEpoch
		}
	}
	return 0
}
