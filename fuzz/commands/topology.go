package commands

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/slot"
)

// place says what the topology does with a slot.
type place uint8

const (
	placeOwned     place = iota // by the node under test, and nothing ever changes that
	placeForeign                // of p or q, and nothing ever changes that
	placeMigrating              // owned, on its way to p
	placeImporting              // of p, on its way here
	placeUncovered              // of nobody
	placeFree                   // what CLUSTER admin commands of the stream play with
	places
)

func (p place) String() string {
	return [...]string{"owned", "foreign", "migrating", "importing", "uncovered", "free"}[p]
}

// topology is the cluster of an episode as the node "a" sees it: two puppets own what it does not.
// The puppets claim their slots once and then claim nothing, so that no packet that comes at its own time changes
// the table. It follows from the seed.
type topology struct {
	whole     bool // cluster-require-full-coverage
	reads     bool // cluster-allow-reads-when-down
	replica   bool // a follows p, which serves no replication: it stays empty
	alone     bool // there are no puppets: a owns every slot, or none; see ownsAll and bare
	mine      slot.Set
	ofP, ofQ  slot.Set
	migrating []uint16
	importing []uint16
	groups    [places][]group
}

// group is the keys of one slot.
type group struct {
	slot uint16
	tag  string
	keys [families + 1][][]byte // by family; the last has keys that are names of options and near misses of hash tags
}

// groupsWanted is how many slots of each place have keys.
var groupsWanted = [places]int{placeOwned: 4, placeForeign: 3, placeMigrating: 2, placeImporting: 2, placeUncovered: 1, placeFree: 3}

// optionWords are key names that a parser of arguments could take for its own.
var optionWords = []string{
	"KEYS", "STREAMS", "COUNT", "STORE", "LIMIT", "GET", "BY", "BLOCK", "GROUP", "WEIGHTS", "AGGREGATE", "WITHSCORES",
	"NX", "XX", "EX", "PX", "MATCH", "FIELDS", "IDS", "REPLACE", "ASC", "ALPHA", "MIN", "MAX", "LEFT", "1", "0", "-1", "2",
	"", "{}", "{}a", "{a", "a}", "}a{", "{}{a}", "{{a}}", "{a}{b}", "a{}b", "{\x00}", "\r\n", "{a}\xff", "*", "(1", "[a",
}

func newTopology(r *rand.Rand) *topology {
	t := &topology{whole: r.IntN(12) == 0, reads: r.IntN(2) == 0, replica: r.IntN(8) == 0}
	// Three cuts, far enough from each other for every place to find its slots.
	cut := [3]int{3000 + r.IntN(2500), 8000 + r.IntN(2500), 13500 + r.IntN(1500)}
	t.mine.AddRange(0, uint16(cut[0]))
	t.ofP.AddRange(uint16(cut[0]+1), uint16(cut[1]))
	t.ofQ.AddRange(uint16(cut[1]+1), uint16(cut[2]))
	used := map[uint16]bool{}
	for i := r.IntN(1000); !t.complete(); i++ {
		tag := "k" + strconv.Itoa(i)
		s := slot.Of([]byte(tag))
		if used[s] {
			continue
		}
		used[s] = true
		t.offer(tag, s)
	}
	for _, w := range optionWords {
		t.addWord(w)
	}
	if t.replica {
		t.ofP = t.ofP.Union(&t.mine)
		t.mine = slot.Set{}
		t.migrating, t.importing = nil, nil
	}
	return t
}

// ownsAll is a topology in which a difference is easier to read, and faster to play, if it shows there: the node owns every
// slot and knows nobody.
func ownsAll() *topology {
	t := &topology{alone: true, whole: true}
	t.mine.AddRange(0, slot.Count-1)
	return t
}

// bare is a node without slots that knows nobody. It is for cases only: a live node would be in a minority, and be down for seconds
// behind that.
func bare() *topology { return &topology{alone: true, whole: true} }

// peers are the names of the puppets.
func (t *topology) peers() []string {
	if t.alone {
		return nil
	}
	return puppetNames[:]
}

func (t *topology) complete() bool {
	for p, want := range groupsWanted {
		if len(t.groups[p]) < want {
			return false
		}
	}
	return true
}

// offer makes a slot the home of keys, in the first place that still wants one.
func (t *topology) offer(tag string, s uint16) {
	var wanted []place
	switch {
	case t.mine.Has(s):
		wanted = []place{placeOwned, placeMigrating, placeFree}
	case t.ofP.Has(s):
		wanted = []place{placeForeign, placeImporting}
	case t.ofQ.Has(s):
		wanted = []place{placeForeign}
	default:
		wanted = []place{placeUncovered, placeFree}
	}
	for _, p := range wanted {
		if len(t.groups[p]) >= groupsWanted[p] || p == placeFree && len(t.groups[p]) == 2 && t.mine.Has(s) {
			continue
		}
		switch p {
		case placeMigrating:
			t.migrating = append(t.migrating, s)
		case placeImporting:
			t.importing = append(t.importing, s)
		}
		t.groups[p] = append(t.groups[p], newGroup(tag, s))
		return
	}
}

func newGroup(tag string, s uint16) group {
	g := group{slot: s, tag: tag}
	for f := range g.keys {
		n := family(f).String()
		if family(f) == famAny {
			g.keys[f] = [][]byte{[]byte(tag), []byte("{" + tag + "}"), []byte("x{" + tag + "}{y}"), []byte("{" + tag + "}}")}
			continue
		}
		g.keys[f] = [][]byte{[]byte("{" + tag + "}" + n), []byte("{" + tag + "}" + n + "2"), []byte(n + "{" + tag + "}")}
	}
	return g
}

// addWord makes an option word a key of some group: of its own slot, in the place where that is.
func (t *topology) addWord(w string) {
	s := slot.Of([]byte(w))
	p := placeUncovered
	switch {
	case t.mine.Has(s):
		p = placeOwned
	case t.ofP.Has(s), t.ofQ.Has(s):
		p = placeForeign
	}
	for place := range t.groups {
		for i := range t.groups[place] {
			if g := &t.groups[place][i]; g.slot == s {
				g.keys[famAny] = append(g.keys[famAny], []byte(w))
				return
			}
		}
	}
	g := group{slot: s}
	for f := range g.keys {
		g.keys[f] = [][]byte{[]byte(w)}
	}
	t.groups[p] = append(t.groups[p], g)
}

// Names of the actors of a topology.
const (
	nodeName = "a"
)

var puppetNames = [...]string{"p", "q"}

// noActiveExpiry lets a key that has expired (SET with a past time makes one) stay until somebody looks at it: when the
// server would find it by itself is chance.
var noActiveExpiry = []string{"DEBUG", "SET-ACTIVE-EXPIRE", "0"}

// firstTimeout is cluster-node-timeout, in milliseconds, while a topology is made: as long as the node has been in a
// minority before, which every node without slots is, it waits for that time before it serves. It is at least the two seconds for
// which a master is silent after its start anyway. settledTimeout is what it is set to then: nobody fails.
const (
	firstTimeout   = "2000"
	settledTimeout = "60000"
)

// directives are the node's, in this order.
func (t *topology) directives() [][2]string {
	return [][2]string{
		{"cluster-node-timeout", firstTimeout},
		{"cluster-require-full-coverage", yesNo(t.whole)},
		{"cluster-allow-reads-when-down", yesNo(t.reads)},
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func (t *topology) slotsOf(puppet string) *slot.Set {
	if puppet == "p" {
		return &t.ofP
	}
	return &t.ofQ
}

// saidBy is what a puppet claims once the topology stands: nothing that the stream may give to another, but the slots that
// come from it. Valkey takes over an importing slot as soon as its source does not claim it any more.
func (t *topology) saidBy(puppet string) *slot.Set {
	var out slot.Set
	if puppet == "p" {
		for _, s := range t.importing {
			out.Add(s)
		}
	}
	return &out
}

// commands are the node's own part of the set-up, after the puppets' claims. $p.id stands for p's id.
func (t *topology) commands() [][]string {
	var out [][]string
	if t.replica {
		return [][]string{{"CLUSTER", "REPLICATE", "$p.id"}}
	}
	for _, s := range t.migrating {
		out = append(out, []string{"CLUSTER", "SETSLOT", strconv.Itoa(int(s)), "MIGRATING", "$p.id"})
	}
	for _, s := range t.importing {
		out = append(out, []string{"CLUSTER", "SETSLOT", strconv.Itoa(int(s)), "IMPORTING", "$p.id"})
	}
	return out
}

// addMine gives the node its slots, nil where it has none.
func (t *topology) addMine() []string {
	if t.mine.Empty() {
		return nil
	}
	add := []string{"CLUSTER", "ADDSLOTSRANGE"}
	for lo, hi := range t.mine.Ranges() {
		add = append(add, strconv.Itoa(int(lo)), strconv.Itoa(int(hi)))
	}
	return add
}

// covered is how many slots have an owner once the topology stands.
func (t *topology) covered() int { return t.mine.Len() + t.ofP.Len() + t.ofQ.Len() }

// size is how many masters have slots.
func (t *topology) size() (n int) {
	for _, s := range []*slot.Set{&t.mine, &t.ofP, &t.ofQ} {
		if !s.Empty() {
			n++
		}
	}
	return n
}

// state is the cluster_state of the topology.
func (t *topology) state() string {
	if t.whole && t.covered() < slot.Count || t.covered() == 0 {
		return "fail"
	}
	return "ok"
}

// steps is the set-up as the first section of a case.
func (t *topology) steps() []scenario.Step {
	var out []scenario.Step
	add := func(expect []string, input []string, actor string, words ...string) {
		s := scenario.Step{Actor: actor, Input: input, Expect: expect}
		for _, w := range words {
			s.Words = append(s.Words, refWord(w))
		}
		out = append(out, s)
	}
	node := []string{nodeName}
	if !t.alone { // whose directives are the defaults
		for _, d := range t.directives() {
			node = append(node, d[0]+"="+d[1])
		}
	}
	add([]string{"ok"}, nil, "node", node...)
	add([]string{"+OK"}, nil, nodeName, noActiveExpiry...)
	out[len(out)-1].Conds = []scenario.Cond{{Name: "debug"}}
	if mine := t.addMine(); mine != nil {
		add([]string{"+OK"}, nil, nodeName, mine...)
	}
	if t.alone {
		add([]string{"cluster_state:" + t.state()}, []string{"CLUSTER INFO | cluster_state"}, "wait", nodeName, "within=10s")
		return out
	}
	for i, p := range puppetNames {
		add([]string{"ok"}, nil, "puppet", p, "role=master", "slots="+t.slotsOf(p).String(), "currentEpoch=2",
			fmt.Sprintf("configEpoch=%d", i+1), "auto=pong")
	}
	for _, p := range puppetNames {
		add([]string{"+OK"}, nil, nodeName, "CLUSTER", "MEET", "$"+p+".ip", "$"+p+".port", "$"+p+".cport")
	}
	for _, p := range puppetNames {
		add([]string{":0"}, []string{"CLUSTER COUNT-FAILURE-REPORTS $" + p + ".id"}, "wait", nodeName, "within=10s")
	}
	for _, p := range puppetNames {
		add([]string{"ok"}, nil, p, "dial", nodeName)
		add([]string{"ok"}, nil, p, "send", "PING")
	}
	add([]string{fmt.Sprintf("cluster_slots_assigned:%d", t.covered())}, []string{"CLUSTER INFO | cluster_slots_assigned"}, "wait", nodeName, "within=10s")
	for _, p := range puppetNames {
		add([]string{"ok"}, nil, p, "set", "slots="+t.saidBy(p).String())
	}
	for _, c := range t.commands() {
		add([]string{"+OK"}, nil, nodeName, c...)
	}
	add([]string{"cluster_state:" + t.state(), fmt.Sprintf("cluster_slots_assigned:%d", t.covered())}, []string{"CLUSTER INFO | cluster_state cluster_slots_assigned"}, "wait", nodeName, "within=10s")
	add([]string{"+OK"}, nil, nodeName, "CONFIG", "SET", "cluster-node-timeout", settledTimeout)
	return out
}

// refWord makes a word of text that is wholly literal, or wholly a reference such as $p.id.
func refWord(s string) scenario.Word {
	for _, n := range append(puppetNames[:], nodeName) {
		for _, f := range []string{"id", "ip", "port", "cport", "addr"} {
			if s == "$"+n+"."+f {
				return scenario.Word{Parts: []scenario.Part{{Ref: scenario.Ref{Name: n, Field: f}}}}
			}
		}
	}
	return scenario.Lit(s)
}
