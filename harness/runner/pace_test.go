package runner

import (
	"sync"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/oracle"
)

func TestPaceOf(t *testing.T) {
	t.Parallel()
	const header = "scenario: FR-P2C-007-E003\ncontract: B03\nanchors: A03\nclass: normal\nreason: cluster.redirect_reply_contract_violation\nsource: none\nrecorded: redis 8.6.3\n\n# one\n\n"
	for _, tc := range []struct {
		steps       string
		limit, want int
	}{
		{"node a\n----\nok\n", 8, 8},
		{"node a\n----\nok\n", 0, 1},
		{"node a cluster-node-timeout=15000\n----\nok\n\nnode b cluster-node-timeout=900\n----\nok\n", 8, 3},
		{"node a cluster-node-timeout=200\n----\nok\n", 8, 1},
		{"node a\n----\nok\n\na CONFIG SET cluster-node-timeout 1300\n----\n+OK\n", 8, 5},
		{"node a\n----\nok\n\npause a\n----\nok\n", 8, 1},
	} {
		c, err := scenario.Parse("x", []byte(header+tc.steps))
		if err != nil {
			t.Fatal(err)
		}
		if got := paceOf(c, tc.limit); got != tc.want {
			t.Errorf("limit %d: pace %d, want %d of\n%s", tc.limit, got, tc.want, tc.steps)
		}
	}
}

// pacedNode hears what its clock is told.
type pacedNode struct {
	oracle.Node
	mu    sync.Mutex
	paces []oracle.Pace
	fast  chan struct{} // has an item for each pace beyond the wall's
}

func (n *pacedNode) SetPace(p oracle.Pace) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.paces = append(n.paces, p)
	if p.Times > 1 {
		n.fast <- struct{}{}
	}
}

func TestTempo(t *testing.T) {
	t.Parallel()
	a, b := &pacedNode{fast: make(chan struct{}, 9)}, &pacedNode{fast: make(chan struct{}, 9)}
	tempo := &tempo{times: 10}
	if p := tempo.now(); p != (oracle.Pace{}) {
		t.Errorf("at the beginning: %v", p)
	}
	tempo.join(a)
	tempo.join(b)

	tempo.hurry(time.Hour)() // the step did not wait
	if len(a.paces) != 0 {
		t.Errorf("a step that does not wait: %v", a.paces)
	}
	relax := tempo.hurry(time.Microsecond)
	<-a.fast
	<-b.fast
	relax()
	tempo.hurry(0)()
	if len(a.paces) != 4 {
		t.Fatalf("two waits: %v", a.paces)
	}
	shown := time.Time{}
	for i, p := range a.paces {
		if want := []int{10, 1, 10, 1}[i]; p.Times != want || p != b.paces[i] {
			t.Errorf("change %d: %v and %v, want %d times", i, p, b.paces[i], want)
		}
		if p.Shows.Before(shown) || p.Shows.Before(p.At) {
			t.Errorf("change %d: the clock shows %v, after %v", i, p.Shows, shown)
		}
		shown = p.Shows
	}
	if wait := a.paces[1]; wait.Shows.Sub(a.paces[0].Shows) != 10*wait.At.Sub(a.paces[0].At) {
		t.Errorf("ten times as fast: from %v to %v", a.paces[0], wait)
	}
	if p := tempo.now(); p != a.paces[3] {
		t.Errorf("a node that starts now gets %v, the others have %v", p, a.paces[3])
	}
}
