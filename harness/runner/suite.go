package runner

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

// Events are told of a suite's progress, one call at a time. Any may be nil.
type Events struct {
	Started  func(c *scenario.Case)
	Finished func(c *scenario.Case, r *verdict.Result)
}

// DefaultParallel is how many cases run at once unless the user says otherwise.
// Cases spend their time waiting for the cluster's own delays, not computing, so
// there are many more of them than cores: the more the less the servers of o, the oracle
// or nil, cost. A container is made for each node that runs at once, and used again.
func DefaultParallel(o oracle.Driver) int {
	switch {
	case o == nil:
		return 128 * runtime.NumCPU()
	case o.Identity().How == oracle.Container:
		return 32 * runtime.NumCPU()
	default:
		return 48 * runtime.NumCPU()
	}
}

// gate bounds how many servers start at once over all cases of a suite. Starting is
// what needs the processor; without a bound the starts of many cases starve the
// servers that others are waiting for. A nil gate lets all through.
type gate chan struct{}

func newGate() gate { return make(gate, 2*runtime.NumCPU()) }

// pass calls start when there is room, or returns ctx's error. The wait is not
// charged to b.
func (g gate) pass(ctx context.Context, b *budget, start func() error) error {
	if g == nil {
		return start()
	}
	if err := g.enter(ctx, b); err != nil {
		return err
	}
	defer g.leave()
	return start()
}

func (g gate) leave() { <-g }

func (g gate) enter(ctx context.Context, b *budget) error {
	b.stop()
	defer b.proceed()
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// RunAll plays every case, at most parallel at a time, fewer on a machine that is too busy
// for them, and returns the results in the order of cases. When ctx ends, cases not yet
// begun have no result (nil), nor have those in progress, unless they have diverged already.
func RunAll(ctx context.Context, cases []*scenario.Case, cfg Config, parallel int, ev Events) []*verdict.Result {
	results := make([]*verdict.Result, len(cases))
	cfg.starts = newGate()
	room := newCapacities(cfg)
	if cfg.Proven == nil {
		cfg.Proven = new(Proven)
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		next = make(chan int)
	)
	var press pressure
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go press.watch(watching)
	for range max(1, min(parallel, len(cases))) {
		wg.Go(func() {
			for i := range next {
				press.begin(ctx)
				give := room.take(ctx, cases[i], cfg)
				if ev.Started != nil {
					mu.Lock()
					ev.Started(cases[i])
					mu.Unlock()
				}
				res := Run(ctx, cases[i], cfg)
				give()
				press.end()
				if ctx.Err() != nil && cutShort(res) {
					continue
				}
				results[i] = res
				if ev.Finished != nil {
					mu.Lock()
					ev.Finished(cases[i], results[i])
					mu.Unlock()
				}
			}
		})
	}
feed:
	for _, i := range longestFirst(cases) {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	return results
}

// cutShort reports whether a result that was made while the suite was ending says
// nothing of the servers: what was not played to its end may look like anything but
// a different answer.
func cutShort(r *verdict.Result) bool {
	if r.Verdict != verdict.Fail {
		return r.Verdict == verdict.Unknown || r.Verdict == verdict.OracleFault
	}
	return len(r.Steps) > 0 && faulty(&r.Steps[len(r.Steps)-1])
}

// longestFirst orders cases so that those that take long do not begin last: by their
// deadlines, and where these are equal by what they wait for. The order is stable: equal
// runs begin equally.
func longestFirst(cases []*scenario.Case) []int {
	order := make([]int, len(cases))
	for i := range order {
		order[i] = i
	}
	waits := make([]time.Duration, len(cases))
	for i, c := range cases {
		waits[i] = waitsOf(c)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(cases[b].Deadline(), cases[a].Deadline()), cmp.Compare(waits[b], waits[a]))
	})
	return order
}

// writableDelay is how long a master that starts stays down (cluster_legacy.c:
// CLUSTER_WRITABLE_DELAY), which most cases that ask for its state wait for.
const writableDelay = 2 * time.Second

// waitsOf is about how long a case waits for the nodes' delays: what it holds still for,
// and the first time that a cluster is up.
func waitsOf(c *scenario.Case) (d time.Duration) {
	up := time.Duration(0)
	for _, st := range c.Steps() {
		switch {
		case st.Actor == verbHold.Name, slices.Contains(st.Expect, "nothing"):
			for _, w := range st.Words {
				if key, value, ok := w.KeyValue(); ok && (key == "for" || key == "within") {
					if long, err := time.ParseDuration(value.String()); err == nil {
						d += long
					}
				}
			}
		case slices.Contains(st.Expect, "cluster_state:ok"):
			up = writableDelay
		}
	}
	return d + up
}
