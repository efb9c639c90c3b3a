package commands

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/slotdiff/slotdiff/oracle/oracletest"
)

// BenchmarkEpisode plays streams against real Redis and the bundled node; its CPU profile is that of the fuzzer alone.
func BenchmarkEpisode(b *testing.B) {
	redis := oracletest.Redis(b)
	exe := filepath.Join(b.TempDir(), "slotnode")
	if out, err := exec.Command("go", "build", "-o", exe, "github.com/slotdiff/slotdiff/cmd/slotnode").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for _, lockstep := range []bool{false, true} {
		b.Run(map[bool]string{false: "windowed", true: "lockstep"}[lockstep], func(b *testing.B) {
			e := New(Options{Oracle: redis, Target: open(b, exe, ""), Commands: b.N, Lockstep: lockstep, ShrinkBudget: -1})
			defer e.Close()
			speed, err := e.Bench(context.Background(), 1, 1)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(speed.Pairs, "pairs/s")
			b.ReportMetric(speed.Ratio(), "of-ceiling")
		})
	}
}
