package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slotdiff/slotdiff/fuzz/reduce"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/harness/scenario"
)

func reduceCommand() *cobra.Command {
	var opt suiteOptions
	var budget time.Duration
	var output string
	cmd := &cobra.Command{
		Use:   "reduce CASE",
		Short: "Make a case small while it still shows the same fault",
		Long: `Plays a case, by its name or a .case file, on both sides, and makes it as small as it can be
while the same cause shows: without steps, words, packets and fields that it does not need, with
small slot ranges and numbers and short names. The expected blocks of the result are the
oracle's answers.`,
		Example:           "slotdiff reduce artifacts/fuzz/latest/findings/x/original.case --output small.case",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeCases,
		RunE: func(cmd *cobra.Command, args []string) error {
			cases, err := selectCases(args, scenario.MixesListed)
			if err != nil {
				return err
			}
			if len(cases) != 1 {
				return fmt.Errorf("reduce: %s matches %d cases, want one", args[0], len(cases))
			}
			opt.format, opt.parallel = "text", 1
			if err := opt.check(); err != nil {
				return err
			}
			s := newSuite(cmd, opt)
			return s.reduce(cmd.Context(), cases[0], budget, output)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opt.oracle, "oracle", defaultOracle, "where real Redis comes from; see slotdiff oracle list")
	f.StringVar(&opt.target, "target", defaultTarget, "the server under test")
	f.StringVar(&opt.mode, "mode", "strict", "strict: the target must answer byte for byte as Redis does")
	f.Uint64Var(&opt.seed, "seed", 1, "seed of everything that is chosen by chance")
	f.DurationVar(&budget, "budget", reduce.DefaultBudget, "time to take")
	f.StringVarP(&output, "output", "o", "", "write the reduced case to this `file` (its name with .reduced.case if not given)")
	return completeFlags(cmd)
}

func (s *suite) reduce(ctx context.Context, c *scenario.Case, budget time.Duration, output string) (err error) {
	sides, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sides.close()) }()
	if sides.oracle == nil {
		return errors.New("reduce: needs a live oracle. " + strings.Join(sides.why, "\n"))
	}
	if output == "" {
		output = strings.TrimSuffix(c.Path, scenario.Ext) + ".reduced" + scenario.Ext
		if !c.Loose {
			output = strings.ReplaceAll(c.Name(), "/", "_") + ".reduced" + scenario.Ext
		}
	}
	t := triage.New(triage.Options{Oracle: sides.oracle, Target: sides.target, ReduceBudget: budget})
	g, small, err := t.Reduce(ctx, triage.Candidate{Case: c, Seed: s.seed})
	if err != nil {
		return err
	}
	if err := os.WriteFile(output, scenario.Format(small), 0o644); err != nil {
		return fmt.Errorf("reduce: %w", err)
	}
	fmt.Fprintf(s.stdout, "%s\n%s\nreproduced %d of %d\nwritten to %s\nreplay: %s\n",
		g.Reduction, g.Cause, g.Confirmed, g.Times, output, replayOf(output, &s.suiteOptions))
	return nil
}
