package report

import (
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"

	"github.com/slotdiff/slotdiff/harness/evidence"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// Options say what the terminal can do.
type Options struct {
	// Live shows progress in one line that is redrawn. Set it if the output is a
	// terminal.
	Live bool
	// Width of the terminal in columns; zero means 100.
	Width int
	// Verbose prints a line for every case even with Live.
	Verbose bool
	// Env is the environment that colours are chosen by (NO_COLOR, TERM ...). Nil: os.Environ.
	Env []string
	// Deadline ends a run without a total (fuzzing); zero if there is none.
	Deadline time.Time
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// Terminal returns options for a file: Live with its width if it is a terminal.
func Terminal(f *os.File) Options {
	width, _, err := term.GetSize(f.Fd())
	return Options{Live: err == nil && term.IsTerminal(f.Fd()), Width: width}
}

// maxShown is how many bad cases End shows in full.
const maxShown = 20

// maxCause is how many columns of a cause the line of a case shows.
const maxCause = 100

var (
	bold  = lipgloss.NewStyle().Bold(true)
	faint = lipgloss.NewStyle().Faint(true)
	mark  = lipgloss.NewStyle().Reverse(true)
	style = map[verdict.Verdict]lipgloss.Style{
		verdict.Pass:        lipgloss.NewStyle().Foreground(lipgloss.Green),
		verdict.Fail:        lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true),
		verdict.Known:       lipgloss.NewStyle().Foreground(lipgloss.Yellow),
		verdict.Skip:        lipgloss.NewStyle().Foreground(lipgloss.Cyan),
		verdict.Unknown:     lipgloss.NewStyle().Foreground(lipgloss.Magenta).Bold(true),
		verdict.OracleFault: lipgloss.NewStyle().Foreground(lipgloss.Magenta).Bold(true),
	}
)

// terminal prints plain lines, or progress that is redrawn and only what is not
// as it should be above it.
type terminal struct {
	opts Options
	w    io.Writer // strips what the output cannot show

	mu       sync.Mutex
	begun    time.Time
	total    int
	done     int
	bad      int
	running  []string
	drawn    bool // a progress line is on the screen
	stop     chan struct{}
	finished sync.WaitGroup
}

func newTerminal(w io.Writer, opts Options) *terminal {
	if opts.Env == nil {
		opts.Env = os.Environ()
	}
	if opts.Width <= 0 {
		opts.Width = 100
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &terminal{opts: opts, w: colorprofile.NewWriter(w, opts.Env)}
}

func (t *terminal) Begin(total int, headline string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begun, t.total = t.opts.Now(), total
	for line := range strings.SplitSeq(headline, "\n") { // rendered as one, short lines would be padded
		t.say("%s", bold.Render(line))
	}
	if !t.opts.Live || t.stop != nil {
		return
	}
	t.stop = make(chan struct{})
	t.finished.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-t.stop:
				return
			case <-tick.C:
				t.mu.Lock()
				t.draw()
				t.mu.Unlock()
			}
		}
	})
}

func (t *terminal) Running(name, mode string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running = append(t.running, name+" ["+mode+"]")
	t.draw()
}

func (t *terminal) Done(e evidence.CaseEntry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := e.Case + " [" + e.Mode + "]"
	if i := slices.Index(t.running, key); i >= 0 {
		t.running = slices.Delete(t.running, i, i+1)
	}
	t.done++
	if e.Bad() {
		t.bad++
	}
	if !t.opts.Live || t.opts.Verbose || e.Bad() {
		t.say("%s", caseLine(&e))
	}
	t.draw()
}

func (t *terminal) Count(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done += n
}

func (t *terminal) Note(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.say("%s", line)
	t.draw()
}

// End prints the counts and where the evidence is, then every case that is not
// right, with the command that replays it as the last line.
func (t *terminal) End(s *evidence.Summary, dir string) error {
	if t.stop != nil {
		close(t.stop)
		t.finished.Wait()
		t.stop = nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.erase()
	var b strings.Builder
	b.WriteString("\n" + Tally(s) + "\n")
	if dir != "" {
		fmt.Fprintf(&b, "%s\n", faint.Render("evidence: "+dir))
	}
	bad := gravest(s)
	if hidden := len(bad) - maxShown; hidden > 0 {
		fmt.Fprintf(&b, "%d more that are not right: see %s\n", hidden, path.Join(dir, "report.html"))
		bad = bad[hidden:]
	}
	for _, c := range bad {
		b.WriteString("\n" + Failure(c))
	}
	_, err := io.WriteString(t.w, b.String())
	return err
}

// gravest lists the cases that need attention; those with a divergence come last,
// for what is printed last is read first.
func gravest(s *evidence.Summary) []*evidence.CaseEntry {
	var out []*evidence.CaseEntry
	for _, v := range []verdict.Verdict{verdict.OracleFault, verdict.Unknown, verdict.Fail} {
		for i := range s.Cases {
			if s.Cases[i].Verdict == v {
				out = append(out, &s.Cases[i])
			}
		}
	}
	return out
}

// Tally is one line of counts: "12 pass, 1 fail, 3 skip in 4.2s".
func Tally(s *evidence.Summary) string {
	var parts []string
	for _, v := range verdict.All() {
		if n := s.Counts[v]; n > 0 {
			parts = append(parts, style[v].Render(fmt.Sprintf("%d %s", n, v)))
		}
	}
	if len(parts) == 0 {
		parts = []string{"no case ran"}
	}
	line := strings.Join(parts, ", ") + " in " + duration(time.Duration(s.DurationMS)*time.Millisecond)
	if !s.Live {
		line += ", against the recording"
	}
	if s.Interrupted {
		line += ", interrupted"
	}
	return line
}

// caseLine is one line for a case.
func caseLine(e *evidence.CaseEntry) string {
	line := fmt.Sprintf("%s %s [%s]  %s", style[e.Verdict].Render(fmt.Sprintf("%-12s", e.Verdict)), e.Case, e.Mode,
		faint.Render(duration(time.Duration(e.DurationMS)*time.Millisecond)))
	if e.Verdict != verdict.Pass && e.Cause != "" {
		line += "  " + ansi.Truncate(visible(firstLine(e.Cause)), maxCause, "…")
	}
	return line
}

// say prints a line above the progress.
func (t *terminal) say(format string, args ...any) {
	t.erase()
	_, _ = fmt.Fprintf(t.w, format+"\n", args...) // End reports a broken output
}

// erase removes the progress line.
func (t *terminal) erase() {
	if t.drawn {
		_, _ = io.WriteString(t.w, "\r"+ansi.EraseEntireLine) // End reports a broken output
		t.drawn = false
	}
}

// draw redraws the progress line.
func (t *terminal) draw() {
	if !t.opts.Live || t.begun.IsZero() {
		return
	}
	t.erase()
	_, _ = io.WriteString(t.w, ansi.Truncate(t.progress(), t.opts.Width-1, "…"))
	t.drawn = true
}

// progress is "37/120 done, 2 running, 12/s, 7s left, 1 finding  redirect/x ...".
func (t *terminal) progress() string {
	elapsed := t.opts.Now().Sub(t.begun)
	parts := []string{fmt.Sprintf("%d done", t.done)}
	if t.total > 0 {
		parts[0] = fmt.Sprintf("%d/%d done", t.done, t.total)
	}
	parts = append(parts, fmt.Sprintf("%d running", len(t.running)))
	if rate := float64(t.done) / elapsed.Seconds(); elapsed > 0 && t.done > 0 {
		parts = append(parts, fmt.Sprintf("%.3g/s", rate))
		if t.total > t.done {
			parts = append(parts, duration(time.Duration(float64(t.total-t.done)/rate*float64(time.Second)).Round(time.Second))+" left")
		}
	}
	if left := t.opts.Deadline.Sub(t.opts.Now()); !t.opts.Deadline.IsZero() && left > 0 {
		parts = append(parts, duration(left.Round(time.Second))+" left")
	}
	findings := fmt.Sprintf("%d findings", t.bad)
	if t.bad == 1 {
		findings = "1 finding"
	}
	if t.bad > 0 {
		findings = style[verdict.Fail].Render(findings)
	}
	return strings.Join(append(parts, findings), ", ") + "  " + faint.Render(strings.Join(t.running, " "))
}

func duration(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.3gs", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func firstLine(s string) string {
	l, _, _ := strings.Cut(s, "\n")
	return l
}
