package commands

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestRepeatsField(t *testing.T) {
	long := strings.Repeat("x", 65)
	for text, want := range map[string]bool{
		"HSETEX k FIELDS 2 f 1 f " + long:           true,
		"HSETEX k PX 9 FIELDS 2 f " + long + " f 1": true,
		"HSETEX k FIELDS 2 f 1 f 2":                 false,
		"HSETEX k FIELDS 2 f 1 g " + long:           false,
		"HSETEX k FIELDS":                           false,
	} {
		if got := repeatsField(bytes.Fields([]byte(text))); got != want {
			t.Errorf("%.40s: %v", text, got)
		}
	}
}

func TestStaleErrno(t *testing.T) {
	const refused = "-ERR One or more scores can't be converted into double"
	for _, tc := range []struct {
		what, oracle, target string
		want                 bool
	}{
		{"sort_ro", refused, "*1", true},
		{"sort", refused, ":1", true},
		{"sort", refused, "-ERR syntax error", false},
		{"sort", "*1", refused, false},
		{"exec", refused, "*1", false},
	} {
		if got := staleErrno(&difference{what: tc.what, answers: [2]string{tc.oracle, tc.target}}); got != tc.want {
			t.Errorf("%+v: %v", tc, got)
		}
	}
}

// Streams have none of the inputs that the oracle does not bear, and each comes near: something is held back.
func TestQuirksAreHeldBack(t *testing.T) {
	lexed := 0
	held := eachCommand(60, 60, func(g *generator, w *window, i int) {
		argv := w.argv(i)
		switch c := g.cat.lookup(argv); {
		case c == nil || !c.arityOK(len(argv)):
		case c.Name == "pfmerge" && len(argv) == 2, c.Name == "hsetex" && repeatsField(argv), large(c, argv):
			t.Fatalf("a stream has %q", argv)
		case lexKey(c, argv) != nil:
			if lexed++; !equalScores(w, i, lexKey(c, argv)) {
				t.Fatalf("a stream has %q where scores may differ", argv)
			}
		}
	})
	if lexed == 0 {
		t.Error("no range of members ever comes up")
	}
	for _, name := range []string{quirkPFMerge, quirkErrno, quirkHSetEx} {
		if held[name] == 0 {
			t.Errorf("%s never comes up", name)
		}
	}
}

// equalScores reports whether the command before i, or before the ASKING before it, makes all scores of a key equal.
func equalScores(w *window, i int, key []byte) bool {
	for i--; i >= 0; i-- {
		if argv := w.argv(i); !bytes.EqualFold(argv[0], []byte("ASKING")) {
			return slices.EqualFunc(argv, [][]byte{[]byte("ZUNIONSTORE"), key, []byte("1"), key, []byte("WEIGHTS"), []byte("0")}, bytes.Equal)
		}
	}
	return false
}
