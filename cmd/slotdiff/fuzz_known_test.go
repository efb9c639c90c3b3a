package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/fuzz/campaign"
	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/harness/known"
	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/wire/bus"
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

// What the lists of the target's version leave out and hold back reaches the engine, and a person is told.
func TestWithout(t *testing.T) {
	text := "omit | flags=0x1800 view=shards | a\nomit | view=conf | b\nhold | sender=known & gossip(about=malformed) | c\n"
	d, err := known.ParseDifferences("valkey-9.1.txt", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	lists := []*differences{{d, "valkey-9.1.txt"}}
	var env campaign.Env
	lines, err := without(&env, lists, oracle.Identity{Product: "valkey", Version: "9.1.2"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"packets are compared without flags=0x1800: a (valkey-9.1.txt:1)", "states are compared without shards: a (valkey-9.1.txt:1)",
		"states are compared without conf: b (valkey-9.1.txt:2)", "held back is sender=known & gossip(about=malformed): c (valkey-9.1.txt:3)",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("%s", strings.Join(lines, "\n"))
	}
	if env.Omit.Flags != bus.NodeFlags(0x1800) || !slices.Equal(env.Views, []string{"shards", "conf"}) || !env.Quirks.Holds() {
		t.Errorf("%+v", env)
	}
	var other campaign.Env
	if lines, err := without(&other, lists, oracle.Identity{Product: "valkey", Version: "8.1.1"}); err != nil || lines != nil || other.Views != nil || other.Quirks.Holds() {
		t.Errorf("%v, %v, %+v", lines, err, other)
	}
}
