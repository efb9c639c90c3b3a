package runner

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slotdiff/slotdiff/harness/puppet"
	"github.com/slotdiff/slotdiff/harness/scenario"
)

// Where says what stands first in a step of a verb.
type Where string

// The places of a verb.
const (
	OnLine   Where = "statement" // the verb itself: "wait a within=2s"
	OnNode   Where = "node"      // a node: "a/x recv within=1s"
	OnPuppet Where = "puppet"    // a puppet: "p send PING"
)

// Verb is one thing a step can do. docs/verbs.md is generated from the registry.
type Verb struct {
	Name  string
	Where Where
	Usage string // the first line, and the input lines if it has any
	Doc   string
	run   func(ctx context.Context, c *call) (output, error)
}

// Verbs lists every verb in the order of the documentation.
func Verbs() []*Verb {
	return []*Verb{
		verbNode, verbCommand, verbSend, verbRecv,
		verbPuppet, verbSet, verbDial, verbPuppetSend, verbPuppetRecv, verbReply, verbFence, verbClose,
		verbWait, verbHold, verbAgree, verbSnapshot,
		verbKill, verbRestart, verbPause, verbResume,
		verbCut, verbHeal, verbDelay,
	}
}

// findVerb finds a verb by the word that stands for it; a bare command has none.
func findVerb(where Where, name string) *Verb {
	for _, v := range Verbs() {
		if v.Where == where && v.Name == name && v != verbCommand {
			return v
		}
	}
	return nil
}

// names of all verbs at a place, for error messages.
func verbNames(where Where) string {
	var names []string
	for _, v := range Verbs() {
		if v.Where == where && v != verbCommand {
			names = append(names, v.Name)
		}
	}
	return strings.Join(names, " ")
}

// call is one execution of a verb.
type call struct {
	side  *side
	actor string // the actor of the step, without its connection
	conn  string // the connection's name, empty for the default one
	step  *scenario.Step
	words []scenario.Word // after the verb
}

// resolve finds the verb of a step, its actor and the words after the verb.
// isPuppet tells puppets from nodes.
func resolve(st *scenario.Step, isPuppet func(actor string) bool) (*Verb, *call) {
	c := &call{step: st, words: st.Words}
	c.actor, c.conn = st.Conn()
	if v := findVerb(OnLine, st.Actor); v != nil {
		return v, c
	}
	first := ""
	if len(st.Words) > 0 {
		first, _ = st.Words[0].Literal()
	}
	if isPuppet(c.actor) {
		if v := findVerb(OnPuppet, first); v != nil {
			c.words = st.Words[1:]
			return v, c
		}
		return nil, c
	}
	if v := findVerb(OnNode, first); v != nil {
		c.words = st.Words[1:]
		return v, c
	}
	return verbCommand, c
}

// expand replaces the references of one word.
func (c *call) expand(w scenario.Word) (string, error) { return w.Expand(c.side.names.lookup) }

// expandAll expands every word.
func (c *call) expandAll(words []scenario.Word) ([]string, error) {
	out := make([]string, len(words))
	for i, w := range words {
		s, err := c.expand(w)
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

// inputLines expands the input lines of the step.
func (c *call) inputLines() ([]string, error) {
	out := make([]string, len(c.step.Input))
	for i, l := range c.step.Input {
		s, err := scenario.ExpandText(l, c.side.names.lookup)
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

// options splits words into plain ones and the values of known keys. A word
// key=value whose key is not in known is plain.
func (c *call) options(words []scenario.Word, known ...string) (plain []scenario.Word, opts map[string]string, err error) {
	opts = map[string]string{}
	for _, w := range words {
		key, value, ok := w.KeyValue()
		if !ok || !slices.Contains(known, key) {
			plain = append(plain, w)
			continue
		}
		if _, twice := opts[key]; twice {
			return nil, nil, fmt.Errorf("%s= is given twice", key)
		}
		if opts[key], err = c.expand(value); err != nil {
			return nil, nil, err
		}
	}
	return plain, opts, nil
}

// duration reads an option such as within=2s, which must be there.
func duration(opts map[string]string, key string) (time.Duration, error) {
	s, ok := opts[key]
	if !ok {
		return 0, fmt.Errorf("%s= is missing, e.g. %s=2s", key, key)
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s=%s: not a positive duration such as 500ms or 2s", key, s)
	}
	return d, nil
}

// node is the started node that the step speaks to.
func (c *call) node() (*node, error) { return c.side.node(c.actor) }

// puppet is the puppet that the step speaks to.
func (c *call) puppet() *puppet.Puppet { return c.side.puppets[c.actor].Puppet }

// word is one word of a step, with its references unexpanded.
type word = scenario.Word

// number1 reads an option such as count=3, at least 1, which is 1 where it is absent.
func number1(opts map[string]string, key string) (int, error) {
	s, given := opts[key]
	if !given {
		return 1, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s=%s: not a whole number above 0", key, s)
	}
	return n, nil
}

// ok is the answer of a verb that has nothing to tell but that it was done.
var ok = output{kind: "ok", lines: []string{"ok"}}
