package scenario

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// splitWords is the lexer of a step's first line. Columns in errors count from
// offset, the number of bytes that precede line in its file line.
func splitWords(line string, offset int) (words []Word, comment string, err error) {
	i := 0
	for {
		for i < len(line) && isBlank(line[i]) {
			i++
		}
		if i == len(line) {
			return words, "", nil
		}
		if line[i] == '#' {
			return words, strings.TrimSpace(line[i+1:]), nil
		}
		w, n, err := lexWord(line[i:])
		if err != nil {
			err.Col += offset + i
			return nil, "", err
		}
		words = append(words, w)
		i += n
	}
}

// lexWord reads one word at the start of s, which is not blank, and returns how
// many bytes it took. The column of an error counts from the start of s.
func lexWord(s string) (w Word, n int, err *Error) {
	var lit []byte
	flush := func() {
		if len(lit) > 0 {
			w.Parts = append(w.Parts, Part{Lit: string(lit)})
			lit = nil
		}
	}
	ref := func(at int) int {
		r, n := parseRef(s[at:])
		if n > 0 {
			flush()
			w.Parts = append(w.Parts, Part{Ref: r})
		}
		return n
	}
	i := 0
	for i < len(s) && !isBlank(s[i]) {
		switch s[i] {
		case '"':
			open := i
			for i++; ; {
				if i >= len(s) {
					return Word{}, 0, &Error{Col: open + 1, Msg: `unterminated "`}
				}
				if s[i] == '"' {
					break
				}
				if n := ref(i); n > 0 {
					i += n
					continue
				}
				b, n := unescape(s[i:])
				lit = append(lit, b)
				i += n
			}
			i++
		case '\'':
			open := i
			for i++; ; {
				if i >= len(s) {
					return Word{}, 0, &Error{Col: open + 1, Msg: "unterminated '"}
				}
				if s[i] == '\'' {
					break
				}
				if strings.HasPrefix(s[i:], `\'`) {
					i++
				}
				lit = append(lit, s[i])
				i++
			}
			i++
		default:
			if n := ref(i); n > 0 {
				i += n
				continue
			}
			lit = append(lit, s[i])
			i++
		}
	}
	flush()
	if s[:i] == "|" {
		return Word{Pipe: true}, i, nil
	}
	return w, i, nil
}

// unescape reads one byte of a "..." word, which may be an escape sequence.
// A lone backslash at the end stands for itself; the missing quote is then found
// by the caller.
func unescape(s string) (b byte, n int) {
	if s[0] != '\\' || len(s) == 1 {
		return s[0], 1
	}
	switch s[1] {
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'a':
		return '\a', 2
	case 'b':
		return '\b', 2
	case 'x':
		if len(s) >= 4 {
			if hi, lo := unhex(s[2]), unhex(s[3]); hi >= 0 && lo >= 0 {
				return byte(hi<<4 | lo), 4
			}
		}
	}
	return s[1], 2
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// parseRef reads $name.field or ${name.field} at the start of s. n is zero when
// there is none.
func parseRef(s string) (r Ref, n int) {
	if len(s) < 2 || s[0] != '$' {
		return Ref{}, 0
	}
	i, brace := 1, false
	if s[1] == '{' {
		i, brace = 2, true
	}
	name := nameLen(s[i:])
	if name == 0 || i+name >= len(s) || s[i+name] != '.' {
		return Ref{}, 0
	}
	r.Name = s[i : i+name]
	i += name + 1
	field := fieldLen(s[i:])
	if field == 0 {
		return Ref{}, 0
	}
	r.Field = s[i : i+field]
	i += field
	if brace {
		if i >= len(s) || s[i] != '}' {
			return Ref{}, 0
		}
		i++
	}
	return r, i
}

// nameLen is the length of the actor name at the start of s: a letter, then
// letters, digits, "_" and "-".
func nameLen(s string) int {
	n := 0
	for n < len(s) {
		c := s[n]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (n == 0 || !('0' <= c && c <= '9' || c == '_' || c == '-')) {
			break
		}
		n++
	}
	return n
}

// fieldLen is the length of the field name at the start of s: a lower-case
// letter, then lower-case letters and digits.
func fieldLen(s string) int {
	n := 0
	for n < len(s) && isFieldByte(s[n], n == 0) {
		n++
	}
	return n
}

func isFieldByte(c byte, first bool) bool {
	return 'a' <= c && c <= 'z' || !first && '0' <= c && c <= '9'
}

// isName reports whether all of s is an actor name.
func isName(s string) bool { return s != "" && nameLen(s) == len(s) }

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// appendWord writes a word in canonical quoting: bare where that reads back as
// the same word, else '...' for printable text full of quotes and backslashes,
// else "...".
func appendWord(b []byte, w Word) []byte {
	if w.Pipe {
		return append(b, '|')
	}
	parts := merge(w.Parts)
	switch {
	case isBare(parts):
		return appendParts(b, parts, false)
	case isRaw(parts):
		b = append(b, '\'')
		b = append(b, parts[0].Lit...)
		return append(b, '\'')
	default:
		b = append(b, '"')
		b = appendParts(b, parts, true)
		return append(b, '"')
	}
}

// merge joins adjacent literals and drops empty ones, as the lexer would.
func merge(parts []Part) []Part {
	out := make([]Part, 0, len(parts))
	for _, p := range parts {
		last := len(out) - 1
		switch {
		case !p.Ref.IsZero():
			out = append(out, Part{Ref: p.Ref})
		case p.Lit == "":
		case last >= 0 && out[last].Ref.IsZero():
			out[last].Lit += p.Lit
		default:
			out = append(out, p)
		}
	}
	return out
}

func isBare(parts []Part) bool {
	if len(parts) == 0 {
		return false
	}
	if first := parts[0].Lit; len(parts) == 1 && first == "|" || strings.HasPrefix(first, "#") {
		return false
	}
	for _, p := range parts {
		if strings.ContainsAny(p.Lit, " \t\"'") || !isPrintable(p.Lit) || hasRef(p.Lit) {
			return false
		}
	}
	return true
}

// isRaw reports whether '...' shows the word better than "..." does and reads
// back as the same word.
func isRaw(parts []Part) bool {
	if len(parts) != 1 || !parts[0].Ref.IsZero() {
		return false
	}
	s := parts[0].Lit
	return (strings.ContainsAny(s, `"\`) || hasRef(s)) &&
		!strings.Contains(s, "'") && !strings.HasSuffix(s, `\`) && isPrintable(s)
}

func hasRef(s string) bool {
	for i := range len(s) {
		if _, n := parseRef(s[i:]); n > 0 {
			return true
		}
	}
	return false
}

func isPrintable(s string) bool {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n <= 1 || !unicode.IsPrint(r) {
			return false
		}
		i += n
	}
	return true
}

func appendParts(b []byte, parts []Part, quoted bool) []byte {
	for i, p := range parts {
		if !p.Ref.IsZero() {
			// A literal that could continue the field name must not touch it.
			if i+1 < len(parts) && parts[i+1].Ref.IsZero() && isFieldByte(parts[i+1].Lit[0], false) {
				b = fmt.Appendf(b, "${%s.%s}", p.Ref.Name, p.Ref.Field)
			} else {
				b = append(b, p.Ref.String()...)
			}
			continue
		}
		if quoted {
			b = appendEscaped(b, p.Lit)
		} else {
			b = append(b, p.Lit...)
		}
	}
	return b
}

func appendEscaped(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', s[i])
		case r == '$':
			if _, ref := parseRef(s[i:]); ref > 0 {
				b = append(b, '\\')
			}
			b = append(b, '$')
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == '\a':
			b = append(b, `\a`...)
		case r == '\b':
			b = append(b, `\b`...)
		case r == utf8.RuneError && n <= 1 || !unicode.IsPrint(r):
			for _, c := range []byte(s[i : i+n]) {
				b = fmt.Appendf(b, `\x%02x`, c)
			}
		default:
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return b
}
