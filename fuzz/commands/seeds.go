package commands

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
)

// snippet is a run of commands of one section of a case, which belong together. Its keys are still those of the case.
type snippet []seed

// seed is one command of a snippet.
type seed struct {
	c    *command
	argv [][]byte
	keys []int // which of argv are keys, as far as the table says so plainly
}

// maxSnippet is how many commands of a snippet are played together at most.
const maxSnippet = 8

// snippets takes the commands out of cases: all that are said to a node, that the table knows, and that a stream may run.
func snippets(cases []*scenario.Case) []snippet {
	cat := loadCatalog()
	seen := map[string]bool{}
	var out []snippet
	for _, c := range cases {
		puppets := runner.Puppets(c)
		for _, sec := range c.Sections {
			var s snippet
			flush := func() {
				if text := s.text(); len(s) > 0 && !seen[text] {
					seen[text] = true
					out = append(out, s)
				}
				s = nil
			}
			for i := range sec.Steps {
				actor, _ := sec.Steps[i].Conn()
				if puppets[actor] || slices.Contains(scenario.Keywords(), actor) {
					continue
				}
				if sd, ok := seedOf(cat, sec.Steps[i].Words); ok {
					s = append(s, sd)
				}
				if len(s) == maxSnippet {
					flush()
				}
			}
			flush()
		}
	}
	return out
}

// text tells snippets apart.
func (s snippet) text() string {
	var b strings.Builder
	for _, sd := range s {
		b.Write(bytes.Join(sd.argv, []byte{0}))
		b.WriteByte(1)
	}
	return b.String()
}

// plainScenes are scenes that stand anywhere in a stream.
var plainScenes = []string{
	"multi", "exec", "discard", "watch", "unwatch", "asking", "readonly", "readwrite", "eval", "eval_ro", "evalsha", "evalsha_ro",
	"script|load", "script|exists", "cluster|nodes", "cluster|info", "cluster|slots", "cluster|shards",
	"command|getkeys", "command|getkeysandflags",
}

// seedOf makes a seed of a step's words.
func seedOf(cat *catalog, words []scenario.Word) (seed, bool) {
	before, fields := scenario.SplitPipe(words)
	if len(fields) > 0 {
		words = before
	}
	var argv [][]byte
	for _, w := range words {
		text, ok := w.Literal()
		if !ok {
			return seed{}, false
		}
		argv = append(argv, []byte(text))
	}
	c := cat.lookup(argv)
	if c == nil || !c.ways.run && !slices.Contains(plainScenes, c.Name) || c.blocks || timed(c.args) || risky(argv) || strange(argv) {
		return seed{}, false
	}
	return seed{c: c, argv: argv, keys: keysOf(c, argv)}, true
}

// timed reports whether a command always has a time: one of a case is mostly so near that it ends while a stream runs.
func timed(args []arg) bool {
	for _, a := range args {
		if !a.optional && (a.use == useSpan || a.use == useMoment || a.use == useTimeout || timed(a.kids)) {
			return true
		}
	}
	return false
}

// strange reports whether a script could take time, or give chance or messages to others.
func strange(argv [][]byte) bool {
	for _, a := range argv {
		lower := bytes.ToLower(a)
		for _, w := range texts("time", "random", "publish", "while", "for ", "blpop", "sleep", "string.rep") {
			if len(a) > 20 && bytes.Contains(lower, w) {
				return true
			}
		}
	}
	return false
}

// large reports whether a command could make a string of many megabytes: replies of which take seconds. Greater numbers are refused.
func large(c *command, argv [][]byte) bool {
	var offsets [][]byte
	switch c.Name {
	case "setrange", "setbit":
		offsets = argv[min(2, len(argv)):min(3, len(argv))]
	case "bitfield":
		for i := 2; i < len(argv); i++ {
			if t := argv[i-1]; len(t) > 1 && strings.IndexByte("uUiI", t[0]) >= 0 {
				offsets = append(offsets, argv[i]) // behind a type
			}
		}
	}
	return slices.ContainsFunc(offsets, func(a []byte) bool {
		n, err := strconv.ParseUint(string(bytes.TrimPrefix(a, []byte("#"))), 10, 64)
		return err == nil && n >= 100_000 && n < 1<<32
	})
}

// keysOf are the places of keys in argv by the first key specification, where that gives a range.
func keysOf(c *command, argv [][]byte) (out []int) {
	if len(c.KeySpecs) == 0 {
		return nil
	}
	s := c.KeySpecs[0]
	if s.BeginSearch != "index" || s.FindKeys != "range" {
		return nil
	}
	last := s.LastKey
	if last += s.Index; s.LastKey < 0 {
		last = len(argv) + s.LastKey
	}
	for i := s.Index; i <= last && i < len(argv); i += max(1, s.KeyStep) {
		out = append(out, i)
	}
	return out
}

// seeded plays a snippet, its keys put where the topology has some, and now and then one of its commands changed.
func (g *generator) seeded(w *window) {
	if len(g.snippets) == 0 {
		g.plain(w)
		return
	}
	s := pick(g.r, g.snippets)
	from := g.r.IntN(len(s))
	g.f.aim()
	names := map[string][]byte{}
	moved := g.r.IntN(4) > 0
	for _, sd := range s[from:] {
		if !g.runs(sd.c.id) && !sd.c.ways.scene {
			continue
		}
		g.f.fam = sd.c.family
		argv := slices.Clone(sd.argv)
		for _, i := range sd.keys {
			if k, ok := names[string(argv[i])]; moved && ok {
				argv[i] = k
			} else if moved {
				k := g.f.key()
				names[string(argv[i])] = k
				argv[i] = k
			}
		}
		c := sd.c
		if g.r.IntN(4) == 0 && !c.ways.scene {
			argv = g.mutate(argv)
			if c = g.cat.lookup(argv); c == nil || !c.ways.run || !g.runs(c.id) || risky(argv) || g.refusedWord(c, argv) || timed(c.args) || c.blocks {
				continue
			}
		}
		switch c.Name {
		case "multi":
			g.inMulti[w.conn] = true
		case "exec", "discard":
			g.inMulti[w.conn] = false
		}
		g.put(w, c, argv)
	}
}
