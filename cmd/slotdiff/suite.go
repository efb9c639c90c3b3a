package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/slotdiff/slotdiff/fixtures"
	"github.com/slotdiff/slotdiff/harness/evidence"
	"github.com/slotdiff/slotdiff/harness/known"
	"github.com/slotdiff/slotdiff/harness/mask"
	"github.com/slotdiff/slotdiff/harness/report"
	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

// suiteOptions are the flags that run, control and replay share.
type suiteOptions struct {
	oracle, target string
	mode           string
	seed           uint64
	parallel       int
	pace           int
	times          int
	junit          string
	format         string
	out            string
}

// Defaults that replay commands need not repeat.
const (
	defaultOracle = "auto"
	defaultTarget = "bundled"
	defaultPace   = 10 // where the recording is the oracle
)

func (o *suiteOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.oracle, "oracle", defaultOracle, "where real Redis comes from; see slotdiff oracle list")
	f.StringVar(&o.mode, "mode", "strict", "strict: the target must answer byte for byte as Redis does")
	f.Uint64Var(&o.seed, "seed", 1, "seed of everything that is chosen by chance")
	f.IntVar(&o.parallel, "parallel", 0, "cases played at once; 0 is as many as suits the machine and the servers")
	f.IntVar(&o.pace, "pace", 0, "run the bundled node's clock `N` times as fast as the wall's while a step waits, which needs the recording as oracle; 0 is 10 with it, else 1")
	f.StringVar(&o.junit, "junit", "", "also write the JUnit report to this `file`")
	f.StringVar(&o.format, "format", "text", "what to print: text, json or github")
	f.StringVar(&o.out, "out", evidence.DefaultDir, "`folder` for the run's evidence")
}

// check finds mistakes in flags before anything is started.
func (o *suiteOptions) check() error {
	if o.mode != "strict" {
		return fmt.Errorf("--mode %s: want strict: no server here has a hardened mode", o.mode)
	}
	if _, err := report.ParseFormat(o.format); err != nil {
		return fmt.Errorf("--format: %w", err)
	}
	if o.parallel < 0 {
		return fmt.Errorf("--parallel %d: want at least 1, or 0 for as many as suits", o.parallel)
	}
	if o.pace < 0 || o.pace > 100 {
		return fmt.Errorf("--pace %d: want 1 to 100, or 0 for what suits", o.pace)
	}
	for flag, s := range map[string]string{"--oracle": o.oracle, "--target": o.target} {
		if s == "" {
			continue
		}
		if _, err := oracle.ParseSpec(s); err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		}
	}
	return nil
}

// suite is one run of cases on two sides, with its evidence and its report.
type suite struct {
	suiteOptions
	command string
	control bool // the target is a second oracle
	whole   bool // every case was selected
	stdout  io.Writer
	stderr  io.Writer
}

func newSuite(cmd *cobra.Command, o suiteOptions) *suite {
	return &suite{suiteOptions: o, command: cmd.Name(), stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
}

// play runs the cases and returns an exitError with the run's code, or nil.
func (s *suite) play(ctx context.Context, list []*scenario.Case) (err error) {
	sides, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sides.close()) }()
	divergences, err := known.Parse("fixtures/divergences.txt", fixtures.Divergences)
	if err != nil {
		return err
	}
	ev, err := evidence.Create(s.evidenceOptions(sides))
	if err != nil {
		return err
	}
	work := repeat(list, s.times)
	out := s.printer()
	out.Begin(len(work), sides.headline())
	cfg := runner.Config{Oracle: sides.oracle, Target: sides.target, Seed: s.seed, Mode: s.mode, Pace: sides.pace}
	if !s.control {
		cfg.Known = func(c *scenario.Case, id oracle.Identity, mode string) (string, bool) {
			e := divergences.Match(c.Name(), id.Product, id.Version, mode)
			if e == nil {
				return "", false
			}
			return e.Reason + " (" + e.Link + ")", true
		}
	}
	var lost error // the first piece of evidence that could not be written
	parallel := s.parallel
	if parallel == 0 {
		parallel = runner.DefaultParallel(sides.oracle)
	}
	results := runner.RunAll(ctx, work, cfg, parallel, runner.Events{
		Started: func(c *scenario.Case) { out.Running(c.Name(), s.mode) },
		Finished: func(_ *scenario.Case, r *verdict.Result) {
			entry, err := ev.Add(r)
			if err != nil && lost == nil {
				lost = err
				out.Note(err.Error())
			}
			out.Done(entry)
		},
	})
	problems, idle := s.problems(results, sides, divergences)
	dir, sum, err := ev.Finish(func(sum *evidence.Summary) {
		sum.IdleMasks = idle
		sum.Hurried = hurried(results)
		if sides.pace > 1 {
			sum.Pace = sides.pace
		}
		if sum.Interrupted = ctx.Err() != nil && len(sum.Cases) < len(work); sum.Interrupted {
			problems = append(problems, fmt.Errorf("interrupted: %d of %d cases were played to their end", len(sum.Cases), len(work)))
		}
		if (len(problems) > 0 || lost != nil) && sum.ExitCode == verdict.ExitOK {
			sum.ExitCode = verdict.ExitUsage
		}
	})
	if err != nil && lost == nil {
		lost = err
	}
	if s.junit != "" {
		lost = errors.Join(lost, writeJUnit(s.junit, sum))
	}
	if s.times > 1 {
		out.Note(timesNote(results))
	}
	if n := len(hurried(results)); n > 0 {
		out.Note(fmt.Sprintf("%d cases did not pass while the clock ran fast and were played again with the wall's: hurried of summary.json names them", n))
	}
	if len(idle) > 0 {
		out.Note(fmt.Sprintf("%d masks changed nothing in this whole run: idle_masks of summary.json names them", len(idle)))
	}
	if err := out.End(sum, dir); err != nil {
		lost = errors.Join(lost, fmt.Errorf("print: %w", err))
	}
	return s.verdict(sum, errors.Join(append(problems, lost)...))
}

// hurried are the cases that were played again, with what came of them first.
func hurried(results []*verdict.Result) map[string]string {
	out := map[string]string{}
	for _, r := range results {
		if r != nil && r.Hurried != "" {
			out[r.Case] = r.Hurried
		}
	}
	return out
}

// verdict is the error that carries the run's exit code.
func (s *suite) verdict(sum *evidence.Summary, err error) error {
	code := sum.ExitCode
	if err != nil && code == verdict.ExitOK {
		code = verdict.ExitUsage
	}
	if code == verdict.ExitOK {
		return nil
	}
	return &exitError{code, err}
}

// problems are what is wrong with the run as a whole: entries of the list of
// known divergences that have gone stale. idle are the masks that nothing needed, which
// is reported and harms no verdict.
func (s *suite) problems(results []*verdict.Result, sides *sides, divergences *known.List) (errs []error, idle []string) {
	var outcomes []known.Outcome
	used := map[string]bool{}
	for _, r := range results {
		if r == nil {
			return nil, nil // interrupted: nothing can be said of the whole
		}
		outcomes = append(outcomes, known.Outcome{Name: r.Case, Diverged: r.Verdict == verdict.Fail || r.Verdict == verdict.Known})
		for i := range r.Steps {
			for _, a := range []*verdict.Answer{r.Steps[i].Oracle, r.Steps[i].Target} {
				if a == nil {
					continue
				}
				for _, m := range a.Masks {
					used[m] = true
				}
			}
		}
	}
	if s.control || sides.target == nil {
		return nil, nil
	}
	id := sides.target.Identity()
	errs = divergences.Stale(outcomes, id.Product, id.Version, s.mode, s.whole, time.Now())
	if s.whole && sides.oracle != nil {
		for _, m := range mask.All() {
			if !used[m.Name] {
				idle = append(idle, m.Name)
			}
		}
	}
	return errs, idle
}

func (s *suite) evidenceOptions(sides *sides) evidence.Options {
	opt := evidence.Options{
		Dir: s.out, Command: s.command, Args: os.Args[1:], Seed: s.seed,
		Recorded: oracle.BaselineProduct + " " + oracle.BaselineVersion, Render: report.HTML,
	}
	if sides.oracle != nil {
		id := sides.oracle.Identity()
		opt.Oracle = &id
	}
	if sides.target != nil {
		id := sides.target.Identity()
		opt.Target = &id
	}
	if s.oracle != defaultOracle {
		opt.OracleFlag = s.oracle
	}
	if s.target != defaultTarget && !s.control {
		opt.TargetFlag = s.target
	}
	return opt
}

// printer shows the run on standard output.
func (s *suite) printer() report.Printer {
	opts := report.Options{}
	if f, isFile := s.stdout.(*os.File); isFile {
		opts = report.Terminal(f)
	}
	return report.New(report.Format(s.format), s.stdout, opts)
}

// timesNote says how often a finding came again.
func timesNote(results []*verdict.Result) string {
	again, ran := 0, 0
	for _, r := range results {
		if r == nil {
			continue
		}
		ran++
		switch r.Verdict {
		case verdict.Fail, verdict.Known, verdict.Unknown, verdict.OracleFault:
			again++
		}
	}
	return fmt.Sprintf("reproduced %d of %d", again, ran)
}

func writeJUnit(file string, sum *evidence.Summary) error {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("--junit: %w", err)
	}
	return errors.Join(evidence.WriteJUnit(f, sum), f.Close())
}

func repeat(list []*scenario.Case, times int) []*scenario.Case {
	var out []*scenario.Case
	for range max(1, times) {
		out = append(out, list...)
	}
	return out
}
