package scenario

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/slotdiff/slotdiff/harness/contract"
)

// Generate returns a well-formed case made from chance alone: it parses, and it
// uses every part of the grammar, but it is no test of anything. It exists to
// hold parser and formatter against each other.
func Generate(r *rand.Rand) *Case {
	g := generator{r}
	c := &Case{Comments: g.comment(), Header: g.header()}
	declared := []string{"a", "p"}
	mixed := r.IntN(4) == 0
	first := Section{Steps: []Step{
		g.block(Step{Actor: "node", Words: Words("a", "cluster-node-timeout=2000")}),
		g.block(Step{Actor: "puppet", Words: Words("p", "slots=1-2")}),
	}}
	if mixed {
		declared = append(declared, "b")
		first.Steps = append(first.Steps, g.block(Step{Actor: "node", Words: Words("b")}))
		c.Header.Mixes = [][]string{{"b"}, {"a"}}
	}
	if g.r.IntN(2) == 0 {
		first.Title = g.text()
		first.Notes = g.comment()
	}
	c.Sections = append(c.Sections, first)
	for range r.IntN(4) {
		sec := Section{Title: g.text(), Notes: g.comment()}
		for range 1 + r.IntN(5) {
			sec.Steps = append(sec.Steps, g.step(declared))
		}
		c.Sections = append(c.Sections, sec)
	}
	return c
}

type generator struct{ r *rand.Rand }

// alphabet is what generated text is made of: every byte that means something to
// the lexer, and some that do not.
var alphabet = []string{
	"a", "b", "Z", "0", "9", "_", "-", ".", "=", "$", "{", "}", "$a.id", "${p.port}", "|", "#", "[", "]", "!",
	`"`, "'", `\`, `\x`, " ", "\t", "\n", "\r", "\x00", "\x7f", "\xff", "é", "\u00a0", "\u2028", "----", "*", ":",
}

func (g generator) pick(list ...string) string { return list[g.r.IntN(len(list))] }

func (g generator) header() Header {
	s := contract.Scenarios()[g.r.IntN(len(contract.Scenarios()))]
	h := Header{
		Scenario: contract.Full(s.ID), Contract: s.Row, Anchors: s.Anchors,
		Class: contract.Classes()[g.r.IntN(3)], Reason: s.Reason, Source: g.text(),
	}
	if g.r.IntN(2) == 0 {
		h.Needs = []string{"debug", "redis>=8.4"}
		h.Rules = []string{"bad-signature"}
		h.Recorded = g.text()
		h.Deadline = time.Duration(1+g.r.IntN(7200)) * time.Second
	}
	return h
}

// text is one line of printable words without leading or trailing blanks.
func (g generator) text() string {
	words := make([]string, 1+g.r.IntN(4))
	for i := range words {
		words[i] = g.pick("the", "slot", "x:y", "#t", "$a.id", "é", "--", `"q"`)
	}
	return strings.Join(words, " ")
}

// comment is a few lines whose first and last are not empty.
func (g generator) comment() []string {
	if g.r.IntN(2) == 0 {
		return nil
	}
	out := []string{g.text()}
	for range g.r.IntN(3) {
		out = append(out, g.pick("", g.text(), "  indented"), g.text())
	}
	return out
}

func (g generator) word() Word {
	if g.r.IntN(20) == 0 {
		return Word{Pipe: true}
	}
	var parts []Part
	for range g.r.IntN(6) {
		if g.r.IntN(4) == 0 {
			parts = append(parts, Part{Ref: Ref{Name: g.pick("a", "p"), Field: g.pick("id", "port", "x2")}})
			continue
		}
		parts = append(parts, Part{Lit: g.pick(alphabet...)})
	}
	if parts = merge(parts); len(parts) == 0 {
		return Word{}
	}
	return Word{Parts: parts}
}

func (g generator) step(declared []string) Step {
	s := Step{Actor: g.pick(declared...)}
	if g.r.IntN(3) == 0 {
		s.Actor += "/" + g.pick("x", "c2")
	}
	for range g.r.IntN(3) {
		s.Conds = append(s.Conds, Cond{Name: g.pick("sim", "redis>=8.4"), Not: g.r.IntN(2) == 0})
	}
	for range 1 + g.r.IntN(4) {
		s.Words = append(s.Words, g.word())
	}
	if g.r.IntN(3) == 0 {
		s.Comment = g.text()
	}
	for range g.r.IntN(3) {
		s.Input = append(s.Input, g.pick("  k=v addr=$a.addr", "GET x | y", "# no title", "[x]", "plain  "))
	}
	return g.block(s)
}

// block adds an expected block.
func (g generator) block(s Step) Step {
	for range g.r.IntN(4) {
		s.Expect = append(s.Expect, g.pick("+OK", `"x"`, "  :5", "| text  ", "# no title", "a GET x", "é"))
	}
	return s
}
