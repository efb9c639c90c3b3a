package runner

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// budget is the time that a case may take. It does not run down while the case
// queues for its turn to start a server: how long that takes is the other cases'
// doing. The nil budget has no end.
type budget struct {
	mu      sync.Mutex
	timer   *time.Timer
	left    time.Duration
	since   time.Time // when the clock was last set going
	waiting int       // sides that queue; while there are any, the clock stands
}

// withBudget returns a context that ends when d is spent. Its cause then says so.
func withBudget(ctx context.Context, d time.Duration) (context.Context, *budget, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	b := &budget{left: d, since: time.Now()}
	b.timer = time.AfterFunc(d, func() { cancel(fmt.Errorf("its deadline of %v has passed", d)) })
	return ctx, b, func() {
		b.stop()
		cancel(nil)
	}
}

// stop lets the clock stand until as many calls of proceed.
func (b *budget) stop() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting++
	if b.waiting == 1 && b.timer.Stop() {
		b.left -= time.Since(b.since)
	}
}

// proceed undoes one stop.
func (b *budget) proceed() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting--
	if b.waiting == 0 {
		b.since = time.Now()
		b.timer.Reset(max(0, b.left))
	}
}
