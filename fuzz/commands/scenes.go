package commands

import (
	"bytes"
	"strconv"
)

// transaction is MULTI, some commands, and an end. One that is left open is ended by the window, or by a
// later one of its connection.
func (g *generator) transaction(w *window) {
	g.word(w, "MULTI")
	g.inMulti[w.conn] = true
	p := placeOwned
	if g.r.IntN(3) == 0 {
		p = place(g.r.IntN(int(places)))
	}
	for range g.r.IntN(7) {
		switch g.r.IntN(12) {
		case 0:
			g.f.aim()
		case 1:
			g.elsewhere(w)
			continue
		case 2:
			g.arity(w)
			continue
		case 3:
			g.script(w)
			continue
		default:
			g.f.at(p)
		}
		g.runOne(w, g.pickRun())
	}
	switch g.r.IntN(12) {
	case 0:
		return
	case 1:
		g.word(w, "DISCARD")
	case 2:
		g.word(w, "MULTI")
		g.word(w, "EXEC")
	case 3:
		g.word(w, "WATCH k1")
		g.word(w, "EXEC")
	case 4:
		g.word(w, "RESET")
	default:
		g.word(w, "EXEC")
	}
	g.inMulti[w.conn] = false
}

// modes changes what the connection is.
func (g *generator) modes(w *window) {
	text := pick(g.r, []string{
		"READONLY", "READONLY", "READWRITE", "HELLO 3", "HELLO 2", "HELLO", "HELLO 3 SETNAME n", "HELLO 4", "HELLO 2 NOSUCH",
		"RESET", "ASKING", "EXEC", "DISCARD", "MULTI x", "SELECT 0", "SELECT 1",
	})
	g.word(w, text)
	if text == "RESET" || text == "EXEC" || text == "DISCARD" {
		g.inMulti[w.conn] = false
	}
}

// script runs a script or a function with declared keys.
func (g *generator) script(w *window) {
	g.f.aim()
	g.f.fam = famString
	name := pick(g.r, []string{"EVAL", "EVAL", "EVAL", "EVAL_RO", "EVALSHA", "EVALSHA_RO", "SCRIPT", "EXISTS", "FCALL", "FCALL_RO", "FUNCTION"})
	switch name {
	case "SCRIPT":
		w.add(g.id("script|load"), []byte("SCRIPT"), []byte("LOAD"), pick(g.r, scripts))
		return
	case "EXISTS":
		w.add(g.id("script|exists"), []byte("SCRIPT"), []byte("EXISTS"), pick(g.r, g.vals.digests), pick(g.r, g.vals.digests))
		return
	case "FUNCTION":
		if id := g.id("function|load"); g.runs(id) {
			w.add(id, []byte("FUNCTION"), []byte("LOAD"), []byte("REPLACE"), library)
		}
		return
	}
	id := g.cat.byName[string(bytes.ToLower([]byte(name)))].id
	body := pick(g.r, scripts)
	switch {
	case len(name) > 6:
		body = pick(g.r, g.vals.digests)
	case name[0] == 'F':
		body = pick(g.r, g.vals.functions)
	}
	argv := [][]byte{[]byte(name), body}
	if !g.runs(id) {
		g.f.main, g.f.mix = pick(g.r, g.away), false
		w.add(id, append(argv, []byte("1"), g.f.key(), []byte("v"))...)
		return
	}
	n := g.r.IntN(4)
	count := strconv.Itoa(n)
	if g.r.IntN(20) == 0 {
		count = pick(g.r, []string{"-1", "x", "9", "01"})
	}
	argv = append(argv, []byte(count))
	for range n {
		argv = append(argv, g.f.key())
	}
	if g.r.IntN(8) > 0 {
		argv = append(argv, pick(g.r, g.vals.words))
	}
	w.add(id, argv...)
}

// view asks for what the node says of the cluster.
func (g *generator) view(w *window) {
	g.word(w, pick(g.r, []string{
		"CLUSTER NODES", "CLUSTER INFO", "CLUSTER SLOTS", "CLUSTER SHARDS", "CLUSTER MYID", "ROLE", "HELLO",
		"COMMAND INFO GET", "COMMAND INFO config|get nosuch", "COMMAND COUNT", "CONFIG GET cluster-allow*",
	}))
}

// keysInSlot counts or lists the keys of a slot: all of them, since a part would be in no order.
func (g *generator) keysInSlot(w *window) {
	s := pick(g.r, g.vals.slots)
	if g.r.IntN(2) == 0 {
		w.add(g.id("cluster|countkeysinslot"), []byte("CLUSTER"), []byte("COUNTKEYSINSLOT"), s)
		return
	}
	n := pick(g.r, []string{"1000", "1000", "1000", "0", "-1", "x"})
	w.add(g.id("cluster|getkeysinslot"), []byte("CLUSTER"), []byte("GETKEYSINSLOT"), s, []byte(n))
}

// admin changes the slot table. Only what belongs to nobody else is played with: the free slots, and the marks of the
// open ones. The change is the last of its window: the cluster's state follows when Redis has done with what it read.
func (g *generator) admin(w *window) {
	w.reset(g.r.IntN(general), modeCount)
	if g.inMulti[w.conn] {
		g.word(w, "EXEC")
		g.inMulti[w.conn] = false
	}
	if g.gone {
		g.gone = false
		argv := texts("CLUSTER", "ADDSLOTSRANGE")
		for lo, hi := range g.topo.mine.Ranges() {
			argv = append(argv, strconv.AppendInt(nil, int64(lo), 10), strconv.AppendInt(nil, int64(hi), 10))
		}
		w.add(g.id("cluster|addslotsrange"), argv...)
		return
	}
	free := pick(g.r, g.topo.groups[placeFree]).slot
	open := pick(g.r, g.topo.importing)
	moving := pick(g.r, g.topo.migrating)
	p, q := g.vals.nodes[len(g.vals.nodes)-2], g.vals.nodes[len(g.vals.nodes)-1]
	a := g.vals.nodes[len(g.vals.nodes)-3]
	any := pick(g.r, g.vals.nodes)
	num := func(s uint16) []byte { return strconv.AppendInt(nil, int64(s), 10) }
	cluster := func(words ...[]byte) {
		argv := append(texts("CLUSTER"), words...)
		w.add(g.cat.lookup(argv).id, argv...)
	}
	t := func(s string) []byte { return []byte(s) }
	switch g.r.IntN(20) {
	case 0, 1:
		cluster(t("ADDSLOTS"), num(free))
	case 2:
		cluster(t("ADDSLOTSRANGE"), num(free), num(free))
	case 3, 4:
		cluster(t("DELSLOTS"), num(free))
	case 5:
		cluster(t("DELSLOTSRANGE"), num(free), num(free))
	case 6:
		cluster(t("SETSLOT"), num(free), t("NODE"), pick(g.r, [][]byte{a, p, q, any}))
	case 7:
		cluster(t("SETSLOT"), num(free), t("MIGRATING"), pick(g.r, [][]byte{p, q, any}))
	case 8:
		cluster(t("SETSLOT"), num(free), t("IMPORTING"), pick(g.r, [][]byte{p, q, any}))
	case 9:
		cluster(t("SETSLOT"), num(free), t("STABLE"))
	case 10:
		cluster(t("SETSLOT"), num(moving), t("STABLE"))
	case 11, 12:
		cluster(t("SETSLOT"), num(moving), t("MIGRATING"), pick(g.r, [][]byte{p, p, q, any}))
	case 13:
		cluster(t("SETSLOT"), num(open), t("STABLE"))
	case 14, 15:
		cluster(t("SETSLOT"), num(open), t("IMPORTING"), pick(g.r, [][]byte{p, p, q, any}))
	case 16:
		cluster(t("BUMPEPOCH"))
	case 17:
		cluster(t("SETSLOT"), pick(g.r, g.vals.slots), t("NOSUCH"))
	case 18:
		cluster(t("ADDSLOTS"), pick(g.r, g.vals.slots), t("x"))
	case 19:
		if g.r.IntN(4) > 0 {
			cluster(t("FLUSHSLOTS")) // refused while there are keys
			g.gone = true
			return
		}
		g.word(w, "FLUSHALL")
		cluster(t("FLUSHSLOTS"))
		g.gone = true
	}
}

// pubsub is a window of the subscribing connection, with messages from another behind it.
func (g *generator) pubsub(w *window) {
	w.reset(connPubSub, modeMark)
	g.f.fam = famAny
	for range 1 + g.r.IntN(6) {
		g.f.aim()
		name := pick(g.r, []string{"SUBSCRIBE", "SSUBSCRIBE", "SSUBSCRIBE", "PSUBSCRIBE", "UNSUBSCRIBE", "SUNSUBSCRIBE", "PUNSUBSCRIBE", "PING", "HELLO", "GET", "RESET"})
		argv := [][]byte{[]byte(name)}
		switch name {
		case "PING":
		case "HELLO":
			argv = append(argv, pick(g.r, texts("2", "3")))
		case "RESET":
		default:
			argv = append(argv, g.f.key())
		}
		w.add(g.cat.lookup(argv).id, argv...)
	}
	g.pending = append(g.pending, func(g *generator, w *window) {
		w.reset(0, modeCount)
		if g.inMulti[0] {
			g.word(w, "EXEC")
			g.inMulti[0] = false
		}
		for range 2 + g.r.IntN(6) {
			g.f.aim()
			g.f.fam = famAny
			name := pick(g.r, []string{"PUBLISH", "SPUBLISH"})
			argv := [][]byte{[]byte(name), g.f.key(), []byte("message")}
			w.add(g.cat.lookup(argv).id, argv...)
		}
	}, func(_ *generator, w *window) {
		w.reset(connPubSub, modeMark) // the messages are read
	})
}

// blocking lets a client wait for a key, another one serve it, and reads what it got.
func (g *generator) blocking(w *window) {
	var can []*command
	for i := range g.cat.all {
		c := &g.cat.all[i]
		if c.blocks && c.ways.run && g.runs(c.id) {
			can = append(can, c)
		}
	}
	if len(can) == 0 {
		g.common(w)
		return
	}
	c := pick(g.r, can)
	w.reset(connBlock, modeSend)
	g.f.aim()
	argv := append([][]byte(nil), g.f.command(c)...)
	last, moved := g.f.main, g.f.mix
	// It waits for ever: until it is served, or hung up on.
	for i, a := range c.args {
		if a.use == useTimeout && i == len(c.args)-1 {
			argv[len(argv)-1] = []byte("0")
		} else if a.use == useTimeout && i == 0 {
			argv[len(c.words)] = []byte("0")
		}
	}
	w.add(c.id, argv...)
	g.pending = append(g.pending, func(g *generator, w *window) {
		w.reset(1, modeCount)
		if g.inMulti[1] {
			g.word(w, "EXEC")
			g.inMulti[1] = false
		}
		g.f.main, g.f.mix = last, moved
		for _, key := range last.keys[c.family] {
			if last.slot == 0 || g.r.IntN(8) == 0 {
				continue
			}
			if g.f.topo.replica {
				break
			}
			switch c.family {
			case famZset:
				w.add(g.id("zadd"), []byte("ZADD"), key, []byte("1"), []byte("m"), []byte("2"), []byte("n"))
			default:
				w.add(g.id("rpush"), []byte("RPUSH"), key, []byte("x"), []byte("y"))
			}
		}
		if w.len() == 0 {
			g.word(w, "PING")
		}
	}, func(_ *generator, w *window) { w.reset(connBlock, modeAwait) })
}
