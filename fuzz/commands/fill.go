package commands

import (
	"bytes"
	"math/rand/v2"
	"slices"
)

// filler makes the arguments of one command after another. Its slices are reused.
type filler struct {
	r    *rand.Rand
	topo *topology
	vals *values

	argv      [][]byte
	main      *group // where the keys of the command are
	mix       bool   // some keys are elsewhere
	fam       family
	left      int                 // how many a count has announced, -1: nothing
	forbidden map[uint16][]string // by command; see Engine.forbid
	without   []string            // those of the command at hand
	blocks    bool                // the command may block
	time      bool                // some argument is a time: a mutation could make it a near one
	some      int                 // in 100: how often an optional argument is there
}

// placeWeights is how often keys are where, in 100.
var placeWeights = [places]int{placeOwned: 55, placeForeign: 8, placeMigrating: 13, placeImporting: 10, placeUncovered: 4, placeFree: 10}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// aim chooses where the keys of the next command are.
func (f *filler) aim() {
	n := f.r.IntN(100)
	p := placeOwned
	for n >= placeWeights[p] {
		n -= placeWeights[p]
		p++
	}
	f.at(p)
	f.mix = f.r.IntN(8) == 0
}

func (f *filler) at(p place) {
	groups := f.topo.groups[p]
	f.main = &groups[f.r.IntN(len(groups))]
	f.mix = false
}

// key is a key of the group aimed at, mostly of the command's own family.
func (f *filler) key() []byte {
	g := f.main
	if f.mix && f.r.IntN(3) == 0 {
		groups := f.topo.groups[f.r.IntN(int(places))]
		g = &groups[f.r.IntN(len(groups))]
	}
	fam := f.fam
	if n := f.r.IntN(16); n == 0 {
		fam = famAny
	} else if n == 1 || fam == famAny {
		fam = family(f.r.IntN(int(families) + 1))
	}
	return pick(f.r, g.keys[fam])
}

// command fills in a whole command.
func (f *filler) command(c *command) [][]byte {
	f.argv = append(f.argv[:0], c.words...)
	f.fam, f.left, f.time, f.blocks = c.family, -1, false, c.blocks
	f.without = f.forbidden[c.id]
	f.fill(c.args)
	return f.argv
}

func (f *filler) fill(args []arg) {
	for i := range args {
		a := &args[i]
		if a.optional && f.r.IntN(100) >= f.some || f.banned(a) {
			continue
		}
		n := 1
		if a.multiple {
			n += f.few()
			if f.left >= 0 {
				n, f.left = f.left, -1
			}
		}
		for j := range n {
			if len(a.token) > 0 && (j == 0 || a.repeat) {
				f.argv = append(f.argv, f.option(a.token))
			}
			f.one(a)
		}
	}
}

// banned reports whether the target does not take an option.
func (f *filler) banned(a *arg) bool {
	return len(f.without) > 0 && len(a.token) > 0 && slices.Contains(f.without, string(a.token))
}

// few is mostly 0, seldom up to 3.
func (f *filler) few() int {
	n := f.r.IntN(16)
	switch {
	case n < 9:
		return 0
	case n < 13:
		return 1
	}
	return n - 11
}

func (f *filler) one(a *arg) {
	switch a.kind {
	case kindToken:
		// its token is all there is
	case kindOneOf:
		if k := &a.kids[f.r.IntN(len(a.kids))]; !f.banned(k) {
			f.fill1(k)
		}
	case kindBlock:
		f.fill(a.kids)
	case kindKey:
		f.argv = append(f.argv, f.key())
	default:
		f.argv = append(f.argv, f.value(a.use))
	}
}

// fill1 fills one alternative, which is there although it may be called optional.
func (f *filler) fill1(a *arg) {
	if len(a.token) > 0 {
		f.argv = append(f.argv, f.option(a.token))
	}
	f.one(a)
}

// option is the word of an option, seldom with a NUL in or behind it: Redis compares such words as C strings, so that what follows a
// NUL does not count. The name of a command or subcommand never has one: dict.c looks in the place of the hash of all its bytes, with a
// seed of the process, but compares up to the NUL, so that by chance it is found.
func (f *filler) option(word []byte) []byte {
	if f.r.IntN(200) > 0 {
		return word
	}
	at := len(word)
	if f.r.IntN(8) == 0 {
		at = f.r.IntN(len(word))
	}
	out := append([]byte(nil), word[:at]...)
	out = append(out, 0)
	if at < len(word) {
		return append(out, word[at:]...)
	}
	return append(out, pick(f.r, f.vals.words)...)
}

// isOption reports whether Redis takes a for the word of an option.
func isOption(a []byte, word string) bool {
	a, _, _ = bytes.Cut(a, []byte{0})
	return bytes.EqualFold(a, []byte(word))
}

var small = texts("0", "1", "2", "3", "4")

func (f *filler) value(u use) []byte {
	switch u {
	case useCount:
		if f.r.IntN(16) == 0 {
			return pick(f.r, f.vals.counts)
		}
		n := 1 + f.few()
		f.left = n
		if f.r.IntN(16) == 0 {
			f.left = n - 1
		}
		return small[min(n, len(small)-1)]
	case useSpan, useMoment, useTimeout:
		f.time = true
		if u == useSpan && f.blocks {
			u = useTimeout // XREAD BLOCK
		}
	case useCommand:
		if f.r.IntN(2) == 0 {
			all := loadCatalog().all
			return all[f.r.IntN(len(all))].words[0]
		}
	}
	return pick(f.r, f.vals.of(u))
}
