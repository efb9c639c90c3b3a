package script

import (
	"fmt"
	"strconv"
	"strings"
)

// token is a kind of word: the word itself for reserved words and signs, or one of
// the classes.
type token string

const (
	tkEOS    token = "<eof>"
	tkName   token = "<name>"
	tkString token = "<string>"
	tkNumber token = "<number>"
)

var reserved = map[string]bool{
	"and": true, "break": true, "do": true, "else": true, "elseif": true, "end": true, "false": true, "for": true,
	"function": true, "if": true, "in": true, "local": true, "nil": true, "not": true, "or": true, "repeat": true,
	"return": true, "then": true, "true": true, "until": true, "while": true,
}

// lexer splits Lua 5.1 into tokens. Errors are raised as errSyntax panics and worded
// as llex.c words them.
type lexer struct {
	src, chunk string
	pos        int
	line       int    // of the token that was read last
	lastLine   int    // of the one before it
	tok        token  // the current token
	text       string // its source
	ahead      token  // the one after it, if it was looked at
	aheadText  string
	looked     bool
	plain      []byte // src without the NULs that a token took, nil: it has none
}

// takes skips one byte of a set. A NUL counts as one: llex.c:check_next looks for it with strchr, which finds the end of the set.
func (x *lexer) takes(set string) bool {
	if x.pos == len(x.src) || x.src[x.pos] != 0 && strings.IndexByte(set, x.src[x.pos]) < 0 {
		return false
	}
	x.pos++
	return true
}

// write puts a text in the place of what was read from start on, for who parses the text after this.
func (x *lexer) write(start int, text string) {
	if x.src[start:x.pos] == text {
		return
	}
	if x.plain == nil {
		x.plain = []byte(x.src)
	}
	for i := range x.plain[start:x.pos] {
		x.plain[start+i] = ' '
	}
	copy(x.plain[start:x.pos], text)
}

// fail raises an error at the current line; near is left out where it is empty.
func (x *lexer) fail(near, format string, args ...any) {
	msg := fmt.Sprintf("%s:%d: %s", x.chunk, x.line, fmt.Sprintf(format, args...))
	if near != "" {
		msg += " near '" + near + "'"
	}
	panic(errSyntax(msg))
}

// syntax raises an error near the current token.
func (x *lexer) syntax(format string, args ...any) { x.fail(x.near(), format, args...) }

// near is how an error shows the current token; "" for a NUL, which counts as none (llex.c:luaX_lexerror).
func (x *lexer) near() string {
	switch x.tok {
	case tkName, tkString, tkNumber:
		return cText(x.text)
	case "\x00":
		return ""
	}
	return shown(x.tok)
}

// cText is a text as C prints it: up to a NUL.
func cText(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return s
}

func shown(t token) string {
	if len(t) == 1 && (t[0] < ' ' || t[0] == 0x7f) {
		return "char(" + strconv.Itoa(int(t[0])) + ")"
	}
	return string(t)
}

func (x *lexer) next() {
	x.lastLine = x.line
	if x.looked {
		x.tok, x.text, x.looked = x.ahead, x.aheadText, false
		return
	}
	x.tok, x.text = x.read()
}

func (x *lexer) lookahead() token {
	x.ahead, x.aheadText = x.read()
	x.looked = true
	return x.ahead
}

func (x *lexer) peek(n int) byte {
	if x.pos+n < len(x.src) {
		return x.src[x.pos+n]
	}
	return 0
}

// newline skips a line end of one or two bytes.
func (x *lexer) newline() {
	c := x.src[x.pos]
	x.pos++
	if d := x.peek(0); (d == '\n' || d == '\r') && d != c {
		x.pos++
	}
	x.line++
}

func isNameByte(c byte) bool { return isAlpha(c) || isDigit(c) || c == '_' }

// read returns the next token and its source. Mirrors llex.c:llex.
func (x *lexer) read() (token, string) {
	for x.pos < len(x.src) {
		start := x.pos
		c := x.src[x.pos]
		switch {
		case c == '\n' || c == '\r':
			x.newline()
			continue
		case c == ' ' || '\t' <= c && c <= '\r':
			x.pos++
			continue
		case c == '-' && x.peek(1) == '-':
			x.comment()
			continue
		case c == '[':
			if level, ok := x.bracket(); ok {
				x.long(level, "string")
				return tkString, x.src[start:x.pos]
			} else if level > 0 {
				x.fail(cText(x.src[start:x.pos]), "invalid long string delimiter")
			}
			x.pos = start + 1
			return "[", "["
		case c == '"' || c == '\'':
			x.quoted(c)
			return tkString, x.src[start:x.pos]
		case isDigit(c) || c == '.' && isDigit(x.peek(1)):
			x.number()
			return tkNumber, x.src[start:x.pos]
		case isAlpha(c) || c == '_':
			for x.pos < len(x.src) && isNameByte(x.src[x.pos]) {
				x.pos++
			}
			if word := x.src[start:x.pos]; reserved[word] {
				return token(word), word
			}
			return tkName, x.src[start:x.pos]
		}
		if c == '.' {
			x.pos++
			n := 1
			for n < len("...") && x.takes(".") {
				n++
			}
			x.write(start, "..."[:n])
			return token("..."[:n]), "..."[:n]
		}
		n := 1
		for _, sign := range []string{"==", ">=", "<=", "~="} {
			if strings.HasPrefix(x.src[x.pos:], sign) {
				n = len(sign)
				break
			}
		}
		x.pos += n
		return token(x.src[start:x.pos]), x.src[start:x.pos]
	}
	return tkEOS, ""
}

// bracket reads "[", equal signs and "[": ok says that it is one, level counts the
// signs in either case; pos is behind what was read.
func (x *lexer) bracket() (level int, ok bool) {
	x.pos++
	for x.peek(0) == '=' {
		x.pos++
		level++
	}
	if x.peek(0) != '[' {
		return level, false
	}
	x.pos++
	return level, true
}

// long reads on to the closing bracket.
func (x *lexer) long(level int, what string) {
	end := "]" + strings.Repeat("=", level) + "]"
	for x.pos < len(x.src) {
		switch c := x.src[x.pos]; {
		case c == '\n' || c == '\r':
			x.newline()
		case strings.HasPrefix(x.src[x.pos:], end):
			x.pos += len(end)
			return
		default:
			x.pos++
		}
	}
	x.fail(string(tkEOS), "unfinished long %s", what)
}

func (x *lexer) comment() {
	x.pos += 2
	if x.peek(0) == '[' {
		if level, ok := x.bracket(); ok {
			x.long(level, "comment")
			return
		}
	}
	for x.pos < len(x.src) && x.src[x.pos] != '\n' && x.src[x.pos] != '\r' {
		x.pos++
	}
}

func (x *lexer) quoted(q byte) {
	start := x.pos
	x.pos++
	for {
		if x.pos >= len(x.src) {
			x.fail(string(tkEOS), "unfinished string")
		}
		switch c := x.src[x.pos]; c {
		case q:
			x.pos++
			return
		case '\n', '\r':
			x.fail(cText(x.src[start:x.pos]), "unfinished string")
		case '\\':
			escape := x.pos
			x.pos++
			switch d := x.peek(0); {
			case x.pos >= len(x.src):
			case d == '\n' || d == '\r':
				x.newline()
			case isDigit(d):
				n := 0
				for i := 0; i < 3 && isDigit(x.peek(0)); i++ {
					n = 10*n + int(x.peek(0)-'0')
					x.pos++
				}
				if n > 255 {
					x.fail(cText(x.src[start:escape]), "escape sequence too large")
				}
			default:
				x.pos++
			}
		default:
			x.pos++
		}
	}
}

// number mirrors llex.c:read_numeral: it takes more than a number and then looks
// whether it is one.
func (x *lexer) number() {
	start := x.pos
	for isDigit(x.peek(0)) || x.peek(0) == '.' {
		x.pos++
	}
	if x.takes("Ee") {
		x.takes("+-")
	}
	for isNameByte(x.peek(0)) {
		x.pos++
	}
	text := cText(x.src[start:x.pos])
	if _, ok := parseNumber(text); !ok {
		x.fail(text, "malformed number")
	}
	x.write(start, text)
}
