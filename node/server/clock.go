package server

import "time"

// clock is wall time that never falls: the wall clock of the start, carried on
// by the monotonic clock.
type clock struct{ start time.Time }

func newClock() clock { return clock{time.Now()} }

// micros is now in microseconds of Unix time.
func (c clock) micros() int64 {
	return c.start.UnixMicro() + time.Since(c.start).Microseconds()
}
