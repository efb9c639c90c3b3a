package sim

import (
	"testing"
	"time"
)

func TestSmoke(t *testing.T) {
	for _, meet := range []bool{false, true} {
		set := DefaultSetup(1)
		set.Meet = meet
		start := time.Now()
		st, err := Run(&Schedule{set, []Event{{5000, &Behead{Slot: 5}}, {0, &Converge{60000}}, {1000, &StartAll{}}, {0, &Converge{60000}}, {10000, &Wait{}}}}, Options{})
		t.Log(st, err, time.Since(start))
		if err != nil {
			t.Error(err)
		}
	}
}
