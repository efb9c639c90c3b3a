package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// separator stands between a step and its expected block.
const separator = "----"

// Parse reads one case. path is kept as [Case.Path] and stands in errors; it is
// not opened. The error, if any, is of type [Errors] and holds every mistake
// that could be found without guessing; the case is then nil.
func Parse(path string, src []byte) (*Case, error) {
	p := &parser{c: &Case{Path: path}, declared: map[string]bool{}}
	if !p.checkBytes(src) {
		return nil, p.errs
	}
	text := strings.TrimSuffix(string(src), "\n")
	p.lines = strings.Split(text, "\n")
	p.comments()
	p.header()
	p.sections()
	p.checkMixes()
	if len(p.errs) > 0 {
		slices.SortStableFunc(p.errs, func(a, b *Error) int { return a.Line - b.Line })
		return nil, p.errs
	}
	return p.c, nil
}

type parser struct {
	c        *Case
	lines    []string
	at       int // index of the current line
	errs     Errors
	declared map[string]bool
	names    []string // declared, in order
	mixesAt  int      // line of the header key, 0 if there is none
}

// more reports whether a line is left.
func (p *parser) more() bool { return p.at < len(p.lines) }

// cur is the current line without trailing blanks.
func (p *parser) cur() string { return strings.TrimRight(p.lines[p.at], " \t") }

// fail notes a mistake on the current line.
func (p *parser) fail(col int, hint, format string, args ...any) {
	p.failAt(p.at+1, col, hint, format, args...)
}

func (p *parser) failAt(line, col int, hint, format string, args ...any) {
	p.errs = append(p.errs, &Error{Path: p.c.Path, Line: line, Col: col, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

// checkBytes refuses what no line of a case may hold: carriage returns, other
// control characters but tab, bytes that are no UTF-8.
func (p *parser) checkBytes(src []byte) bool {
	for i, line := range bytes.Split(src, []byte("\n")) {
		for col := 0; col < len(line); {
			r, n := utf8.DecodeRune(line[col:])
			switch {
			case r == '\r':
				p.failAt(i+1, col+1, "lines of a case end with \\n alone", "carriage return")
			case r == utf8.RuneError && n <= 1:
				p.failAt(i+1, col+1, `write it as \x`+fmt.Sprintf("%02x", line[col])+` in "..."`, "byte 0x%02x is not UTF-8", line[col])
			case unicode.IsControl(r) && r != '\t':
				p.failAt(i+1, col+1, `write it as an escape in "..."`, "control character %U", r)
			}
			col += n
		}
	}
	return len(p.errs) == 0
}

// comments reads the comment before the header.
func (p *parser) comments() {
	gap := false
	for ; p.more(); p.at++ {
		line := p.cur()
		switch {
		case line == "":
			gap = len(p.c.Comments) > 0
		case line[0] == '#':
			if gap {
				p.c.Comments = append(p.c.Comments, "")
			}
			gap = false
			p.c.Comments = append(p.c.Comments, commentText(line))
		default:
			p.c.Comments = trimEmpty(p.c.Comments)
			return
		}
	}
	p.c.Comments = trimEmpty(p.c.Comments)
}

// sections reads titles and steps until the end of the file.
func (p *parser) sections() {
	for p.more() {
		line := p.cur()
		switch {
		case line == "":
			p.at++
		case line[0] == '#':
			p.title()
		default:
			p.step()
		}
	}
	for i := range p.c.Sections {
		sec := &p.c.Sections[i]
		if len(sec.Steps) == 0 && sec.Title != "" {
			p.failAt(p.titleLine(sec.Title), 1, "a note belongs directly under its title, without a blank line", "section %q has no step", sec.Title)
		}
	}
	if len(p.c.Sections) == 0 && len(p.errs) == 0 {
		p.failAt(len(p.lines), 0, "", "case has no step")
	}
}

func (p *parser) titleLine(title string) int {
	for i, l := range p.lines {
		if strings.HasPrefix(l, "#") && commentText(l) == title {
			return i + 1
		}
	}
	return 0
}

func (p *parser) title() {
	sec := Section{Title: commentText(p.cur())}
	if sec.Title == "" {
		p.fail(1, "", "section without a title")
	}
	for p.at++; p.more() && strings.HasPrefix(p.cur(), "#"); p.at++ {
		sec.Notes = append(sec.Notes, commentText(p.cur()))
	}
	sec.Notes = trimEmpty(sec.Notes)
	p.c.Sections = append(p.c.Sections, sec)
}

// step reads one step and its blank line.
func (p *parser) step() {
	s := Step{Line: p.at + 1}
	p.firstLine(&s)
	p.at++
	for ; p.more() && p.cur() != separator; p.at++ {
		if p.cur() == "" {
			p.failAt(s.Line, 1, "a step is: first line, input lines, "+separator+", expected lines, blank line",
				"step has no %s before the blank line %d", separator, p.at+1)
			return
		}
		s.Input = append(s.Input, p.lines[p.at])
		p.checkRefs(p.lines[p.at])
	}
	if !p.more() {
		p.failAt(s.Line, 1, "", "step has no %s: the file ends first", separator)
		return
	}
	for p.at++; p.more() && p.cur() != ""; p.at++ {
		if p.cur() == separator {
			p.fail(1, "is a blank line missing between two steps?", "second %s in one step", separator)
			continue
		}
		s.Expect = append(s.Expect, p.lines[p.at])
	}
	if len(p.c.Sections) == 0 {
		p.c.Sections = append(p.c.Sections, Section{})
	}
	sec := &p.c.Sections[len(p.c.Sections)-1]
	sec.Steps = append(sec.Steps, s)
}

// firstLine reads conditions, actor, words and comment of the current line.
func (p *parser) firstLine(s *Step) {
	line := p.cur()
	i := 0
	skip := func() {
		for i < len(line) && isBlank(line[i]) {
			i++
		}
	}
	if isBlank(line[0]) {
		p.fail(1, "", "a step starts in column 1")
	}
	for skip(); i < len(line) && line[i] == '['; skip() {
		end := strings.IndexByte(line[i:], ']')
		if end < 0 {
			p.fail(i+1, "", "unterminated condition")
			return
		}
		name, not := strings.CutPrefix(line[i+1:i+end], "!")
		if !isCondName(name) {
			p.fail(i+1, "a condition is [name] or [!name]", "bad condition %q", line[i:i+end+1])
		}
		s.Conds = append(s.Conds, Cond{Name: name, Not: not})
		i += end + 1
	}
	if i == len(line) {
		p.fail(i, "", "condition without a step")
		return
	}
	end := i
	for end < len(line) && !isBlank(line[end]) {
		end++
	}
	s.Actor = line[i:end]
	words, comment, err := splitWords(line[end:], end)
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			panic(err) // splitWords returns nothing else
		}
		p.fail(e.Col, "", "%s", e.Msg)
		return
	}
	s.Words, s.Comment = words, comment
	p.checkNames(s, i+1)
}

// isCondName allows what names a need: letters, digits and ".", "-", "_", "=",
// "<", ">", ":", "@", "/".
func isCondName(s string) bool {
	for _, r := range s {
		if !(unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(".-_=<>:@/", r)) {
			return false
		}
	}
	return s != ""
}

// commentText strips "#" and one blank from a comment line.
func commentText(line string) string {
	return strings.TrimRight(strings.TrimPrefix(strings.TrimPrefix(line, "#"), " "), " \t")
}

// trimEmpty drops empty lines at both ends.
func trimEmpty(lines []string) []string {
	for len(lines) > 0 && lines[0] == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	if len(lines) == 0 {
		return nil
	}
	return lines
}
