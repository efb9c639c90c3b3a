//go:build plant

package bus

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/slotdiff/slotdiff/node/cluster"
)

// planted plays an episode on a sound core and on one with a fault, and says how the two first differ: in what they send
// and close, or in their tables at the end.
func planted(e *Episode, plant string) string {
	sound, faulty := newTwin(), newTwin()
	sound.sent, faulty.sent = make([]uint64, 0, 16), make([]uint64, 0, 16)
	both := func(f func(*twin) effect) string {
		cluster.Plant = ""
		a := f(sound)
		cluster.Plant = plant
		b := f(faulty)
		cluster.Plant = ""
		if fmt.Sprint(a.answers, a.closed) != fmt.Sprint(b.answers, b.closed) {
			return fmt.Sprintf("%v %v, not %v %v", a.answers, a.closed, b.answers, b.closed)
		}
		return ""
	}
	note := both(func(t *twin) effect { t.meet(e.Met); return effect{} })
	for i := 0; i < len(e.Ops) && note == ""; i++ {
		op := &e.Ops[i]
		note = both(func(t *twin) (eff effect) {
			switch op.Do {
			case DoDial:
				eff = t.dial(op.Link)
			case DoClose:
				eff = t.close(op.Link)
			case DoAdmin:
				eff, _ = t.admin(op.Args)
			case DoSettle:
				eff = t.settle()
			case DoSend:
				for range max(1, op.Times) {
					eff.add(t.send(op.Link, op.Frame))
				}
			}
			return eff
		})
		if note == "" && !slices.Equal(sound.sent, faulty.sent) {
			note = "sent frames"
		}
		sound.sent, faulty.sent = sound.sent[:0], faulty.sent[:0]
		if note != "" {
			note = fmt.Sprintf("op %d: %s", i, note)
		}
	}
	if note != "" {
		return note
	}
	a, b := sound.n.AppendConfig(nil), faulty.n.AppendConfig(nil)
	if !bytes.Equal(a, b) {
		return "nodes.conf: " + firstDifference(string(a), string(b))
	}
	va, vb := sound.n.View(), faulty.n.View()
	for i := range va.Nodes {
		if va.Nodes[i].Reports != vb.Nodes[i].Reports {
			return "failure reports"
		}
	}
	return ""
}

// Every planted fault is found in a few hundred episodes, and reduced to a few ops.
func TestPlantsAreFound(t *testing.T) {
	const most = 400
	var sizes []int
	for _, plant := range cluster.Plants {
		found := false
		for seed := uint64(1); seed <= most && !found; seed++ {
			e := Generate(seed, false, nil)
			note := planted(e, plant)
			if note == "" {
				continue
			}
			found = true
			small := reduced(e, func(e *Episode) bool { return planted(e, plant) != "" })
			sizes = append(sizes, len(small.Ops))
			t.Logf("%s: seed %d, %d ops reduced to %d: %s", plant, seed, len(e.Ops), len(small.Ops), planted(small, plant))
		}
		if !found {
			t.Errorf("%s: %d episodes and nothing was found", plant, most)
		}
	}
	slices.Sort(sizes)
	if len(sizes) > 0 && sizes[len(sizes)/2] > 5 {
		t.Errorf("the median of the reduced episodes is %d ops: %v", sizes[len(sizes)/2], sizes)
	}
}

// reduced drops ops as long as the episode still shows it.
func reduced(e *Episode, shows func(*Episode) bool) *Episode {
	best := *e
	for size := len(best.Ops) / 2; size > 0; size /= 2 {
		for at := len(best.Ops) - size; at >= 0; at -= size {
			try := best
			try.Ops = slices.Delete(slices.Clone(best.Ops), at, min(at+size, len(best.Ops)))
			if shows(&try) {
				best = try
			}
		}
	}
	return &best
}
