package scenario

import (
	"fmt"
	"strings"
)

// Rewrite returns src with expected blocks replaced: expect maps the line of a
// step ([Step.Line]) to its new block. Everything else, down to blanks and
// comments, stays as it is; blocks that are not named stay too. A block of no
// lines makes the block empty.
//
// It is an error if src does not parse, if a line is not that of a step, or if a
// new line is blank, is the separator or holds a line end, for it would not read
// back.
func Rewrite(path string, src []byte, expect map[int][]string) ([]byte, error) {
	c, err := Parse(path, src)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(string(src), "\n"), "\n")
	var out []string
	next := 0 // index of the first line not yet copied
	done := 0
	for _, s := range c.Steps() {
		block, ok := expect[s.Line]
		if !ok {
			continue
		}
		done++
		for _, l := range block {
			if strings.TrimSpace(l) == "" || strings.TrimRight(l, " \t") == separator || strings.ContainsAny(l, "\r\n") {
				return nil, &Error{Path: path, Line: s.Line, Msg: fmt.Sprintf("expected line %q would not read back", l)}
			}
		}
		start := s.Line + len(s.Input) + 1 // after first line, input lines and separator
		out = append(append(out, lines[next:start]...), block...)
		next = start + len(s.Expect)
	}
	if done != len(expect) {
		for line := range expect {
			if !hasStep(c, line) {
				return nil, &Error{Path: path, Line: line, Msg: "no step starts on this line"}
			}
		}
	}
	out = append(out, lines[next:]...)
	return []byte(strings.Join(out, "\n") + "\n"), nil
}

func hasStep(c *Case, line int) bool {
	for _, s := range c.Steps() {
		if s.Line == line {
			return true
		}
	}
	return false
}
