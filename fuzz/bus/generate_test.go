package bus

import (
	"maps"
	"reflect"
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

// Where an op is given up, the twin goes on from a savepoint: what comes of it is what the kept ops alone give.
func TestSavepointsChangeNothing(t *testing.T) {
	held := uint64(0)
	for seed := range uint64(40) {
		e := Generate(seed, seed%8 == 0, nil)
		again := *e
		again.done = nil
		got, want := scriptOf(e).steps, scriptOf(&again).steps
		if len(got) != len(want) {
			t.Fatalf("seed %d: the script has %d steps, that of its ops %d", seed, len(got), len(want))
		}
		for i := range got {
			got[i].op, want[i].op = 0, 0 // a fence stands for the op before it or the one behind
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Fatalf("seed %d, step %d: %+v, not %+v", seed, i, got[i], want[i])
			}
		}
		if got, want := scriptOf(e).open, scriptOf(&again).open; got != want {
			t.Errorf("seed %d: open links are %v, not %v", seed, got, want)
		}
		for _, n := range e.Held {
			held += n
		}
	}
	if held < 100 {
		t.Errorf("only %d ops were given up", held)
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
