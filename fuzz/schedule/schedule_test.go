package schedule

import (
	"flag"
	"testing"

	"github.com/slotdiff/slotdiff/harness/sim"
)

var seeds = flag.Uint64("seeds", 60, "how many seeds TestSeeds plays")
var first = flag.Uint64("first", 1, "the first")

// No seed breaks an invariant.
func TestSeeds(t *testing.T) {
	var total sim.Stats
	bad := map[sim.Invariant]int{}
	for seed := *first; seed < *first+*seeds; seed++ {
		s := Generate(seed, DefaultNodes)
		st, err := sim.Run(s, sim.Options{})
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
			bad[err.(*sim.Broken).Invariant]++
		}
		total.Steps += st.Steps
		total.Millis += st.Millis
		total.Votes += st.Votes
		total.Elections += st.Elections
	}
	t.Logf("%+v %v", total, bad)
}
