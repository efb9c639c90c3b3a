package mutate_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/campaign"
	"github.com/slotdiff/slotdiff/fuzz/mutate"
	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
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
