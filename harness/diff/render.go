package diff

import (
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// Context is the number of equal lines that are usually shown around a difference.
const Context = 3

// Unified returns d as a unified diff that patch understands.
func (d *Diff) Unified(wantName, gotName string) string {
	return udiff.UnifiedDiff{From: wantName, To: gotName, Hunks: d.hunks(Context)}.String()
}

// Style is how a terminal shows the parts of a diff. A nil function leaves text as it is.
type Style struct {
	Want, Got         func(string) string // a line of one side
	WantMark, GotMark func(string) string // what changed inside such a line
	Faint             func(string) string // lines that are equal, and gaps
	// Carets underlines changes in a line of its own below: for places without colour.
	Carets bool
}

// Plain shows a diff without colour.
var Plain = Style{Carets: true}

// Colour shows a diff with the escape sequences that every terminal knows.
var Colour = Style{
	Want: sgr("31"), WantMark: sgr("1;7;31"),
	Got: sgr("32"), GotMark: sgr("1;7;32"),
	Faint: sgr("2"),
}

func sgr(code string) func(string) string {
	return func(text string) string { return "\x1b[" + code + "m" + text + "\x1b[0m" }
}

// Render shows d for a person: a line that is only wanted begins with "- ", one that
// only came with "+ ", an equal one with two spaces. Every line ends with a line end.
func (d *Diff) Render(style Style) string {
	var b strings.Builder
	for _, r := range d.Rows(Context) {
		switch r.Side {
		case Gap:
			b.WriteString(paint(style.Faint, fmt.Sprintf("  ... line %d", r.Line)))
		case Both:
			b.WriteString(paint(style.Faint, "  "+r.Text()))
		case Want:
			writeSide(&b, "- ", r.Spans, style.Want, style.WantMark)
		case Got:
			writeSide(&b, "+ ", r.Spans, style.Got, style.GotMark)
		}
		b.WriteByte('\n')
		if style.Carets {
			writeCarets(&b, r.Spans)
		}
	}
	return b.String()
}

func paint(f func(string) string, text string) string {
	if f == nil || text == "" {
		return text
	}
	return f(text)
}

func writeSide(b *strings.Builder, sign string, spans []Span, line, mark func(string) string) {
	b.WriteString(paint(line, sign))
	for _, s := range spans {
		if s.Changed {
			b.WriteString(paint(mark, s.Text))
		} else {
			b.WriteString(paint(line, s.Text))
		}
	}
}

func writeCarets(b *strings.Builder, spans []Span) {
	var under strings.Builder
	under.WriteString("  ")
	for _, s := range spans {
		c := " "
		if s.Changed {
			c = "^"
		}
		under.WriteString(strings.Repeat(c, len(s.Text)))
	}
	if strings.Contains(under.String(), "^") {
		b.WriteString(strings.TrimRight(under.String(), " ") + "\n")
	}
}
