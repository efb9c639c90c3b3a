package scenario

import (
	"fmt"
	"slices"
	"strings"
)

// Error is one mistake in a case file.
type Error struct {
	Path string
	// Line and Col are 1-based; Col counts bytes. Zero means the whole file or line.
	Line, Col int
	Msg       string
	// Hint says what to do about it, often with a near name. May be empty.
	Hint string
}

// Error returns "path:line:col: message (hint)" without the parts that are missing.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Path != "" {
		b.WriteString(e.Path + ":")
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, "%d:", e.Line)
	}
	if e.Col > 0 {
		fmt.Fprintf(&b, "%d:", e.Col)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	b.WriteString(e.Msg)
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// Errors is every mistake found in one file, in file order.
type Errors []*Error

// maxShown is how many mistakes of one file are told: a file that is no case at all
// has one in every line.
const maxShown = 10

// Error returns one mistake a line, and how many more there are.
func (l Errors) Error() string {
	lines := make([]string, 0, maxShown+1)
	for i, e := range l {
		if i == maxShown {
			lines = append(lines, (&Error{Path: e.Path, Msg: fmt.Sprintf("and %d more mistakes", len(l)-i)}).Error())
			break
		}
		lines = append(lines, e.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.As access to each mistake.
func (l Errors) Unwrap() []error {
	out := make([]error, len(l))
	for i, e := range l {
		out[i] = e
	}
	return out
}

// didYouMean returns "did you mean x?" for the nearest of names, or "" when
// none is near.
func didYouMean(got string, names []string) string {
	if near := nearest(got, names, 1); len(near) > 0 {
		return fmt.Sprintf("did you mean %q?", near[0])
	}
	return ""
}

// nearest returns up to limit names that are near got, the nearest first: a
// third of the letters may differ, or one name contains the other.
func nearest(got string, names []string, limit int) []string {
	type scored struct {
		name string
		dist int
	}
	var list []scored
	low := strings.ToLower(got)
	for _, n := range names {
		ln := strings.ToLower(n)
		d := editDistance(low, ln)
		switch {
		case d <= max(1, len(low)/3):
			list = append(list, scored{n, d})
		case len(low) >= 3 && (strings.Contains(ln, low) || strings.Contains(low, ln) && len(ln) >= 3):
			list = append(list, scored{n, 100 + d})
		}
	}
	slices.SortStableFunc(list, func(a, b scored) int { return a.dist - b.dist })
	out := make([]string, 0, limit)
	for _, s := range list[:min(limit, len(list))] {
		out = append(out, s.name)
	}
	return out
}

// editDistance is the Levenshtein distance in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diag, row[j] = row[j], min(row[j]+1, row[j-1]+1, diag+cost)
		}
	}
	return row[len(b)]
}
