package oracle

import (
	"slices"
	"testing"
	"time"
)

// Where every other pair is taken, one that was given back is given out again once
// those who may dial it are gone, not before, and who asks too early waits.
func TestPortsRestLessWhereNoneIsLeft(t *testing.T) {
	var a allocator
	p, err := a.acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer a.lock.Close()
	was := slices.Clone(a.taken[:])
	for i := range a.taken {
		a.taken[i] = true
	}
	a.release(p.Client())

	if q, err := a.look(); q != nil || err != nil {
		t.Fatalf("a pair given back just now was given out: %v, %v", q, err)
	}
	a.freed[0].when = time.Now().Add(again - shortage)
	asked := time.Now()
	q, err := a.acquire()
	if err != nil || q.Client() != p.Client() {
		t.Fatalf("got %v, %v, want port %d", q, err, p.Client())
	}
	if waited := time.Since(asked); waited < again/2 || waited > patience/2 {
		t.Errorf("it waited %v", waited)
	}

	// It is kept for a peer that is yet to start, however long ago it was given back.
	done := a.keep()
	a.release(q.Client())
	a.freed[0].when = a.freed[0].when.Add(time.Hour)
	a.endQuarantine(-2*time.Hour, 1)
	if len(a.freed) != 1 {
		t.Fatal("a pair that is kept was freed")
	}
	done()
	done()
	if n := a.endQuarantine(-2*time.Hour, 1); n != 1 {
		t.Fatal("a pair that is kept no more was not freed")
	}

	// Where others are free it rests for longer.
	copy(a.taken[:], was)
	a.release(q.Client())
	a.freed[0].when = time.Now().Add(-shortage)
	a.next = int(q.Client()) - PortMin
	other, err := a.look()
	if err != nil || other == nil || other.Client() == q.Client() {
		t.Errorf("got %v, %v, want another than %d", other, err, q.Client())
	}
}
