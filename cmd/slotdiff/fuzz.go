package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/slotdiff/slotdiff/fuzz/schedule"
	"github.com/slotdiff/slotdiff/harness/sim"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

func fuzzCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "fuzz",
		Short:   "Search for inputs on which the sides part or a promise breaks, from a seed",
		Example: "slotdiff fuzz schedule --seed 1 --duration 60s",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(fuzzGarbageCommand(), fuzzScheduleCommand(), fuzzCommandsCommand(), fuzzBusCommand(), fuzzCasesCommand(), fuzzCorpusCommand())
	return cmd
}

// scheduleFuzz are the flags of fuzz schedule.
type scheduleFuzz struct {
	seed         uint64
	duration     time.Duration
	execs        uint64
	nodes        int
	untilFinding bool
	out          string
	replay       string
	trace        string
	plant        string

	stdout io.Writer
}

func fuzzScheduleCommand() *cobra.Command {
	f := scheduleFuzz{}
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Play faults on simulated clusters of the bundled node",
		Long: `Plays partitions, crashes, clock skew and operators' commands on whole clusters of the
bundled node's core, on a virtual clock and an in-memory network, and checks the
invariants of the protocol after every step. Each seed is one cluster and one schedule
of faults; the seeds count up from --seed.

A broken invariant is reduced to the events that it takes, written to a file, and
printed with the command that replays it. Exits 1 if there was one.`,
		Example: "slotdiff fuzz schedule --seed 1 --duration 60s --nodes 7",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.stdout = cmd.OutOrStdout()
			if err := f.checkPlant(); err != nil {
				return &exitError{verdict.ExitUsage, err}
			}
			if f.replay != "" {
				return f.play()
			}
			return f.search(cmd.Context())
		},
	}
	fl := cmd.Flags()
	fl.Uint64Var(&f.seed, "seed", 1, "the first seed")
	fl.DurationVar(&f.duration, "duration", 0, "stop after this time (10s if --execs is not given either)")
	fl.Uint64Var(&f.execs, "execs", 0, "stop after so many seeds")
	fl.IntVar(&f.nodes, "nodes", schedule.DefaultNodes, "nodes of a cluster")
	fl.BoolVar(&f.untilFinding, "until-finding", false, "stop at the first broken invariant")
	fl.StringVar(&f.out, "out", filepath.Join("artifacts", "fuzz"), "write findings to this `folder`")
	fl.StringVar(&f.replay, "replay", "", "play the schedule in this `file` and nothing else")
	fl.StringVar(&f.plant, "plant", "", "break the simulated node on purpose: a fault of docs/simulation.md by its `name`")
	fl.StringVar(&f.trace, "trace", "", "with --replay: write every step to this `file`")
	return cmd
}

// progressPeriod is how often a search says how far it is.
const progressPeriod = 5 * time.Second

// reduceTries is how many runs the reduction of a finding may take.
const reduceTries = 2000

// checkPlant demands the name of a planted fault, or none.
func (f *scheduleFuzz) checkPlant() error {
	if f.plant == "" {
		return nil
	}
	for _, p := range sim.Plants() {
		if string(p.Name) == f.plant {
			return nil
		}
	}
	return fmt.Errorf("fuzz schedule: --plant %s: no fault is called so; docs/simulation.md lists them", f.plant)
}

func (f *scheduleFuzz) search(ctx context.Context) error {
	if f.nodes < 2 || f.nodes > 1000 {
		return fmt.Errorf("fuzz schedule: --nodes %d: 2 to 1000", f.nodes)
	}
	if f.duration == 0 && f.execs == 0 {
		f.duration = 10 * time.Second
	}
	start := time.Now()
	said := start
	var total sim.Stats
	found := map[string]int{} // by cause
	seed, findings := f.seed, 0
	for ; ctx.Err() == nil; seed++ {
		now := time.Now()
		if (f.execs > 0 && seed-f.seed >= f.execs) || (f.duration > 0 && now.Sub(start) >= f.duration) {
			break
		}
		if now.Sub(said) >= progressPeriod {
			said = now
			f.say(seed-f.seed, total, now.Sub(start), findings)
		}
		s := schedule.Generate(seed, f.nodes)
		st, err := sim.Run(s, sim.Options{Plant: sim.Plant(f.plant)})
		total.Steps, total.Millis = total.Steps+st.Steps, total.Millis+st.Millis
		total.Elections, total.Unsound = total.Elections+st.Elections, total.Unsound+st.Unsound
		var broken *sim.Broken
		if err != nil && !errors.As(err, &broken) {
			return fmt.Errorf("fuzz schedule: seed %d: %w", seed, err)
		}
		if broken == nil {
			continue
		}
		findings++
		found[broken.Cause()]++
		fmt.Fprintf(f.stdout, "seed %d breaks %v\n", seed, broken)
		if found[broken.Cause()] == 1 {
			if err := f.report(s, broken); err != nil {
				return err
			}
		}
		if f.untilFinding {
			seed++
			break
		}
	}
	f.say(seed-f.seed, total, time.Since(start), findings)
	if findings > 0 {
		return &exitError{code: verdict.ExitDivergence}
	}
	if seed == f.seed {
		return &exitError{verdict.ExitUsage, errors.New("fuzz schedule: nothing was played")}
	}
	return nil
}

func (f *scheduleFuzz) say(seeds uint64, st sim.Stats, took time.Duration, findings int) {
	virtual := time.Duration(st.Millis) * time.Millisecond
	fmt.Fprintf(f.stdout, "%d seeds, %d steps, %d elections won (%d as only Redis counts), %s of virtual time in %s (%.0f times faster), %d findings\n",
		seeds, st.Steps, st.Elections, st.Unsound, virtual.Round(time.Second), took.Round(10*time.Millisecond), virtual.Seconds()/max(took.Seconds(), 1e-9), findings)
}

// report reduces a finding, writes it to its file and says how to replay it.
func (f *scheduleFuzz) report(s *sim.Schedule, broken *sim.Broken) error {
	events := len(s.Events)
	small := schedule.Reduce(s, reduceTries, func(try *sim.Schedule) bool {
		_, err := sim.Run(try, sim.Options{Plant: sim.Plant(f.plant)})
		var b *sim.Broken
		return errors.As(err, &b) && b.Cause() == broken.Cause()
	})
	_, err := sim.Run(small, sim.Options{Plant: sim.Plant(f.plant)})
	text, merr := small.MarshalText()
	if merr != nil {
		return merr
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return fmt.Errorf("fuzz schedule: %w", err)
	}
	file := filepath.Join(f.out, fmt.Sprintf("%s-%d.schedule", broken.Invariant, s.Seed))
	head := fmt.Sprintf("# seed %d, reduced from %d events to %d\n# %v\n", s.Seed, events, len(small.Events), err)
	if err := os.WriteFile(file, append([]byte(head), text...), 0o644); err != nil {
		return fmt.Errorf("fuzz schedule: %w", err)
	}
	replay := "go run ./cmd/slotdiff fuzz schedule --replay " + file
	if f.plant != "" {
		replay += " --plant " + f.plant
	}
	fmt.Fprintf(f.stdout, "%s%sreplay: %s\n", head, text, replay)
	return nil
}

// play plays one file.
func (f *scheduleFuzz) play() error {
	text, err := os.ReadFile(f.replay)
	if err != nil {
		return fmt.Errorf("fuzz schedule: %w", err)
	}
	var s sim.Schedule
	if err := s.UnmarshalText(text); err != nil {
		return fmt.Errorf("fuzz schedule: %s: %w", f.replay, err)
	}
	opt := sim.Options{Plant: sim.Plant(f.plant)}
	if f.trace != "" {
		file, err := os.Create(f.trace)
		if err != nil {
			return fmt.Errorf("fuzz schedule: %w", err)
		}
		defer file.Close()
		opt.Trace, opt.Log = file, true
	}
	start := time.Now()
	st, err := sim.Run(&s, opt)
	var broken *sim.Broken
	findings := 0
	switch {
	case errors.As(err, &broken):
		findings = 1
		fmt.Fprintf(f.stdout, "seed %d, event %d breaks %v\n", s.Seed, broken.Event, broken)
	case err != nil:
		return fmt.Errorf("fuzz schedule: %w", err)
	}
	f.say(1, st, time.Since(start), findings)
	if findings > 0 {
		return &exitError{code: verdict.ExitDivergence}
	}
	return nil
}
