package oracle

import (
	"slices"
	"testing"
	"time"
)

// shortOfPorts is an allocator on a clock of its own, whose pairs are all taken but one; free frees the others.
func shortOfPorts(t *testing.T) (a *allocator, p *Port, free func(), now *time.Time) {
	t.Helper()
	now = new(time.Time)
	*now = time.Unix(1_000_000, 0)
	a = &allocator{clock: clock{read: func() time.Time { return *now }, wait: func(d time.Duration) { *now = now.Add(d) }}}
	p, err := a.acquire()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.lock.Close() })
	was := slices.Clone(a.taken[:])
	for i := range a.taken {
		a.taken[i] = true
	}
	return a, p, func() { copy(a.taken[:], was) }, now
}

// Where every other pair is taken, one that was given back is given out again once it has rested for the shorter time, not before: who asks
// too early waits. Where others are free it rests for longer.
func TestPortsRestLessWhereNoneIsLeft(t *testing.T) {
	a, p, free, now := shortOfPorts(t)
	given := *now
	a.release(p.Client())
	q, err := a.acquire()
	if err != nil || q.Client() != p.Client() {
		t.Fatalf("got %v, %v, want port %d", q, err, p.Client())
	}
	if waited := now.Sub(given); waited < shortage || waited > shortage+again {
		t.Errorf("it waited %v", waited)
	}

	free()
	a.release(q.Client())
	*now = now.Add(shortage)
	a.next = int(q.Client()) - PortMin
	if other, err := a.look(); err != nil || other == nil || other.Client() == q.Client() {
		t.Errorf("got %v, %v, want another than %d", other, err, q.Client())
	}
}

// Where none comes back the caller is told so, in the end.
func TestPortsRunOut(t *testing.T) {
	a, _, _, now := shortOfPorts(t)
	asked := *now
	if q, err := a.acquire(); err == nil {
		t.Fatalf("got %v", q)
	}
	if waited := now.Sub(asked); waited < patience || waited > patience+2*again {
		t.Errorf("it waited %v", waited)
	}
}

// A pair is kept for a peer that is yet to start, however long ago it was given back, if that was after the keeping began.
func TestPortsAreKept(t *testing.T) {
	a, p, _, now := shortOfPorts(t)
	done := a.keep()
	a.release(p.Client())
	*now = now.Add(2 * quarantine)
	if q, err := a.look(); q != nil || err != nil {
		t.Fatalf("a pair that is kept was given out: %v, %v", q, err)
	}
	done()
	done()
	if q, err := a.look(); err != nil || q == nil || q.Client() != p.Client() {
		t.Fatalf("got %v, %v, want port %d", q, err, p.Client())
	}
}
