package runner

import (
	"errors"
	"fmt"
	"slices"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// Check finds what is wrong with a case without running it: unknown verbs, views,
// conditions and needs, words and input lines that a verb does not take. Each error begins with the file and the line. That every
// actor is declared before it is used, package scenario has checked.
func Check(c *scenario.Case) error {
	var errs []error
	at := func(line int, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s:%d: %s", c.Path, line, fmt.Sprintf(format, args...)))
	}
	if _, err := Needs(c); err != nil {
		at(1, "%v", err)
	}
	if _, err := bus.ParseOmit(c.Header.Omit); err != nil {
		at(1, "omit: %v", err)
	}
	puppets := map[string]bool{}
	behind := relayed(c)
	reh := newRehearsal(c)
	for _, st := range c.Steps() {
		for _, cond := range st.Conds {
			if _, err := oracle.ParseCapability(cond.Name); err != nil {
				at(st.Line, "condition %s: %v", cond, err)
			}
		}
		v, cl := resolve(st, func(actor string) bool { return puppets[actor] })
		subject := ""
		if len(cl.words) > 0 {
			subject = cl.words[0].String()
		}
		if v != nil {
			if err := reh.step(v, cl); err != nil {
				at(st.Line, "%s: %v", stepName(v, st), err)
				continue
			}
		}
		switch {
		case v == nil:
			at(st.Line, "puppet %s: unknown verb %q; there are %s", cl.actor, subject, verbNames(OnPuppet))
		case v == verbPuppet:
			puppets[subject] = true
		case v == verbSnapshot && len(cl.words) == 2:
			if _, err := findView(cl.words[1].String()); err != nil {
				at(st.Line, "%v", err)
			}
		case partitioning(st.Actor):
			if err := checkRelays(st, func(name string) bool { return puppets[name] }); err != nil {
				at(st.Line, "%v", err)
			}
		case v == verbNode && behind[subject]:
			for _, w := range cl.words[1:] {
				if key, _, _ := w.KeyValue(); key == announceBusPort {
					at(st.Line, "node %s: %s is taken by its relay, which the case's cut, heal or delay asks for", subject, announceBusPort)
				}
			}
		case v == verbCommand && slices.Contains(scenario.Keywords(), st.Actor):
			at(st.Line, "%s: not a verb of live nodes; there are %s", st.Actor, verbNames(OnLine))
		}
	}
	return errors.Join(errs...)
}
