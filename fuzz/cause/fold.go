package cause

import (
	"regexp"
	"strings"
)

var (
	folded = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\$\{?\w+\.\w+\}?|\b[0-9a-f]{40}\b|0x[0-9a-f]+|-?\b\d+(?:\.\d+)*`)
	blanks = regexp.MustCompile(`\s+`)
)

// Fold replaces what differs between two hits of one fault: quoted texts, names, ids and numbers.
func Fold(s string) string {
	s = folded.ReplaceAllStringFunc(s, func(m string) string {
		switch m[0] {
		case '"', '\'':
			return "''"
		case '$':
			return "$"
		}
		return "N"
	})
	return strings.TrimSpace(blanks.ReplaceAllString(s, " "))
}
