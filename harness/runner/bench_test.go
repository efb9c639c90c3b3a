package runner

import (
	"testing"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// BenchmarkLockstep is one command on both sides: sent, read, folded, masked,
// compared, with every invariant checked. The servers are scripted ones in this
// process, so it is the harness that is measured.
func BenchmarkLockstep(b *testing.B) {
	c, err := scenario.Parse("bench/step.case", []byte(header+setGet))
	if err != nil {
		b.Fatal(err)
	}
	steps := c.Sections[0].Steps
	for _, mode := range []struct {
		name  string
		sides int
	}{{"one-side", 1}, {"two-sides", 2}} {
		b.Run(mode.name, func(b *testing.B) {
			r := &run{c: c, res: &verdict.Result{}}
			for _, w := range []verdict.Witness{verdict.Target, verdict.Oracle}[:mode.sides] {
				s := newSide(w, &fakeDriver{Product: "redis"}, Config{Seed: 1}, nil)
				s.trace = nil // the evidence of a million steps would be measured too
				r.sides = append(r.sides, s)
				defer s.close()
			}
			for i := range steps[:2] {
				r.lockstep(b.Context(), "", &steps[i])
			}
			b.ReportAllocs()
			for b.Loop() {
				step := r.lockstep(b.Context(), "", &steps[2])
				if v := judgeStep(step); step.Target.Fault != nil || v != verdict.Pass {
					b.Fatalf("%s: %+v", v, step.Target)
				}
			}
		})
	}
}
