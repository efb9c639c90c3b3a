package cause

import (
	"fmt"
	"strconv"
	"strings"
)

// difference is where two answers part.
type difference struct {
	class     string // folded: "-MOVED, not +OK"
	want, got string // as they are
	// state means that a line of text differs: what a node shows of its state, rather than the answer to what was asked.
	state bool
	// header, if not empty, is the class of a difference that any packet of the node has in its header.
	header string
}

// compare finds the first line in which two answers differ and names what differs in it.
func compare(want, got []string) difference {
	i := 0
	for i < len(want) && i < len(got) && want[i] == got[i] {
		i++
	}
	line := func(lines []string) (text, class string) {
		if i >= len(lines) {
			return "the end", "the end"
		}
		return strings.TrimSpace(lines[i]), lineClass(lines[i])
	}
	var d difference
	var w, g string
	d.want, w = line(want)
	d.got, g = line(got)
	inside := ""
	if i > 0 {
		inside = within(want[:i])
	}
	switch {
	case (g == unknown || g == arity) && w != g:
		d.class = g // whatever else the arguments would have brought about
	case (w == unknown || w == arity) && w != g:
		d.class = "an answer, not " + w
	case w == classText && g == classText:
		d.state = true
		d.class, d.header = textDifference(d.want, d.got)
		d.class = inside + d.class
	case w == g:
		d.class = inside + g + " of another value"
	default:
		d.class = inside + g + ", not " + w
	}
	d.state = d.state || w == classText || g == classText
	return d
}

// within names the text or the aggregate that the lines before the difference opened.
func within(before []string) string {
	switch class := lineClass(before[0]); class {
	case "array", "map", "set", "push", "text":
		return "in " + class + " "
	}
	return ""
}

const classText = "line"

// unknown is the class of the answer to a command, or a subcommand, that the server does not have.
const unknown = "-ERR unknown command"

// arity is the class of the answer to a number of arguments that a command does not take, which is looked at next.
const arity = "-ERR wrong number of arguments"

// eitherText is what a server says of a known subcommand whose handler does not take so many arguments.
const eitherText = "ERR unknown subcommand or wrong number of arguments"

// unknownArgument is what an error repeats an argument behind without quotes.
const unknownArgument = "unknown argument:"

// lineClass is the kind of one line of an answer's text form (resp.Text), or of other text.
func lineClass(line string) string {
	line = strings.TrimLeft(line, " ")
	if line == "" {
		return classText
	}
	rest := line[1:]
	switch line[0] {
	case '-':
		return errorClass(rest)
	case '+':
		if word, _, more := strings.Cut(rest, " "); !more {
			return "+" + Fold(word)
		}
		return "status"
	case ':':
		return "integer"
	case '"':
		return "bulk"
	case '$':
		switch rest {
		case "-1":
			return "nil"
		case "text", "crlf":
			return "text"
		}
		return classText // a folded name: $a.id
	case '*':
		if rest == "-1" {
			return "nil array"
		}
		return "array"
	case '%':
		return "map"
	case '~':
		return "set"
	case '>':
		return "push"
	case '_':
		return "null"
	case '#':
		return "boolean"
	case ',':
		return "double"
	case '(':
		return "big number"
	case '=':
		return "verbatim"
	case '!':
		return "blob error"
	}
	switch line {
	case "ok", "closed", "nothing", "refused", "(nothing)":
		return line
	}
	if strings.HasPrefix(line, "malformed reply") {
		return "malformed reply"
	}
	return classText
}

// errorWords is how many words of an error that begins with ERR tell it from others.
const errorWords = 8

// errorClass is the code of an error, and for the many that share one the beginning of their text.
func errorClass(text string) string {
	if whole, err := strconv.Unquote(text); err == nil {
		text = whole
	}
	if strings.HasPrefix(text, arity[1:]) || strings.HasPrefix(text, eitherText) {
		return arity
	}
	if strings.HasPrefix(text, unknown[1:]) || strings.HasPrefix(text, "ERR unknown subcommand") {
		return unknown
	}
	if before, _, ok := strings.Cut(text, unknownArgument); ok {
		text = before + unknownArgument
	}
	words := strings.Fields(Fold(text))
	if len(words) == 0 {
		return "error"
	}
	switch words[0] {
	case "MOVED", "ASK", "CROSSSLOT", "TRYAGAIN", "WRONGTYPE", "NOSCRIPT", "LOADING", "BUSY", "READONLY":
		return "-" + words[0]
	}
	return "-" + strings.Join(words[:min(len(words), errorWords)], " ")
}

// textDifference names the word in which two lines of text part: by its key where words are key=value or
// key:value, else by its place. header is what [standing] makes of it.
func textDifference(want, got string) (class, header string) {
	want, got = strings.TrimPrefix(want, "| "), strings.TrimPrefix(got, "| ")
	w, g := strings.Fields(want), strings.Fields(got)
	for i := range max(len(w), len(g)) {
		switch {
		case i >= len(w):
			return lead(w) + "more words", ""
		case i >= len(g):
			return lead(w) + "fewer words", ""
		case w[i] == g[i]:
			continue
		}
		kw, kg := key(w[i]), key(g[i])
		if kw != "" && kw == kg {
			if of := lead(w); of != "" {
				return of + kw, ""
			}
			return kw, standing(kw, w[i], g[i])
		}
		if i == 0 && kw == "" && kg == "" && isWord(w[0]) && isWord(g[0]) {
			return g[0] + ", not " + w[0], ""
		}
		class = fmt.Sprintf("word %d", i+1)
		if flagLists(w[i], g[i]) {
			class = strings.TrimSpace(class + " " + flagDifference(w[i], g[i]))
		}
		return lead(w) + class, ""
	}
	return "blanks", ""
}

// lead is the word that says what a line is about: "gossip ", "PONG ".
func lead(words []string) string {
	if len(words) > 1 && isWord(words[0]) {
		return words[0] + " "
	}
	return ""
}

// isWord reports whether s is of letters alone, and no id that happens to be.
func isWord(s string) bool {
	return s != "" && len(s) != idLen && strings.IndexFunc(s, func(r rune) bool { return (r|0x20) < 'a' || (r|0x20) > 'z' }) < 0
}

const idLen = 40

func key(word string) string {
	k, _, ok := strings.Cut(word, "=")
	if !ok {
		k, _, ok = strings.Cut(word, ":")
	}
	if !ok || k == "" || strings.IndexFunc(k, func(r rune) bool {
		return ((r|0x20) < 'a' || (r|0x20) > 'z') && r != '_' && r != '-'
	}) >= 0 {
		return ""
	}
	return k
}

// Difference names what differs between two answers that do, as the key of a cause does.
func Difference(want, got []string) string { return compare(want, got).class }

// AnswerClass is the kind of a whole answer: "-MOVED", "bulk", "array". The answer has a line.
func AnswerClass(lines []string) string { return lineClass(lines[0]) }
