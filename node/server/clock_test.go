package server

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	now := time.Now().UnixMicro()
	r := rate{times: 10, at: now, shows: now + 1_000_000}
	a, b := newClock(r), newClock(r) // of two nodes
	for range 3 {
		before := time.Now()
		x, y := a.micros(), b.micros()
		// Two looks at a clock ten times as fast as the wall's, whose microseconds are
		// cut off before.
		if d := y - x; d < -20 || d > 10*time.Since(before).Microseconds()+100 {
			t.Errorf("two nodes are %d us apart", d)
		}
		if ahead := x - before.UnixMicro(); ahead < 1_000_000-20 || ahead > 2_000_000 {
			t.Errorf("ahead of the wall by %d us", ahead)
		}
	}
	if got := a.wall(5_000_000); got != 500*time.Millisecond {
		t.Errorf("5 s of the clock are %v of the wall's", got)
	}

	// Told late that it has not run so fast since long, it stands still.
	shown := a.micros()
	a.set(rate{times: 1, at: now, shows: now})
	<-a.changed
	if got := a.micros(); got < shown || got > shown+1000 {
		t.Errorf("it showed %d, then %d", shown, got)
	}
	// What it shows is the wall's time again when that is later.
	a.set(rate{times: 1, at: 0, shows: 3_600_000_000})
	if got := a.micros() - time.Now().UnixMicro(); got < 3_500_000_000 || got > 3_600_000_000 {
		t.Errorf("ahead of the wall by %d us, want an hour", got)
	}
}

func TestParseRate(t *testing.T) {
	if r, ok := parseRate("-"); !ok || r != wallRate {
		t.Errorf("-: %v %t", r, ok)
	}
	want := rate{times: 7, at: 12, shows: 1300}
	if r, ok := parseRate(want.String()); !ok || r != want {
		t.Errorf("%s: %v %t", want, r, ok)
	}
	for _, bad := range []string{"", "x", "0@0=0", "-3@0=0", "7", "7@9", "7@9=", "7@9=1 ", "7@9=1x", "7@99999999999999999999=1"} {
		if r, ok := parseRate(bad); ok {
			t.Errorf("%q: %v", bad, r)
		}
	}
}
