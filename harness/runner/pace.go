package runner

import (
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/oracle"
)

// leastTimeout is what a cluster-node-timeout may come to by the wall's clock while the
// nodes' is faster: a machine that is busy with many cases is late, and must not be taken
// for a failed node.
const leastTimeout = 250 * time.Millisecond

var nodeTimeout = regexp.MustCompile(`(?i)cluster-node-timeout[= ](\d+)`)

// paceOf is how many times as fast as the wall's the clock of a case's nodes may run, at
// most limit. It is the wall's own where a node is paused, which has a process and so a
// clock of its own.
func paceOf(c *scenario.Case, limit int) int {
	pace := max(1, limit)
	for _, st := range c.Steps() {
		if st.Actor == verbPause.Name {
			return 1
		}
		for _, m := range nodeTimeout.FindAllStringSubmatch(st.Text(), -1) {
			if ms, err := strconv.ParseInt(m[1], 10, 64); err == nil {
				pace = min(pace, int(time.Duration(ms)*time.Millisecond/leastTimeout))
			}
		}
	}
	return max(1, pace)
}

// tempo makes the clock of a side's nodes run fast while a step waits for what their
// delays bring, and as the wall's in between: what is to come before a delay has passed
// has as long as ever.
type tempo struct {
	times int // while a step waits, at least 1, which never changes anything
	nodes []oracle.PacedNode

	mu    sync.Mutex
	clock oracle.Pace // of all nodes
}

// waitsFor is how long a step may take before it is taken to wait: what answers at once
// does so sooner.
const waitsFor = 3 * time.Millisecond

// blocksFor is how long a command may take before it is taken to block.
const blocksFor = 50 * time.Millisecond

// hurry lets the clock run fast when after has passed, until relax is called.
func (t *tempo) hurry(after time.Duration) (relax func()) {
	if t.times <= 1 {
		return func() {}
	}
	if after <= 0 {
		t.set(t.times)
		return func() { t.set(1) }
	}
	var mu sync.Mutex
	relaxed := false
	timer := time.AfterFunc(after, func() {
		mu.Lock()
		defer mu.Unlock()
		if !relaxed {
			t.set(t.times)
		}
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		relaxed = true
		if !timer.Stop() {
			t.set(1)
		}
	}
}

// set changes the pace of all nodes at one moment.
func (t *tempo) set(times int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.clock = oracle.Pace{Times: times, At: now, Shows: t.clock.Show(now)}
	for _, n := range t.nodes {
		n.SetPace(t.clock)
	}
}

// now is the pace that a node is started with.
func (t *tempo) now() oracle.Pace {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.clock
}

// join takes a node whose clock is now's. No step waits meanwhile.
func (t *tempo) join(n oracle.Node) {
	if p, ok := n.(oracle.PacedNode); ok && t.times > 1 {
		t.nodes = append(t.nodes, p)
	}
}

// real is how long the wall's clock takes for d of the nodes' while a step waits.
func (t *tempo) real(d time.Duration) time.Duration { return d / time.Duration(t.times) }
