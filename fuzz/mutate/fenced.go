package mutate

import (
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// fenced is a mutant of one node in which every whole packet has been processed before anybody else speaks: else a node may take a command,
// or what comes on another link, before a packet that was sent first. It is nil where there is no such place.
func fenced(c *scenario.Case) *scenario.Case {
	var nodes []string
	var steps []scenario.Step
	for _, st := range c.Steps() {
		if st.Actor == "node" && len(st.Words) > 0 {
			nodes = append(nodes, st.Words[0].String())
		}
		steps = append(steps, *st)
	}
	if len(nodes) != 1 {
		return nil
	}
	sent := map[int][]byte{} // by line
	for _, p := range runner.Packets(c) {
		sent[p.Step.Line] = p.Frame
	}
	out := *c
	out.Sections = []scenario.Section{{}}
	sec := &out.Sections[0]
	fences := 0
	for i := range steps {
		st := &steps[i]
		sec.Steps = append(sec.Steps, *st)
		one, rest, err := bus.CutFrame(sent[st.Line])
		if one == nil || err != nil || len(rest) > 0 || st.Words[0].String() != "send" || i+1 == len(steps) || steps[i+1].Actor == st.Actor {
			continue
		}
		words := scenario.Words("fence", nodes[0], "within=2s")
		if at := slices.IndexFunc(st.Words, func(w scenario.Word) bool { return strings.HasPrefix(w.String(), "link=") }); at >= 0 {
			words = append(words, st.Words[at])
		}
		sec.Steps = append(sec.Steps, scenario.Step{Actor: st.Actor, Words: words})
		fences++
	}
	if fences == 0 {
		return nil
	}
	parsed, err := scenario.Parse(c.Path, scenario.Format(&out))
	if err != nil || runner.Check(parsed) != nil {
		return nil
	}
	parsed.Loose = true
	return parsed
}
