package glob

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, tc := range []struct {
		p, s string
		want bool
	}{
		{"*", "", false},
		{"", "", true},
		{"a*", "a", true},
		{"a*b", "acb", true},
		{"a*b", "ac", false},
		{"h?llo", "hello", true},
		{"h[ae]llo", "hallo", true},
		{"h[^e]llo", "hello", false},
		{"h[a-c]llo", "hbllo", true},
		{"h[c-a]llo", "hbllo", true},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{"[abc", "c", true},
		{"*a*b*c", "xaybzc", true},
		{"{a}*", "{a}/b", true},
		{`[\]]`, "]", true},
		{"a", "A", false},
	} {
		if got := Match(tc.p, tc.s, false); got != tc.want {
			t.Errorf("Match(%q, %q) = %v", tc.p, tc.s, got)
		}
	}
	if !Match("AbC*", "aBcd", true) {
		t.Error("folding")
	}
}

// TestBounded would not end within the test's deadline with a naive matcher.
func TestBounded(t *testing.T) {
	if Match(strings.Repeat("*a", 60)+"*b", strings.Repeat("a", 60), false) {
		t.Error("matched")
	}
}
