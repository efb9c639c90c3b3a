package bus

import (
	"context"
	"testing"

	"github.com/slotdiff/slotdiff/fuzz/campaign"
	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/fuzz/triage"
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
			messages[i] += ln.messages
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

// A server that falls when a play is over is a finding of that play.
func TestFallAtTheEnd(t *testing.T) {
	d := oracletest.Redis(t)
	e, err := New(campaign.Env{Oracle: d, Target: d}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	ln := e.lanes[0]
	if f, err := ln.play(t.Context(), Generate(1, false, nil), false); f != nil || err != nil {
		t.Fatal(f, err)
	}
	if err := ln.prepare(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	_, _ = ln.sides[1].ask([]string{"DEBUG", "SEGFAULT"})
	<-ln.sides[1].node.Done()
	if f := ln.leave(7); f == nil || f.kind != triage.TargetCrash || f.op != 7 || ln.clean {
		t.Errorf("%+v, clean %v", f, ln.clean)
	}
	if f, err := ln.play(t.Context(), Generate(2, false, nil), false); f != nil || err != nil {
		t.Error("after it:", f, err)
	}
}
