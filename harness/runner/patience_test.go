package runner

import (
	"context"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// A side whose time is over gets more when the other has come to what is waited for, once, and none when that has not come to it either.
func TestPatience(t *testing.T) {
	const much = time.Minute
	recv := &scenario.Step{Actor: "a"}
	wait := &scenario.Step{Actor: "wait", Expect: []string{"x"}}
	said := func(lines ...string) *verdict.Answer { return &verdict.Answer{Lines: lines} }
	sides := func(st *scenario.Step) (*waiter, *waiter) {
		p := newPeers(Config{Explore: true, Patience: much}, 2, st)
		return p.waiter(), p.waiter()
	}
	for _, tc := range []struct {
		what  string
		step  *scenario.Step
		other *verdict.Answer
		want  time.Duration
	}{
		{"the other received something", recv, said("+OK"), much},
		{"the other received nothing", recv, said("nothing"), 0},
		{"the other received too little", recv, said("+OK", "nothing"), 0},
		{"the other failed", recv, &verdict.Answer{Lines: []string{"+OK"}, Fault: &verdict.Fault{}}, 0},
		{"the other saw the condition", wait, said("x"), much},
		{"the other saw something else", wait, said("y"), 0},
	} {
		for _, first := range []bool{true, false} {
			late, other := sides(tc.step)
			granted := make(chan time.Duration, 1)
			ask := func() { granted <- late.grant(t.Context()) }
			if first {
				go ask()
				other.answer(tc.other)
			} else {
				other.answer(tc.other)
				ask()
			}
			if got := <-granted; got != tc.want {
				t.Errorf("%s, first %v: %v, want %v", tc.what, first, got, tc.want)
			}
			if got := late.grant(t.Context()); got != 0 {
				t.Errorf("%s: granted twice", tc.what)
			}
		}
	}

	a, b := sides(recv)
	both := make(chan time.Duration, 2)
	go func() { both <- a.grant(t.Context()) }()
	go func() { both <- b.grant(t.Context()) }()
	if x, y := <-both, <-both; x != 0 || y != 0 {
		t.Errorf("both out of time: %v and %v", x, y)
	}

	over, cancel := context.WithCancel(t.Context())
	cancel()
	if a, _ := sides(recv); a.grant(over) != 0 {
		t.Error("granted though the case is over")
	}
	for _, cfg := range []Config{{Patience: much}, {Explore: true}} {
		w := newPeers(cfg, 2, recv).waiter()
		if w.answer(said("x")); w.grant(t.Context()) != 0 {
			t.Errorf("granted with %+v", cfg)
		}
	}
	if newPeers(Config{Explore: true, Patience: much}, 1, recv) != nil {
		t.Error("one side has peers")
	}
}

// What never comes is a difference all the same, later.
func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	const patience = 300 * time.Millisecond
	c := parseCase(t, "node a\n----\nok\n\nwait a within=50ms\nGET foo\n----\n\"bar\"\n")
	oracle := newFake(t, map[string]string{"GET FOO": "$3\r\nbar\r\n"})
	start := time.Now()
	res := Run(t.Context(), c, Config{Oracle: oracle, Target: newFake(t, nil), Mode: "strict", Explore: true, Patience: patience})
	if took := time.Since(start); res.Verdict != verdict.Fail || took < patience {
		t.Errorf("%s (%s) after %v", res.Verdict, res.Cause, took)
	}
}
