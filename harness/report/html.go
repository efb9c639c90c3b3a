package report

import (
	"bytes"
	_ "embed" // the page
	"fmt"
	"html/template"
	"path/filepath"
	"strings"
	"time"

	"github.com/slotdiff/slotdiff/harness/evidence"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

//go:embed report.html.tmpl
var pageText string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"ms": func(ms int64) string { return duration(time.Duration(ms) * time.Millisecond) },
	"place": func(c evidence.CaseEntry, p evidence.Phase, s evidence.StepEntry) string {
		return evidence.Place(c.Case, s.Line, p.Title)
	},
	"visible": visibleLines,
	"cause":   func(c evidence.CaseEntry) string { return cause(&c) },
	"diff":    newDiff,
	"file":    filepath.Base,
	"search": func(c evidence.CaseEntry) string {
		return strings.ToLower(strings.Join([]string{c.Case, c.Scenario, c.Contract, c.Mode, string(c.Verdict), c.Reason, c.Cause}, " "))
	},
}).Parse(pageText))

// HTML renders a run as one page: counts, a filter by verdict, every case with
// its phases, and for each step that did not pass both sides with what differs
// marked. It refers to nothing outside of the run directory and needs no script
// but for the search field.
func HTML(s *evidence.Summary) ([]byte, error) {
	var b bytes.Buffer
	err := page.Execute(&b, struct {
		*evidence.Summary
		Verdicts []verdict.Verdict
		Total    int
		Sorted   []evidence.CaseEntry
	}{s, verdict.All(), len(s.Cases), worstFirst(s)})
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return b.Bytes(), nil
}

// FromDir renders the page of a run directory.
func FromDir(dir string) ([]byte, error) {
	s, err := evidence.ReadSummary(dir)
	if err != nil {
		return nil, err
	}
	return HTML(s)
}

// worstFirst puts what needs attention above the rest; both keep their order.
func worstFirst(s *evidence.Summary) []evidence.CaseEntry {
	var out []evidence.CaseEntry
	for _, v := range []verdict.Verdict{verdict.Fail, verdict.OracleFault, verdict.Unknown, verdict.Known, verdict.Skip, verdict.Pass} {
		for _, c := range s.Cases {
			if c.Verdict == v {
				out = append(out, c)
			}
		}
	}
	return out
}

// sides is a step's difference as the page shows it.
type sides struct {
	WantName, GotName string
	Rows              []Row
	Recorded          []string // shown apart if it is neither side and differs from the wanted one
	Masks             []string
}

func newDiff(s evidence.StepEntry) sides {
	wantName, gotName, want, got := s.Sides()
	d := sides{WantName: wantName, GotName: gotName, Rows: Align(want, got)}
	if wantName == "oracle" && strings.Join(want, "\n") != strings.Join(s.Want, "\n") {
		d.Recorded = s.Want
	}
	for _, a := range []*evidence.AnswerEntry{s.Oracle, s.Target} {
		if a != nil && len(a.Masks) > len(d.Masks) {
			d.Masks = a.Masks
		}
	}
	return d
}
