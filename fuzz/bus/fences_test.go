package bus

import (
	"slices"
	"strings"
	"testing"
)

// episodeLines are the steps of an episode's case that come behind the meeting, but for those that the conductor adds and the end.
func episodeLines(e *Episode) (lines []string) {
	c := Case(e, nil)
	for i := range c.Sections {
		if c.Sections[i].Title != "episode" {
			continue
		}
		for _, st := range c.Sections[i].Steps {
			if strings.Contains(st.Text(), " totlen=9 ") {
				return lines
			}
			words := strings.Fields(st.Text())
			if len(words) > 3 && words[1] == "send" {
				words = slices.Concat(words[:3], words[len(words)-1:])
			}
			lines = append(lines, strings.Join(words, " "))
		}
	}
	return lines
}

// Between a packet on one link and what comes after it elsewhere stands a fence.
func TestCaseHasFences(t *testing.T) {
	p, q, u := Link{actorP, Out}, Link{actorQ, Out}, Link{actorU, Out}
	frame := func(l Link) []byte { return appendFence(nil, l, nil) }
	send := func(l Link) Op { return Op{Do: DoSend, Link: l, Frame: frame(l)} }
	flood := func(l Link) Op {
		f := frame(l)
		f[offVer+1] = 7
		return Op{Do: DoSend, Link: l, Frame: f, Flood: true}
	}
	half := func(l Link) Op { return Op{Do: DoSend, Link: l, Frame: frame(l)[:100]} }
	for _, tc := range []struct {
		ops  []Op
		want string
	}{
		{[]Op{send(p), send(p), send(q)}, "p send PING link=out|p send PING link=out|p fence a within=5s link=out|q send PING link=out|q fence a within=5s link=out"},
		{
			[]Op{send(p), {Do: DoAdmin, Args: []string{"CLUSTER", "BUMPEPOCH"}}, send(p)},
			"p send PING link=out|p fence a within=5s link=out|a CLUSTER BUMPEPOCH|p send PING link=out|p fence a within=5s link=out",
		},
		{[]Op{send(p), {Do: DoClose, Link: p}}, "p send PING link=out|p fence a within=5s link=out|p close link=out"},
		// In a flood nothing is waited for; each of its links ends with a packet that is.
		{[]Op{send(p), flood(q), flood(u)}, "p send PING link=out|p fence a within=5s link=out|q send PING link=out|u send PING link=out|" +
			"q fence a within=5s link=out|u send PING link=out|u fence a within=5s link=out|q send PING link=out|q fence a within=5s link=out"},
		// On half a packet no fence can be raised: it is raised before.
		{[]Op{send(p), half(p), send(q)}, "p send PING link=out|p fence a within=5s link=out|p send PING link=out|p close link=out|" +
			"q send PING link=out|q fence a within=5s link=out"},
	} {
		e := &Episode{Met: []int{actorP, actorQ}, Ops: slices.Concat([]Op{{Do: DoDial, Link: p}, {Do: DoDial, Link: q}, {Do: DoDial, Link: u}}, tc.ops)}
		got := strings.Join(episodeLines(e)[3:], "|")
		if got != tc.want {
			t.Errorf("got\n%s\nwant\n%s", strings.ReplaceAll(got, "|", "\n"), strings.ReplaceAll(tc.want, "|", "\n"))
		}
	}
}

// What stands behind the last whole packet is found however the bytes were cut.
func TestRest(t *testing.T) {
	frame := appendFence(nil, Link{actorP, Out}, nil)
	for _, tc := range []struct{ have, want int }{{0, 0}, {7, 7}, {8, 8}, {len(frame) - 1, len(frame) - 1}, {len(frame), 0}, {len(frame) + 9, 9}} {
		b := slices.Concat(frame, frame)[:tc.have]
		if got := len(rest(b)); got != tc.want {
			t.Errorf("of %d bytes %d are left, want %d", tc.have, got, tc.want)
		}
	}
	// A link that ends, as with a web browser's request, has nothing left; the first seven bytes may yet become a packet.
	for n, want := range map[int]int{7: 7, 8: 0, 12: 0} {
		b := append(slices.Clone(frame), "GET / HTTP/1"[:n]...)
		if got := len(rest(b)); got != want {
			t.Errorf("of %d bytes that are no packet %d are left, want %d", n, got, want)
		}
	}
}
