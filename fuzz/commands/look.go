package commands

import (
	"bytes"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/harness/mask"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// sight is the closer look at one pair of replies.
type sight uint8

const (
	sightEqual sight = iota
	sightDiffers
	sightNotRun // the target did not run it
)

// clockSlack is by how many milliseconds, or seconds where that is the unit, two times may be apart that
// were made from the same span at nearly the same moment.
const clockSlack = 20_000

// look compares the replies of both sides to a command, of which only the bytes are known to differ. queue holds the
// commands that an EXEC ran.
func look(c *command, oracle, target []byte, fold [2]folder, queue []*command) sight {
	if bytes.HasPrefix(target, []byte(cause.NotExecuted)) {
		if cause.BeforeItRan(string(oracle)) {
			return sightDiffers
		}
		return sightNotRun
	}
	o, _, errO := resp.Parse(oracle)
	t, _, errT := resp.Parse(target)
	if errO != nil || errT != nil {
		return sightDiffers
	}
	return lookAt(c, o, t, fold, queue)
}

func lookAt(c *command, o, t resp.Value, fold [2]folder, queue []*command) sight {
	if c == nil {
		return equal(o.Equal(t))
	}
	if c.Name == "exec" && o.Kind == resp.Array && t.Kind == resp.Array && len(o.Elems) == len(t.Elems) && len(queue) == len(o.Elems) {
		worst := sightEqual
		for i := range queue {
			var s sight
			if o.Elems[i].Equal(t.Elems[i]) {
				continue
			} else if t.Elems[i].IsError() && bytes.HasPrefix(t.Elems[i].Str, []byte(cause.NotExecuted[1:])) {
				s = sightNotRun
			} else {
				s = lookAt(queue[i], o.Elems[i], t.Elems[i], fold, nil)
			}
			if s == sightDiffers {
				return s
			}
			worst = max(worst, s)
		}
		return worst
	}
	if c.ways.clock && near(o, t) {
		return sightEqual
	}
	if c.ways.order {
		o, t = inOrder(c, o), inOrder(c, t)
		if o.Equal(t) {
			return sightEqual
		}
	}
	kind := c.kind()
	return equal(slices.Equal(canonical(kind, o, fold[theOracle]), canonical(kind, t, fold[theTarget])))
}

func equal(b bool) sight {
	if b {
		return sightEqual
	}
	return sightDiffers
}

// canonical is a reply as text, names for what differs from side to side, masked.
func canonical(kind string, v resp.Value, fold folder) []string {
	text := resp.Text(v)
	if fold != nil {
		text = fold.replace(text)
	}
	switch kind {
	case "CLUSTER INFO":
		text = withoutTraffic(text)
	case "ROLE":
		text = linkStates.Replace(text)
	}
	lines, _ := mask.Apply(mask.Context{Kind: kind}, strings.Split(strings.TrimSuffix(text, "\n"), "\n"))
	return lines
}

// linkStates are those of a link to a master that serves no replication: a replica tries again and again, at its own time.
var linkStates = strings.NewReplacer(`"connecting"`, `"connect"`, `"handshake"`, `"connect"`)

// near compares numbers, and arrays of numbers, that are times.
func near(o, t resp.Value) bool {
	if o.Kind != t.Kind || len(o.Elems) != len(t.Elems) {
		return false
	}
	for i := range o.Elems {
		if !near(o.Elems[i], t.Elems[i]) {
			return false
		}
	}
	if o.Kind != resp.Integer {
		return o.Kind == resp.Array || o.Equal(t)
	}
	if o.Int < 0 || t.Int < 0 {
		return o.Int == t.Int
	}
	d := o.Int - t.Int
	return -clockSlack <= d && d <= clockSlack
}

// inOrder sorts the elements of a reply whose order means nothing; those of a flat list of pairs stay together.
func inOrder(c *command, v resp.Value) resp.Value {
	if !v.Kind.IsAggregate() {
		return v
	}
	step := 1
	if v.Kind == resp.Map || c.Name == "hgetall" || c.Name == "config|get" {
		step = 2
	}
	if len(v.Elems)%step != 0 {
		return v
	}
	var groups [][]resp.Value
	for i := 0; i < len(v.Elems); i += step {
		groups = append(groups, v.Elems[i:i+step])
	}
	slices.SortStableFunc(groups, func(a, b []resp.Value) int {
		return strings.Compare(resp.Text(a[0]), resp.Text(b[0]))
	})
	v.Elems = slices.Concat(groups...)
	return v
}

// withoutTraffic drops the counters of bus packets from CLUSTER INFO: a type is listed from its first packet on, and
// pings go out at their own time.
func withoutTraffic(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "cluster_stats_messages_") {
			b.WriteString(line)
		}
	}
	return b.String()
}
