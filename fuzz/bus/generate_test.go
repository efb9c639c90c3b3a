package bus

import (
	"maps"
	"slices"
	"testing"
	"time"
)

func TestEqualSeedsGiveEqualBytes(t *testing.T) {
	for seed := range uint64(30) {
		one, two := Generate(seed, seed%5 == 0, nil), Generate(seed, seed%5 == 0, nil)
		if one.Digest() != two.Digest() {
			t.Errorf("seed %d: two runs make different episodes", seed)
		}
		if one.Digest() == Generate(seed+1000, false, nil).Digest() {
			t.Errorf("seeds %d and %d make one episode", seed, seed+1000)
		}
		if one.Packets() < 3 {
			t.Errorf("seed %d: only %d packets", seed, one.Packets())
		}
	}
}

func TestGenerateReachesMuch(t *testing.T) {
	tokens, held, packets := map[string]bool{}, map[string]uint64{}, uint64(0)
	start := time.Now()
	for seed := range uint64(200) {
		e := Generate(seed, false, nil)
		packets += e.Packets()
		maps.Copy(tokens, e.Tokens)
		for k, n := range e.Held {
			held[k] += n
		}
	}
	t.Logf("%d packets, %s, held %v", packets, time.Since(start), held)
	for _, k := range slices.Sorted(maps.Keys(tokens)) {
		t.Log(k)
	}
}

func BenchmarkGenerate(b *testing.B) {
	var packets uint64
	seed := uint64(0)
	for b.Loop() {
		packets += Generate(seed, false, nil).Packets()
		seed++
	}
	b.ReportMetric(float64(packets)/b.Elapsed().Seconds(), "packets/s")
}
