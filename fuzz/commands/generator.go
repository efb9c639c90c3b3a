package commands

import (
	"bytes"
	"math/rand/v2"
	"slices"
)

// generator makes the stream of one episode: windows that follow from the seed, from what the target
// executes and from what it has answered so far (see reached).
type generator struct {
	f    filler
	r    *rand.Rand
	cat  *catalog
	topo *topology
	vals *values

	executes []bool   // by command: the target runs it
	absent   []bool   // by command: the target does not have it
	run      []uint16 // commands of this episode's choice that are run
	keyed    []uint16 // every command with keys
	all      []uint16
	snippets []snippet
	away     []*group // groups of slots that are never served here, whatever the stream does
	hot      []uint16 // commands that lately reached something new, the oldest first

	held    map[string]uint64 // inputs that were left out, or made harmless, by quirk
	inMulti [conns]bool
	maxLen  int // commands of a window at most
	pending []scene

	gone bool // FLUSHSLOTS took the slots; the next admin scene gives them back
}

// scene is a window that must follow.
type scene func(g *generator, w *window)

// hotLen bounds generator.hot.
const hotLen = 16

// newGenerator makes the generator of a seed. nodes are the ids of a, p and q. executes may be nil: everything; so may
// absent: nothing.
func newGenerator(seed uint64, t *topology, nodes [][]byte, executes, absent []bool, maxLen int) *generator {
	g := &generator{
		r: rand.New(rand.NewPCG(seed, 2)), cat: loadCatalog(), topo: t, executes: executes, absent: absent, maxLen: maxLen,
		vals: newValues(seed, t, nodes), held: map[string]uint64{},
	}
	g.f = filler{r: g.r, topo: t, vals: g.vals, some: 10 + g.r.IntN(40)}
	// Each episode runs a part of the commands only: what they do to each other is then met more often.
	share := 20 + g.r.IntN(81)
	for i := range g.cat.all {
		c := &g.cat.all[i]
		if g.absent != nil && g.absent[i] {
			continue
		}
		g.all = append(g.all, c.id)
		if c.keyed {
			g.keyed = append(g.keyed, c.id)
		}
		if c.ways.run && g.runs(c.id) && (g.r.IntN(100) < share || bytes.Equal(c.words[0], []byte("SET"))) {
			n := 1
			if c.family != famAny || c.keyed {
				n = 4
			}
			for range n {
				g.run = append(g.run, c.id)
			}
		}
	}
	for _, p := range []place{placeForeign, placeUncovered} {
		for i := range t.groups[p] {
			if gr := &t.groups[p][i]; !t.replica || !t.ofP.Has(gr.slot) {
				g.away = append(g.away, gr)
			}
		}
	}
	return g
}

func (g *generator) runs(id uint16) bool {
	return (g.executes == nil || g.executes[id]) && (g.absent == nil || !g.absent[id])
}

// reached tells the generator that a command had an answer of a kind that it had not had before in the
// episode. Such commands come more often for a while.
func (g *generator) reached(id uint16) {
	if id == noCommand || !g.cat.all[id].ways.run || !g.runs(id) {
		return
	}
	if len(g.hot) == hotLen {
		g.hot = append(g.hot[:0], g.hot[1:]...)
	}
	g.hot = append(g.hot, id)
}

// next fills w with the next window.
func (g *generator) next(w *window) {
	if len(g.pending) > 0 {
		s := g.pending[0]
		g.pending = g.pending[1:]
		s(g, w)
		return
	}
	switch n := g.r.IntN(64); {
	case n == 0:
		g.pubsub(w)
	case n == 1:
		g.blocking(w)
	case n < 6 && !g.topo.replica:
		g.admin(w)
	default:
		g.common(w)
	}
}

// common is a window of whatever comes on a general connection.
func (g *generator) common(w *window) {
	w.reset(g.r.IntN(general), modeCount)
	n := 1 + g.maxLen/8 + g.r.IntN(max(1, g.maxLen*7/8))
	for w.len() < n {
		g.item(w)
	}
	if g.inMulti[w.conn] && g.r.IntN(20) > 0 {
		g.word(w, "EXEC")
		g.inMulti[w.conn] = false
	}
}

// item adds one command, or a few that belong together.
func (g *generator) item(w *window) {
	switch n := g.r.IntN(1000); {
	case n < 525:
		g.plain(w)
	case n < 560:
		g.seeded(w)
	case n < 640:
		g.heat(w)
	case n < 740:
		g.elsewhere(w)
	case n < 775:
		g.getKeys(w)
	case n < 800:
		g.arity(w)
	case n < 850:
		g.mutant(w)
	case n < 885:
		g.transaction(w)
	case n < 893:
		g.f.fam = famAny
		g.f.aim()
		w.add(g.id("watch"), []byte("WATCH"), g.f.key(), g.f.key())
	case n < 895:
		g.word(w, "UNWATCH")
	case n < 935:
		g.word(w, "ASKING")
		g.f.at(placeImporting)
		g.runOne(w, g.pickRun())
	case n < 945:
		g.modes(w)
	case n < 980:
		g.script(w)
	case n < 983:
		g.view(w)
	case n < 990:
		g.keysInSlot(w)
	case n < 998:
		g.f.aim()
		g.f.fam = famAny
		w.add(g.id("del"), []byte("DEL"), g.f.key(), g.f.key(), g.f.key())
	default:
		g.word(w, pick(g.r, []string{"FLUSHALL", "FLUSHDB", "FLUSHALL SYNC"}))
	}
}

func (g *generator) id(name string) uint16 { return g.cat.byName[name].id }

// word adds a command of words without values.
func (g *generator) word(w *window, text string) {
	argv := bytes.Fields([]byte(text))
	id := uint16(noCommand)
	if c := g.cat.lookup(argv); c != nil {
		id = c.id
	}
	w.add(id, argv...)
}

func (g *generator) pickRun() *command { return &g.cat.all[pick(g.r, g.run)] }

func (g *generator) plain(w *window) {
	g.f.aim()
	g.runOne(w, g.pickRun())
}

// heat runs a command that reached something new lately.
func (g *generator) heat(w *window) {
	g.f.aim()
	if len(g.hot) == 0 {
		g.runOne(w, g.pickRun())
		return
	}
	g.runOne(w, &g.cat.all[pick(g.r, g.hot)])
}

// runOne runs a command with the keys aimed at. One that may block is only run where it can not: with a time
// of a few milliseconds or in a transaction.
func (g *generator) runOne(w *window, c *command) {
	if c.blocks && g.r.IntN(40) > 0 && !g.inMulti[w.conn] {
		c = &g.cat.all[g.run[0]]
	}
	g.put(w, c, g.f.command(c))
}

// put adds a command that is run, unless the oracle is known not to bear it (see quirks.go).
func (g *generator) put(w *window, c *command, argv [][]byte) {
	switch c.Name {
	case "pfmerge":
		if len(argv) == 2 {
			g.held[quirkPFMerge]++
			return
		}
	case "hsetex":
		if repeatsField(argv) {
			g.held[quirkHSetEx]++
			return
		}
	case "sort_ro", "sort":
		if len(argv) < 2 {
			break
		}
		if by := byWhat(argv); by != nil && !bytes.Contains(by, []byte("*")) {
			return // keeps the order of a hash table
		}
		// The number that can not be read takes an earlier one's error away; see quirkErrno. The command is served wherever SORT_RO is.
		g.held[quirkErrno]++
		g.first(w, "XRANGE", argv[1], []byte("x"), []byte("+"))
	}
	if key := lexKey(c, argv); key != nil {
		if !g.runs(g.id("zunionstore")) {
			return
		}
		g.first(w, "ZUNIONSTORE", key, []byte("1"), key, []byte("WEIGHTS"), []byte("0"))
	}
	if comparesSpans(c, argv) || large(c, argv) {
		return
	}
	w.waits = w.waits || c.blocks
	w.add(c.id, argv...)
}

// first adds a command before one that is to find what it leaves. If the connection has asked, it asks again.
func (g *generator) first(w *window, name string, args ...[]byte) {
	asked := w.len() > 0 && w.ids[w.len()-1] == g.id("asking")
	argv := append([][]byte{[]byte(name)}, args...)
	w.add(g.cat.lookup(argv).id, argv...)
	if asked {
		g.word(w, "ASKING")
	}
}

// lexKey is the key of the sorted set of which a command takes a range of members, nil if it takes none. Where scores differ such a
// range is not defined: in a skip list Redis begins at a place that the heights of its nodes decide, which are chance
// (t_zset.c:zslDeleteRangeByLex). So all scores are made equal before.
func lexKey(c *command, argv [][]byte) []byte {
	at := 1
	switch c.Name {
	case "zrangebylex", "zrevrangebylex", "zlexcount", "zremrangebylex":
	case "zrangestore":
		at = 2
		fallthrough
	case "zrange":
		if !slices.ContainsFunc(argv, func(a []byte) bool { return isOption(a, "BYLEX") }) {
			return nil
		}
	default:
		return nil
	}
	if at >= len(argv) {
		return nil
	}
	return argv[at]
}

// comparesSpans reports whether a command sets a span from now where an earlier one is less, or more: two equal spans may be of one
// millisecond on one side only.
func comparesSpans(c *command, argv [][]byte) bool {
	switch c.Name {
	case "expire", "pexpire", "hexpire", "hpexpire":
		return slices.ContainsFunc(argv, func(a []byte) bool { return isOption(a, "GT") || isOption(a, "LT") })
	}
	return false
}

// byWhat is the pattern of SORT BY, nil if there is none.
func byWhat(argv [][]byte) []byte {
	for i := 2; i+1 < len(argv); i++ {
		if isOption(argv[i], "BY") {
			return argv[i+1]
		}
	}
	return nil
}

// elsewhere names any command of the table with keys that are not served here: what comes back is a
// route, whether or not the target could execute it.
func (g *generator) elsewhere(w *window) {
	c := &g.cat.all[pick(g.r, g.keyed)]
	if g.runs(c.id) && c.ways.run && g.r.IntN(3) > 0 {
		g.f.at(pick(g.r, []place{placeForeign, placeUncovered}))
		g.put(w, c, g.f.command(c))
		return
	}
	g.route(w, c)
}

// route adds a command with keys in away slots only, so that it is redirected or refused before it runs. That holds
// for arguments from which Redis takes keys: COMMAND GETKEYS takes the others.
func (g *generator) route(w *window, c *command) {
	if !c.keyed || c.blocks || !g.sureKeys(c) {
		g.wrap(w, c)
		return
	}
	g.f.main, g.f.mix = pick(g.r, g.away), false
	g.put(w, c, g.f.command(c))
}

// sureKeys says that the first argument is a key by the table, whatever the others are.
func (g *generator) sureKeys(c *command) bool {
	s := c.KeySpecs[0]
	return s.BeginSearch == "index" && s.FindKeys == "range" && !c.ways.scene &&
		len(c.args) > 0 && c.args[0].kind == kindKey && !c.args[0].optional && s.Index == len(c.words) &&
		len(s.Flags) > 0 && !slices.Contains(s.Flags, "not_key") && !slices.Contains(s.Flags, "incomplete") && len(c.KeySpecs) == 1
}

// getKeys asks for the keys of any command with any arguments.
func (g *generator) getKeys(w *window) {
	c := &g.cat.all[pick(g.r, g.keyed)]
	if g.r.IntN(10) == 0 {
		c = &g.cat.all[pick(g.r, g.all)]
	}
	g.wrap(w, c)
}

func (g *generator) wrap(w *window, c *command) {
	g.f.aim()
	g.f.mix = true
	argv := g.f.command(c)
	if g.r.IntN(6) == 0 {
		argv = g.mutate(argv)
	}
	sub := "GETKEYS"
	if g.r.IntN(2) == 0 {
		sub = "GETKEYSANDFLAGS"
	}
	wrapped := append([][]byte{[]byte("COMMAND"), []byte(sub)}, argv...)
	w.add(g.cat.lookup(wrapped).id, wrapped...)
}

// arity calls a command with too few or too many arguments, which is refused before anything else.
func (g *generator) arity(w *window) {
	c := &g.cat.all[pick(g.r, g.all)]
	argv := append([][]byte(nil), c.words...)
	n := c.Arity
	switch {
	case n > 0 && g.r.IntN(2) == 0:
		n += 1 + g.r.IntN(3)
	case n > 0:
		n--
	default:
		n = -n - 1
	}
	for len(argv) < n {
		argv = append(argv, pick(g.r, g.vals.words))
	}
	if len(argv) != max(n, 0) || c.arityOK(len(argv)) {
		return // the bare name is enough for it
	}
	w.add(c.id, argv...)
}

// mutant is a command with one argument dropped, doubled, exchanged or replaced. Commands with times are let be:
// another argument in a time's place could be a near one.
func (g *generator) mutant(w *window) {
	g.f.aim()
	c := g.pickRun()
	argv := g.f.command(c)
	if g.f.time || c.blocks {
		g.put(w, c, argv)
		return
	}
	argv = g.mutate(argv)
	c = g.cat.lookup(argv)
	switch {
	case c == nil:
		w.add(noCommand, argv...)
	case !c.arityOK(len(argv)):
		w.add(c.id, argv...)
	case c.ways.run && g.runs(c.id) && !risky(argv) && !g.refusedWord(c, argv):
		g.put(w, c, argv)
	}
}

var riskyWords = []string{"EX", "PX", "EXAT", "PXAT", "IFDEQ", "IFDNE"}

// risky reports whether some argument could make the next one a time, or the hash of a value (see hashes).
func risky(argv [][]byte) bool {
	for _, a := range argv {
		for _, w := range riskyWords {
			if isOption(a, w) {
				return true
			}
		}
	}
	return false
}

// refusedWord reports whether argv has an option that the target does not take.
func (g *generator) refusedWord(c *command, argv [][]byte) bool {
	for _, w := range g.f.forbidden[c.id] {
		for _, a := range argv {
			if isOption(a, w) {
				return true
			}
		}
	}
	return false
}

// mutate changes argv behind its first word.
func (g *generator) mutate(argv [][]byte) [][]byte {
	if len(argv) < 2 {
		return append(argv, pick(g.r, g.vals.words))
	}
	i := 1 + g.r.IntN(len(argv)-1)
	switch g.r.IntN(5) {
	case 0:
		argv = append(argv[:i], argv[i+1:]...)
	case 1:
		argv = append(argv, argv[i])
	case 2:
		j := 1 + g.r.IntN(len(argv)-1)
		argv[i], argv[j] = argv[j], argv[i]
	case 3:
		argv[i] = []byte(pick(g.r, optionWords))
	default:
		argv[i] = pick(g.r, g.vals.words)
	}
	return argv
}
