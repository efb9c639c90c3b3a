package report

import (
	"fmt"
	"strings"

	"github.com/slotdiff/slotdiff/harness/evidence"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// githubPrinter prints as the terminal does, and before the final word one
// workflow command a case that is not right, which GitHub shows at the line.
type githubPrinter struct{ *terminal }

// End prints the annotations, then what [terminal.End] prints.
func (p *githubPrinter) End(s *evidence.Summary, dir string) error {
	for i := range s.Cases {
		if a := annotation(&s.Cases[i]); a != "" {
			p.Note(a)
		}
	}
	return p.terminal.End(s, dir)
}

// annotation is the workflow command of a case, empty if it has none.
func annotation(c *evidence.CaseEntry) string {
	level := map[verdict.Verdict]string{
		verdict.Fail: "error", verdict.Unknown: "error", verdict.OracleFault: "warning", verdict.Known: "notice",
	}[c.Verdict]
	if level == "" {
		return ""
	}
	phase, step := c.FirstBad()
	props := []string{"file=" + property(evidence.CaseFile(c.Case))}
	msg := c.Cause
	if step != nil {
		if step.Line > 0 {
			props = append(props, fmt.Sprintf("line=%d", step.Line))
		}
		wantName, gotName, want, got := step.Sides()
		msg = fmt.Sprintf("%s\n%s\nwant (%s): %s\ngot (%s): %s", phase.Title, step.Text,
			wantName, strings.Join(want, "\n"), gotName, strings.Join(got, "\n"))
	}
	msg += "\nreplay: " + c.ReplayCmd
	props = append(props, "title="+property(fmt.Sprintf("%s: %s [%s]", c.Verdict, c.Case, c.Mode)))
	return fmt.Sprintf("::%s %s::%s", level, strings.Join(props, ","), message(strings.TrimSpace(msg)))
}

// message escapes the text of a workflow command.
func message(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(visibleLines(s))
}

// property escapes a property of a workflow command.
func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(message(s))
}

func visibleLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = visible(l)
	}
	return strings.Join(lines, "\n")
}
