package evidence

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/harness/verdict"
)

// Of a mixed cluster the evidence tells which server played each node.
func TestEvidenceOfAMix(t *testing.T) {
	r, err := Create(options(t))
	if err != nil {
		t.Fatal(err)
	}
	res := result(verdict.Fail, "mixed/meet@oracle=a,c")
	side := res.Sides[verdict.Target]
	side.Makes = map[string]string{"a": "redis 8.6.3", "b": "slotnode 8.6.3"}
	side.NodeLogs = map[string]string{"a.redis-8.6.3": "log of a", "b": "log of b"}
	entry, err := r.Add(res)
	if err != nil {
		t.Fatal(err)
	}
	dir, s, err := r.Finish(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, compile(t, SummarySchema()), read(t, dir, "summary.json")); err != nil {
		t.Errorf("summary.json: %v", err)
	}
	if got := s.Cases[0].Makes; got["a"] != "redis 8.6.3" || got["b"] != "slotnode 8.6.3" {
		t.Errorf("makes are %v", got)
	}
	folder := filepath.Join(dir, "cases", "mixed", "meet@oracle=a,c", "strict")
	if got := string(read(t, folder, "target-a.redis-8.6.3.log")); got != "log of a" {
		t.Errorf("the log of a is %q", got)
	}
	diff := string(read(t, folder, "diff.txt"))
	if !strings.Contains(diff, "cases/mixed/meet.case:15") || !strings.Contains(diff, "replay mixed/meet@oracle=a,c --mode") {
		t.Errorf("the diff names neither the file nor the mix:\n%s", diff)
	}
	if !strings.Contains(entry.ReplayCmd, "mixed/meet@oracle=a,c") {
		t.Errorf("replay: %s", entry.ReplayCmd)
	}
}
