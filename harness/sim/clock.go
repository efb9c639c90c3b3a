package sim

import "github.com/slotdiff/slotdiff/node/cluster"

// epoch is the local time of every clock that is right when the world begins.
const epoch cluster.Time = 1_700_000_000_000

// clock is a host's clock. It runs at its own rate and may jump ahead, but never falls:
// node/server takes its time from a clock that does not either.
type clock struct {
	base  cluster.Time // local time
	since int64        // at this world time
	rate  int64        // local milliseconds in 1000 of the world's
}

func (c *clock) local(now int64) cluster.Time { return c.base + (now-c.since)*c.rate/1000 }

// world is the first world time at which the clock shows t or more, not before now.
func (c *clock) world(t cluster.Time, now int64) int64 {
	return max(now, c.since+((t-c.base)*1000+c.rate-1)/c.rate)
}

// skew jumps ahead and changes the rate.
func (c *clock) skew(now, jump, rate int64) {
	*c = clock{base: c.local(now) + jump, since: now, rate: rate}
}
