package reduce

import (
	"slices"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/slot"
)

// rounds is how often values are made simpler: each round halves what could not go at once.
const rounds = 3

// values makes numbers and texts simpler, one value at all its places at once.
func (r *reducer) values() {
	for range rounds {
		base := r.best
		type change struct{ from, to string }
		var changes []change
		for _, v := range vocabulary(base) {
			if s := simpler(v); s != v {
				changes = append(changes, change{v, s})
			}
		}
		before := r.best
		r.minimise(len(changes), func(keep []bool) *scenario.Case {
			to := map[string]string{}
			for i, ch := range changes {
				if !keep[i] {
					to[ch.from] = ch.to
				}
			}
			return substitute(base, to)
		})
		if r.best == before || r.ctx.Err() != nil {
			return
		}
	}
}

// vocabulary lists, each once, the literal arguments of commands and the values of packet fields. Slot sets and
// times of waits are not among them.
func vocabulary(c *scenario.Case) []string {
	var out []string
	visit(c, func(v string) (string, bool) {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
		return v, false
	})
	return out
}

// substitute replaces values everywhere.
func substitute(c *scenario.Case, to map[string]string) *scenario.Case {
	out := clone(c)
	visit(out, func(v string) (string, bool) {
		s, ok := to[v]
		return s, ok
	})
	return out
}

// visit shows every value to f, which may replace it.
func visit(c *scenario.Case, f func(string) (string, bool)) {
	puppets := runner.Puppets(c)
	for _, st := range list(c) {
		actor, _ := st.Conn()
		if len(st.Words) == 0 || slices.Contains(scenario.Keywords(), st.Actor) || st.Actor == "node" {
			continue
		}
		fields := puppets[actor] || st.Actor == "puppet"
		from := needed(st, puppets)
		for i := from; i < len(st.Words); i++ {
			visitWord(&st.Words[i], fields, f)
		}
		if fields {
			continue // lines of packets: see lines
		}
		for i, l := range st.Input {
			words, _, err := scenario.ParseWords(l)
			if err != nil || len(words) == 0 {
				continue
			}
			for j := 1; j < len(words); j++ {
				visitWord(&words[j], false, f)
			}
			st.Input[i] = joinWords(words)
		}
	}
}

func joinWords(words []scenario.Word) string {
	var out []string
	for _, w := range words {
		out = append(out, w.String())
	}
	return strings.Join(out, " ")
}

func visitWord(w *scenario.Word, field bool, f func(string) (string, bool)) {
	if !field {
		if v, ok := w.Literal(); ok {
			if s, changed := f(v); changed {
				*w = scenario.Lit(s)
			}
		}
		return
	}
	key, value, ok := w.KeyValue()
	if !ok || key == "slots" || key == "within" || key == "link" || key == "role" || key == "auto" {
		return
	}
	if v, ok := value.Literal(); ok {
		if s, changed := f(v); changed {
			*w = scenario.Lit(key + "=" + s)
		}
	}
}

// simpler is the next simpler value, or v itself if it is as simple as can be.
func simpler(v string) string {
	if n, err := strconv.ParseUint(v, 10, 64); err == nil && v == strconv.FormatUint(n, 10) {
		switch {
		case n <= 1:
			return v
		case n <= 16:
			return strconv.FormatUint(n-1, 10)
		case n > 1<<32:
			return strconv.FormatUint(n>>32, 10)
		}
		return strconv.FormatUint(n/2, 10)
	}
	if len(v) > 8 {
		return v[:len(v)/4*2] // an even length, for hexadecimal digits
	}
	return v
}

// slots shortens the slot sets of packets and puppets.
func (r *reducer) slots() {
	for i := range list(r.best) {
		for j := range list(r.best)[i].Words {
			r.slotWord(place{i, j})
		}
	}
}

func (r *reducer) slotWord(p place) {
	for r.ctx.Err() == nil {
		all := list(r.best)
		if p.step >= len(all) || p.at >= len(all[p.step].Words) {
			return
		}
		key, value, ok := all[p.step].Words[p.at].KeyValue()
		text, lit := value.Literal()
		if !ok || !lit || key != "slots" {
			return
		}
		var candidates []*scenario.Case
		for _, s := range smallerSets(text) {
			out := clone(r.best)
			list(out)[p.step].Words[p.at] = scenario.Lit("slots=" + s)
			candidates = append(candidates, out)
		}
		good := r.try(candidates)
		if len(good) == 0 {
			return
		}
		r.best = candidates[good[0]]
	}
}

// smallerSets lists smaller sets than that of a text such as "5,100-200", the smallest first.
func smallerSets(text string) []string {
	ranges := strings.Split(text, ",")
	if len(ranges) > 1 {
		half := len(ranges) / 2
		return []string{strings.Join(ranges[:half], ","), strings.Join(ranges[half:], ",")}
	}
	lo, hi, ok := strings.Cut(text, "-")
	a, err1 := strconv.Atoi(lo)
	b, err2 := strconv.Atoi(hi)
	if !ok || err1 != nil || err2 != nil || a >= b {
		return nil
	}
	mid := (a + b) / 2
	return []string{lo, hi, lo + "-" + strconv.Itoa(mid), strconv.Itoa(mid+1) + "-" + hi}
}

// rename gives keys and values short names: k1, k2 ..., or where the slot matters the shortest name of the same slot.
func (r *reducer) rename() {
	base := r.best
	var long []string
	for _, v := range vocabulary(base) {
		if _, err := strconv.ParseFloat(v, 64); err != nil && len(v) > 2 && !isOption(v) {
			long = append(long, v)
		}
	}
	for _, name := range []func(i int, v string) string{
		func(i int, _ string) string { return "k" + strconv.Itoa(i+1) },
		func(_ int, v string) string { return sameSlot(v) },
	} {
		base := r.best
		r.minimise(len(long), func(keep []bool) *scenario.Case {
			to := map[string]string{}
			for i, v := range long {
				if !keep[i] {
					to[v] = name(i, v)
				}
			}
			return substitute(base, to)
		})
	}
}

// isOption reports whether a word looks like a keyword of a command.
func isOption(v string) bool { return strings.ToUpper(v) == v && strings.ToLower(v) != v }

// sameSlot is a short key of the same slot as key.
func sameSlot(key string) string {
	want := slot.Of([]byte(key))
	const letters = "abcdefghijklmnopqrstuvwxyz"
	name := make([]byte, 3)
	for i := range len(letters) * len(letters) * len(letters) {
		name[0], name[1], name[2] = letters[i/676], letters[i/26%26], letters[i%26]
		if slot.Of(name) == want && len(name) < len(key) {
			return string(name)
		}
	}
	return key
}
