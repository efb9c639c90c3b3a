package mutate_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/campaign"
	"github.com/slotdiff/slotdiff/fuzz/mutate"
	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/oracle/faketest"
)

func suite(t *testing.T) []*scenario.Case {
	t.Helper()
	cases, err := scenario.Load(os.DirFS("../../cases"))
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// The case suite is the corpus: most of it is mutated, and no target starts with an empty one.
func TestSeeds(t *testing.T) {
	e, err := mutate.New(campaign.Env{Corpus: suite(t)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if e.Seeds() < 100 {
		t.Errorf("%d cases are mutated", e.Seeds())
	}
	if _, err := mutate.New(campaign.Env{}, 0); err == nil {
		t.Error("an engine without cases")
	}
	for _, c := range suite(t) {
		if c.Name() == "cluster/slot_stats_enabled" {
			if _, err := mutate.New(campaign.Env{Corpus: []*scenario.Case{c}}, 0); err == nil {
				t.Error("metrics of slots are compared")
			}
		}
	}
}

// Mutants are cases that can be played, differ from one another and from what they come from, and never stop the servers
// by order.
func TestMutants(t *testing.T) {
	e, err := mutate.New(campaign.Env{Corpus: suite(t)}, 8)
	if err != nil {
		t.Fatal(err)
	}
	steps := func(c *scenario.Case) string {
		var b strings.Builder
		for _, st := range c.Steps() {
			b.WriteString(st.Text() + "\n")
		}
		return b.String()
	}
	known := map[string]bool{}
	for _, c := range suite(t) {
		known[steps(c)] = true
	}
	fresh, all := 0, 0
	for seed := range uint64(40) {
		mutants := e.Mutants(seed)
		if len(mutants) != 8 {
			t.Fatalf("seed %d: %d mutants", seed, len(mutants))
		}
		for _, c := range mutants {
			all++
			if err := runner.Check(c); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
			if text := steps(c); !known[text] {
				known[text] = true
				fresh++
			}
			for _, st := range c.Steps() {
				if what := runner.Describe(c, st); what == "SHUTDOWN" || what == "DEBUG SEGFAULT" || what == "DEBUG SLEEP" || what == "COMMAND" || strings.Contains(what, `\x00`) || what == "INFO" && !strings.Contains(st.Text(), " | ") {
					t.Errorf("seed %d: %s", seed, st.Text())
				}
				for _, w := range st.Words {
					key, value, _ := w.KeyValue()
					if long, err := time.ParseDuration(value.String()); (key == "within" || key == "for") && err == nil && long > 3*time.Second {
						t.Errorf("seed %d: %s waits for longer than a server takes to come up", seed, st.Text())
					}
				}
			}
		}
	}
	if fresh < all*9/10 {
		t.Errorf("%d of %d mutants are new", fresh, all)
	}
}

// A mutant that the oracle is known not to bear is not played.
func TestQuirksAreHeldBack(t *testing.T) {
	list, err := quirks.Load()
	if err != nil {
		t.Fatal(err)
	}
	c, err := scenario.Parse("x.case", []byte(`# A case.

scenario: FR-P2C-007-E009
contract: B09
anchors:  A12
class:    adversarial
reason:   cluster.packet_parse_failclosed_violation
source:   a test

node a
----

puppet p
----

p send PING replicaof=$p.id flags=slave,myself
----

p send PING replicaof=$p.id flags=slave,myself
----

p send PING replicaof=$p.id flags=slave,myself
----
`))
	if err != nil {
		t.Fatal(err)
	}
	e, err := mutate.New(campaign.Env{Oracle: faketest.New(nil), Target: faketest.New(nil), Quirks: list, Corpus: []*scenario.Case{c}}, 8)
	if err != nil {
		t.Fatal(err)
	}
	stats, _, err := e.Episode(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if stats.Held["own-master"] == 0 {
		t.Errorf("held back: %v", stats.Held)
	}
}
