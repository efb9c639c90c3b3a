package bus

import (
	"context"
	"testing"

	"github.com/slotdiff/slotdiff/fuzz/campaign"
	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/oracle/oracletest"
)

// Real Redis against itself: whatever is found is the fuzzer's own fault, and so is what the twin foresees and neither does.
func TestOracleAgreesWithItself(t *testing.T) {
	list, err := quirks.Load()
	if err != nil {
		t.Fatal(err)
	}
	d := oracletest.Redis(t)
	e, err := New(campaign.Env{Oracle: d, Target: d, Quirks: list}, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var packets [2]uint64
	var messages [2]int
	err = e.onLanes(func(i int, ln *lane) error {
		for n := range uint64(8) {
			ep := Generate(campaign.EpisodeSeed(uint64(i), n), false, list)
			f, err := ln.play(context.Background(), ep, false)
			if err != nil {
				return err
			}
			if f != nil || ln.cut != "" {
				t.Errorf("lane %d, episode %d: %v, cut short %q", i, n, f, ln.cut)
			}
			packets[i] += ln.sent
			messages[i] += len(ln.sides[0].ear.heard)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d packets, %d messages", packets[0]+packets[1], messages[0]+messages[1])
	if packets[0]+packets[1] < 1000 || messages[0]+messages[1] == 0 {
		t.Errorf("%d packets, %d messages", packets, messages)
	}
}
