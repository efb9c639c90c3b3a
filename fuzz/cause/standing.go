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
		for _, f := range append(without(got, want), without(want, got)...) {
			if !ability.MatchString(f) {
				return ""
			}
		}
		if d := flagDifference(want, got); d != "" {
			return "flags " + d
		}
	}
	return ""
}

// ability matches a flag that says what its node understands: those that have no name came after the baseline.
var ability = regexp.MustCompile(`^(extensions|0x[0-9a-f]+)$`)

// flagLists reports whether two words are lists of flags, as in a line of CLUSTER NODES.
func flagLists(a, b string) bool {
	return flagList.MatchString(a) && flagList.MatchString(b) && (strings.Contains(a, ",") || strings.Contains(b, ","))
}

var flagList = regexp.MustCompile(`^[a-z]+\??(,[a-z]+\??)*$`)

// flagDifference says which flags got has more and fewer than want.
func flagDifference(want, got string) string {
	var out []string
	if more := without(got, want); len(more) > 0 {
		out = append(out, strings.Join(more, ",")+" more")
	}
	if fewer := without(want, got); len(fewer) > 0 {
		out = append(out, strings.Join(fewer, ",")+" fewer")
	}
	return strings.Join(out, " and ")
}

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
