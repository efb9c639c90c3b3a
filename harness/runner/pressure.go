package runner

import (
	"context"
	"math"
	"runtime"
	"sync/atomic"
	"time"
)

// pressure is how late this machine wakes those who sleep: what a server that shares it
// is late by as well. Cases begin one after another while it is high, since their servers
// would not keep the delays that the cases are about; those in progress go on.
type pressure struct {
	late    atomic.Int64 // nanoseconds, the worst of the last moments
	running atomic.Int64 // cases in progress
}

const (
	pressureTick = 10 * time.Millisecond
	// tolerable is a fraction of the shortest delays that cases are about, half a second.
	tolerable = 100 * time.Millisecond
	// halfLife is how long a moment of lateness counts.
	halfLife = 300 * time.Millisecond
)

// watch measures until ctx ends.
func (p *pressure) watch(ctx context.Context) {
	t := time.NewTimer(pressureTick)
	defer t.Stop()
	for asked := time.Now(); ; asked = time.Now() {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		took := time.Since(asked)
		p.note(took-pressureTick, took)
		t.Reset(pressureTick)
	}
}

// note takes a lateness; what was late before counts the less the longer, elapsed, it is
// ago.
func (p *pressure) note(late, elapsed time.Duration) {
	before := time.Duration(p.late.Load())
	left := float64(before) * math.Exp2(-float64(elapsed)/float64(halfLife))
	p.late.Store(int64(max(late, time.Duration(left))))
}

// begin waits until one more case may begin, or for the end of ctx.
func (p *pressure) begin(ctx context.Context) {
	least := int64(4 * runtime.NumCPU())
	for time.Duration(p.late.Load()) > tolerable && p.running.Load() >= least {
		if pause(ctx, pressureTick, nil) != nil {
			break
		}
	}
	p.running.Add(1)
}

func (p *pressure) end() { p.running.Add(-1) }
