package sim

import (
	"flag"
	"runtime"
	"testing"
)

var large = flag.Int("large", 60, "how many nodes the cluster of TestLostZone has; 1000 takes many minutes")

// A cluster forms by MEET and survives the loss of a third of its machines, and with them of a third of its
// masters: each machine hosts several nodes, and a master's replicas are in the other two thirds.
func TestLostZone(t *testing.T) {
	nodes := *large
	setup := Setup{
		Seed: 1, Nodes: nodes, Masters: nodes / 4, Machines: nodes / 5, Timeout: 15_000, Barrier: 1, Meet: true,
	}
	cpu, before := cpuTime(t), heap()
	s, err := New(setup, Options{})
	if err != nil {
		t.Fatalf("the cluster does not form: %v", err)
	}
	if err := s.Advance(1000); err != nil {
		t.Fatal(err)
	}
	st := s.Stats()
	t.Logf("%d nodes formed: %d ms of virtual time, %d frames, %s of CPU, %d KiB a node",
		nodes, st.Millis, st.Frames, cpuTime(t)-cpu, (heap()-before)/uint64(nodes)/1024)

	lost := 0
	zone := Blackout{Count: setup.Machines / 3}
	for _, h := range s.hosts {
		if h.machine < zone.Count && !h.core.Replica() {
			lost++
		}
	}
	if lost < setup.Masters/4 {
		t.Errorf("the zone has %d masters of %d", lost, setup.Masters)
	}
	if err := s.Apply(&zone); err != nil {
		t.Fatal(err)
	}
	down := s.Stats()
	// Votes split while many ask at once; a replica asks again after four node timeouts.
	if err := s.Apply(&Converge{Within: Millis(40 * setup.Timeout)}); err != nil {
		t.Fatal(err)
	}
	st = s.Stats()
	won := int(st.Elections - down.Elections)
	t.Logf("%d masters lost, %d elections won: whole again after %d ms of virtual time, %d frames, %s of CPU, %d KiB a node",
		lost, won, st.Millis-down.Millis, st.Frames, cpuTime(t)-cpu, (heap()-before)/uint64(nodes)/1024)
	runtime.KeepAlive(s)
	if won < lost {
		t.Errorf("%d masters were lost, and %d elections were won", lost, won)
	}
}
