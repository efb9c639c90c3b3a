package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slotdiff/slotdiff/harness/verdict"
)

// benchmark measures one speed of the tool against the raw ceiling of the same work.
type benchmark struct {
	name, doc string
	run       func(ctx context.Context, s *sides, rounds int) ([]reading, error)
}

// reading is one measured speed. goal is the ratio that is wanted on two idle cores.
type reading struct {
	what          string
	rate, ceiling float64
	unit          string
	goal          float64
}

// benchmarks is filled by the files of the engines.
var benchmarks []benchmark

func benchCommand() *cobra.Command {
	var s suite
	rounds := 3
	check := false
	var names []string
	for _, b := range benchmarks {
		names = append(names, b.name)
	}
	cmd := &cobra.Command{
		Use:   "bench [NAME...]",
		Short: "Measure the fuzzers' speeds as ratios to the raw ceiling of this machine",
		Long: "Plays what a fuzzer plays, and the same bytes once more over plain sockets without generator and analysis,\n" +
			"and says what part of that ceiling the fuzzer reaches. Both are measured in turns in the same run, so a\n" +
			"busy machine slows both. There are: " + strings.Join(names, " ") + ".",
		Example: "slotdiff bench commands",
		RunE: func(cmd *cobra.Command, args []string) error {
			s.stdout, s.stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
			for _, a := range args {
				if !slices.Contains(names, a) {
					return fmt.Errorf("bench: %q: there are %s", a, strings.Join(names, " "))
				}
			}
			return bench(cmd.Context(), &s, args, rounds, check)
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.oracle, "oracle", defaultOracle, "where real Redis comes from; see slotdiff oracle list")
	f.StringVar(&s.target, "target", defaultTarget, "the server on the other side: any form of --oracle, or cmd:PROGRAM")
	f.IntVar(&rounds, "rounds", rounds, "how often each is measured; the median counts")
	f.BoolVar(&check, "check", false, "fail where a goal is missed")
	return cmd
}

func bench(ctx context.Context, s *suite, names []string, rounds int, check bool) (err error) {
	sd, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sd.close()) }()
	if sd.oracle == nil {
		return errors.New("bench: needs a live oracle. " + strings.Join(sd.why, "\n"))
	}
	fmt.Fprintln(s.stdout, sd.headline())
	missed := false
	for _, b := range benchmarks {
		if len(names) > 0 && !slices.Contains(names, b.name) {
			continue
		}
		got, err := b.run(ctx, sd, rounds)
		if err != nil {
			return fmt.Errorf("bench %s: %w", b.name, err)
		}
		missed = printReadings(s.stdout, b, got) || missed
	}
	if missed && check {
		return &exitError{code: verdict.ExitDivergence}
	}
	return nil
}

// printReadings reports whether a goal was missed.
func printReadings(w io.Writer, b benchmark, got []reading) (missed bool) {
	fmt.Fprintf(w, "%s: %s\n", b.name, b.doc)
	for _, r := range got {
		ratio := r.rate / r.ceiling
		note := ""
		if ratio < r.goal {
			note, missed = ", missed", true
		}
		fmt.Fprintf(w, "  %-10s %9.0f %s, %.2f of %.0f (goal %.2f%s)\n", r.what, r.rate, r.unit, ratio, r.ceiling, r.goal, note)
	}
	return missed
}
