package cluster

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/node/nodesconf"
)

// restart makes a node of what h saved.
func restart(t *testing.T, h *host) *Node {
	t.Helper()
	f, err := nodesconf.Parse(h.saved)
	if err != nil {
		t.Fatalf("%v in\n%s", err, h.saved)
	}
	n, err := New(Config{Rand: rand.NewPCG(99, 99), Now: h.net.now, Saved: f, Settings: h.n.set})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// foldTimes replaces ping and pong times of nodes.conf lines.
func foldTimes(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) >= 8 && f[0] != "vars" {
			f[4], f[5] = "-", "-"
			line = strings.Join(f, " ") + "\n"
		}
		out = append(out, line)
	}
	return strings.Join(out, "")
}
