package resp

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Text returns the form of v that people read in cases and diffs, without a line end
// after its last line. ParseText reads it back without loss.
//
// A scalar is one line that begins as on the wire: +OK, -ERR text, :5, $-1, *-1, _, #t,
// ,1.5, (123, !"blob error", =txt:"verbatim"; a bulk string is "quoted". The header of an
// aggregate, *2 %1 ~3 >2 or |1, is followed by its members, two spaces further in, a
// map's key before its value; attributes stand before the value they describe.
//
// A string of printable lines is written as lines of "| " and their text under a header
// $text, or $crlf when CRLF separates them; =txt text and =txt crlf when it is verbatim.
// A line that ends with a space is quoted, |"so ".
func Text(v Value) string { return string(v.AppendText(nil)) }

// AppendText appends what Text returns.
func (v Value) AppendText(b []byte) []byte { return v.appendText(b, 0) }

func (v Value) appendText(b []byte, indent int) []byte {
	if v.Attr != nil {
		b = appendAggregate(b, attribute, pairs(v.Attr), v.Attr, indent)
		b = append(b, '\n')
	}
	if v.Kind == Array && v.Nil {
		return append(appendIndent(b, indent), "*-1"...)
	}
	if v.Kind.IsAggregate() {
		n := len(v.Elems)
		if v.Kind == Map {
			n = pairs(v.Elems)
		}
		return appendAggregate(b, byte(v.Kind), n, v.Elems, indent)
	}
	b = appendIndent(b, indent)
	switch v.Kind {
	case SimpleString, Error:
		return appendBare(append(b, byte(v.Kind)), v.Str)
	case Double, BigNumber:
		return append(append(b, byte(v.Kind)), v.Str...)
	case Integer:
		return strconv.AppendInt(append(b, ':'), v.Int, 10)
	case Boolean:
		if v.Int != 0 {
			return append(b, "#t"...)
		}
		return append(b, "#f"...)
	case Null:
		return append(b, '_')
	case Bulk:
		if v.Nil {
			return append(b, "$-1"...)
		}
		if sep := lineSeparator(v.Str); sep != "" {
			return appendLines(append(append(b, '$'), separatorNames[sep]...), v.Str, sep, indent)
		}
		return appendQuoted(b, v.Str)
	case BlobError:
		return appendQuoted(append(b, '!'), v.Str)
	case Verbatim:
		return v.appendVerbatimText(b, indent)
	}
	panic("resp: " + v.Kind.String() + " has no text form")
}

func (v Value) appendVerbatimText(b []byte, indent int) []byte {
	b = append(b, '=')
	if !isFormatWord(v.Format) {
		return appendQuoted(b, append(append(v.Format[:], ':'), v.Str...))
	}
	b = append(b, v.Format[:]...)
	if sep := lineSeparator(v.Str); sep != "" {
		return appendLines(append(append(b, ' '), separatorNames[sep]...), v.Str, sep, indent)
	}
	return appendQuoted(append(b, ':'), v.Str)
}

// separatorNames are the words of a multi-line string's header.
var separatorNames = map[string]string{"\n": "text", "\r\n": "crlf"}

func appendAggregate(b []byte, kind byte, n int, members []Value, indent int) []byte {
	b = append(appendIndent(b, indent), kind)
	b = strconv.AppendInt(b, int64(n), 10)
	for i := range members {
		b = members[i].appendText(append(b, '\n'), indent+1)
	}
	return b
}

func appendIndent(b []byte, indent int) []byte {
	for range indent {
		b = append(b, "  "...)
	}
	return b
}

// lineSeparator tells what separates the lines of s: "\n" or "\r\n", or "" when s is not
// a text of printable lines that each end with the same separator.
func lineSeparator(s []byte) string {
	if len(s) == 0 || s[len(s)-1] != '\n' {
		return ""
	}
	sep := "\n"
	if i := bytes.IndexByte(s, '\n'); i > 0 && s[i-1] == '\r' {
		sep = "\r\n"
	}
	for i, c := range s {
		switch {
		case c == '\n':
			if sep == "\r\n" && (i == 0 || s[i-1] != '\r') {
				return ""
			}
		case c == '\r':
			if sep == "\n" || i+1 == len(s) || s[i+1] != '\n' {
				return ""
			}
		case !isPrintable(c):
			return ""
		}
	}
	return sep
}

func appendLines(b, s []byte, sep string, indent int) []byte {
	for line := range bytes.SplitSeq(bytes.TrimSuffix(s, []byte(sep)), []byte(sep)) {
		b = append(appendIndent(append(b, '\n'), indent), '|')
		switch {
		case len(line) == 0:
		case line[len(line)-1] == ' ':
			b = appendQuoted(b, line)
		default:
			b = append(append(b, ' '), line...)
		}
	}
	return b
}

// appendBare writes s as it is, or quoted when that would not survive a text file.
func appendBare(b, s []byte) []byte {
	if isBare(s) {
		return append(b, s...)
	}
	return appendQuoted(b, s)
}

func isBare(s []byte) bool {
	if len(s) == 0 {
		return true
	}
	if s[0] == '"' || s[0] == ' ' || s[len(s)-1] == ' ' {
		return false
	}
	for _, c := range s {
		if !isPrintable(c) {
			return false
		}
	}
	return true
}

func isFormatWord(format [3]byte) bool {
	for _, c := range format {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func isPrintable(c byte) bool { return ' ' <= c && c <= '~' }

// Quote returns s between double quotes with the escapes of redis-cli: \\ \" \n \r \t
// \a \b, and \xNN for every other byte outside printable ASCII.
func Quote(s []byte) string { return string(appendQuoted(nil, s)) }

const hexDigits = "0123456789abcdef"

func appendQuoted(b, s []byte) []byte {
	b = append(b, '"')
	for _, c := range s {
		switch i := strings.IndexByte("\\\"\n\r\t\a\b", c); {
		case i >= 0:
			b = append(b, '\\', `\"nrtab`[i])
		case isPrintable(c):
			b = append(b, c)
		default:
			b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(b, '"')
}

// Unquote reads what Quote writes. It fails on anything else: a missing quote, an escape
// that Quote does not know, a byte that Quote would have escaped.
func Unquote(text string) ([]byte, error) {
	s, err := unquote(text)
	if err != nil {
		return nil, fmt.Errorf("resp: %.40q: %w", text, err)
	}
	return s, nil
}

func unquote(text string) ([]byte, error) {
	if text == "" || text[0] != '"' {
		return nil, errText("a quoted string begins with a quote")
	}
	s := []byte{}
	for i := 1; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '"':
			if i+1 < len(text) {
				return nil, errText("text follows the closing quote")
			}
			return s, nil
		case !isPrintable(c):
			return nil, errText("an unprintable byte stands in a quoted string")
		case c != '\\':
			s = append(s, c)
			continue
		}
		i++
		if i == len(text) {
			break
		}
		if text[i] == 'x' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]) {
			s = append(s, unhex(text[i+1])<<4|unhex(text[i+2]))
			i += 2
			continue
		}
		j := strings.IndexByte(`\"nrtab`, text[i])
		if j < 0 {
			return nil, errText("unknown escape \\" + text[i:i+1])
		}
		s = append(s, "\\\"\n\r\t\a\b"[j])
	}
	return nil, errText("a quoted string has no end")
}
