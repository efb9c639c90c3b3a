package commands

import (
	"fmt"

	"github.com/slotdiff/slotdiff/harness/scenario"
)

// caseOf is a stream as a case that needs nothing but itself.
func caseOf(t *topology, ops []op, note string, seed uint64) *scenario.Case {
	c := &scenario.Case{
		Path:     fmt.Sprintf("fuzz/commands-%d.case", seed),
		Comments: []string{"Found by slotdiff fuzz commands, seed of the episode " + fmt.Sprint(seed) + ".", note},
	}
	c.Sections = append(c.Sections, scenario.Section{Steps: t.steps()})
	sec := scenario.Section{Title: "the stream"}
	words := map[string]scenario.Word{}
	for _, n := range append(puppetNames[:], nodeName) {
		words[nodeID(n)] = refWord("$" + n + ".id")
	}
	for i, o := range ops {
		s := scenario.Step{Actor: fmt.Sprintf("%s/c%d", nodeName, o.conn)}
		if o.mode == modeAwait {
			if i == 0 || !sends(ops[:i], o.conn) {
				continue // what was to be awaited is not sent any more
			}
			s.Words = scenario.Words("recv", "within=500ms")
			sec.Steps = append(sec.Steps, s)
			continue
		}
		if o.mode == modeSend {
			s.Words = scenario.Words("send")
		}
		for _, a := range o.argv {
			w, ok := words[string(a)]
			if !ok {
				w = scenario.Lit(string(a))
			}
			s.Words = append(s.Words, w)
		}
		sec.Steps = append(sec.Steps, s)
		if o.blocked {
			sec.Steps = append(sec.Steps, scenario.Step{
				Actor: "wait", Words: scenario.Words(nodeName, "within=3s"),
				Input: []string{"INFO clients | blocked_clients"}, Expect: []string{"blocked_clients:1"},
			})
		}
	}
	c.Sections = append(c.Sections, sec)
	return c
}

// sends reports whether some reply on a connection has not been awaited yet.
func sends(ops []op, conn int) bool {
	open := 0
	for _, o := range ops {
		if o.conn == conn && o.mode == modeSend {
			open++
		}
		if o.conn == conn && o.mode == modeAwait {
			open--
		}
	}
	return open > 0
}
