package runner

import (
	"strings"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/harness/relay"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

const twoNodes = "node a\n----\nok\n\nnode b\n----\nok\n\nnode c\n----\nok\n\n"

func TestRelayedNodes(t *testing.T) {
	got := relayed(parseCase(t, twoNodes+"a PING\n----\n+PONG\n\ndelay a b by=5ms\n----\nok\n"))
	if len(got) != 2 || !got["a"] || !got["b"] {
		t.Errorf("relays stand before %v, want a and b", got)
	}
}

func TestReadPartition(t *testing.T) {
	for line, want := range map[string]partition{
		"a b":                     {from: "a", to: []string{"b"}, both: true, how: relay.Silence},
		"a b c way=out how=reset": {from: "a", to: []string{"b", "c"}, how: relay.Reset},
		"a b way=both by=20ms":    {from: "a", to: []string{"b"}, both: true, how: relay.Silence, by: 20 * time.Millisecond},
	} {
		words, _, err := scenario.ParseWords(line)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readPartition(words)
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		if got.from != want.from || strings.Join(got.to, " ") != strings.Join(want.to, " ") ||
			got.both != want.both || got.how != want.how || got.by != want.by {
			t.Errorf("%q is read as %+v, want %+v", line, got, want)
		}
	}
	var dirs []string
	p := partition{from: "a", to: []string{"b", "c"}, both: true}
	_ = p.each(func(from, to string) error { dirs = append(dirs, from+to); return nil })
	if got := strings.Join(dirs, " "); got != "ab ba ac ca" {
		t.Errorf("both ways of a from b and c are %q", got)
	}
}

func TestCheckOfPartitions(t *testing.T) {
	for steps, want := range map[string]string{
		"cut a\n----\n":                                               "want a node and those it is parted from",
		"cut a b way=up\n----\n":                                      "way=up is not one of",
		"delay a b by=soon\n----\n":                                   "not a positive duration",
		"puppet p\n----\nok\n\ncut a p\n----\n":                       "p is a puppet",
		"node d cluster-announce-bus-port=1\n----\n\ncut a d\n----\n": "is taken by its relay",
	} {
		err := Check(parseCase(t, twoNodes+steps))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want %q", steps, err, want)
		}
	}
	if err := Check(parseCase(t, twoNodes+"cut a b c how=reset\n----\nok\n\nheal a b c\n----\nok\n")); err != nil {
		t.Errorf("a sound case: %v", err)
	}
}

// TestNodesBehindRelays dials a node that has no bus port of its own: what accepts the
// link is its relay, and only where the case wants one.
func TestNodesBehindRelays(t *testing.T) {
	steps := twoNodes + `puppet p
----
ok

p dial c
----
refused

p dial a
----
ok

p send PING
----
ok

p recv within=5s link=out
----
closed

cut a b how=reset
----
ok

delay b a by=1ms way=out
----
ok

heal a b
----
ok

a CONFIG GET cluster-announce-bus-port
----
+$a.cport

c CONFIG GET cluster-announce-bus-port
----
+
`
	res := Run(t.Context(), parseCase(t, steps), Config{Target: newFake(t, nil), Mode: "strict"})
	if res.Verdict != verdict.Pass {
		t.Errorf("verdict is %s (%s)\n%s", res.Verdict, res.Cause, res.Sides[verdict.Target].Transcript)
	}
}
