package commands

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// probeTries is how often the probe calls a command before it believes that the target runs it.
const probeTries = 36

// probe asks the target about every command, in a topology of its own, with arguments of the command's tree. A
// command that it refuses as one that it does not execute is taken for such, and only what comes before running is compared
// of it; unless what it refuses are certain options, which streams leave out then. So what is compared grows with the target, and nothing has to be listed.
func (e *Engine) probe(ctx context.Context) ([]bool, error) {
	t := newTopology(rand.New(rand.NewPCG(0, 1)))
	t.replica, t.whole = false, false
	for t.mine.Empty() { // the first seed whose topology is not a replica's
		t = newTopology(rand.New(rand.NewPCG(1, 1)))
	}
	if err := e.st.build(ctx, t); err != nil {
		return nil, e.troubled(ctx, err)
	}
	cat := loadCatalog()
	g := newGenerator(0, t, texts(nodeID(nodeName), nodeID("p"), nodeID("q")), nil, nil, 1)
	runs := make([]bool, len(cat.all))
	s := e.st.sides[theTarget]
	for i := range cat.all {
		c := &cat.all[i]
		runs[i] = true
		if c.ways.reason != "" || c.blocks && !c.keyed {
			runs[i] = c.ways.reason == ""
			continue
		}
		if c.ways.scene && !probedScenes[c.Name] {
			continue
		}
		var b []byte
		var calls [probeTries][][]byte
		for try := range probeTries {
			g.f.at(placeOwned)
			g.f.some = 3 * try
			argv := g.f.command(c)
			if c.ways.scene {
				argv = sceneArgs(c, g.f.key())
			}
			b = resp.AppendCommand(b, argv...)
			calls[try] = append([][]byte(nil), argv...)
		}
		if err := s.probe.write(b); err != nil {
			return nil, err
		}
		s.probe.begin()
		raw, ends, err := s.probe.frames(probeTries, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("fuzz commands: asking about %s: %w", c.name(), err)
		}
		from := 0
		refusedTries, ran := map[string]bool{}, map[string]bool{}
		for try, end := range ends {
			said := ran
			frame := raw[from:end]
			if bytes.HasPrefix(frame, []byte(cause.NotExecuted)) {
				said = refusedTries
				runs[i] = false
			} else if cause.BeforeItRan(string(frame)) {
				said = map[string]bool{} // it tells nothing
			}
			for _, a := range calls[try] {
				said[string(a)] = true
			}
			from = end
		}
		if !runs[i] && len(ran) > 0 {
			runs[i] = e.forbid(c, refusedTries, ran)
		}
	}
	return runs, nil
}

// probeTable asks the target for its command table. What it does not have is no part of any stream, and a candidate each.
func (e *Engine) probeTable() error {
	cat := loadCatalog()
	question := []string{"COMMAND", "INFO"}
	for i := range cat.all {
		question = append(question, cat.all[i].name())
	}
	v, err := e.st.sides[theTarget].probe.do(question...)
	if err != nil {
		return fmt.Errorf("fuzz commands: COMMAND INFO: %w", err)
	}
	if len(v.Elems) != len(cat.all) {
		return nil // it has no such question: what it lacks the streams will show
	}
	for i := range cat.all {
		c := &cat.all[i]
		if entry := &v.Elems[i]; !entry.Nil && entry.Kind != resp.Null {
			continue
		}
		e.absent[i], e.executes[i] = true, false
		d := difference{id: c.id, what: c.name(), answers: [2]string{"a reply", "-ERR unknown command"}}
		k := &reduced{note: d.note(), kind: triage.Divergence, c: caseOf(bare(), []op{{argv: c.words}}, d.note(), 0)}
		e.known[d.cause()] = k
		e.missing = append(e.missing, triage.Candidate{Case: k.c, Kind: k.kind, Note: k.note, Small: true})
	}
	return nil
}

// forbid keeps streams from the option words of a command that came in refused calls only, and reports whether there
// are any: the target runs the command without them.
func (e *Engine) forbid(c *command, refusedTries, ran map[string]bool) bool {
	var words []string
	for _, w := range tokensOf(c.args) {
		if refusedTries[w] && !ran[w] {
			words = append(words, w)
		}
	}
	if len(words) > 0 {
		e.forbidden[c.id] = words
	}
	return len(words) > 0
}

func tokensOf(args []arg) (out []string) {
	for i := range args {
		if len(args[i].token) > 0 {
			out = append(out, string(args[i].token))
		}
		out = append(out, tokensOf(args[i].kids)...)
	}
	return out
}

// probedScenes are the scenes that a target may not execute.
var probedScenes = map[string]bool{"fcall": true, "fcall_ro": true, "function|load": true, "eval": true, "eval_ro": true, "evalsha": true, "evalsha_ro": true}

func sceneArgs(c *command, key []byte) [][]byte {
	switch c.Name {
	case "function|load":
		return [][]byte{[]byte("FUNCTION"), []byte("LOAD"), []byte("REPLACE"), library}
	case "fcall", "fcall_ro":
		return [][]byte{c.words[0], []byte("f"), []byte("1"), key}
	case "evalsha", "evalsha_ro":
		return [][]byte{c.words[0], digestOf(scripts[0]), []byte("1"), key}
	}
	return [][]byte{c.words[0], []byte("return 1"), []byte("1"), key}
}
