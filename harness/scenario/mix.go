package scenario

import (
	"fmt"
	"slices"
	"strings"
)

// The word of a node step that says whose server plays the node on the target side.
const (
	MakeKey = "make"
	// MakeOracle is its only value: the server that the oracle side is made of.
	MakeOracle = "oracle"
)

// mixMark stands between the name of a file and the mix of a variant.
const mixMark = "@oracle="

// SplitMix splits the name of a case into that of its file and its mix, which is
// empty where the name has none.
func SplitMix(name string) (file, mix string) {
	file, mix, _ = strings.Cut(name, mixMark)
	return file, mix
}

func (c *Case) mixName() string {
	if len(c.Mix) == 0 {
		return ""
	}
	return mixMark + strings.Join(c.Mix, ",")
}

// Variants returns a case for each mix that the header names, or c alone where it
// names none. A variant says make=oracle where it starts the nodes of its mix and
// has no header key mixes, so that its text stands for itself; its steps keep their lines.
func (c *Case) Variants() []*Case {
	if len(c.Header.Mixes) == 0 {
		return []*Case{c}
	}
	out := make([]*Case, len(c.Header.Mixes))
	for i, mix := range c.Header.Mixes {
		out[i] = c.variant(mix)
	}
	return out
}

// EveryVariant is Variants with every mix there is: the fewer nodes of the oracle's in
// it, the earlier. Where the header names none it is c alone.
func (c *Case) EveryVariant() []*Case {
	if len(c.Header.Mixes) == 0 {
		return []*Case{c}
	}
	nodes := c.nodes()
	var out []*Case
	for set := 1; set < 1<<len(nodes)-1; set++ {
		var mix []string
		for i, n := range nodes {
			if set&(1<<i) != 0 {
				mix = append(mix, n)
			}
		}
		out = append(out, c.variant(mix))
	}
	slices.SortStableFunc(out, func(a, b *Case) int { return len(a.Mix) - len(b.Mix) })
	return out
}

// variant is the case with one mix.
func (c *Case) variant(mix []string) *Case {
	v := *c
	v.Mix, v.Header.Mixes, v.file = mix, nil, c
	v.Sections = slices.Clone(c.Sections)
	for i := range v.Sections {
		sec := &v.Sections[i]
		sec.Steps = slices.Clone(sec.Steps)
		for k := range sec.Steps {
			st := &sec.Steps[k]
			if name, ok := st.startsNode(); ok && slices.Contains(mix, name) {
				st.Words = slices.Insert(slices.Clone(st.Words), 1, Lit(MakeKey+"="+MakeOracle))
			}
		}
	}
	return &v
}

// nodes are the names of the nodes in the order of their start.
func (c *Case) nodes() []string {
	var out []string
	for _, s := range c.Steps() {
		if name, ok := s.startsNode(); ok {
			out = append(out, name)
		}
	}
	return out
}

// Mixes says in which mixed clusters cases are played.
type Mixes string

// The choices of mixes.
const (
	MixesListed Mixes = "listed" // those that headers name
	MixesAll    Mixes = "all"    // every assignment of makes to the nodes, of the cases whose headers name any
)

// Of returns the variants of every case, in the order of cases.
func (m Mixes) Of(cases []*Case) []*Case {
	var out []*Case
	for _, c := range cases {
		if m == MixesAll {
			out = append(out, c.EveryVariant()...)
		} else {
			out = append(out, c.Variants()...)
		}
	}
	return out
}

// Files returns the cases as their files have them, in place of any of their variants:
// each once, in the order of the first.
func Files(cases []*Case) []*Case {
	var out []*Case
	for _, c := range cases {
		if c.file != nil {
			c = c.file
		}
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// FromOracle reports whether the step starts a node that the oracle's server plays on
// every side.
func (s *Step) FromOracle() bool {
	if _, ok := s.startsNode(); !ok {
		return false
	}
	return slices.ContainsFunc(s.Words[1:], func(w Word) bool {
		text, _ := w.Literal()
		return text == MakeKey+"="+MakeOracle
	})
}

// startsNode returns the node that the step starts; ok is false for any other step.
func (s *Step) startsNode() (name string, ok bool) {
	if s.Actor != "node" || len(s.Words) == 0 {
		return "", false
	}
	return s.Words[0].Literal()
}

func setMixes(p *parser, h *Header, v string, col int) {
	p.mixesAt = p.at + 1
	for word := range strings.FieldsSeq(v) {
		h.Mixes = append(h.Mixes, strings.Split(word, ","))
	}
}

func formatMixes(mixes [][]string) string {
	words := make([]string, len(mixes))
	for i, m := range mixes {
		words[i] = strings.Join(m, ",")
	}
	return strings.Join(words, " ")
}

// checkMixes holds the mixes against the nodes of the case, when all are known. Each
// mix has one way to be written, so that names of variants are unique and stay.
func (p *parser) checkMixes() {
	if p.mixesAt == 0 {
		return
	}
	nodes := p.c.nodes()
	for _, s := range p.c.Steps() {
		if s.FromOracle() {
			name, _ := s.startsNode()
			p.failAt(s.Line, 1, "", "node %s: %s= and the header key mixes exclude each other", name, MakeKey)
		}
	}
	seen := map[string]bool{}
	for _, mix := range p.c.Header.Mixes {
		word := strings.Join(mix, ",")
		for _, name := range mix {
			if !slices.Contains(nodes, name) {
				p.failAt(p.mixesAt, 0, fmt.Sprintf("nodes: %s", strings.Join(nodes, " ")), "mix %s: the case starts no node %q", word, name)
				return
			}
		}
		at := func(a string) int { return slices.Index(nodes, a) }
		switch {
		case seen[word]:
			p.failAt(p.mixesAt, 0, "", "mix %s stands twice", word)
		case !slices.IsSortedFunc(mix, func(a, b string) int { return at(a) - at(b) }):
			p.failAt(p.mixesAt, 0, "", "mix %s: the nodes of a mix stand in the order in which they start", word)
		case len(slices.Compact(slices.Clone(mix))) < len(mix):
			p.failAt(p.mixesAt, 0, "", "mix %s: a node stands twice", word)
		case len(mix) == len(nodes):
			p.failAt(p.mixesAt, 0, "", "mix %s leaves no node to the target", word)
		}
		seen[word] = true
	}
}
