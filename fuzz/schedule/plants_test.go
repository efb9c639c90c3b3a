package schedule

import (
	"errors"
	"slices"
	"testing"

	"github.com/slotdiff/slotdiff/harness/sim"
)

// Each planted fault is noticed by an invariant that is named for it, within a few seeds.
func TestPlantsAreNoticed(t *testing.T) {
	const most = 40
	for _, p := range sim.Plants() {
		noticed := false
		for seed := uint64(1); seed <= most && !noticed; seed++ {
			_, err := sim.Run(Generate(seed, DefaultNodes), sim.Options{Plant: p.Name})
			var b *sim.Broken
			if err == nil {
				continue
			}
			if !errors.As(err, &b) {
				t.Fatal(err)
			}
			noticed = true
			if !slices.Contains(p.Noticed, b.Invariant) {
				t.Errorf("%s: seed %d breaks %v, want one of %v", p.Name, seed, b, p.Noticed)
			}
			t.Logf("%s: seed %d: %v", p.Name, seed, b)
		}
		if !noticed {
			t.Errorf("%s: %d seeds and nothing was noticed", p.Name, most)
		}
	}
}
