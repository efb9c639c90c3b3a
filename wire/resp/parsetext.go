package resp

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// TextError says which line of a text form is wrong.
type TextError struct {
	Line   int // from 1
	Reason string
}

func (e *TextError) Error() string { return fmt.Sprintf("resp: line %d: %s", e.Line, e.Reason) }

// errText is a cause without its place, which the caller adds.
type errText string

func (e errText) Error() string { return string(e) }

// ParseText reads one value in the form that Text writes. A line end after the last line
// is allowed, anything else is a *TextError.
func ParseText(text string) (Value, error) {
	vs, err := ParseTexts(text)
	if err != nil {
		return Value{}, err
	}
	if len(vs) != 1 {
		return Value{}, &TextError{1, fmt.Sprintf("%d values where one is wanted", len(vs))}
	}
	return vs[0], nil
}

// ParseTexts reads any number of values that stand below one another.
func ParseTexts(text string) ([]Value, error) {
	text = strings.TrimSuffix(text, "\n")
	if text == "" {
		return nil, nil
	}
	p := textParser{lines: strings.Split(text, "\n")}
	var vs []Value
	for p.next < len(p.lines) {
		v, err := p.value(0)
		if err != nil {
			return nil, &TextError{p.at(), err.Error()}
		}
		vs = append(vs, v)
	}
	return vs, nil
}

const maxTextDepth = 256

type textParser struct {
	lines []string
	next  int // index of the first line not yet read
}

// at is the number of the line read last, for messages.
func (p *textParser) at() int { return max(p.next, 1) }

// line takes the next line, which must be indented by exactly that many steps.
func (p *textParser) line(indent int) (string, error) {
	if p.next == len(p.lines) {
		return "", errText("the text ends where a value is missing")
	}
	line := p.lines[p.next]
	p.next++
	body := strings.TrimLeft(line, " ")
	if len(line)-len(body) != 2*indent {
		return "", errText(fmt.Sprintf("indented by %d spaces where %d are wanted", len(line)-len(body), 2*indent))
	}
	return body, nil
}

func (p *textParser) value(indent int) (Value, error) {
	line, err := p.line(indent)
	if err != nil {
		return Value{}, err
	}
	if !strings.HasPrefix(line, "|") {
		return p.rest(line, indent)
	}
	attr, err := p.members(line, 2, indent)
	if err != nil {
		return Value{}, err
	}
	if line, err = p.line(indent); err != nil {
		return Value{}, err
	}
	if line != "" && (line[0] == attribute || Kind(line[0]) == Push) {
		return Value{}, errText("attributes describe a reply, not attributes or a push")
	}
	v, err := p.rest(line, indent)
	v.Attr = attr
	return v, err
}

// rest reads a value without attributes whose first line is line.
func (p *textParser) rest(line string, indent int) (v Value, err error) {
	if line == "" {
		return Value{}, errText("an empty line is no value")
	}
	v.Kind = Kind(line[0])
	arg := line[1:]
	switch v.Kind {
	case '"':
		v.Kind = Bulk
		v.Str, err = unquote(line)
		return v, err
	case SimpleString, Error:
		v.Str, err = parseBare(arg)
		if err == nil && bytes.ContainsAny(v.Str, "\r\n") {
			err = errText("a line break in a one-line value")
		}
		return v, err
	case Bulk:
		if arg == "-1" {
			v.Nil = true
			return v, nil
		}
		v.Str, err = p.stringLines(arg, indent)
		return v, err
	case BlobError:
		v.Str, err = unquote(arg)
		return v, err
	case Verbatim:
		return v, p.verbatim(&v, arg, indent)
	case Integer, Double, BigNumber, Boolean, Null:
		return parseOneLine(line)
	case Array, Set, Push, Map:
		return p.aggregate(v.Kind, line, indent)
	}
	return Value{}, errText(fmt.Sprintf("no value begins with %q", line[:1]))
}

// parseOneLine reads the kinds whose text is their line on the wire.
func parseOneLine(line string) (Value, error) {
	v, _, err := Parse([]byte(line + "\r\n"))
	if f, ok := err.(*FormatError); ok {
		return Value{}, errText(f.Reason)
	}
	return v, err
}

func (p *textParser) aggregate(kind Kind, line string, indent int) (v Value, err error) {
	if kind == Push && indent > 0 {
		return v, errText("a push inside another value")
	}
	v.Kind = kind
	if line == "*-1" {
		v.Nil = true
		return v, nil
	}
	each := 1
	if kind == Map {
		each = 2
	}
	v.Elems, err = p.members(line, each, indent)
	return v, err
}

// members reads the count after the first byte of a header, and then that many times each values.
func (p *textParser) members(header string, each, indent int) ([]Value, error) {
	n, ok := parseInt([]byte(header[1:]))
	if !ok || n < 0 {
		return nil, errText(fmt.Sprintf("%q is not a count", header[1:]))
	}
	if indent == maxTextDepth {
		return nil, errText(fmt.Sprintf("over %d values inside one another", maxTextDepth))
	}
	// Each member has a line: no more are worth room than lines are left.
	if left := int64(len(p.lines) - p.next); n > left/int64(each) {
		what := " values"
		if each == 2 {
			what = " entries"
		}
		return nil, errText("the header promises " + strconv.FormatInt(n, 10) + what + ", fewer lines follow")
	}
	vs := make([]Value, n*int64(each))
	for i := range vs {
		var err error
		if vs[i], err = p.value(indent + 1); err != nil {
			return nil, err
		}
	}
	return vs, nil
}

func (p *textParser) verbatim(v *Value, arg string, indent int) (err error) {
	if strings.HasPrefix(arg, `"`) {
		payload, err := unquote(arg)
		if err != nil {
			return err
		}
		if len(payload) < 4 || payload[3] != ':' {
			return errText("a verbatim string begins with a format of three bytes and ':'")
		}
		v.Format, v.Str = [3]byte(payload), payload[4:]
		return nil
	}
	if len(arg) < 4 {
		return errText("a verbatim string is =txt:\"...\" or =txt text")
	}
	v.Format = [3]byte([]byte(arg))
	if !isFormatWord(v.Format) {
		return errText(fmt.Sprintf("%q is not the format of a verbatim string", arg[:3]))
	}
	switch arg[3] {
	case ':':
		v.Str, err = unquote(arg[4:])
	case ' ':
		v.Str, err = p.stringLines(arg[4:], indent)
	default:
		err = errText("a verbatim string is =txt:\"...\" or =txt text")
	}
	return err
}

// stringLines reads the lines of a multi-line string under the header word.
func (p *textParser) stringLines(word string, indent int) ([]byte, error) {
	var sep string
	for s, name := range separatorNames {
		if name == word {
			sep = s
		}
	}
	if sep == "" {
		return nil, errText(fmt.Sprintf("%q says neither text nor crlf", word))
	}
	prefix := strings.Repeat("  ", indent) + "|"
	var s []byte
	for p.next < len(p.lines) {
		line, ok := strings.CutPrefix(p.lines[p.next], prefix)
		if !ok || (line != "" && line[0] != ' ' && line[0] != '"') {
			break
		}
		p.next++
		switch {
		case line == "":
		case line[0] == '"':
			part, err := unquote(line)
			if err != nil {
				return nil, err
			}
			s = append(s, part...)
		default:
			s = append(s, line[1:]...)
		}
		s = append(s, sep...)
	}
	if s == nil {
		return nil, errText("no line of the string follows, as in | text")
	}
	return s, nil
}

func parseBare(arg string) ([]byte, error) {
	if strings.HasPrefix(arg, `"`) {
		return unquote(arg)
	}
	for i := range len(arg) {
		if !isPrintable(arg[i]) {
			return nil, errText("an unprintable byte outside quotes")
		}
	}
	return []byte(arg), nil
}
