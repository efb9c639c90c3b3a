// Package runner plays a case on the sides of a run in lockstep: every step is
// executed by the oracle and the target at the same time, their answers are
// folded, masked and compared, and the next step starts when both are done.
//
// It knows servers only through package oracle's interfaces and peers only
// through package puppet. It refuses to know what a right answer is: that is
// what the oracle said, live or recorded.
package runner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

// Config says what a case is run against.
type Config struct {
	// Oracle starts real Redis. Nil: the recorded blocks stand in for it.
	Oracle oracle.Driver
	// Target starts the server under test. Nil only for recording.
	Target oracle.Driver
	// Seed determines the ids of puppets. Equal seeds give equal streams.
	Seed uint64
	// Mode is strict or hardened; it is part of the digests.
	Mode string
	// Pace is how many times as fast as the wall's the clock of the target's nodes may
	// run while a step waits, where its driver can; 0 is 1. Real Redis has the wall's
	// clock: with an oracle it must be 1.
	Pace int
	// Known looks a failed case up among the known divergences. It may be nil.
	Known func(c *scenario.Case, target oracle.Identity, mode string) (reason string, ok bool)
	// Proven remembers which nodes.conf a server has already started from, so that
	// cases which end in the same state do not prove it again. Nil: each case does.
	Proven *Proven
	// Explore holds the target against the oracle alone: no answer is held against the expected blocks, which only
	// tell wait and hold what to look for. Where the oracle itself does not come to what a wait or hold looks for, what
	// follows depends on time, and the case ends as unknown. Without a live oracle it has no meaning.
	Explore bool
	// Patience is how much longer a side may take to come to what a wait looks for, or to receive anything, once another has. It has no
	// meaning but with Explore.
	Patience time.Duration
	// SkipEnd leaves out the invariants of the end, which start every node once more.
	SkipEnd bool
	// OnStep, if set, is called after every step, from the goroutine of Run.
	OnStep func(*verdict.Step)

	starts gate
}

// run is one case in progress.
type run struct {
	cfg   Config
	c     *scenario.Case
	res   *verdict.Result
	sides []*side // oracle first, where there is one
}

// Run plays c and returns what it came to. It never fails: what goes wrong with
// the case, a server or the harness is a verdict with its cause. Everything it
// started is gone when it returns.
//
// What did not pass while the clock ran fast is played once more with the wall's, and
// that counts: a machine that is late by so little that nobody notices is late by
// seconds of a fast clock. The result says so (Hurried). A server that crashed, hung or
// broke an invariant did so whatever the clock, and is not asked again.
func Run(ctx context.Context, c *scenario.Case, cfg Config) *verdict.Result {
	res := playOnce(ctx, c, cfg)
	if cfg.Pace <= 1 || ctx.Err() != nil || !mayBeLateness(res) {
		return res
	}
	cfg.Pace = 1
	again := playOnce(ctx, c, cfg)
	again.Hurried = string(res.Verdict) + ": " + res.Cause
	return again
}

// mayBeLateness reports whether a result may come of a clock that ran fast.
func mayBeLateness(r *verdict.Result) bool {
	if r.Verdict == verdict.Pass || r.Verdict == verdict.Skip {
		return false
	}
	for _, st := range r.Steps {
		if st.Target != nil && st.Target.Fault != nil && st.Target.Fault.Kind != verdict.FaultHarness {
			return false
		}
	}
	return true
}

func playOnce(ctx context.Context, c *scenario.Case, cfg Config) *verdict.Result {
	r := &run{cfg: cfg, c: c, res: &verdict.Result{
		Case: c.Name(), Scenario: c.Header.Scenario, Contract: c.Header.Contract, Mode: cfg.Mode, Seed: cfg.Seed,
		Verdict: verdict.Pass, Started: time.Now(), CaseText: scenario.Format(c),
		Sides: map[verdict.Witness]*verdict.Side{},
	}}
	r.res.InputDigest = r.inputDigest()
	if cfg.Oracle != nil {
		r.sides = append(r.sides, newSide(verdict.Oracle, cfg.Oracle, cfg, c))
	}
	if cfg.Target != nil {
		r.sides = append(r.sides, newSide(verdict.Target, cfg.Target, cfg, c))
	}
	if need := r.unmetNeed(); need != "" {
		r.res.Verdict, r.res.Cause = verdict.Skip, "needs "+need
		return r.finish()
	}
	r.play(ctx)
	r.close(ctx)
	return r.finish()
}

// endAllowance is how long the invariants at the end of a case may take. They have
// nothing to do with the case's own deadline, which may be all but spent by then. It has room for a start that fails late, and another.
const endAllowance = 60 * time.Second

// within starts the clock of the case's next part.
func (r *run) within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, b, cancel := withBudget(ctx, d)
	for _, s := range r.sides {
		s.budget = b
	}
	return ctx, cancel
}

// play executes the steps until the first that ends the case.
func (r *run) play(ctx context.Context) {
	ctx, cancel := r.within(ctx, r.c.Deadline())
	defer cancel()
	for i := range r.c.Sections {
		sec := &r.c.Sections[i]
		for j := range sec.Steps {
			st := &sec.Steps[j]
			if !r.holds(st.Conds) {
				continue
			}
			step := r.lockstep(ctx, sec.Title, st)
			r.judge(step)
			r.res.Steps = append(r.res.Steps, *step)
			if r.cfg.OnStep != nil {
				r.cfg.OnStep(step)
			}
			if r.cfg.Explore && step.Verdict == verdict.Unknown {
				return
			}
			if step.Verdict == verdict.Fail || step.Verdict == verdict.Skip || faulty(step) || ctx.Err() != nil {
				return
			}
		}
	}
}

// conditional reports whether the expected block of a step is a condition.
func conditional(st *scenario.Step) bool {
	return st.Actor == verbWait.Name || st.Actor == verbHold.Name
}

// faulty reports whether a side can not go on: a server failed, or the harness did.
func faulty(step *verdict.Step) bool {
	return step.Oracle != nil && step.Oracle.Fault != nil || step.Target != nil && step.Target.Fault != nil
}

// lockstep runs one step on every side at the same time and waits for all. Only servers
// are started in turn, see turn.
func (r *run) lockstep(ctx context.Context, phase string, st *scenario.Step) *verdict.Step {
	step := &verdict.Step{Line: st.Line, Phase: phase, Text: st.Text(), Want: st.Expect}
	answers := make([]*verdict.Answer, len(r.sides))
	var wg sync.WaitGroup
	var last *turn
	together := newPeers(r.cfg, len(r.sides), st)
	for i, s := range r.sides {
		s.turn = newTurn(last)
		last = s.turn
		s.waiter = together.waiter()
		wg.Go(func() {
			defer s.turn.end()
			answers[i] = s.perform(ctx, st)
			s.waiter.answer(answers[i])
		})
	}
	wg.Wait()
	last.leave()
	for i, s := range r.sides {
		if s.witness == verdict.Oracle {
			step.Oracle = answers[i]
		} else {
			step.Target = answers[i]
		}
	}
	if r.cfg.Explore && step.Oracle != nil && !(conditional(st) && st.Expect != nil) {
		step.Want = step.Oracle.Lines
	}
	return step
}

// judge gives a step its verdict, and the case its own where the step decides it.
func (r *run) judge(step *verdict.Step) {
	step.Verdict = judgeStep(step)
	if r.cfg.Explore && step.Verdict == verdict.Fail && !faulty(step) && step.Oracle != nil && !slices.Equal(step.Oracle.Lines, step.Want) {
		step.Verdict = verdict.Unknown // the condition of a wait or hold that the oracle does not come to
	}
	if step.Verdict == verdict.Pass {
		return
	}
	if r.res.Verdict == verdict.Pass || step.Verdict != verdict.Unknown {
		r.res.Verdict = step.Verdict
		r.res.Cause = cause(step)
	}
}

// judgeStep compares the witnesses of a step. The oracle is right by definition;
// a broken oracle is a verdict of its own, and never the target's divergence.
func judgeStep(step *verdict.Step) verdict.Verdict {
	o, t := step.Oracle, step.Target
	switch {
	case o != nil && o.Fault != nil && o.Fault.Kind == verdict.FaultHarness:
		return verdict.Unknown
	case o != nil && o.Fault != nil:
		return verdict.OracleFault
	case t != nil && t.Fault != nil && t.Fault.Kind == verdict.FaultHarness:
		return verdict.Unknown
	case t != nil && t.Fault != nil:
		return verdict.Fail
	case lacking(step) != "" && !unanimous(step):
		return verdict.Skip
	case o != nil && t != nil && !slices.Equal(o.Lines, t.Lines):
		return verdict.Fail
	case o != nil && !slices.Equal(o.Lines, step.Want):
		return verdict.Unknown
	case o == nil && t != nil && !slices.Equal(t.Lines, step.Want):
		return verdict.Fail
	default:
		return verdict.Pass
	}
}

// lacking returns what the first side that lacks something for the step lacks, or "".
func lacking(step *verdict.Step) string {
	for _, a := range []*verdict.Answer{step.Oracle, step.Target} {
		if a != nil && a.Lacks != "" {
			return a.Lacks
		}
	}
	return ""
}

// unanimous reports whether every side answered as the recording has it.
func unanimous(step *verdict.Step) bool {
	for _, a := range []*verdict.Answer{step.Oracle, step.Target} {
		if a != nil && !slices.Equal(a.Lines, step.Want) {
			return false
		}
	}
	return true
}

// close ends the sides, after the invariants that only the end of a case can check.
func (r *run) close(ctx context.Context) {
	ctx, cancel := r.within(ctx, endAllowance)
	defer cancel()
	defer oracle.KeepPorts()() // what startSaved starts dials the ports of those who are gone
	var wg sync.WaitGroup
	evidence := make([]*verdict.Side, len(r.sides))
	faults := make([]*verdict.Fault, len(r.sides))
	for i, s := range r.sides {
		wg.Go(func() {
			var files []saved
			if r.res.Verdict == verdict.Pass && !r.cfg.SkipEnd {
				files, faults[i] = s.saveAll(ctx, r.cfg.Proven)
			}
			evidence[i] = s.close()
			if faults[i] == nil {
				faults[i] = s.startSaved(ctx, files)
			}
		})
	}
	wg.Wait()
	step := &verdict.Step{Phase: "invariants at the end", Text: "every node starts again from the nodes.conf it wrote"}
	for i, s := range r.sides {
		r.res.Sides[s.witness] = evidence[i]
		a := &verdict.Answer{Fault: faults[i]}
		if s.witness == verdict.Oracle {
			step.Oracle = a
		} else {
			step.Target = a
		}
	}
	r.judge(step)
	if step.Verdict != verdict.Pass {
		r.res.Steps = append(r.res.Steps, *step)
	}
}

// finish closes the books: reason code, known divergences, digest and duration.
func (r *run) finish() *verdict.Result {
	res := r.res
	res.Duration = time.Since(res.Started)
	res.OutputDigest = r.outputDigest()
	if res.Verdict == verdict.Fail {
		res.Reason = r.c.Header.Reason
		if r.cfg.Known != nil && r.cfg.Target != nil {
			if why, ok := r.cfg.Known(r.c, r.cfg.Target.Identity(), r.cfg.Mode); ok {
				res.Verdict, res.Cause = verdict.Known, why
			}
		}
	}
	return res
}

// inputDigest covers what was sent: the steps without their expected blocks, the
// seed and the mode.
func (r *run) inputDigest() string {
	h := sha256.New()
	fmt.Fprintf(h, "seed=%d mode=%s\n", r.cfg.Seed, r.cfg.Mode)
	for _, sec := range r.c.Sections {
		for i := range sec.Steps {
			fmt.Fprintf(h, "%s\n", sec.Steps[i].Text())
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// outputDigest covers what the judged side answered, in canonical text: the
// target's answers, or the oracle's where there is no target.
func (r *run) outputDigest() string {
	h := sha256.New()
	for i := range r.res.Steps {
		a := r.res.Steps[i].Target
		if a == nil {
			a = r.res.Steps[i].Oracle
		}
		if a == nil {
			continue
		}
		for _, l := range a.Lines {
			fmt.Fprintf(h, "%s\n", l)
		}
		if a.Fault != nil {
			fmt.Fprintf(h, "fault %s %s\n", a.Fault.Kind, a.Fault.Node)
		}
		fmt.Fprintln(h, "----")
	}
	return hex.EncodeToString(h.Sum(nil))
}
