package commands

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/resp"
)

var testNodes = texts(nodeID(nodeName), nodeID("p"), nodeID("q"))

func testTopology(seed uint64) *topology { return newTopology(rand.New(rand.NewPCG(seed, 1))) }

// stream is the bytes of the first windows of a seed. Feedback that depends on the stream alone stands for a server's.
func stream(seed uint64, windows int) []byte {
	g := newGenerator(seed, testTopology(seed), testNodes, nil, nil, 256)
	var out []byte
	w := &window{}
	for range windows {
		g.next(w)
		out = append(out, byte(w.conn), byte(w.mode))
		out = append(out, w.buf...)
		for i, id := range w.ids {
			if i%17 == 0 {
				g.reached(id)
			}
		}
	}
	return out
}

// A seed governs everything it is printed for.
func TestSameSeedSameBytes(t *testing.T) {
	for seed := range uint64(20) {
		a, b := stream(seed, 60), stream(seed, 60)
		if !bytes.Equal(a, b) {
			t.Fatalf("seed %d gives two streams", seed)
		}
		if bytes.Equal(a, stream(seed+1, 60)) {
			t.Fatalf("seeds %d and %d give the same stream", seed, seed+1)
		}
	}
}

// Windows are what they say: so many commands, each of which parses back.
func TestWindowsParse(t *testing.T) {
	g := newGenerator(7, testTopology(7), testNodes, nil, nil, 256)
	w := &window{}
	for range 200 {
		g.next(w)
		rest := w.buf
		for i := range w.len() {
			v, n, err := resp.Parse(rest)
			if err != nil || !bytes.Equal(rest[:n], w.bytes(i)) || len(v.Elems) == 0 {
				t.Fatalf("command %d of a window: %v in %q", i, err, rest)
			}
			rest = rest[n:]
		}
		if len(rest) > 0 {
			t.Fatalf("a window has bytes behind its commands: %q", rest)
		}
	}
}

// eachCommand makes the first windows of some seeds and calls f with each command. It returns what was held back.
func eachCommand(seeds uint64, windows int, f func(g *generator, w *window, i int)) (held map[string]uint64) {
	held = map[string]uint64{}
	for seed := range seeds {
		g := newGenerator(seed, testTopology(seed), testNodes, nil, nil, 512)
		w := &window{}
		for range windows {
			g.next(w)
			for i := range w.len() {
				f(g, w, i)
			}
		}
		for name, n := range g.held {
			held[name] += n
		}
	}
	return held
}

// Every command of the table comes in streams: run, routed, asked for its keys, or with a wrong number of arguments.
func TestEveryCommandIsUsed(t *testing.T) {
	seen := map[string]bool{}
	eachCommand(40, 60, func(g *generator, w *window, i int) {
		argv := w.argv(i)
		if c := g.cat.lookup(argv); c != nil {
			seen[c.Name] = true
		}
		if len(argv) > 2 && bytes.EqualFold(argv[0], []byte("command")) {
			if c := g.cat.lookup(argv[2:]); c != nil {
				seen[c.Name] = true
			}
		}
	})
	for _, c := range loadCatalog().all {
		if !c.keyed && c.Arity < 0 && -c.Arity <= len(c.words) && c.ways.reason != "" {
			continue // no number of arguments is wrong, it has no keys, and it is not run
		}
		if !seen[c.Name] {
			t.Errorf("%s never comes", c.Name)
		}
	}
}

// What is refused is never run: it comes with a wrong number of arguments, or with keys of slots that
// are not served here, or not at all.
func TestRefusedCommandsAreNotRun(t *testing.T) {
	eachCommand(30, 40, func(g *generator, w *window, i int) {
		argv := w.argv(i)
		c := g.cat.lookup(argv)
		if c != nil && c.Name == "command|info" && len(argv) > 2 {
			return // with names it is short
		}
		if c == nil || c.ways.reason == "" || !c.arityOK(len(argv)) {
			return
		}
		if !c.keyed {
			t.Fatalf("%q is run: %s", argv, c.ways.reason)
		}
		if s := slot.Of(argv[len(c.words)]); g.topo.mine.Has(s) || g.topo.replica && g.topo.ofP.Has(s) {
			t.Fatalf("%q is run, whose key is here: %s", argv, c.ways.reason)
		}
	})
}

// Every place has keys whose slots are in it.
func TestTopologyPlaces(t *testing.T) {
	for seed := range uint64(50) {
		topo := testTopology(seed)
		for p, want := range groupsWanted {
			if len(topo.groups[p]) < want {
				t.Errorf("seed %d: %d groups %s, want %d", seed, len(topo.groups[p]), place(p), want)
			}
			for _, g := range topo.groups[p] {
				owned := topo.mine.Has(g.slot) || topo.replica && topo.ofP.Has(g.slot)
				if p := place(p); (p == placeOwned || p == placeMigrating) && !owned || p == placeUncovered && (owned || topo.ofP.Has(g.slot) || topo.ofQ.Has(g.slot)) {
					t.Errorf("seed %d: slot %d is not %s", seed, g.slot, p)
				}
				for f := range g.keys {
					for _, k := range g.keys[f] {
						if slot.Of(k) != g.slot {
							t.Errorf("seed %d: key %q is not of slot %d", seed, k, g.slot)
						}
					}
				}
			}
		}
	}
}

// A stream becomes a case that reads back as itself.
func TestCaseOfStream(t *testing.T) {
	for seed := range uint64(10) {
		topo := testTopology(seed)
		g := newGenerator(seed, topo, testNodes, nil, nil, 64)
		w := &window{}
		var ops []op
		for range 20 {
			g.next(w)
			ops = append(ops, w.ops()...)
		}
		c := caseOf(topo, ops, "note", seed)
		c.Header = scenario.Generate(rand.New(rand.NewPCG(seed, 1))).Header
		text := scenario.Format(c)
		back, err := scenario.Parse(c.Path, text)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if again := scenario.Format(back); !bytes.Equal(text, again) {
			t.Fatalf("seed %d: the case does not read back as itself", seed)
		}
	}
}
