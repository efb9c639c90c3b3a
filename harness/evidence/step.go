package evidence

import (
	"fmt"
	"strings"
	"time"

	"github.com/aymanbagabas/go-udiff"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// stepDuration is how long the slower side took.
func stepDuration(s *verdict.Step) time.Duration {
	var d time.Duration
	for _, a := range []*verdict.Answer{s.Oracle, s.Target} {
		if a != nil {
			d = max(d, a.Duration)
		}
	}
	return d
}

// DiffText is the content of diff.txt: every step of the case that did not pass,
// with its place, its phase and a unified diff of what was expected and what came.
func DiffText(c *CaseEntry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  %s  mode %s  seed %d\n", c.Case, c.Scenario, c.Verdict, c.Mode, c.Seed)
	if c.Cause != "" {
		fmt.Fprintf(&b, "cause:  %s\n", c.Cause)
	}
	fmt.Fprintf(&b, "replay: %s\n", c.ReplayCmd)
	for _, p := range c.Phases {
		for i := range p.Bad {
			s := &p.Bad[i]
			wantName, gotName, want, got := s.Sides()
			fmt.Fprintf(&b, "\n%s: %s\n", Place(c.Case, s.Line, p.Title), s.Verdict)
			for l := range strings.SplitSeq(s.Text, "\n") {
				fmt.Fprintf(&b, "    %s\n", l)
			}
			diff := udiff.Unified(wantName, gotName, join(want), join(got))
			if diff == "" {
				diff = fmt.Sprintf("(%s and %s say the same)\n", wantName, gotName)
			}
			b.WriteString(diff)
		}
	}
	return b.String()
}

// CaseFile is the file of a case, whatever its mix: below cases/ by its name, or the path that a
// case from elsewhere has for a name.
func CaseFile(name string) string {
	name, _ = scenario.SplitMix(name)
	if strings.HasSuffix(name, ".case") {
		return name
	}
	return "cases/" + name + ".case"
}

// Place names a step for people: "cases/redirect/moved.case:53, MOVED names the owner".
func Place(name string, line int, phase string) string {
	s := CaseFile(name)
	if line > 0 {
		s = fmt.Sprintf("%s:%d", s, line)
	}
	if phase != "" {
		s += ", " + phase
	}
	return s
}

func join(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}
