package garbage

import (
	"context"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// A core and a node on a socket live through garbage, and hold no more of it than before.
func TestFlat(t *testing.T) {
	for _, c := range []struct {
		name  string
		run   func(context.Context, Options) ([]Sample, error)
		lives int
	}{{"in process", InProcess, 5}, {"socket", Socket, 2}} {
		samples, err := c.run(t.Context(), Options{Seed: 1, Packets: uint64(c.lives) * life, Every: life})
		if err == nil {
			err = Flat(samples)
		}
		if err != nil || len(samples) != c.lives || samples[c.lives-1].Packets != uint64(c.lives)*life {
			t.Errorf("%s: %v: %v", c.name, samples, err)
		}
	}
}

// The packets that are mutated are of every type, and their mutants meet every kind of verdict.
func TestSource(t *testing.T) {
	src, err := newSource(1)
	if err != nil {
		t.Fatal(err)
	}
	types := map[bus.Type]int{}
	for _, f := range src.frames {
		if v := bus.Check(f); v.Action != bus.Accept {
			t.Fatalf("a packet is not legal: %v", v.Rule)
		}
		types[bus.Type(f[13])]++
	}
	for typ := range bus.Type(bus.TypeCount) {
		if types[typ] == 0 {
			t.Errorf("no packet is a %s", typ)
		}
	}
	verdicts := map[bus.Action]int{}
	const most = 10_000
	for range most {
		f, bad := src.next(nil)
		v := bus.Check(f)
		if verdicts[v.Action]++; bad != (v.Action == bus.CloseLink) {
			t.Fatalf("a packet is %v, and ends the connection: %v", v.Rule, bad)
		}
	}
	if verdicts[bus.CloseLink] == 0 || verdicts[bus.Ignore] < most/20 || verdicts[bus.Accept] < most/4 {
		t.Errorf("verdicts %v", verdicts)
	}
}

// What grows is told.
func TestGrowthIsNoticed(t *testing.T) {
	flat := Sample{Heap: 5 << 20, Goroutines: 10, Files: 9}
	for want, last := range map[string]Sample{
		"heap":       {Heap: 9 << 20, Goroutines: 10, Files: 9},
		"goroutines": {Heap: 5 << 20, Goroutines: 100, Files: 9},
		"files":      {Heap: 5 << 20, Goroutines: 10, Files: 90},
	} {
		if err := Flat([]Sample{flat, last}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if err := Flat([]Sample{flat, flat}); err != nil {
		t.Error(err)
	}
}
