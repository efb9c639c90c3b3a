package schedule

import (
	"bytes"
	"flag"
	"testing"

	"github.com/slotdiff/slotdiff/harness/sim"
)

var (
	seeds = flag.Uint64("seeds", 1000, "how many seeds TestSeeds plays; -short and -race: a tenth")
	first = flag.Uint64("first", 1, "the first of them")
)

// No seed breaks an invariant, and the faults do reach the protocol.
func TestSeeds(t *testing.T) {
	count := *seeds
	if testing.Short() || raceDetector { // a simulation has one goroutine: there is nothing to detect
		count /= 10
	}
	var total sim.Stats
	for seed := *first; seed < *first+count; seed++ {
		st, err := sim.Run(Generate(seed, DefaultNodes), sim.Options{})
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		total.Elections += st.Elections
		total.Votes += st.Votes
	}
	if total.Elections < count || total.Votes < 2*total.Elections {
		t.Errorf("%d seeds: %d elections won, %d votes", count, total.Elections, total.Votes)
	}
}

// A seed is one schedule, its text is read back as the same, and other seeds are others.
func TestGenerate(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(200) {
		for _, nodes := range []int{2, 7, 30} {
			text, err := Generate(seed, nodes).MarshalText()
			if err != nil {
				t.Fatal(err)
			}
			again, _ := Generate(seed, nodes).MarshalText()
			var back sim.Schedule
			if err := back.UnmarshalText(text); err != nil {
				t.Fatalf("seed %d, %d nodes: %v in\n%s", seed, nodes, err, text)
			}
			third, _ := back.MarshalText()
			if !bytes.Equal(text, again) || !bytes.Equal(text, third) {
				t.Fatalf("seed %d, %d nodes: differs\n%s\n%s\n%s", seed, nodes, text, again, third)
			}
			seen[string(text)] = true
		}
	}
	if len(seen) != 600 {
		t.Errorf("%d schedules of 600 differ", len(seen))
	}
}

// Of many events the two that it takes are left, with the time that it takes.
func TestReduce(t *testing.T) {
	s := Generate(3, DefaultNodes)
	s.Events = append(s.Events, sim.Event{After: 700, Op: &sim.Takeover{Host: 2}}, sim.Event{After: 90, Op: &sim.Wait{}},
		sim.Event{After: 10, Op: &sim.Bump{Host: 4}}, sim.Event{Op: &sim.Heal{}})
	tries := 0
	small := Reduce(s, 500, func(try *sim.Schedule) bool {
		tries++
		state := 0
		for _, ev := range try.Events {
			_, takeover := ev.Op.(*sim.Takeover)
			_, bump := ev.Op.(*sim.Bump)
			switch {
			case takeover && state == 0:
				state = 1
			case bump && state == 1 && ev.After >= 40:
				state = 2
			}
		}
		return state == 2
	})
	text, err := small.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	_, events, _ := bytes.Cut(text, []byte("\n"))
	if want := "+0 takeover host=n2\n+50 bump host=n4\n"; string(events) != want || tries > 500 {
		t.Errorf("after %d tries\n%s, want\n%s", tries, events, want)
	}
}
