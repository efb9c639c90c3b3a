package triage

import (
	"slices"
	"time"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// patience is how long the steps of a case that wait took until what they wait for was there, by their text. While a
// case is being reduced many of them wait in vain, and need not do so for all the time that the case allows.
type patience map[string]time.Duration

// The time a step is given is a few times what it took, and never less than patienceMin.
const (
	patienceMin    = 1500 * time.Millisecond
	patienceFactor = 3
)

func patienceOf(res *verdict.Result) patience {
	p := patience{}
	for i := range res.Steps {
		st := &res.Steps[i]
		for _, a := range []*verdict.Answer{st.Oracle, st.Target} {
			if a != nil && a.Fault == nil {
				p[st.Text] = max(p[st.Text], a.Duration)
			}
		}
	}
	return p
}

// limit shortens the within= of steps that were seen to take less.
func (p patience) limit(c *scenario.Case) *scenario.Case {
	out := *c
	out.Sections = slices.Clone(c.Sections)
	for i := range out.Sections {
		sec := &out.Sections[i]
		sec.Steps = slices.Clone(sec.Steps)
		for j := range sec.Steps {
			st := &sec.Steps[j]
			took, seen := p[st.Text()]
			if !seen {
				continue
			}
			for k, w := range st.Words {
				key, value, ok := w.KeyValue()
				text, _ := value.Literal()
				within, err := time.ParseDuration(text)
				if !ok || key != "within" || err != nil {
					continue
				}
				if short := max(patienceMin, patienceFactor*took).Round(time.Millisecond); short < within {
					st.Words = slices.Clone(st.Words)
					st.Words[k] = scenario.Lit("within=" + short.String())
				}
			}
		}
	}
	return &out
}
