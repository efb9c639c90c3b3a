// Package report shows runs to people and to CI: lines and live progress on a
// terminal, JSON, GitHub annotations, and one HTML file without outside parts.
//
// Data in, bytes out: it knows what a run came to (package evidence) and nothing
// of how it came about. It starts no process and reads no file but the summary of
// a finished run.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/harness/evidence"
)

// Format names a way of printing a run.
type Format string

// The formats.
const (
	Text   Format = "text"
	JSON   Format = "json"
	GitHub Format = "github"
)

// Formats lists the formats as the help shows them.
func Formats() []string { return []string{string(Text), string(JSON), string(GitHub)} }

// ParseFormat finds a format by its name.
func ParseFormat(s string) (Format, error) {
	if !slices.Contains(Formats(), s) {
		return "", fmt.Errorf("format %q: want one of %s", s, strings.Join(Formats(), ", "))
	}
	return Format(s), nil
}

// Printer shows a run as it goes. It is safe for concurrent use.
type Printer interface {
	// Begin says what is about to run. total is the number of cases times modes,
	// zero where it is not known (fuzzing).
	Begin(total int, headline string)
	// Running says that a case has started.
	Running(name, mode string)
	// Done says that a case has ended.
	Done(e evidence.CaseEntry)
	// Count adds executions that are no cases (fuzzing).
	Count(n int)
	// Note prints a line for people, above any progress.
	Note(line string)
	// End prints what the run came to. dir is the run directory, empty if there is none.
	End(s *evidence.Summary, dir string) error
}

// New makes the printer of a format.
func New(f Format, w io.Writer, opts Options) Printer {
	t := newTerminal(w, opts)
	switch f {
	case JSON:
		return &jsonPrinter{w: w}
	case GitHub:
		return &githubPrinter{terminal: t}
	default:
		return t
	}
}

// jsonPrinter writes the summary at the end and nothing else.
type jsonPrinter struct{ w io.Writer }

func (*jsonPrinter) Begin(int, string)       {}
func (*jsonPrinter) Running(string, string)  {}
func (*jsonPrinter) Done(evidence.CaseEntry) {}
func (*jsonPrinter) Count(int)               {}
func (*jsonPrinter) Note(string)             {}
func (p *jsonPrinter) End(s *evidence.Summary, _ string) error {
	enc := json.NewEncoder(p.w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(s)
}
