package known

import (
	"strings"
	"testing"
	"time"
)

const sample = `# comment

redirect/moved*  slotnode *   strict   2027-01-31 docs/x.md  the node does not speak TLS
bus/*            redis    7.0 *        2027-01-31 docs/y.md  shard ids came with 7.2
`

func parse(t *testing.T) *List {
	t.Helper()
	l, err := Parse("divergences.txt", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestMatch(t *testing.T) {
	l := parse(t)
	for _, tc := range []struct {
		name, product, version, mode string
		line                         int // 0: no match
	}{
		{"redirect/moved_after_claim", "slotnode", "0.1.0", "strict", 3},
		{"redirect/moved_after_claim", "slotnode", "0.1.0", "hardened", 0},
		{"redirect/moved_after_claim", "redis", "8.6.3", "strict", 0},
		{"bus/ver", "redis", "7.0.15", "hardened", 4},
		{"bus/ver", "redis", "7.01", "strict", 0},
		{"bus/sub/ver", "redis", "7.0", "strict", 0},
	} {
		e := l.Match(tc.name, tc.product, tc.version, tc.mode)
		switch {
		case e == nil && tc.line != 0:
			t.Errorf("%+v: no entry matches", tc)
		case e != nil && e.Line != tc.line:
			t.Errorf("%+v: entry of line %d matches", tc, e.Line)
		}
	}
	if got := l.Entries[0].Reason; got != "the node does not speak TLS" {
		t.Errorf("reason is %q", got)
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"a b c\n":                                  "d.txt:1: 3 fields",
		"\n[ slotnode * strict 2027-01-31 l r\n":   "d.txt:2: pattern",
		"a slotnode * lenient 2027-01-31 l r\n":    `mode "lenient"`,
		"a slotnode * strict 31.1.2027 l reason\n": `expiry "31.1.2027"`,
	} {
		if _, err := Parse("d.txt", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want %q", text, err, want)
		}
	}
}

func TestStale(t *testing.T) {
	l := parse(t)
	before := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		what     string
		outcomes []Outcome
		whole    bool
		now      time.Time
		want     string // "" is no error
	}{
		{"still diverges", []Outcome{{"redirect/moved", true}}, true, before, ""},
		{"passes now", []Outcome{{"redirect/moved", false}}, true, before, "passes now"},
		{"no case", []Outcome{{"bus/x", false}}, true, before, "matches no case"},
		{"not in this run", []Outcome{{"bus/x", false}}, false, before, ""},
		{"expired", []Outcome{{"redirect/moved", true}}, true, before.AddDate(1, 0, 0), "expired on 2027-01-31"},
	} {
		errs := l.Stale(tc.outcomes, "slotnode", "0.1", "strict", tc.whole, tc.now)
		switch {
		case tc.want == "" && len(errs) > 0:
			t.Errorf("%s: %v", tc.what, errs)
		case tc.want != "" && (len(errs) != 1 || !strings.Contains(errs[0].Error(), tc.want)):
			t.Errorf("%s: errors are %v, want one with %q", tc.what, errs, tc.want)
		}
	}
}
