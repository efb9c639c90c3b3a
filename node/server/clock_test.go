package server

import (
	"fmt"
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	paced := fmt.Sprintf("10@%d", time.Now().UnixMicro())
	a, b := newClock(paced), newClock(paced) // of two nodes
	const apart = int64(time.Second / time.Microsecond)
	for range 3 {
		before := time.Now()
		x, y := a.micros(), b.micros()
		// Two looks at a clock ten times as fast as the wall's, whose microseconds are
		// cut off before.
		if d := y - x; d < -20 || d > 10*time.Since(before).Microseconds()+100 {
			t.Errorf("two nodes are %d us apart", d)
		}
		if ahead := x - before.UnixMicro(); ahead < 0 || ahead > apart {
			t.Errorf("ahead of the wall by %d us", ahead)
		}
	}
	if got := a.wall(5_000_000); got != 500*time.Millisecond {
		t.Errorf("5 s of the clock are %v of the wall's", got)
	}
	for _, bad := range []string{"", "-", "x", "0@0", "-3@0", "7", "7@99999999999999999"} {
		if c := newClock(bad); c.pace != 1 || c.first != c.start.UnixMicro() {
			t.Errorf("%q: pace %d", bad, c.pace)
		}
	}
}
