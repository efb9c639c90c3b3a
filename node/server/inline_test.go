package server

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// What a slot counts of a command depends on its form on the wire; 8.6.3 counts 9, 9 and 22 bytes here.
func TestBytesOfInlineCommands(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	c, r := n.dialClient()
	ask := func(text string) string {
		t.Helper()
		io.WriteString(c, text)
		got, err := r.ReadRaw()
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	ask("CONFIG SET cluster-slot-stats-enabled net\r\n")
	ask("CLUSTER ADDSLOTS 12182\r\n")
	total := 0
	for _, tc := range []struct {
		text string
		want int
	}{{"GET foo\r\n", 9}, {"  GET   foo  \r\n", 9}, {"*2\r\n$3\r\nGET\r\n$3\r\nfoo\r\n", 22}} {
		ask(tc.text)
		total += tc.want
		want := fmt.Sprintf("$16\r\nnetwork-bytes-in\r\n:%d\r\n", total)
		if got := ask("CLUSTER SLOT-STATS SLOTSRANGE 12182 12182\r\n"); !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q in it", tc.text, got, want)
		}
	}
}
