package commands

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// huntEvery is how many episodes there are to one that ends with a hunt.
const huntEvery = 16

// hunt is an input that streams leave out (see quirks.go), played on purpose: whether the oracle still has the fault, and what the target
// makes of it.
type hunt struct {
	name string
	// commands are sent in one write. The keys k and l are of different slots of the node.
	commands func(k, l string) [][]string
	// wrong looks at the replies to them and says whether a server that gave them has the fault.
	wrong func(replies []resp.Value, k string) bool
}

var hunts = []hunt{
	{quirkPFMerge, func(k, l string) [][]string {
		return [][]string{{"MULTI"}, {"PFMERGE", k}, {"SET", l, "1"}, {"EXEC"}, {"CLUSTER", "COUNTKEYSINSLOT", numeral(slot.Of([]byte(k)))}}
	}, func(r []resp.Value, _ string) bool { return len(r) != 5 || r[4].Int != 1 }},
	{quirkErrno, func(k, l string) [][]string {
		return [][]string{{"RPUSH", k, "1.5", "0.5"}, {"XRANGE", l, "99999999999999999999", "+"}, {"SORT_RO", k}}
	}, func(r []resp.Value, _ string) bool { return len(r) != 3 || r[2].IsError() }},
	{"auth-behind-unwritten-reply", func(string, string) [][]string {
		return [][]string{{"PING"}, {"AUTH", "nobody", "x"}, {"PING"}}
	}, func(r []resp.Value, _ string) bool { return len(r) != 3 }},
	{"set-get-hash-ill-formed", func(k, _ string) [][]string {
		return [][]string{{"SET", k, "v"}, {"SET", k, "w", "IFDEQ", "x", "GET"}}
	}, func(r []resp.Value, _ string) bool { return len(r) != 2 }},
	{quirkHSetEx, func(k, _ string) [][]string {
		return [][]string{{"HSETEX", k, "PX", "100000000", "FIELDS", "2", "f", "1", "f", strings.Repeat("x", listpackValue+1)}, {"HLEN", k}}
	}, func(r []resp.Value, _ string) bool { return len(r) != 2 || r[1].Int != 1 }},
}

// hunt plays every hunt on both sides. It returns a token for each fault that the oracle still has, and a candidate for each that the
// target has as well, if that is a product of its own. Nothing is comparable afterwards: both sides are stopped.
func (e *Engine) hunt(ctx context.Context, ep *episode) (tokens []string, found []triage.Candidate, err error) {
	owned := ep.topo.groups[placeOwned]
	own := e.opts.Oracle.Identity().Product != e.opts.Target.Identity().Product
	for _, s := range e.st.sides {
		for _, g := range owned[:2] { // the stream may have taken slots away
			k := "{" + g.tag + "}hunt"
			if v, err := s.probe.pipeline([][]string{{"FLUSHALL"}, {"SET", k, "v"}, {"DEL", k}}); err != nil || v[1].IsError() {
				return nil, nil, err
			}
		}
	}
	defer func() {
		for _, s := range e.st.sides {
			s.stop()
		}
	}()
	for i, h := range hunts {
		if ctx.Err() != nil {
			return tokens, found, ctx.Err()
		}
		k, l := "{"+owned[0].tag+"}hunt"+numeral(uint16(i)), "{"+owned[1].tag+"}hunt"
		commands := h.commands(k, l)
		for side, s := range e.st.sides {
			if s.node == nil || s.died() != nil {
				continue
			}
			replies, rerr := s.huntReplies(commands)
			wrong := rerr != nil || h.wrong(replies, k)
			switch {
			case wrong && side == theOracle:
				tokens = append(tokens, "quirk:"+h.name)
			case wrong && own && !slices.ContainsFunc(replies, refusesToRun):
				var ops []op
				for _, c := range commands {
					ops = append(ops, op{argv: texts(c...)})
				}
				note := "target: has the oracle's fault " + h.name
				found = append(found, triage.Candidate{Case: caseOf(ownsAll(), ops, note, ep.seed), Kind: triage.Invariant, Note: note, Small: true})
			}
		}
	}
	return tokens, found, nil
}

// refusesToRun reports whether a reply, or a part of it, says that the target does not run the command: that is no fault.
func refusesToRun(v resp.Value) bool {
	return v.IsError() && (bytes.HasPrefix(v.Str, []byte(cause.NotExecuted[1:])) || bytes.HasPrefix(v.Str, []byte("ERR unknown command"))) ||
		slices.ContainsFunc(v.Elems, refusesToRun)
}

// huntReplies sends commands in one write and returns what comes back before the reply to a last one: as many replies as there are
// commands, from a sound server.
func (s *side) huntReplies(commands [][]string) ([]resp.Value, error) {
	c, err := dial(s.node.Addr())
	if err != nil {
		return nil, err
	}
	defer c.close()
	const mark = "the end of the hunt"
	var b []byte
	for _, cmd := range append(commands, []string{"ECHO", mark}) {
		b = resp.AppendCommandStrings(b, cmd...)
	}
	if err := c.write(b); err != nil {
		return nil, err
	}
	raw, ends, err := c.frames(0, []byte(mark+"\r\n"), nil)
	if err != nil {
		return nil, err
	}
	var out []resp.Value
	from := 0
	for _, end := range ends[:len(ends)-1] {
		v, _, err := resp.Parse(raw[from:end])
		if err != nil {
			return nil, err
		}
		out, from = append(out, v), end
	}
	return out, nil
}

func numeral(n uint16) string { return strconv.Itoa(int(n)) }
