package reduce

import (
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
)

// clone copies a case as deep as the passes change it.
func clone(c *scenario.Case) *scenario.Case {
	out := *c
	out.Sections = slices.Clone(c.Sections)
	for i := range out.Sections {
		sec := &out.Sections[i]
		sec.Steps = slices.Clone(sec.Steps)
		for j := range sec.Steps {
			st := &sec.Steps[j]
			st.Words = slices.Clone(st.Words)
			st.Input = slices.Clone(st.Input)
		}
	}
	return &out
}

// list gives the steps of a case that clone made, to be changed in place.
func list(c *scenario.Case) []*scenario.Step {
	var out []*scenario.Step
	for _, st := range c.Steps() {
		out = append(out, st)
	}
	return out
}

// filter drops steps, and sections that have none left.
func filter(c *scenario.Case, keep func(i int, st *scenario.Step) bool) *scenario.Case {
	out := clone(c)
	at := 0
	for i := range out.Sections {
		sec := &out.Sections[i]
		var kept []scenario.Step
		for j := range sec.Steps {
			if keep(at, &sec.Steps[j]) {
				kept = append(kept, sec.Steps[j])
			}
			at++
		}
		sec.Steps = kept
	}
	out.Sections = slices.DeleteFunc(out.Sections, func(s scenario.Section) bool { return len(s.Steps) == 0 })
	return out
}

// actors drops whole nodes and puppets with all that is said to or of them.
func (r *reducer) actors() {
	base := r.best
	var names []string
	for _, st := range base.Steps() {
		if (st.Actor == "node" || st.Actor == "puppet") && len(st.Words) > 0 {
			names = append(names, st.Words[0].String())
		}
	}
	if len(names) < 2 {
		return
	}
	r.minimise(len(names), func(keep []bool) *scenario.Case {
		return filter(base, func(_ int, st *scenario.Step) bool {
			for i, name := range names {
				if !keep[i] && mentions(st, name) {
					return false
				}
			}
			return true
		})
	})
}

// mentions reports whether a step speaks to an actor or of it.
func mentions(st *scenario.Step, name string) bool {
	if actor, _ := st.Conn(); actor == name {
		return true
	}
	keyword := slices.Contains(scenario.Keywords(), st.Actor) || st.Actor == "node" || st.Actor == "puppet"
	for _, w := range st.Words {
		for _, p := range w.Parts {
			if p.Ref.Name == name {
				return true
			}
		}
		word, _, _ := strings.Cut(w.String(), "/")
		if word == name && (keyword || st.Words[0].String() == "dial" || st.Words[0].String() == "fence") {
			return true
		}
	}
	return slices.ContainsFunc(st.Input, func(l string) bool {
		return strings.Contains(l, "$"+name+".") || strings.Contains(l, "${"+name+".")
	})
}

// steps drops steps.
func (r *reducer) steps() {
	base := r.best
	r.minimise(steps(base), func(keep []bool) *scenario.Case {
		return filter(base, func(i int, _ *scenario.Step) bool { return keep[i] })
	})
}

// place is a word or a line of a case.
type place struct{ step, at int }

// lines drops input lines: gossip entries, extensions, commands of a pipeline.
func (r *reducer) lines() {
	base := r.best
	var places []place
	for i, st := range list(base) {
		if st.Actor == "wait" || st.Actor == "hold" {
			continue // the line is the question
		}
		for j := range st.Input {
			places = append(places, place{i, j})
		}
	}
	r.minimise(len(places), func(keep []bool) *scenario.Case {
		out := clone(base)
		all := list(out)
		for k := len(places) - 1; k >= 0; k-- {
			if p := places[k]; !keep[k] {
				all[p.step].Input = slices.Delete(all[p.step].Input, p.at, p.at+1)
			}
		}
		return out
	})
}

// words drops the words that a step can do without: arguments of commands, fields of packets and puppets, directives.
func (r *reducer) words() {
	base := r.best
	puppets := runner.Puppets(base)
	var places []place
	for i, st := range list(base) {
		for j := needed(st, puppets); j < len(st.Words); j++ {
			if k, _, ok := st.Words[j].KeyValue(); ok && (k == "within" || k == "for") {
				continue
			}
			places = append(places, place{i, j})
		}
	}
	r.minimise(len(places), func(keep []bool) *scenario.Case {
		out := clone(base)
		all := list(out)
		for k := len(places) - 1; k >= 0; k-- {
			if p := places[k]; !keep[k] {
				all[p.step].Words = slices.Delete(all[p.step].Words, p.at, p.at+1)
			}
		}
		return out
	})
}

// needed is how many words of a step, from the first, are what it does.
func needed(st *scenario.Step, puppets map[string]bool) int {
	actor, _ := st.Conn()
	switch {
	case st.Actor == "node" || st.Actor == "puppet":
		return 1
	case slices.Contains(scenario.Keywords(), st.Actor):
		return len(st.Words)
	case puppets[actor]:
		switch st.Words[0].String() {
		case "set", "close":
			return 1
		case "reply":
			return 3
		}
		return 2
	case st.Words[0].String() == "send":
		return 2
	}
	return 1
}
