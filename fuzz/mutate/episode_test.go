package mutate_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/slotdiff/slotdiff/fuzz/campaign"
	"github.com/slotdiff/slotdiff/fuzz/mutate"
	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/faketest"
)

// episode plays eight mutants of a case with these steps.
func episode(t *testing.T, seed uint64, steps string, env campaign.Env) (campaign.Stats, []triage.Candidate) {
	t.Helper()
	c, err := scenario.Parse("x.case", []byte(`# A case.

scenario: FR-P2C-007-E009
contract: B09
anchors:  A12
class:    adversarial
reason:   cluster.packet_parse_failclosed_violation
source:   a test

`+steps))
	if err != nil {
		t.Fatal(err)
	}
	env.Corpus = []*scenario.Case{c}
	if env.Quirks, err = quirks.Load(); err != nil {
		t.Fatal(err)
	}
	e, err := mutate.New(env, 8)
	if err != nil {
		t.Fatal(err)
	}
	stats, found, err := e.Episode(t.Context(), seed)
	if err != nil {
		t.Fatal(err)
	}
	return stats, found
}

// A mutant that the oracle is known not to bear, or whose answers are of no use, is not played and counted by name.
func TestHeldBack(t *testing.T) {
	const (
		own  = "p send PING replicaof=$p.id flags=slave,myself\n----\n\n"
		zero = "p send PING cport=0\n----\n\n"
	)
	for _, tc := range []struct{ steps, want string }{
		{own + own + own, "own-master"},
		{"a CLUSTER MEET $p.ip $p.port $p.cport\n----\n\n" + zero + zero + zero, quirks.PortZero},
	} {
		steps := "node a\n----\n\npuppet p\n----\n\np dial a\n----\n\n" + tc.steps
		stats, _ := episode(t, 1, steps, campaign.Env{Oracle: faketest.New(nil), Target: faketest.New(nil)})
		if stats.Held[tc.want] == 0 {
			t.Errorf("%s: held back %v, want %s", steps, stats.Held, tc.want)
		}
	}
}

// shaky is a server that is another one for its first starts.
type shaky struct {
	*faketest.Driver
	first *faketest.Driver
	left  atomic.Int32
}

func (s *shaky) Start(ctx context.Context, spec oracle.NodeSpec) (oracle.Node, error) {
	if s.left.Add(-1) >= 0 {
		return s.first.Start(ctx, spec)
	}
	return s.Driver.Start(ctx, spec)
}

// A difference that comes again each time is handed over, one that does not is counted.
func TestDifferencesComeAgain(t *testing.T) {
	const steps = "node a\n----\n\na GET foo\n----\n\na GET foo\n----\n\na GET foo\n----\n"
	wrong := faketest.New(map[string]string{"GET FOO": "$3\r\nbar\r\n"})
	stats, found := episode(t, 1, steps, campaign.Env{Oracle: faketest.New(nil), Target: wrong})
	if len(found) == 0 || stats.Flaky != 0 {
		t.Errorf("a difference: %d candidates, %d flaky", len(found), stats.Flaky)
	}
	once := &shaky{Driver: faketest.New(nil), first: wrong}
	once.left.Store(8)
	stats, found = episode(t, 1, steps, campaign.Env{Oracle: faketest.New(nil), Target: once})
	if len(found) != 0 || stats.Flaky == 0 {
		t.Errorf("a difference of the first play: %d candidates, %d flaky", len(found), stats.Flaky)
	}
}
