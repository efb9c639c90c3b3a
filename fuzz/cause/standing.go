package cause

import (
	"regexp"
	"strings"
)

// standing names a difference in what a node says of itself in the header of any packet, whatever it was sent: the flags of
// a message, and those of its own that say what it understands. Empty: want and got, two key=value words of one key, are
// something else.
func standing(key, want, got string) string {
	want, got = want[len(key)+1:], got[len(key)+1:]
	switch key {
	case "mflags":
		return "mflags " + got + ", not " + want
	case "flags":
		more, fewer := without(got, want), without(want, got)
		for _, f := range append(more, fewer...) {
			if !ability.MatchString(f) {
				return ""
			}
		}
		var out []string
		for _, part := range []struct {
			flags []string
			word  string
		}{{more, "more"}, {fewer, "fewer"}} {
			if len(part.flags) > 0 {
				out = append(out, strings.Join(part.flags, ",")+" "+part.word)
			}
		}
		return "flags " + strings.Join(out, " and ")
	}
	return ""
}

// ability matches a flag that says what its node understands: those that have no name came after the baseline.
var ability = regexp.MustCompile(`^(extensions|0x[0-9a-f]+)$`)

// without lists the words of a, joined by commas, that b has not.
func without(a, b string) []string {
	var out []string
	for f := range strings.SplitSeq(a, ",") {
		if !strings.Contains(","+b+",", ","+f+",") {
			out = append(out, f)
		}
	}
	return out
}
