package commands

import "testing"

// What a puppet goes on claiming is what the node imports, and nothing that the stream may give away.
func TestSourcesGoOnClaiming(t *testing.T) {
	some := false
	for seed := range uint64(50) {
		topo := testTopology(seed)
		p, q := topo.saidBy("p"), topo.saidBy("q")
		if p.Len() != len(topo.importing) || !q.Empty() {
			t.Errorf("seed %d: p claims %s and q %s, imported are %v", seed, p, q, topo.importing)
		}
		for _, s := range topo.importing {
			some = true
			if !p.Has(s) || !topo.ofP.Has(s) {
				t.Errorf("seed %d: slot %d is imported, p claims %s of %s", seed, s, p, &topo.ofP)
			}
		}
	}
	if !some {
		t.Error("no topology imports anything")
	}
}
