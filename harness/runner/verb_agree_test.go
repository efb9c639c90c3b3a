package runner

import (
	"context"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// Two nodes that answer differently do not agree, whichever of them is right.
func TestAgree(t *testing.T) {
	d := newFake(t, nil)
	steps := "node a\n----\nok\n\nnode b\n----\nok\n\na SET foo bar\n----\n+OK\n\n"
	c := parseCase(t, steps+"agree within=30ms\nGET foo\n----\n\"bar\"\n")
	res := Run(t.Context(), c, Config{Target: d, Seed: 1, Mode: "strict"})
	if res.Verdict != verdict.Fail {
		t.Fatalf("verdict is %s: %s", res.Verdict, res.Cause)
	}
	last := res.Steps[len(res.Steps)-1]
	if got, want := strings.Join(last.Target.Lines, "|"), `a:|  "bar"|b:|  $-1`; got != want {
		t.Errorf("the failure shows %q, want %q", got, want)
	}
	for question, want := range map[string]verdict.Verdict{
		"agree a within=30ms\nGET foo\n----\n\"bar\"\n":                   verdict.Pass,
		"agree b within=30ms\nGET foo\n----\n\"bar\"\n":                   verdict.Fail,
		"agree a b within=30ms\nGET none\n----\n$-1\n":                    verdict.Pass,
		"kill b\n----\nok\n\nagree within=30ms\nGET foo\n----\n\"bar\"\n": verdict.Pass,
	} {
		if res := Run(t.Context(), parseCase(t, steps+question), Config{Target: d, Seed: 1, Mode: "strict"}); res.Verdict != want {
			t.Errorf("%q: %s (%s), want %s", question, res.Verdict, res.Cause, want)
		}
	}
}

// What nodes have in common is more than the lines show.
func TestAgreeOnWhatIsNotShown(t *testing.T) {
	c := &call{side: &side{names: newNames()}, step: &scenario.Step{Expect: []string{"same"}}}
	saying := func(exact string) func(context.Context) (output, error) {
		return func(context.Context) (output, error) { return output{lines: []string{"same"}, exact: exact}, nil }
	}
	type asks = []func(context.Context) (output, error)
	out, err := c.poll(t.Context(), []string{"a", "b", "c"}, asks{saying("epoch 1"), saying("epoch 2"), saying("epoch 1")}, true)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(out.lines, "|"), "a c:|  same|  epoch 1|b:|  same|  epoch 2"; got != want {
		t.Errorf("the split reads %q, want %q", got, want)
	}
	out, err = c.poll(t.Context(), []string{"a", "b"}, asks{saying("epoch 1"), saying("epoch 1")}, true)
	if err != nil || strings.Join(out.lines, "|") != "same" {
		t.Errorf("they agree, and it reads %q (%v)", out.lines, err)
	}
}
