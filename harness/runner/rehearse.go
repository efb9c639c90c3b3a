package runner

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/slotdiff/slotdiff/harness/puppet"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// rehearsal reads the words of every step as its verb will, with made-up ids and
// ports, so that a slip in a case is found before anything is started.
type rehearsal struct {
	names   *names
	puppets map[string]*puppet.Template
}

func newRehearsal(c *scenario.Case) *rehearsal {
	r := &rehearsal{names: newNames(), puppets: map[string]*puppet.Template{}}
	port := uint16(16384)
	for _, st := range c.Steps() {
		if st.Actor != "node" && st.Actor != "puppet" || len(st.Words) == 0 {
			continue
		}
		name := st.Words[0].String()
		id := puppet.ID(0, name)
		local := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		r.names.set(name, identity{
			id: id.String(), addr: netip.AddrPortFrom(local, port), bus: netip.AddrPortFrom(local, port+bus.PortIncrement),
		})
		if st.Actor == "puppet" {
			t := puppet.NewTemplate(id, port+bus.PortIncrement)
			r.puppets[name] = &t
		}
		port++
	}
	return r
}

// stepName is how errors call a step: by its verb, and its actor where it has one.
func stepName(v *Verb, st *scenario.Step) string {
	switch {
	case v == verbCommand:
		return st.Actor
	case v.Where == OnLine:
		return v.Name
	default:
		return st.Actor + " " + v.Name
	}
}

// takesLines lists the verbs that read input lines.
var takesLines = map[*Verb]bool{
	verbNode: true, verbSend: true, verbPuppetSend: true, verbReply: true, verbWait: true, verbHold: true, verbAgree: true,
}

// step returns what is wrong with the words and the input lines of a step.
func (r *rehearsal) step(v *Verb, c *call) error {
	c.side = &side{names: r.names}
	if len(c.step.Input) > 0 && !takesLines[v] {
		return fmt.Errorf("it takes no input lines, the first is %q", c.step.Input[0])
	}
	args, err := c.expandAll(c.words)
	if err != nil {
		return err
	}
	switch v {
	case verbNode:
		if err := makes(c.words, scenario.MakeOracle); err != nil {
			return err
		}
		if err := pairs(c.words[min(1, len(c.words)):]); err != nil {
			return err
		}
		_, err := nodeFiles(c.step.Input, r.names.lookup)
		return err
	case verbRestart:
		return makes(c.words, makeOther)
	case verbCommand:
		return pipe(c.words)
	case verbSend:
		if len(args) == 0 {
			return fmt.Errorf("a command is missing")
		}
	case verbRecv:
		plain, opts, err := c.options(c.words, "within", "count")
		if err != nil {
			return err
		}
		if _, err = number1(opts, "count"); err != nil {
			return err
		}
		if len(plain) > 0 {
			return fmt.Errorf("unexpected word %q", plain[0].String())
		}
		_, err = duration(opts, "within")
		return err
	case verbWait:
		return r.question(c, "within")
	case verbHold:
		return r.question(c, "for")
	case verbAgree:
		return r.question(c, "within")
	case verbSnapshot:
		if len(args) != 2 {
			return fmt.Errorf("want a node and one view of %s", viewNames())
		}
	case verbPuppet:
		if p := r.puppets[args[0]]; p != nil {
			return p.Set(args[1:]...)
		}
	default:
		if v.Where == OnPuppet {
			return r.onPuppet(v, c, args)
		}
	}
	return nil
}

func (r *rehearsal) onPuppet(v *Verb, c *call, args []string) error {
	p := r.puppets[c.actor]
	switch v {
	case verbSet:
		return p.Set(args...)
	case verbDial:
		plain, _, err := c.options(c.words, "link")
		if err == nil && len(plain) != 1 {
			err = fmt.Errorf("want one node")
		}
		return err
	case verbFence:
		to, _, _, err := c.fence()
		if err != nil {
			return err
		}
		name := to.String()
		if _, known := r.names.get(name); !known || r.puppets[name] != nil {
			return fmt.Errorf("no node %q is started by this case", name)
		}
	case verbPuppetSend:
		plain, opts, err := c.options(c.words, "link", "cut", "times")
		if err != nil {
			return err
		}
		if _, err := number1(opts, "times"); err != nil {
			return err
		}
		_, err = r.build(p, c, plain)
		return err
	case verbPuppetRecv:
		w, err := c.awaited()
		plain := w.plain
		if err != nil || len(plain) == 0 {
			return err
		}
		if len(plain) > 1 {
			return fmt.Errorf("want one packet type, have %d words", len(plain))
		}
		_, err = bus.ParseType(plain[0].String())
		return err
	case verbReply:
		w, err := c.awaited()
		plain := w.plain
		if err != nil {
			return err
		}
		if len(plain) < 2 {
			return fmt.Errorf("want the type to wait for and the type to answer with")
		}
		if _, err := bus.ParseType(plain[0].String()); err != nil {
			return err
		}
		_, err = r.build(p, c, plain[1:])
		return err
	}
	return nil
}

// frame builds what a send or reply step sends.
func (r *rehearsal) frame(v *Verb, c *call) ([]byte, error) {
	p := r.puppets[c.actor]
	if v == verbReply {
		w, err := c.awaited()
		plain := w.plain
		if err == nil && len(plain) < 2 {
			err = fmt.Errorf("want the type to wait for and the type to answer with")
		}
		if err != nil {
			return nil, err
		}
		return r.build(p, c, plain[1:])
	}
	plain, _, err := c.options(c.words, "link", "cut", "times")
	if err != nil {
		return nil, err
	}
	return r.build(p, c, plain)
}

func (r *rehearsal) build(p *puppet.Template, c *call, words []word) ([]byte, error) {
	args, err := c.expandAll(words)
	if err != nil {
		return nil, err
	}
	lines, err := c.inputLines()
	if err != nil {
		return nil, err
	}
	return p.Build(args, lines)
}

// question reads a wait or hold.
func (r *rehearsal) question(c *call, option string) error {
	plain, opts, err := c.options(c.words, option)
	if err != nil {
		return err
	}
	switch {
	case len(plain) > 1 && c.step.Actor != verbAgree.Name:
		return fmt.Errorf("unexpected word %q, want one node and %s=", plain[1].String(), option)
	case len(c.step.Input) != 1:
		return fmt.Errorf("want one input line, the question, have %d", len(c.step.Input))
	}
	if _, err := duration(opts, option); err != nil {
		return err
	}
	words, _, err := scenario.ParseWords(c.step.Input[0])
	if err != nil {
		return err
	}
	if _, err := c.expandAll(words); err != nil {
		return err
	}
	if err := pipe(words); err != nil {
		return err
	}
	if words[0].String() != "snapshot" {
		return nil
	}
	if len(words) != 2 {
		return fmt.Errorf("snapshot: want one view of %s", viewNames())
	}
	_, err = findView(words[1].String())
	return err
}

// pipe wants a command before a pipe and a field after it.
func pipe(words []word) error {
	command, fields := scenario.SplitPipe(words)
	switch {
	case len(command) == 0:
		return fmt.Errorf("a command is missing")
	case fields != nil && len(fields) == 0:
		return fmt.Errorf("a field is missing after |")
	}
	return nil
}

// pairs wants directive=value words.
func pairs(words []word) error {
	for _, w := range words {
		if key, _, ok := w.KeyValue(); !ok || strings.TrimSpace(key) == "" {
			return fmt.Errorf("%q is not directive=value", w.String())
		}
	}
	return nil
}
