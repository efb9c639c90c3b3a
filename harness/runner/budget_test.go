package runner

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestBudgetEndsWithItsCause(t *testing.T) {
	ctx, _, cancel := withBudget(t.Context(), time.Millisecond)
	defer cancel()
	<-ctx.Done()
	if got := context.Cause(ctx).Error(); !strings.Contains(got, "deadline of 1ms") {
		t.Errorf("cause is %q, want one that names the deadline of 1ms", got)
	}
}

// A budget that stands outlives one that runs, however little it was given.
func TestBudgetStandsWhileQueueing(t *testing.T) {
	queueing, b, cancel := withBudget(t.Context(), time.Hour)
	defer cancel()
	b.stop()
	b.stop()
	b.mu.Lock()
	b.left = time.Millisecond
	b.mu.Unlock()
	b.proceed() // one side still queues
	other, _, cancelOther := withBudget(t.Context(), 20*time.Millisecond)
	defer cancelOther()
	<-other.Done()
	if queueing.Err() != nil {
		t.Fatal("the clock ran while a side was queueing")
	}
	b.proceed()
	<-queueing.Done() // or the test times out
}
