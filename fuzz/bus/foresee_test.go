package bus

import (
	"net"
	"testing"
	"time"
)

// The twin counts as wrong only where both sides fail in the same way: one that answers or closes while the other does not is a difference.
func TestForeseen(t *testing.T) {
	l := Link{actorP, Out}
	pong := appendFence(nil, l, nil)
	pong[offType+1] = 1
	for _, tc := range []struct {
		what           string
		oracle, target string
		alike          bool
		fails          [2]bool
	}{
		{"both answer", "answer", "answer", true, [2]bool{}},
		{"neither answers", "silence", "silence", true, [2]bool{true, true}},
		{"both close", "close", "close", true, [2]bool{true, true}},
		{"the target is silent", "answer", "silence", false, [2]bool{false, true}},
		{"the target closes where the oracle is silent", "silence", "close", false, [2]bool{true, true}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			ln := &lane{}
			for i, does := range []string{tc.oracle, tc.target} {
				here, there := net.Pipe()
				t.Cleanup(func() { here.Close(); there.Close() })
				s := &side{within: 50 * time.Millisecond}
				s.links[l.index()] = &conn{nc: here}
				ln.sides[i] = s
				switch does {
				case "answer":
					go there.Write(pong)
				case "close":
					there.Close()
				}
			}
			errs := ln.foreseen(&step{do: DoSend, link: l, await: 1})
			if alike := unlike(l, errs) == ""; alike != tc.alike || (errs[0] != nil) != tc.fails[0] || (errs[1] != nil) != tc.fails[1] {
				t.Errorf("%v, alike %t", errs, alike)
			}
		})
	}
}
