// Package diff compares two canonical texts and shows a person where they part.
//
// It compares lines exactly. What may differ must have been masked before: there is no
// tolerance in here, and no opinion on which side is right.
package diff

import (
	"fmt"
	"slices"
	"strings"
)

// Diff is two texts that are not equal.
type Diff struct {
	want, got []string
}

// Compare returns how got differs from want, line by line, or nil when they are equal.
func Compare(want, got []string) *Diff {
	if slices.Equal(want, got) {
		return nil
	}
	return &Diff{slices.Clone(want), slices.Clone(got)}
}

// First is the first line in which d's texts differ.
func (d *Diff) First() Difference { return First(d.want, d.got) }

// Difference is one line that is not the same in two texts.
type Difference struct {
	Line int // from 1; 0 when the texts are equal
	// Want and Got are the two lines, with unprintable bytes as \xNN. A text that has
	// ended before this line has no line here.
	Want, Got       string
	HasWant, HasGot bool
}

// First returns the first line in which the texts differ.
func First(want, got []string) Difference {
	esc := escaper(want, got)
	for i := range max(len(want), len(got)) {
		d := Difference{Line: i + 1, HasWant: i < len(want), HasGot: i < len(got)}
		if d.HasWant && d.HasGot && want[i] == got[i] {
			continue
		}
		if d.HasWant {
			d.Want = esc(want[i])
		}
		if d.HasGot {
			d.Got = esc(got[i])
		}
		return d
	}
	return Difference{}
}

// shownLength bounds how much of a line the summary shows: it stands on one line itself.
const shownLength = 72

// String says the difference in one line. Of long lines it shows the part around the
// first byte that differs.
func (d Difference) String() string {
	switch {
	case d.Line == 0:
		return "no difference"
	case !d.HasWant && d.Line == 1:
		return fmt.Sprintf("line 1: want nothing, got %s", excerpt(d.Got, 0))
	case !d.HasGot && d.Line == 1:
		return fmt.Sprintf("line 1: want %s, got nothing", excerpt(d.Want, 0))
	case !d.HasWant:
		return fmt.Sprintf("line %d: want the end, got %s", d.Line, excerpt(d.Got, 0))
	case !d.HasGot:
		return fmt.Sprintf("line %d: want %s, got the end", d.Line, excerpt(d.Want, 0))
	}
	at := commonPrefix(d.Want, d.Got)
	return fmt.Sprintf("line %d: want %s, got %s", d.Line, excerpt(d.Want, at), excerpt(d.Got, at))
}

// excerpt cuts line to shownLength bytes such that the byte at is among them.
func excerpt(line string, at int) string {
	if line == "" {
		return "an empty line"
	}
	if len(line) <= shownLength {
		return line
	}
	from := max(0, min(at-shownLength/3, len(line)-shownLength))
	to := min(from+shownLength, len(line))
	cut := line[from:to]
	if from > 0 {
		cut = "..." + cut
	}
	if to < len(line) {
		cut += "..."
	}
	return cut
}

func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// escaper returns how lines of these texts are shown: as they are when all of them are
// printable ASCII, otherwise with \xNN for every other byte and \\ for a backslash, so that
// lines that differ never look the same.
func escaper(texts ...[]string) func(string) string {
	for _, text := range texts {
		for _, line := range text {
			if strings.IndexFunc(line, isUnprintable) >= 0 {
				return escape
			}
		}
	}
	return func(line string) string { return line }
}

func isUnprintable(r rune) bool { return r < ' ' || r > '~' }

func escape(line string) string {
	var b strings.Builder
	for i := range len(line) {
		switch c := line[i]; {
		case c == '\\':
			b.WriteString(`\\`)
		case isUnprintable(rune(c)):
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func escapeAll(esc func(string) string, lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = esc(line)
	}
	return out
}
