package mutate

import (
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/harness/scenario"
)

// A fence stands behind each whole packet that somebody else's step follows, on its link.
func TestFenced(t *testing.T) {
	const head = "scenario: FR-P2C-007-E009\ncontract: B09\nanchors: A12\nclass: adversarial\nreason: cluster.packet_parse_failclosed_violation\nsource: by hand\n\n"
	const begin = "node a\n----\n\npuppet p\n----\n\np dial a\n----\n\n"
	for _, tc := range []struct{ steps, want string }{
		{begin + "p send PING\n----\n\na CLUSTER RESET\n----\n", "node puppet dial send fence CLUSTER"},
		{begin + "p send PING link=out times=3\n----\n\na GET x\n----\n\np send PING\n----\n\np send PING\n----\n\na GET x\n----\n", "node puppet dial send fence:link=out GET send send fence GET"},
		{begin + "p send PING truncate=9\n----\n\na GET x\n----\n", ""},
		{begin + "p send PING append=00\n----\n\na GET x\n----\n", ""},
		{begin + "a GET x\n----\n\np send PING\n----\n", ""},
		{begin + "node b\n----\n\np send PING\n----\n\na GET x\n----\n", ""},
	} {
		c, err := scenario.Parse("x.case", []byte(head+tc.steps))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if f := fenced(c); f != nil {
			for _, st := range f.Steps() {
				word := st.Words[0].String()
				if st.Actor == "node" || st.Actor == "puppet" {
					word = st.Actor
				}
				if last := st.Words[len(st.Words)-1].String(); word == "fence" && strings.HasPrefix(last, "link=") {
					word += ":" + last
				}
				got = append(got, word)
			}
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s: %q, want %q", tc.steps, strings.Join(got, " "), tc.want)
		}
	}
}
