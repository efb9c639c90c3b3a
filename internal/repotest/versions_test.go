package repotest

import (
	"path/filepath"
	"testing"

	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/harness/known"
)

// Known differences of other versions are written by the tool and reviewed by people: what is committed has a reason.
func TestKnownDifferencesAreReviewed(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "fixtures", "versions", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := "fixtures/versions/" + filepath.Base(file)
		d, err := known.ParseDifferences(name, []byte(read(t, name)))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, e := range d.Entries {
			if !e.Reviewed {
				t.Errorf("%s:%d: %s is not reviewed: read the finding, write down the reason, and make the entry ok", name, e.Line, e.Cause)
			}
		}
		for _, h := range d.Holds {
			if _, err := (*quirks.List)(nil).With([]string{h.When}); err != nil {
				t.Errorf("%s:%d: %v", name, h.Line, err)
			}
		}
	}
}
