package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/slotdiff/slotdiff/harness/scenario"
)

func runCommand() *cobra.Command {
	var opt suiteOptions
	var list bool
	var mixes string
	cmd := &cobra.Command{
		Use:   "run [PATTERN...]",
		Short: "Play the cases on real Redis and on the target, and diff",
		Long: `Starts real Redis (the oracle) and the target, plays every case that a pattern
matches on both in lockstep, and compares each reply, each bus packet and each view
of the state: the target against the oracle, the oracle against the recording.
Without a live oracle the recording stands in for it, and the run says so.

` + patternHelp,
		Example:           "slotdiff run 'redirect/*' --oracle process --target debian:redis@7.0",
		ValidArgsFunction: completeCases,
		RunE: func(cmd *cobra.Command, args []string) error {
			m := scenario.Mixes(mixes)
			if m != scenario.MixesListed && m != scenario.MixesAll {
				return fmt.Errorf("--mixes %s: want %s or %s", mixes, scenario.MixesListed, scenario.MixesAll)
			}
			cases, err := selectCases(args, m)
			if err != nil {
				return err
			}
			if list {
				return printList(cmd.OutOrStdout(), cases, false)
			}
			if err := opt.check(); err != nil {
				return err
			}
			s := newSuite(cmd, opt)
			s.whole = len(args) == 0 && m == scenario.MixesListed
			return s.play(cmd.Context(), cases)
		},
	}
	opt.flags(cmd.Flags())
	cmd.Flags().StringVar(&opt.target, "target", defaultTarget, "the server under test: any form of --oracle, or cmd:PROGRAM")
	cmd.Flags().BoolVar(&list, "list", false, "list the cases that would run")
	cmd.Flags().StringVar(&mixes, "mixes", string(scenario.MixesListed), "mixed clusters: listed plays the mixes that a case names, all every assignment of makes to its nodes")
	return cmd
}

func controlCommand() *cobra.Command {
	var opt suiteOptions
	cmd := &cobra.Command{
		Use:   "control [PATTERN...]",
		Short: "Play the cases with a second oracle as the target: measure the harness's own noise",
		Long: `Runs the same work as run, but with a second instance of real Redis as the target.
Whatever it reports is the harness's own fault: a mask that is missing, a race, a
wait that is too short. It must report nothing.

` + patternHelp,
		Example:           "slotdiff control --times 10",
		ValidArgsFunction: completeCases,
		RunE: func(cmd *cobra.Command, args []string) error {
			cases, err := selectCases(args, scenario.MixesListed)
			if err != nil {
				return err
			}
			cases = scenario.Files(cases) // real Redis alone is the same in every mix
			opt.target = ""
			if err := opt.check(); err != nil {
				return err
			}
			s := newSuite(cmd, opt)
			s.control = true
			return s.play(cmd.Context(), cases)
		},
	}
	opt.flags(cmd.Flags())
	cmd.Flags().IntVar(&opt.times, "times", 1, "play every case `N` times")
	return cmd
}

func replayCommand() *cobra.Command {
	var opt suiteOptions
	cmd := &cobra.Command{
		Use:   "replay CASE",
		Short: "Play one case again, as a finding's replay_cmd says",
		Long: `Plays one case, by its name, or a .case file such as the repro.case of a finding,
with the mode and the seed it was found with. With --times it says how often the
finding came again. Exits as the finding did.`,
		Example:           "slotdiff replay redirect/moved_after_claim --mode strict --seed 1 --times 5",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeCases,
		RunE: func(cmd *cobra.Command, args []string) error {
			cases, err := selectCases(args, scenario.MixesListed)
			if err != nil {
				return err
			}
			if len(cases) != 1 {
				return fmt.Errorf("replay: %s matches %d cases, want one", args[0], len(cases))
			}
			if err := opt.check(); err != nil {
				return err
			}
			return newSuite(cmd, opt).play(cmd.Context(), cases)
		},
	}
	opt.flags(cmd.Flags())
	cmd.Flags().StringVar(&opt.target, "target", defaultTarget, "the server under test")
	cmd.Flags().IntVar(&opt.times, "times", 1, "play it `N` times and say how often it came again")
	return cmd
}
