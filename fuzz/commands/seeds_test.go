package commands

import (
	"bytes"
	"testing"

	"github.com/slotdiff/slotdiff/cases"
	"github.com/slotdiff/slotdiff/harness/scenario"
)

// The commands of the suite are seeds: each snippet comes up, with keys of the topology.
func TestSuiteIsSeed(t *testing.T) {
	all, err := scenario.Load(cases.FS)
	if err != nil {
		t.Fatal(err)
	}
	list := snippets(all)
	names := map[string]bool{}
	for _, s := range list {
		for _, sd := range s {
			names[sd.c.Name] = true
		}
	}
	if len(list) < 300 || len(names) < 100 {
		t.Fatalf("%d snippets with %d commands of %d cases", len(list), len(names), len(all))
	}
	t.Logf("%d snippets with %d commands of %d cases", len(list), len(names), len(all))
	g := newGenerator(3, testTopology(3), testNodes, nil, nil, 512)
	g.snippets = list
	w := &window{}
	for w.len() < 5000 {
		g.seeded(w)
	}
	owned := 0
	for i := range w.len() {
		argv := w.argv(i)
		for p := range g.topo.groups {
			for _, gr := range g.topo.groups[p] {
				for f := range gr.keys {
					for _, k := range gr.keys[f] {
						if len(argv) > 1 && bytes.Equal(argv[1], k) {
							owned++
						}
					}
				}
			}
		}
	}
	if owned < 1000 {
		t.Errorf("%d of 5000 commands have a key of the topology", owned)
	}
}
