package triage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/harness/contract"
	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

// mode is the only one in which findings are judged.
const mode = "strict"

// how is how a case is played.
type how struct {
	seed uint64
	// end looks at what only the end of a case shows.
	end bool
	// alone leaves the target out: what a fault of the oracle begins with may be a difference, at which a play of both ends.
	alone bool
}

// play plays a case on both sides, judged by each other alone, or on the oracle alone.
func (t *Triage) play(ctx context.Context, c *scenario.Case, h how) (*verdict.Result, []cause.Cause) {
	t.mu.Lock()
	t.plays++
	t.mu.Unlock()
	cfg := runner.Config{Oracle: t.opts.Oracle, Target: t.opts.Target, Seed: h.seed, Mode: mode, Explore: true, SkipEnd: !h.end}
	if h.alone {
		cfg.Target = nil
	}
	res := runner.Run(ctx, c, cfg)
	if ctx.Err() != nil {
		return res, nil // what was cut short says nothing
	}
	return res, cause.Of(c, res)
}

// survives plays a case on the target alone and returns what it suffers: nothing if it lives, answers and can be
// started again from what it wrote.
func (t *Triage) survives(ctx context.Context, c *scenario.Case, seed uint64) (*verdict.Result, *cause.Cause) {
	res := runner.Run(ctx, c, runner.Config{Oracle: t.opts.Target, Seed: seed, Mode: mode, Explore: true})
	if ctx.Err() != nil {
		return res, nil
	}
	causes := cause.Of(c, res)
	// It stood in the oracle's place to be judged by nobody; what it said is the target's.
	for i := range res.Steps {
		st := &res.Steps[i]
		if st.Target, st.Oracle = st.Oracle, nil; st.Verdict == verdict.OracleFault {
			st.Verdict = verdict.Fail
		}
	}
	res.Verdict, res.Reason = verdict.Fail, c.Header.Reason
	res.Sides = map[verdict.Witness]*verdict.Side{verdict.Target: res.Sides[verdict.Oracle]}
	for _, ca := range causes {
		ca.Title = strings.Replace(ca.Title, string(verdict.Oracle), string(verdict.Target), 1)
		ca.Kind = map[Kind]Kind{OracleCrash: TargetCrash, OracleHang: TargetHang, OracleCorrupt: Invariant}[ca.Kind]
		return res, &ca
	}
	return res, nil
}

// prepare completes the header of a candidate's case, takes out recorded answers that are no conditions,
// and gives it back as its text has it, with lines.
func prepare(c Candidate, source string) (*scenario.Case, error) {
	out := *c.Case
	out.Path, out.Loose = "candidate"+scenario.Ext, true
	h := &out.Header
	if h.Scenario == "" {
		id := "E003"
		if len(runner.Puppets(c.Case)) > 0 {
			id = "E009"
		}
		h.Scenario = contract.Full(id)
	}
	s, ok := contract.ScenarioByID(contract.Short(h.Scenario))
	if !ok {
		return nil, fmt.Errorf("triage: candidate of episode %d: unknown scenario %q", c.Episode, h.Scenario)
	}
	h.Contract, h.Reason, h.Recorded = s.Row, s.Reason, ""
	if len(h.Anchors) == 0 {
		h.Anchors = slices.Clone(s.Anchors)
	}
	if h.Class == "" {
		h.Class = contract.Adversarial
	}
	if h.Source == "" {
		h.Source = source
	}
	h.Rules = nil
	if len(out.Comments) == 0 {
		out.Comments = []string{"A finding."}
	}
	out.Sections = slices.Clone(out.Sections)
	for i := range out.Sections {
		sec := &out.Sections[i]
		sec.Steps = slices.Clone(sec.Steps)
		for j := range sec.Steps {
			if st := &sec.Steps[j]; st.Actor != "wait" && st.Actor != "hold" {
				st.Expect = nil
			}
		}
	}
	return reparse(&out)
}

// reparse gives a case as its text has it.
func reparse(c *scenario.Case) (*scenario.Case, error) {
	out, err := scenario.Parse(c.Path, scenario.Format(c))
	if err != nil {
		return nil, fmt.Errorf("triage: %w", err)
	}
	out.Loose = c.Loose
	if err := runner.Check(out); err != nil {
		return nil, fmt.Errorf("triage: %w", err)
	}
	return out, nil
}

// cut drops the steps behind the one that decided res. What only the end shows needs all.
func cut(c *scenario.Case, res *verdict.Result) (out *scenario.Case, end bool) {
	last := res.Steps[len(res.Steps)-1].Line
	if last == 0 {
		return c, true
	}
	short := *c
	short.Sections = nil
	for _, sec := range c.Sections {
		sec.Steps = slices.DeleteFunc(slices.Clone(sec.Steps), func(st scenario.Step) bool { return st.Line > last })
		if len(sec.Steps) > 0 {
			short.Sections = append(short.Sections, sec)
		}
	}
	out, err := reparse(&short)
	if err != nil {
		return c, false // cannot be: a prefix of a case is a case
	}
	return out, false
}

// record fills the expected blocks with what the oracle answered, as far as it did.
func record(c *scenario.Case, res *verdict.Result, id oracle.Identity) (*scenario.Case, error) {
	answers := map[int][]string{}
	for i := range res.Steps {
		if st := &res.Steps[i]; st.Oracle != nil && st.Oracle.Fault == nil && st.Line > 0 {
			answers[st.Line] = st.Oracle.Lines
		}
	}
	out := *c
	out.Sections = slices.Clone(out.Sections)
	for i := range out.Sections {
		sec := &out.Sections[i]
		sec.Steps = slices.Clone(sec.Steps)
		for j := range sec.Steps {
			st := &sec.Steps[j]
			if lines, ok := answers[st.Line]; ok {
				st.Expect = slices.Clone(lines)
			}
		}
	}
	if id.Product == "redis" {
		out.Header.Recorded = id.Short()
	}
	return reparse(&out)
}
