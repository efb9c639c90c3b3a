package bus

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/wire/bus"
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

// A fence of a flood that makes the node close another of its links is none: whether that one has been read by then is up to the node.
func TestFenceThatEndsALinkOfTheFlood(t *testing.T) {
	out, out2 := Link{actorQ, Out}, Link{actorQ, Out2}
	old := (&bus.Packet{Header: template(actorQ)}).Seal()
	old.Ver = 2 // such packets are counted and do nothing
	flood := func(l Link) *Op { return &Op{Link: l, Flood: true, Frame: old.Append(nil)} }
	for _, tc := range []struct {
		links []Link
		bound Link // where the node has heard Q before
		want  bool
	}{
		{[]Link{out2, out}, out2, true}, // the fence on out makes that Q's link, and out2 is closed
		{[]Link{out2, out}, out, false}, // out2 is fenced behind out, and closes nothing that is still to be read
		{[]Link{out2}, out2, false},
	} {
		c := newConductor([]int{actorP, actorQ})
		c.perform(&Op{Do: DoDial, Link: out})
		c.perform(&Op{Do: DoDial, Link: out2})
		c.perform(&Op{Link: tc.bound, Frame: appendFence(nil, tc.bound, nil)})
		c.fenced()
		for _, l := range tc.links {
			c.perform(flood(l))
		}
		if got := slices.Contains(c.fenced().unsafe, cutShort); got != tc.want {
			t.Errorf("%v after %s: %v", tc.links, tc.bound, got)
		}
	}
}

// Where an op is given up, the twin goes on from a savepoint: what comes of it is what the kept ops alone give.
func TestSavepointsChangeNothing(t *testing.T) {
	held := uint64(0)
	for seed := range uint64(40) {
		e := Generate(seed, seed%2 == 0, nil)
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
	for _, k := range (&Engine{}).AllTokens() {
		if strings.HasPrefix(k, "packet:") && !tokens[k] {
			t.Errorf("not reached: %s", k)
		}
	}
	if packets < 50_000 || len(tokens) < 400 || len(held) < 10 {
		t.Errorf("%d packets, %d tokens, %d reasons to hold back", packets, len(tokens), len(held))
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
