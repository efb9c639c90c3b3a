package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// Kind says how a row of two texts differs.
type Kind string

// The kinds of rows.
const (
	Same    Kind = "same"
	Changed Kind = "changed"
	Missing Kind = "missing" // only in what was wanted
	Extra   Kind = "extra"   // only in what came
)

// Row is one line of two texts side by side.
type Row struct {
	Kind Kind
	// WantLine and GotLine are 1-based; zero where that side has no line.
	WantLine, GotLine int
	Want, Got         []Span
}

// Span is a piece of a line; Mark is set where the other side says something else.
type Span struct {
	Text string
	Mark bool
}

// maxTable bounds the work of aligning: texts with more pairs of lines are
// compared line by line instead.
const maxTable = 4 << 20

// Align puts two texts side by side: the lines they have in common, in order, and
// between them what was changed, is missing or is extra.
func Align(want, got []string) []Row {
	var rows []Row
	i, j := 0, 0
	upTo := func(wantEnd, gotEnd int) {
		for i < wantEnd && j < gotEnd {
			a, b := marks(want[i], got[j])
			rows = append(rows, Row{Kind: Changed, WantLine: i + 1, GotLine: j + 1, Want: a, Got: b})
			i, j = i+1, j+1
		}
		for ; i < wantEnd; i++ {
			rows = append(rows, Row{Kind: Missing, WantLine: i + 1, Want: []Span{{Text: visible(want[i])}}})
		}
		for ; j < gotEnd; j++ {
			rows = append(rows, Row{Kind: Extra, GotLine: j + 1, Got: []Span{{Text: visible(got[j])}}})
		}
	}
	for _, p := range common(want, got) {
		upTo(p[0], p[1])
		s := []Span{{Text: visible(want[i])}}
		rows = append(rows, Row{Kind: Same, WantLine: i + 1, GotLine: j + 1, Want: s, Got: s})
		i, j = i+1, j+1
	}
	upTo(len(want), len(got))
	return rows
}

// common returns the index pairs of a longest common subsequence.
func common(a, b []string) [][2]int {
	var out [][2]int
	if len(a)*len(b) > maxTable {
		for i := range min(len(a), len(b)) {
			if a[i] == b[i] {
				out = append(out, [2]int{i, i})
			}
		}
		return out
	}
	w := len(b) + 1
	table := make([]int32, (len(a)+1)*w) // length of the best tail from (i, j)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				table[i*w+j] = table[(i+1)*w+j+1] + 1
			} else {
				table[i*w+j] = max(table[(i+1)*w+j], table[i*w+j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			out = append(out, [2]int{i, j})
			i, j = i+1, j+1
		case table[(i+1)*w+j] >= table[i*w+j+1]:
			i++
		default:
			j++
		}
	}
	return out
}

// marks finds what changed inside of a line.
func marks(want, got string) (a, b []Span) {
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = 0 // the same marks on a slow machine
	for _, d := range dmp.DiffCleanupSemantic(dmp.DiffMain(visible(want), visible(got), false)) {
		switch d.Type {
		case diffmatchpatch.DiffEqual:
			a = append(a, Span{Text: d.Text})
			b = append(b, Span{Text: d.Text})
		case diffmatchpatch.DiffDelete:
			a = append(a, Span{Text: d.Text, Mark: true})
		case diffmatchpatch.DiffInsert:
			b = append(b, Span{Text: d.Text, Mark: true})
		}
	}
	return a, b
}

// visible writes bytes that are no text as escapes: go-diff takes all of them for
// equal, terminals act on them and XML refuses them.
func visible(s string) string {
	clean := utf8.ValidString(s) && strings.IndexFunc(s, unprintable) < 0
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || unprintable(r) {
			for _, c := range []byte(s[i : i+n]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

func unprintable(r rune) bool { return r < 0x20 && r != '\t' || r >= 0x7f && r < 0xa0 }
