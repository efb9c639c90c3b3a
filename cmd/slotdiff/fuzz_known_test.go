package main

import (
	"os"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/oracle"
)

// What is learnt is what came every time, is new and is a difference: no crash becomes a known one.
func TestLearn(t *testing.T) {
	t.Chdir(t.TempDir())
	group := func(kind cause.Kind, what string) *triage.Group {
		return &triage.Group{Kind: kind, Cause: string(kind) + " " + what, Title: "of a hit", Confirmed: 3, Times: 3}
	}
	seldom, noise, known := group(cause.Divergence, "seldom"), group(cause.Divergence, "noise"), group(cause.Divergence, "known")
	seldom.Confirmed, noise.Noise, known.Known = 1, 1, "for a reason"
	file, n, err := learn(oracle.Identity{Product: "redis", Version: "7.0.15"}, []*triage.Group{
		group(cause.Divergence, "GET: nil, not bulk"), group(cause.Invariant, "x"), seldom, noise, known,
		group(cause.TargetCrash, "x"), group(cause.TargetHang, "x"), group(cause.OracleCrash, "x"), group(cause.OracleCorrupt, "x"),
	})
	if err != nil || n != 2 {
		t.Fatalf("%d learnt, %v", n, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const want = "new | divergence GET: nil, not bulk | of a hit\nnew | invariant x | of a hit\n"
	if _, entries, _ := strings.Cut(string(text), "\n\n"); entries != want {
		t.Errorf("%s has\n%swant\n%s", file, text, want)
	}
}
