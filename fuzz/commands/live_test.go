package commands

import (
	"context"
	"testing"

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
