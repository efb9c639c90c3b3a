package diff

import (
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/sergi/go-diff/diffmatchpatch"
)

// Side says which text a row belongs to.
type Side int

// The sides of a row.
const (
	Both Side = iota // the line is in both texts
	Want             // only in the text that was wanted
	Got              // only in the text that came
	Gap              // lines of both texts are left out here
)

// Row is one line of a shown diff.
type Row struct {
	Side  Side
	Line  int // number in its own text, from 1; that of want for Both and Gap
	Spans []Span
}

// Span is a part of a line.
type Span struct {
	Text    string
	Changed bool // it has no counterpart in the other text's line
}

// Text is the row's line.
func (r Row) Text() string {
	var b strings.Builder
	for _, s := range r.Spans {
		b.WriteString(s.Text)
	}
	return b.String()
}

// Rows lists what differs with up to context lines of both texts around it, and marks
// inside the lines that replace one another what changed.
func (d *Diff) Rows(context int) []Row {
	var rows []Row
	for i, h := range d.hunks(context) {
		if i > 0 || h.FromLine > 1 {
			rows = append(rows, Row{Side: Gap, Line: h.FromLine})
		}
		from, to := h.FromLine, h.ToLine
		for j := 0; j < len(h.Lines); {
			if h.Lines[j].Kind == udiff.Equal {
				rows = append(rows, Row{Both, from, []Span{{Text: content(h.Lines[j])}}})
				from, to, j = from+1, to+1, j+1
				continue
			}
			var gone, come []string
			for ; j < len(h.Lines) && h.Lines[j].Kind != udiff.Equal; j++ {
				if h.Lines[j].Kind == udiff.Delete {
					gone = append(gone, content(h.Lines[j]))
				} else {
					come = append(come, content(h.Lines[j]))
				}
			}
			rows = append(rows, replaced(gone, come, from, to)...)
			from, to = from+len(gone), to+len(come)
		}
	}
	return rows
}

func content(l udiff.Line) string { return strings.TrimSuffix(l.Content, "\n") }

func (d *Diff) hunks(context int) []*udiff.Hunk {
	esc := escaper(d.want, d.got)
	want, got := join(escapeAll(esc, d.want)), join(escapeAll(esc, d.got))
	u, err := udiff.ToUnifiedDiff("want", "got", want, udiff.Lines(want, got), context)
	if err != nil {
		panic("diff: the edits of a text do not fit it: " + err.Error())
	}
	return u.Hunks
}

// join ends every line, so that no text ends without a line end.
func join(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// replaced pairs the lines that went with those that came, in order. All that went stands
// before all that came unless there are equally many: then each stands above its
// replacement.
func replaced(gone, come []string, from, to int) []Row {
	wants, gots := make([]Row, len(gone)), make([]Row, len(come))
	for i, line := range gone {
		wants[i] = Row{Want, from + i, []Span{{Text: line}}}
	}
	for i, line := range come {
		gots[i] = Row{Got, to + i, []Span{{Text: line}}}
	}
	for i := range min(len(gone), len(come)) {
		wants[i].Spans, gots[i].Spans = inside(gone[i], come[i])
	}
	if len(gone) != len(come) {
		return slices.Concat(wants, gots)
	}
	rows := make([]Row, 0, len(wants)+len(gots))
	for i := range wants {
		rows = append(rows, wants[i], gots[i])
	}
	return rows
}

// Lines longer than this are compared by their ends only: the exact way is quadratic.
const longLine = 4096

// inside marks what changed between two lines. When they have too little in common for
// the marks to help, neither has any.
func inside(want, got string) (wants, gots []Span) {
	var parts []diffmatchpatch.Diff
	if len(want) > longLine || len(got) > longLine {
		parts = byEnds(want, got)
	} else {
		dmp := diffmatchpatch.New()
		dmp.DiffTimeout = 0 // a timeout would make the output depend on the machine's load
		parts = dmp.DiffCleanupSemantic(dmp.DiffMain(want, got, false))
	}
	common := 0
	for _, p := range parts {
		switch p.Type {
		case diffmatchpatch.DiffEqual:
			common += len(p.Text)
			wants, gots = append(wants, Span{p.Text, false}), append(gots, Span{p.Text, false})
		case diffmatchpatch.DiffDelete:
			wants = append(wants, Span{p.Text, true})
		case diffmatchpatch.DiffInsert:
			gots = append(gots, Span{p.Text, true})
		}
	}
	if 3*common < max(len(want), len(got)) {
		return []Span{{Text: want}}, []Span{{Text: got}}
	}
	return wants, gots
}

// byEnds takes what lies between the common prefix and the common suffix as changed.
func byEnds(want, got string) (parts []diffmatchpatch.Diff) {
	head := commonPrefix(want, got)
	tail := 0
	for tail < min(len(want), len(got))-head && want[len(want)-1-tail] == got[len(got)-1-tail] {
		tail++
	}
	add := func(kind diffmatchpatch.Operation, text string) {
		if text != "" {
			parts = append(parts, diffmatchpatch.Diff{Type: kind, Text: text})
		}
	}
	add(diffmatchpatch.DiffEqual, want[:head])
	add(diffmatchpatch.DiffDelete, want[head:len(want)-tail])
	add(diffmatchpatch.DiffInsert, got[head:len(got)-tail])
	add(diffmatchpatch.DiffEqual, want[len(want)-tail:])
	return parts
}
