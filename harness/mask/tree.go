package mask

import (
	"slices"
	"strings"
)

// block is a line of a reply's text form with the lines that stand under it.
type block struct {
	lines []string // its own line, and the lines of a multi-line string
	kids  []*block // the members of an aggregate
}

// parseBlocks builds the trees of lines by their indentation.
func parseBlocks(lines []string) []*block {
	root := &block{}
	path := []*block{root} // path[d] is the block under which lines of depth d stand
	var last *block
	for _, line := range lines {
		body := strings.TrimLeft(line, " ")
		if last != nil && isStringLine(body) && isStringHeader(last.lines[0]) {
			last.lines = append(last.lines, line)
			continue
		}
		depth := min((len(line)-len(body))/2, len(path)-1)
		last = &block{lines: []string{line}}
		path[depth].kids = append(path[depth].kids, last)
		path = append(path[:depth+1], last)
	}
	return root.kids
}

func isStringLine(body string) bool {
	return body == "|" || strings.HasPrefix(body, "| ") || strings.HasPrefix(body, `|"`)
}

func isStringHeader(line string) bool {
	body := strings.TrimLeft(line, " ")
	return body == "$text" || body == "$crlf" ||
		(strings.HasPrefix(body, "=") && (strings.HasSuffix(body, " text") || strings.HasSuffix(body, " crlf")))
}

// text is all lines of b.
func (b *block) text() string { return strings.Join(b.append(nil), "\n") }

// head is the first line of b without its indent.
func (b *block) head() string { return strings.TrimLeft(b.lines[0], " ") }

func (b *block) append(lines []string) []string {
	lines = append(lines, b.lines...)
	for _, kid := range b.kids {
		lines = kid.append(lines)
	}
	return lines
}

// eachTree makes a mask of a function on every reply of an answer.
func eachTree(f func(reply *block)) func([]string) []string {
	return func(lines []string) []string {
		blocks := parseBlocks(lines)
		lines = make([]string, 0, len(lines))
		for _, b := range blocks {
			f(b)
			lines = b.append(lines)
		}
		return lines
	}
}

// key is what b is sorted by: its text, but with the header of an aggregate at the end,
// because a member more or less must not move the whole.
func (b *block) key() string {
	text := b.text()
	if len(b.kids) == 0 {
		return text
	}
	head, members, _ := strings.Cut(text, "\n")
	return members + "\n" + head
}

// sortKids sorts the members of b from the given index on by their keys.
func sortKids(b *block, from int) {
	if from >= len(b.kids) {
		return
	}
	slices.SortStableFunc(b.kids[from:], func(x, y *block) int { return strings.Compare(x.key(), y.key()) })
}

// sortPairs sorts the entries of a map, or of an array that stands for one, by key.
func sortPairs(b *block) {
	if len(b.kids)%2 != 0 {
		return
	}
	type pair struct{ key, value *block }
	var pairs []pair
	for i := 0; i < len(b.kids); i += 2 {
		pairs = append(pairs, pair{b.kids[i], b.kids[i+1]})
	}
	slices.SortStableFunc(pairs, func(x, y pair) int { return strings.Compare(x.key.key(), y.key.key()) })
	for i, p := range pairs {
		b.kids[2*i], b.kids[2*i+1] = p.key, p.value
	}
}

// member returns the value under a key of a map, or of an array that stands for one.
func (b *block) member(key string) *block {
	for i := 0; i+1 < len(b.kids); i += 2 {
		if b.kids[i].head() == `"`+key+`"` {
			return b.kids[i+1]
		}
	}
	return nil
}

// replace puts body in the place of b's one line.
func (b *block) replace(body string) {
	line := b.lines[0]
	b.lines[0] = line[:len(line)-len(b.head())] + body
}

// each calls f for b and every block under it.
func (b *block) each(f func(*block)) {
	f(b)
	for _, kid := range b.kids {
		kid.each(f)
	}
}

// sortRuns sorts each unbroken run of lines that begin with start.
func sortRuns(start string) func([]string) []string {
	return func(lines []string) []string {
		for i := 0; i < len(lines); i++ {
			from := i
			for i < len(lines) && strings.HasPrefix(lines[i], start) {
				i++
			}
			slices.Sort(lines[from:i])
		}
		return lines
	}
}
