package cause

import (
	"fmt"
	"strings"

	"github.com/slotdiff/slotdiff/harness/puppet"
	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// Of returns what the result of playing c shows: nothing where the sides agree or the harness failed, two
// causes where oracle and target fail at the same step in different ways.
func Of(c *scenario.Case, res *verdict.Result) []Cause {
	step := deciding(res)
	if step == nil {
		return nil
	}
	if _, ok := harnessFailed(step); ok {
		return nil
	}
	var out []Cause
	for _, side := range []struct {
		w verdict.Witness
		a *verdict.Answer
	}{{verdict.Oracle, step.Oracle}, {verdict.Target, step.Target}} {
		if side.a != nil && side.a.Fault != nil {
			out = append(out, ofFault(c, res, step, side.w, side.a.Fault))
		}
	}
	if len(out) == 2 && out[0].Kind == OracleCorrupt && out[1].Kind == Invariant && out[0].Core == out[1].Core {
		out = out[:1] // the target does as the oracle does
	}
	if out == nil && step.Verdict == verdict.Fail {
		out = append(out, ofAnswers(c, res, step))
	}
	return out
}

// HarnessFailed says what the harness could not do, where that is why a result says nothing.
func HarnessFailed(res *verdict.Result) (why string, failed bool) {
	for i := range res.Steps {
		if why, ok := harnessFailed(&res.Steps[i]); ok {
			return why, true
		}
	}
	return "", false
}

func harnessFailed(step *verdict.Step) (string, bool) {
	for _, a := range []*verdict.Answer{step.Oracle, step.Target} {
		if a != nil && a.Fault != nil && a.Fault.Kind == verdict.FaultHarness {
			return a.Fault.Detail, true
		}
	}
	return "", false
}

// deciding is the step in which a side failed or the sides part.
func deciding(res *verdict.Result) *verdict.Step {
	for i := range res.Steps {
		if v := res.Steps[i].Verdict; v == verdict.Fail || v == verdict.OracleFault {
			return &res.Steps[i]
		}
	}
	return nil
}

// Unexecuted reports whether the sides part because the target says that it does not run a command, which the oracle did run.
func Unexecuted(res *verdict.Result) bool {
	step := deciding(res)
	if step == nil || step.Oracle == nil || step.Target == nil || len(step.Oracle.Lines) == 0 || len(step.Target.Lines) == 0 {
		return false
	}
	return strings.HasPrefix(step.Target.Lines[0], NotExecuted) && !BeforeItRan(step.Oracle.Lines[0])
}

func ofFault(c *scenario.Case, res *verdict.Result, step *verdict.Step, w verdict.Witness, f *verdict.Fault) Cause {
	first, _, _ := strings.Cut(f.Detail, "\n")
	out := Cause{Title: fmt.Sprintf("%s: %s at %s: %s", w, f.Kind, describe(c, step), first)}
	oracle := w == verdict.Oracle
	pick := func(ofOracle, ofTarget Kind) {
		if out.Kind = ofTarget; oracle {
			out.Kind = ofOracle
		}
	}
	switch f.Kind {
	case verdict.FaultCrash:
		pick(OracleCrash, TargetCrash)
		log := f.Detail
		if side := res.Sides[w]; side != nil && side.NodeLogs[f.Node] != "" {
			log = side.NodeLogs[f.Node]
		}
		out.Core = Crash(log)
		if out.Core == "" {
			out.Core, out.Trigger = Fold(first), trigger(c, step.Line)
		}
	case verdict.FaultHang:
		pick(OracleHang, TargetHang)
		out.Core = "hang"
		out.Trigger = trigger(c, step.Line)
		if out.Trigger == "" {
			out.Core += " at " + describe(c, step)
		}
	default:
		pick(OracleCorrupt, Invariant)
		out.Core = invariant(f.Detail)
		out.Trigger = trigger(c, step.Line)
	}
	return out
}

// invariant is what an invariant's text says, without the values at hand.
func invariant(detail string) string {
	first, rest, _ := strings.Cut(detail, "\n")
	core := Fold(first)
	// What a server that does not start from its nodes.conf says of it stands in its log.
	for line := range strings.Lines(rest) {
		for _, mark := range []string{"==> ", "Unrecoverable error: "} {
			if _, said, ok := strings.Cut(line, mark); ok {
				return core + " " + Fold(said)
			}
		}
	}
	return core
}

func ofAnswers(c *scenario.Case, res *verdict.Result, step *verdict.Step) Cause {
	want, got := step.Want, step.Target
	if step.Oracle != nil {
		want = step.Oracle.Lines
	}
	have, what, line := got.Lines, describe(c, step), step.Line
	queued := pointAt(c, res, step, want, have)
	if queued != nil {
		what, want, have, line = queued.name, queued.want, queued.got, queued.multi
	}
	d := compare(want, have)
	if asked := asksAbout(c, step); asked != "" && isArray(want) && isArray(have) {
		what += " of " + asked
	}
	out := Cause{
		Kind: Divergence, Core: what + ": " + d.class, Mirror: what + ": " + compare(have, want).class,
		Title: fmt.Sprintf("%s: %s, not %s", what, d.got, d.want),
	}
	if d.header != "" && packetVerb(what) {
		out.Core, out.Mirror = header+d.header, header+compare(have, want).header
		return out
	}
	if d.state || packetVerb(what) {
		out.Trigger = trigger(c, line)
	}
	if queued != nil && out.Trigger == "" {
		out.Trigger = "MULTI"
	}
	return out
}

func isArray(lines []string) bool { return len(lines) > 0 && lineClass(lines[0]) == "array" }

// asksAbout is the command whose keys a step asks COMMAND for, empty if it is another step.
func asksAbout(c *scenario.Case, step *verdict.Step) string {
	st := find(c, step)
	if st == nil || len(st.Words) < 3 {
		return ""
	}
	switch runner.Describe(c, st) {
	case "COMMAND GETKEYS", "COMMAND GETKEYSANDFLAGS":
		return strings.ToUpper(st.Words[2].String())
	}
	return ""
}

// header stands for the verb and the packet in the core of a difference that any packet has.
const header = "any packet: "

// packetVerb reports whether a step's answer depends on packets and not on its own words.
func packetVerb(what string) bool {
	verb, _, _ := strings.Cut(what, " ")
	switch verb {
	case "recv", "reply", "send", "snapshot", "wait", "hold", "dial":
		return true
	}
	return false
}

// find returns the step of c that a result's step is of, or nil for the invariants at the end.
func find(c *scenario.Case, step *verdict.Step) *scenario.Step {
	for _, st := range c.Steps() {
		if st.Line == step.Line && step.Line != 0 {
			return st
		}
	}
	return nil
}

func describe(c *scenario.Case, step *verdict.Step) string {
	if st := find(c, step); st != nil {
		return runner.Describe(c, st)
	}
	return "the end"
}

// trigger is what was done last up to the step on a line, or in all where that is zero, that could have had such an
// effect: the type of a packet and the rule it meets; where there is none, a command.
func trigger(c *scenario.Case, line int) string {
	out := ""
	for _, p := range runner.Packets(c) {
		if line != 0 && p.Step.Line > line {
			break
		}
		out = packetName(p.Frame)
	}
	if out != "" {
		return out
	}
	for _, st := range c.Steps() {
		if line != 0 && st.Line >= line {
			break
		}
		if what := runner.Describe(c, st); what != "" && what[0] >= 'A' && what[0] <= 'Z' {
			out = what
		}
	}
	return out
}

func packetName(frame []byte) string {
	v := bus.Check(frame)
	name := "a frame"
	if typ, ok := (puppet.Event{Frame: frame}).Type(); ok {
		name = typ.String()
	}
	if v.Rule != bus.RuleNone {
		return name + " " + v.Rule.String()
	}
	p, err := bus.Parse(frame)
	if err != nil {
		return name
	}
	for _, word := range oddities(p) {
		name += " " + word
	}
	return name
}

// oddities names what a well-formed packet has that a plain one has not.
func oddities(p *bus.Packet) []string {
	var out []string
	if p.Flags&bus.FlagReplica != 0 {
		out = append(out, "replica")
	}
	if p.Flags&^(bus.FlagReplica|bus.FlagMaster|bus.FlagMyself) != 0 {
		out = append(out, "flags")
	}
	ping, ok := p.Body.(*bus.Ping)
	if !ok {
		return out
	}
	if len(ping.Gossip) > 0 {
		out = append(out, "gossip")
	}
	seen := map[bus.ExtType]bool{}
	for i := range ping.Exts {
		if typ := ping.Exts[i].Type; !seen[typ] {
			seen[typ] = true
			out = append(out, "ext", typ.String())
		}
	}
	return out
}
