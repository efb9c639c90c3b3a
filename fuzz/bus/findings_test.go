package bus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
)

// Every known fault of real Redis has a case that shows it and is described in docs/findings.md, and nothing else has.
func TestEveryQuirkHasItsCase(t *testing.T) {
	list, err := quirks.Load()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../docs/findings.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, q := range list.All() {
		file := strings.ReplaceAll(q.Name, "-", "_") + scenario.Ext
		known[file] = true
		c, err := scenario.LoadFile(filepath.Join("../../fixtures/findings", file))
		if err != nil {
			t.Errorf("%s: %v", q.Name, err)
			continue
		}
		if err := runner.Check(c); err != nil {
			t.Errorf("%s: %v", q.Name, err)
		}
		if !strings.Contains(string(doc), "fixtures/findings/"+file) {
			t.Errorf("docs/findings.md does not tell of %s", file)
		}
	}
	entries, err := os.ReadDir("../../fixtures/findings")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !known[e.Name()] {
			t.Errorf("fixtures/findings/%s is of no line of fixtures/oracle_quirks.txt", e.Name())
		}
	}
}
