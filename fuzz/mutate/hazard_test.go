package mutate

import (
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// What a command or a packet makes a node show as it was told is a hazard.
func TestHazard(t *testing.T) {
	const head = "scenario: FR-P2C-007-E009\ncontract: B09\nanchors: A12\nclass: adversarial\nreason: cluster.packet_parse_failclosed_violation\nsource: by hand\n\n" +
		"node a\n----\n\npuppet p\n----\n\np dial a\n----\n\n"
	for _, tc := range []struct{ steps, want string }{
		{"a CONFIG SET cluster-announce-ip 192.0.2.9\n----\n", ""},
		{"a CONFIG SET cluster-announce-ip \"\"\n----\n", ""},
		{"a CONFIG SET cluster-announce-ip \"::1\\x00x\"\n----\n", ""},
		{"a CONFIG SET cluster-announce-hostname foo\n----\n", ""},
		{"a CONFIG GET cluster-announce-ip foo\n----\n", ""},
		{"a CONFIG SET cluster-announce-ip foo\n----\n", quirks.NoAddress},
		{"a CONFIG SET cluster-announce-port 1 Cluster-Announce-IP 127.\n----\n", quirks.NoAddress},
		{"a send config set cluster-announce-ip 1\n----\n", quirks.NoAddress},
		{"a MULTI\n----\n\na GET k\n----\n\na/b CLUSTER MYSHARDID\n----\n\na EXEC\n----\n\na CLUSTER MYSHARDID\n----\n", ""},
		{"a MULTI\n----\n\na GET k\n----\n\na CLUSTER MYSHARDID\n----\n\na EXEC\n----\n", maskedElsewhere},
		{"a send GET k\n----\n\na GET k\n----\n\na GET k\n----\n", ""},
		{"a send CLIENT INFO\n----\n\na recv within=1s\n----\n\na CLIENT INFO\n----\n", ""},
		{"a send CLIENT INFO\n----\n\na GET k\n----\n", maskedElsewhere},
		{"a send GET k\n----\n\na CLIENT INFO\n----\n", maskedElsewhere},
		{"a/x send GET k\n----\n\na CLIENT INFO\n----\n", ""},
		{"p send MEET\n----\n", ""},
		{"p send MEET ip=127.\n----\n", quirks.NoAddress},
		{"p send MEET port=0\n----\n", quirks.PortZero},
	} {
		c, err := scenario.Parse("x.case", []byte(head+tc.steps))
		if err != nil {
			t.Fatal(err)
		}
		if got := hazard(c); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.steps, got, tc.want)
		}
	}
}

// What is told of a migration that has begun is up to a clock, and nothing else.
func TestTellsOfTask(t *testing.T) {
	step := func(text string, lines ...string) verdict.Step {
		return verdict.Step{Text: text, Oracle: &verdict.Answer{Lines: lines}}
	}
	begun := step("a CLUSTER MIGRATION IMPORT 1 2", `"<task>"`)
	for _, tc := range []struct {
		steps []verdict.Step
		want  bool
	}{
		{nil, false},
		{[]verdict.Step{begun, step("a cluster migration status ALL", "*1")}, true},
		{[]verdict.Step{begun, step("a CLUSTER MIGRATION CANCEL ALL", ":1")}, false},
		{[]verdict.Step{begun, step("a GET x", "$-1")}, false},
		{[]verdict.Step{begun}, false},
		{[]verdict.Step{step("a CLUSTER MIGRATION IMPORT 1 2", "-ERR no"), step("a CLUSTER MIGRATION STATUS ALL", "*0")}, false},
	} {
		if got := tellsOfTask(&verdict.Result{Steps: tc.steps}); got != tc.want {
			t.Errorf("%v: %v", tc.steps, got)
		}
	}
}

// Servers that are not of one age have their delays at other times.
func TestOutOfStep(t *testing.T) {
	step := func(text string, oracle, target time.Duration) verdict.Step {
		return verdict.Step{Text: text, Oracle: &verdict.Answer{Duration: oracle}, Target: &verdict.Answer{Duration: target}}
	}
	for _, tc := range []struct {
		step verdict.Step
		want bool
	}{
		{step("node a", 3*time.Second, 3*time.Second+maxAge), false},
		{step("node a", 0, maxAge+1), true},
		{step("restart a", 0, maxAge+1), true},
		{step("a BLPOP x 0", 0, time.Minute), false},
		{verdict.Step{Text: "node a", Target: &verdict.Answer{Duration: time.Minute}}, false},
	} {
		if got := outOfStep(&verdict.Result{Steps: []verdict.Step{{Text: "puppet p"}, tc.step}}); got != tc.want {
			t.Errorf("%s: %v", tc.step.Text, got)
		}
	}
}
