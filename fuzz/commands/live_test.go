package commands

import (
	"context"
	"testing"

	"github.com/slotdiff/slotdiff/fuzz/triage"
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

// A server that falls when its stream is over is a finding of that stream, and the campaign goes on.
func TestLateDeath(t *testing.T) {
	d := oracletest.Redis(t)
	e := New(Options{Oracle: d, Target: d, Commands: 500, ShrinkBudget: -1, Progress: func(s string) { t.Log(s) }})
	defer e.Close()
	episode := func(seed uint64) []triage.Candidate {
		_, found, err := e.Episode(t.Context(), seed)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		return found
	}
	if found := episode(1); len(found) > 0 {
		t.Fatalf("before: %s", found[0].Note)
	}
	oracle := e.st.sides[theOracle]
	if _, err := oracle.probe.do("DEBUG", "SEGFAULT"); err == nil {
		t.Fatal("it lives")
	}
	<-oracle.node.Done()
	found := episode(2)
	if len(found) != 1 || found[0].Kind != triage.OracleCrash || found[0].Case == nil {
		t.Fatalf("the death gives %+v", found)
	}
	if found := episode(3); len(found) > 0 {
		t.Errorf("after it: %s", found[0].Note)
	}
}
