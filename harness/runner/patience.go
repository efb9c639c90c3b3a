package runner

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// peers tell the sides of a step whether another one has come to what the step waits for. A side that has not, in the same time, is late
// or will never come to it: it gets more time, once. Nil peers grant nothing.
type peers struct {
	patience time.Duration
	want     []string // of a wait; nil: anything

	mu      sync.Mutex
	running int           // sides that neither have an answer nor ran out of time
	met     bool          // one has come to it
	changed chan struct{} // closed at the next change
}

func newPeers(cfg Config, sides int, st *scenario.Step) *peers {
	if !cfg.Explore || cfg.Patience <= 0 || sides < 2 {
		return nil
	}
	p := &peers{patience: cfg.Patience, running: sides, changed: make(chan struct{})}
	if st.Actor == verbWait.Name {
		p.want = st.Expect
	}
	return p
}

// waiter is one side's part in it.
type waiter struct {
	*peers
	late bool
}

func (p *peers) waiter() *waiter {
	if p == nil {
		return nil
	}
	return &waiter{peers: p}
}

// answer notes what a side came to.
func (w *waiter) answer(a *verdict.Answer) {
	if w == nil {
		return
	}
	n := len(a.Lines)
	met := a.Fault == nil && n > 0 && a.Lines[n-1] != "nothing"
	if w.want != nil {
		met = a.Fault == nil && slices.Equal(a.Lines, w.want)
	}
	w.note(met)
}

func (w *waiter) note(met bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.met = w.met || met
	if !w.late {
		w.running--
	}
	close(w.changed)
	w.changed = make(chan struct{})
}

// grant returns how much longer a side may take whose time is over, as soon as another has come to what is waited for, or all are
// through or out of time as well.
func (w *waiter) grant(ctx context.Context) time.Duration {
	if w == nil || w.late {
		return 0
	}
	w.note(false)
	w.late = true
	for {
		w.mu.Lock()
		met, running, changed := w.met, w.running, w.changed
		w.mu.Unlock()
		switch {
		case met:
			return w.patience
		case running == 0:
			return 0
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0
		}
	}
}
