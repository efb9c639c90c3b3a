package schedule

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/harness/sim"
)

var update = flag.Bool("update", false, "write the table of planted faults into docs/simulation.md")

// The table stands between these lines of the page.
const (
	tableBegin = "<!-- planted faults: go test ./fuzz/schedule -run Plants -update -->\n"
	tableEnd   = "<!-- end of planted faults -->\n"
)

// Each planted fault is noticed by an invariant that is named for it, within a few seeds, and the page
// about the simulation says so.
func TestPlantsAreNoticed(t *testing.T) {
	const most = 60
	var rows strings.Builder
	rows.WriteString("| fault | what goes wrong | noticed by | seeds |\n|---|---|---|---|\n")
	page := filepath.Join("..", "..", "docs", "simulation.md")
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begun := strings.Cut(string(text), tableBegin)
	table, tail, ended := strings.Cut(rest, tableEnd)
	if !begun || !ended {
		t.Fatalf("%s has no table of planted faults", page)
	}
	if len(sim.Plants()) < 25 {
		t.Errorf("only %d faults are planted", len(sim.Plants()))
	}
	for _, p := range sim.Plants() {
		seed, b := notice(t, p.Name, most)
		if b == nil {
			t.Errorf("%s: %d seeds and nothing was noticed", p.Name, most)
			continue
		}
		if !slices.Contains(p.Noticed, b.Invariant) {
			t.Errorf("%s: seed %d breaks %v, want one of %v", p.Name, seed, b, p.Noticed)
		}
		// How many seeds it takes may change with the core, and is written down for the reader only.
		row := fmt.Sprintf("| `%s` | %s | `%s` | ", p.Name, p.Text, b.Invariant)
		if !strings.Contains(table, row) && !*update {
			t.Errorf("%s: the page has no row %q", p.Name, row)
		}
		fmt.Fprintf(&rows, "%s%d |\n", row, seed)
		t.Logf("%s: seed %d: %v", p.Name, seed, b)
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(page, []byte(head+tableBegin+rows.String()+tableEnd+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// notice plays seeds from 1 until one breaks an invariant.
func notice(t *testing.T, p sim.Plant, most uint64) (uint64, *sim.Broken) {
	t.Helper()
	for seed := uint64(1); seed <= most; seed++ {
		_, err := sim.Run(Generate(seed, DefaultNodes), sim.Options{Plant: p})
		var b *sim.Broken
		switch {
		case errors.As(err, &b):
			return seed, b
		case err != nil:
			t.Fatal(err)
		}
	}
	return 0, nil
}
