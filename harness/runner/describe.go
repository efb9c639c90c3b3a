package runner

import (
	"strings"

	"github.com/slotdiff/slotdiff/harness/scenario"
)

// Puppets returns the names of the puppets that a case starts.
func Puppets(c *scenario.Case) map[string]bool {
	out := map[string]bool{}
	for _, st := range c.Steps() {
		if st.Actor == "puppet" && len(st.Words) > 0 {
			out[st.Words[0].String()] = true
		}
	}
	return out
}

// Describe says what a step of c does, without its arguments: "GET", "CLUSTER SETSLOT", "wait CLUSTER INFO",
// "snapshot nodes", "recv PONG", "recv of GET".
func Describe(c *scenario.Case, st *scenario.Step) string {
	puppets := Puppets(c)
	v, cl := resolve(st, func(actor string) bool { return puppets[actor] })
	word := func(i int) string {
		if i >= len(cl.words) || strings.Contains(cl.words[i].String(), "=") {
			return ""
		}
		return " " + cl.words[i].String()
	}
	switch {
	case v == nil:
		return "?"
	case v == verbCommand:
		return commandName(cl.words)
	case v == verbSend:
		return "send " + commandName(cl.words)
	case v == verbRecv:
		return "recv" + pending(c, st)
	case v == verbSnapshot:
		return v.Name + word(1)
	case v == verbWait, v == verbHold:
		if len(st.Input) == 0 {
			return v.Name
		}
		words, _, _ := scenario.ParseWords(st.Input[0]) // a line that can not be read has no name
		words, _ = scenario.SplitPipe(words)
		if len(words) > 1 && words[0].String() == "snapshot" {
			return v.Name + " snapshot " + words[1].String()
		}
		return v.Name + " " + commandName(words)
	case v.Where == OnPuppet && v != verbSet:
		return v.Name + word(0)
	default:
		return v.Name
	}
}

// commandName is the command of words, with its subcommand where it has those.
func commandName(words []scenario.Word) string {
	var args []string
	for _, w := range words[:min(2, len(words))] {
		args = append(args, w.String())
	}
	if len(args) == 0 {
		return ""
	}
	return commandKind(args)
}

// pending names the command that was sent last on the connection of a recv.
func pending(c *scenario.Case, recv *scenario.Step) string {
	name := ""
	for _, st := range c.Steps() {
		if st == recv || st.Line != 0 && st.Line == recv.Line {
			break
		}
		if st.Actor != recv.Actor || len(st.Words) < 2 || st.Words[0].String() != verbSend.Name {
			continue
		}
		last := st.Words[1:]
		if n := len(st.Input); n > 0 {
			if words, _, err := scenario.ParseWords(st.Input[n-1]); err == nil {
				last = words
			}
		}
		name = " of " + commandName(last)
	}
	return name
}

// Sent is a packet that a puppet sends.
type Sent struct {
	Step   *scenario.Step
	Puppet string
	// Frame has made-up ids and ports in the place of those that a run will have.
	Frame []byte
}

// Packets returns every packet that the puppets of a case send of their own accord or as scripted answers, in
// order. A step whose packet cannot be built is left out.
func Packets(c *scenario.Case) []Sent {
	var out []Sent
	r := newRehearsal(c)
	puppets := Puppets(c)
	for _, st := range c.Steps() {
		v, cl := resolve(st, func(actor string) bool { return puppets[actor] })
		switch v {
		case verbPuppet, verbSet:
			_ = r.step(v, cl) // [Check] tells of it
		case verbPuppetSend, verbReply:
			cl.side = &side{names: r.names}
			if frame, err := r.frame(v, cl); err == nil {
				out = append(out, Sent{st, cl.actor, frame})
			}
		}
	}
	return out
}
