package report

import (
	"fmt"
	"strings"

	"github.com/slotdiff/slotdiff/harness/evidence"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// maxDiffLines is how much of a long difference is shown.
const maxDiffLines = 40

// longLine is from how many columns on a changed line is cut to what changed;
// around is how much of what did not change stays next to it.
const (
	longLine = 120
	around   = 24
)

// Failure shows a case that is not right: what and where, the phase, what was
// wanted and what came, and as its last line the command that replays it.
func Failure(c *evidence.CaseEntry) string {
	var b strings.Builder
	field := func(name, value string) {
		fmt.Fprintf(&b, "  %-7s %s\n", name, value)
	}
	fmt.Fprintf(&b, "%s %s\n", style[c.Verdict].Render(strings.ToUpper(string(c.Verdict))), bold.Render(c.Case+" ["+c.Mode+"]"))
	phase, step := c.FirstBad()
	if step == nil {
		field("at", evidence.Place(c.Case, 0, ""))
	} else {
		field("at", evidence.Place(c.Case, step.Line, ""))
		if phase.Title != "" {
			field("phase", phase.Title)
		}
		for i, l := range strings.Split(step.Text, "\n") {
			field([]string{"step", ""}[min(i, 1)], visible(l))
		}
	}
	if why := cause(c); why != "" {
		field("why", visible(why))
	}
	if c.Reason != "" {
		field("reason", c.Reason)
	}
	if step != nil {
		b.WriteString(difference(step))
	}
	field("replay", bold.Render(c.ReplayCmd))
	return b.String()
}

// difference shows want and got: as two lines where each is one, else as a diff.
func difference(step *evidence.StepEntry) string {
	var b strings.Builder
	wantName, gotName, want, got := step.Sides()
	rows := Align(want, got)
	for i := range rows {
		if rows[i].Kind == Changed {
			rows[i].Want, rows[i].Got = shorten(rows[i].Want), shorten(rows[i].Got)
		}
	}
	if len(want) == 1 && len(got) == 1 {
		fmt.Fprintf(&b, "  %-7s %s  %s\n", "want", spans(rows[0].Want), faint.Render("("+wantName+")"))
		fmt.Fprintf(&b, "  %-7s %s  %s\n", "got", spans(rows[len(rows)-1].Got), faint.Render("("+gotName+")"))
		return b.String()
	}
	fmt.Fprintf(&b, "  %-7s %s\n", "diff", faint.Render(fmt.Sprintf("- want (%s)  + got (%s)", wantName, gotName)))
	n := 0
	for i, r := range rows {
		if r.Kind == Same && !near(rows, i, 2) {
			continue
		}
		if n++; n > maxDiffLines {
			b.WriteString(faint.Render("          the rest is in diff.txt") + "\n")
			break
		}
		switch r.Kind {
		case Same:
			fmt.Fprintf(&b, "            %s\n", spans(r.Want))
		default:
			if r.WantLine > 0 {
				fmt.Fprintf(&b, "          %s %s\n", style[verdict.Fail].Render("-"), spans(r.Want))
			}
			if r.GotLine > 0 {
				fmt.Fprintf(&b, "          %s %s\n", style[verdict.Pass].Render("+"), spans(r.Got))
			}
		}
	}
	return b.String()
}

// near reports whether a row that is not the same stands within n rows of row i.
func near(rows []Row, i, n int) bool {
	for j := max(0, i-n); j < min(len(rows), i+n+1); j++ {
		if rows[j].Kind != Same {
			return true
		}
	}
	return false
}

func spans(list []Span) string {
	var b strings.Builder
	for _, s := range list {
		if s.Mark {
			b.WriteString(mark.Render(s.Text))
		} else {
			b.WriteString(s.Text)
		}
	}
	return b.String()
}

// cause is the cause of a case, unless it only repeats a difference that is shown
// next to it: where two answers differ, the answers are the cause.
func cause(c *evidence.CaseEntry) string {
	_, step := c.FirstBad()
	if step == nil || c.Verdict == verdict.Known || faulty(step) {
		return c.Cause
	}
	return ""
}

// faulty reports whether a side crashed, hung or broke an invariant in the step.
func faulty(s *evidence.StepEntry) bool {
	return s.Oracle != nil && s.Oracle.Fault != "" || s.Target != nil && s.Target.Fault != ""
}

// shorten cuts the middle out of what did not change in a long line. Both sides
// of a row have the same unchanged pieces, so they stay comparable.
func shorten(list []Span) []Span {
	total := 0
	for _, s := range list {
		total += len([]rune(s.Text))
	}
	if total <= longLine {
		return list
	}
	out := make([]Span, 0, len(list))
	for i, s := range list {
		r := []rune(s.Text)
		head, tail := around, around
		if i == 0 {
			head = 0
		}
		if i == len(list)-1 {
			tail = 0
		}
		if !s.Mark && len(r) > head+tail+1 {
			s.Text = string(r[:head]) + "…" + string(r[len(r)-tail:])
		}
		out = append(out, s)
	}
	return out
}
