package reduce_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/reduce"
	"github.com/slotdiff/slotdiff/harness/scenario"
)

const header = `# A finding.

scenario: FR-P2C-007-E009
contract: B09
anchors:  A12
class:    adversarial
reason:   cluster.packet_parse_failclosed_violation
source:   a test
`

func parse(t *testing.T, steps string) *scenario.Case {
	t.Helper()
	c, err := scenario.Parse("x.case", []byte(header+steps))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// body is the steps of a case, without its header.
func body(c *scenario.Case) string {
	var out []string
	for _, st := range c.Steps() {
		out = append(out, st.Text())
	}
	return strings.Join(out, "\n")
}

const commands = `
node a cluster-node-timeout=5000 appendonly=yes
----

node b
----

b PING
----

a CLUSTER ADDSLOTSRANGE 0 16383
----

a SET some:very:long:key:name value EX 1000
----

a GET another:key
----

a/x GETSET some:very:long:key:name value
----

a INCRBY counter 123456
----
`

// Of a case of commands what the fault takes is left, with short names and small numbers.
func TestCommands(t *testing.T) {
	c := parse(t, commands)
	before := string(scenario.Format(c))
	var tries atomic.Int32
	small, rep := reduce.Case(t.Context(), c, reduce.Options{}, func(_ context.Context, c *scenario.Case) bool {
		tries.Add(1)
		key := ""
		for _, st := range c.Steps() {
			words := []string{}
			for _, w := range st.Words {
				words = append(words, w.String())
			}
			switch {
			case len(words) > 2 && words[0] == "SET":
				key = words[1]
			case len(words) > 2 && words[0] == "GETSET" && words[1] == key && key != "":
				return true
			}
		}
		return false
	})
	want := "node a\na SET k1 value\na/x GETSET k1 value"
	if got := strings.ReplaceAll(body(small), "k2", "value"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if rep.StepsBefore != 8 || rep.StepsAfter != 3 || rep.Tries != int(tries.Load()) || rep.OutOfTime {
		t.Errorf("%+v, %d tries", rep, tries.Load())
	}
	if rep.Tries > 80 {
		t.Errorf("%d tries for eight steps: each is a start of two servers", rep.Tries)
	}
	if string(scenario.Format(c)) != before {
		t.Error("the case itself was changed")
	}
}

const packets = `
node a
----

puppet p role=master slots=0-5000,8192-16383 currentEpoch=12 configEpoch=9 hostname=a.long.name
----

puppet q
----

p dial a
----

q dial a
----

p send PING currentEpoch=900 port=1 raw@2214=ffffffffffffffffffff
gossip 3333333333333333333333333333333333333333 addr=127.0.0.1:7@9 flags=master
gossip 4444444444444444444444444444444444444444 addr=127.0.0.1:8@9 flags=slave
----

q send PING
----
`

// Of packets the field, the entry and the slot that it takes are left.
func TestPackets(t *testing.T) {
	small, _ := reduce.Case(t.Context(), parse(t, packets), reduce.Options{Parallel: 2}, func(_ context.Context, c *scenario.Case) bool {
		text := body(c)
		return strings.Contains(text, "p send PING") && strings.Contains(text, "gossip 4444") && strings.Contains(text, "raw@2214=ff") &&
			strings.Contains(text, "slots=") && (strings.Contains(text, "16383") || strings.Contains(text, "slots=16383"))
	})
	for _, want := range []string{"slots=16383\n", "raw@2214=ffff\n", "p send PING"} {
		if !strings.Contains(body(small)+"\n", want) {
			t.Errorf("lacks %q:\n%s", want, body(small))
		}
	}
	for _, gone := range []string{"q dial", "puppet q", "gossip 3333", "currentEpoch", "hostname", "port=1"} {
		if strings.Contains(body(small), gone) {
			t.Errorf("still has %q:\n%s", gone, body(small))
		}
	}
}

// Fences go with the packets before them, and with their node.
func TestFences(t *testing.T) {
	steps := strings.Replace(packets, "q send PING", "p fence a within=5s link=out\n----\n\nq send PING\n----\n\nq fence a within=5s\n----\n\np send PONG", 1)
	small, _ := reduce.Case(t.Context(), parse(t, steps), reduce.Options{}, func(_ context.Context, c *scenario.Case) bool {
		return strings.Contains(body(c), "p send PONG")
	})
	if want := "puppet p\np send PONG"; body(small) != want {
		t.Errorf("got\n%s\nwant\n%s", body(small), want)
	}
	small, _ = reduce.Case(t.Context(), parse(t, steps), reduce.Options{}, func(_ context.Context, c *scenario.Case) bool {
		text := body(c)
		ping, fence, pong := strings.Index(text, "q send PING"), strings.Index(text, "q fence a within=5s"), strings.Index(text, "p send PONG")
		return 0 <= ping && ping < fence && fence < pong
	})
	if want := "node a\npuppet p\npuppet q\nq send PING\nq fence a within=5s\np send PONG"; body(small) != want {
		t.Errorf("got\n%s\nwant\n%s", body(small), want)
	}
}

// The result does not depend on how many cases are tried at once.
func TestParallelGivesTheSame(t *testing.T) {
	shows := func(_ context.Context, c *scenario.Case) bool {
		return strings.Contains(body(c), "INCRBY counter") && strings.Contains(body(c), "ADDSLOTSRANGE 0 16383")
	}
	var got []string
	for _, n := range []int{1, 4, 16} {
		small, _ := reduce.Case(t.Context(), parse(t, commands), reduce.Options{Parallel: n}, shows)
		got = append(got, body(small))
	}
	if len(slices.Compact(got)) != 1 {
		t.Errorf("%q", got)
	}
}

// A reduction ends with its budget, with the best it has.
func TestBudget(t *testing.T) {
	small, rep := reduce.Case(t.Context(), parse(t, commands), reduce.Options{Budget: time.Millisecond}, func(ctx context.Context, _ *scenario.Case) bool {
		<-ctx.Done()
		return true
	})
	if !rep.OutOfTime || rep.StepsAfter != rep.StepsBefore || body(small) != body(parse(t, commands)) {
		t.Errorf("%+v\n%s", rep, body(small))
	}
}
