package commands

import (
	"context"
	"testing"

	"github.com/slotdiff/slotdiff/oracle/bundled"
	"github.com/slotdiff/slotdiff/oracle/oracletest"
)

// Real Redis against itself: whatever is found is the fuzzer's own fault.
func TestOracleAgreesWithItself(t *testing.T) {
	d := oracletest.Redis(t)
	e := New(Options{Oracle: d, Target: d, Commands: 8000, ShrinkBudget: -1, Progress: func(s string) { t.Log(s) }})
	defer e.Close()
	for seed := range uint64(6) {
		st, found, err := e.Episode(context.Background(), seed)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("seed %d: %d commands, %d windows, %d tokens", seed, st.Commands, st.Windows, len(st.Tokens))
		for _, c := range found {
			t.Errorf("seed %d: %s", seed, c.Note)
		}
	}
}

// Real Redis still has every fault that is hunted, and the bundled node has none.
func TestHunts(t *testing.T) {
	target, err := bundled.Open(t.Context(), func(line string) { t.Log(line) })
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	e := New(Options{Oracle: oracletest.Redis(t), Target: target})
	defer e.Close()
	var ep *episode
	for seed := uint64(0); ep == nil || ep.topo.replica || ep.topo.state() != "ok"; seed++ {
		ep = e.newEpisode(seed)
	}
	if err := e.st.build(context.Background(), ep.topo); err != nil {
		t.Fatal(err)
	}
	tokens, found, err := e.hunt(context.Background(), ep)
	if err != nil {
		t.Fatal(err)
	}
	if len(tokens) != len(hunts) {
		t.Errorf("the oracle has %q of %d faults", tokens, len(hunts))
	}
	for _, c := range found {
		t.Error(c.Note)
	}
}
