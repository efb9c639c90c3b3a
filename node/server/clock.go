package server

import (
	"fmt"
	"time"
)

// PaceEnv names an environment variable "N@MICROS" that makes the node's clock run N
// times as fast as the wall's, from a moment in microseconds of Unix time on. A test
// harness sets it so that the delays of the cluster, seconds long, pass sooner; nodes that
// talk to each other must agree in it. Unset or anything else, the clock is the wall's.
const PaceEnv = "SLOTNODE_PACE"

// clock is wall time that never falls: the wall clock of the start, carried on
// by the monotonic clock.
type clock struct {
	start time.Time
	first int64 // what it shows at the start
	pace  int64 // how often as fast as the wall's it runs
}

// newClock starts a clock of a pace, as PaceEnv has it.
func newClock(paced string) clock {
	c := clock{start: time.Now(), pace: 1}
	c.first = c.start.UnixMicro()
	var pace, from int64
	if n, _ := fmt.Sscanf(paced, "%d@%d", &pace, &from); n == 2 && pace > 0 && from <= c.first {
		c.pace = pace
		c.first = from + (c.first-from)*pace
	}
	return c
}

// micros is now in microseconds of Unix time.
func (c clock) micros() int64 {
	return c.first + time.Since(c.start).Microseconds()*c.pace
}

// wall is how long the wall's clock takes for some microseconds of this one.
func (c clock) wall(us int64) time.Duration {
	return time.Duration(us) * time.Microsecond / time.Duration(c.pace)
}
