package sim

// path is the condition of the way from one host to another, in this direction only.
type path struct {
	cut    bool
	drop   int   // frames in a thousand that are lost
	twice  int   // that come twice
	late   int   // that the next one overtakes
	delay  int64 // ms on top of the latency
	jitter int64 // ms, at most so much more at random
}

// latency is how long a frame is on its way at least, ms.
const latency = 1

// paths are the conditions between all hosts.
type paths struct {
	rows  [][]path // by sender, then receiver; a nil row is clear
	group []int    // hosts of different groups do not reach each other
	next  int      // the next group
}

func newPaths(hosts int) paths {
	return paths{rows: make([][]path, hosts), group: make([]int, hosts), next: 1}
}

func (p *paths) at(from, to int) *path {
	if p.rows[from] == nil {
		p.rows[from] = make([]path, len(p.rows))
	}
	return &p.rows[from][to]
}

func (p *paths) get(from, to int) path {
	if row := p.rows[from]; row != nil {
		return row[to]
	}
	return path{}
}

// blocked reports whether nothing gets from one host to the other now.
func (p *paths) blocked(from, to int) bool {
	return p.group[from] != p.group[to] || p.get(from, to).cut
}

// apart reports whether two hosts cannot talk in both directions.
func (p *paths) apart(a, b int) bool { return p.blocked(a, b) || p.blocked(b, a) }

// split puts hosts into a group of their own.
func (p *paths) split(side []Host) {
	for _, h := range side {
		p.group[h] = p.next
	}
	p.next++
}

func (p *paths) heal() {
	clear(p.rows)
	clear(p.group)
	p.next = 1
}
