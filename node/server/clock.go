package server

import (
	"fmt"
	"sync/atomic"
	"time"
)

// clock is wall time that never falls: the wall clock of the start, carried on by the
// monotonic clock. A host's input can make it run at another pace, so that the delays of
// the cluster, seconds long, pass sooner for a test that waits for them; nodes that talk
// to each other must be told alike.
type clock struct {
	start   time.Time
	rate    atomic.Pointer[rate]
	last    atomic.Int64  // what it showed last
	changed chan struct{} // has an item when the pace has changed
}

// rate says that a clock shows shows at the wall's moment at, both in microseconds of
// Unix time, and runs times times as fast.
type rate struct{ times, at, shows int64 }

// wallRate is that of the wall's clock.
var wallRate = rate{times: 1}

// parseRate reads "TIMES@AT=SHOWS", or "-" for the wall's.
func parseRate(text string) (r rate, ok bool) {
	if text == "-" {
		return wallRate, true
	}
	n, _ := fmt.Sscanf(text, "%d@%d=%d", &r.times, &r.at, &r.shows)
	return r, n == 3 && r.times > 0 && r.String() == text
}

func (r rate) String() string { return fmt.Sprintf("%d@%d=%d", r.times, r.at, r.shows) }

func newClock(r rate) *clock {
	c := &clock{start: time.Now(), changed: make(chan struct{}, 1)}
	c.rate.Store(&r)
	return c
}

// set changes the pace.
func (c *clock) set(r rate) {
	c.rate.Store(&r)
	select {
	case c.changed <- struct{}{}:
	default: // it has an item
	}
}

// micros is now in microseconds of Unix time.
func (c *clock) micros() int64 {
	r := c.rate.Load()
	wall := c.start.UnixMicro() + time.Since(c.start).Microseconds()
	us := r.shows + (wall-r.at)*r.times
	for {
		// A pace that was set late, and slower, begins in the past of what was shown.
		last := c.last.Load()
		if us <= last {
			return last
		}
		if c.last.CompareAndSwap(last, us) {
			return us
		}
	}
}

// wall is how long the wall's clock takes for some microseconds of this one, at the
// present pace.
func (c *clock) wall(us int64) time.Duration {
	return time.Duration(us) * time.Microsecond / time.Duration(c.rate.Load().times)
}
