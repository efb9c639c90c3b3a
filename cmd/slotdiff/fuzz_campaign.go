package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/slotdiff/slotdiff/fuzz/campaign"
	"github.com/slotdiff/slotdiff/fuzz/corpus"
	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/fuzz/reduce"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/harness/evidence"
	"github.com/slotdiff/slotdiff/harness/report"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

// campaignUse plugs an engine into the tool: `slotdiff fuzz <name>` with the flags that all campaigns share.
type campaignUse struct {
	name, short, long, example string
	// flags adds the engine's own. It may be nil.
	flags func(*pflag.FlagSet)
	// engine makes the engine once the sides are open.
	engine func(ctx context.Context, env campaign.Env) (campaign.Engine, error)
}

// campaignFlags are those that all campaigns share.
type campaignFlags struct {
	suiteOptions // of which only oracle, target, seed, format and out have flags here
	control      bool
	duration     time.Duration
	execs        uint64
	untilFinding bool
	shard        string
	resume       string
	corpus       string
	reduceBudget time.Duration
	workers      int
	learn        bool
}

const campaignHelp = `

Each episode follows from --seed and its index alone: --shard 2/4 plays every fourth
episode of the same sequence, and --resume goes on where a campaign ended. What is
found is played again on fresh servers, reduced, grouped by its cause and saved as a
case with the command that replays it. --control plays real Redis against itself and must
find nothing.

Exit codes: 0 nothing was found, or only what is known; 1 a finding against the target;
2 only faults of the oracle, or something that did not come again; 3 usage, or
nothing was compared. See docs/fuzzing.md.`

func campaignCommand(use campaignUse) *cobra.Command {
	var f campaignFlags
	cmd := &cobra.Command{
		Use: use.name, Short: use.short, Long: use.long + campaignHelp, Example: use.example, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, use) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.oracle, "oracle", defaultOracle, "where real Redis comes from; see slotdiff oracle list")
	fl.StringVar(&f.target, "target", defaultTarget, "the server under test: any form of --oracle, or cmd:PROGRAM")
	fl.BoolVar(&f.control, "control", false, "take a second instance of the oracle for the target")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of everything that is chosen by chance")
	fl.DurationVar(&f.duration, "duration", 0, "stop after this time (10s if --execs is not given either)")
	fl.Uint64Var(&f.execs, "execs", 0, "stop after so many episodes")
	fl.BoolVar(&f.untilFinding, "until-finding", false, "stop at the first finding against the target")
	fl.StringVar(&f.shard, "shard", "1/1", "play part `i/n` of the episodes")
	fl.StringVar(&f.resume, "resume", "", "go on with the campaign in this `folder`")
	fl.StringVar(&f.corpus, "corpus", "", "`folder` of cases to begin from, beside those of the suite")
	fl.DurationVar(&f.reduceBudget, "reduce-budget", reduce.DefaultBudget, "time for the reduction of one finding")
	fl.IntVar(&f.workers, "workers", 2, "candidates that are confirmed and reduced at once")
	fl.BoolVar(&f.learn, "learn", false, "append differences that are not known yet to the target's list in fixtures/versions")
	fl.StringVar(&f.format, "format", "text", "what to print: text or json")
	fl.StringVar(&f.out, "out", campaign.DefaultDir, "`folder` for campaigns")
	if use.flags != nil {
		use.flags(fl)
	}
	return completeFlags(cmd)
}

func (f *campaignFlags) check() (campaign.Shard, error) {
	shard, err := campaign.ParseShard(f.shard)
	if err != nil {
		return shard, fmt.Errorf("--shard: %w", err)
	}
	switch {
	case f.format != "text" && f.format != "json":
		return shard, fmt.Errorf("--format %s: want text or json", f.format)
	case f.workers < 1:
		return shard, fmt.Errorf("--workers %d: want at least 1", f.workers)
	case f.duration < 0 || f.reduceBudget <= 0:
		return shard, errors.New("--duration and --reduce-budget: want a positive time")
	case f.control && f.target != defaultTarget:
		return shard, errors.New("--control takes the oracle for the target: leave --target out")
	case f.control && f.learn:
		return shard, errors.New("--control has nothing to learn: leave --learn out")
	}
	for flag, s := range map[string]string{"--oracle": f.oracle, "--target": f.target} {
		if _, err := oracle.ParseSpec(s); err != nil {
			return shard, fmt.Errorf("%s: %w", flag, err)
		}
	}
	return shard, nil
}

func (f *campaignFlags) run(cmd *cobra.Command, use campaignUse) (err error) {
	ctx := cmd.Context()
	shard, err := f.check()
	if err != nil {
		return fmt.Errorf("fuzz %s: %w", use.name, err)
	}
	s := newSuite(cmd, f.suiteOptions)
	s.control = f.control
	sides, err := s.open(ctx)
	if err != nil {
		return fmt.Errorf("fuzz %s: %w", use.name, err)
	}
	defer func() { err = errors.Join(err, sides.close()) }()
	if sides.oracle == nil {
		return fmt.Errorf("fuzz %s: needs a live oracle. %s", use.name, strings.Join(sides.why, "\n"))
	}
	env, digest, err := f.env(sides)
	if err != nil {
		return fmt.Errorf("fuzz %s: %w", use.name, err)
	}
	lists, err := loadDifferences()
	if err != nil {
		return fmt.Errorf("fuzz %s: %w", use.name, err)
	}
	opts := f.options(s, sides, env, lists) // with the faults of the oracle alone
	less, err := without(&env, lists, sides.target.Identity())
	if err != nil {
		return fmt.Errorf("fuzz %s: %w", use.name, err)
	}
	eng, err := use.engine(ctx, env)
	if err != nil {
		return err
	}
	if c, ok := eng.(io.Closer); ok { // before the sides that its servers belong to
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	opts.Shard, opts.Corpus = shard, digest
	opts.Command = strings.Join(os.Args[min(1, len(os.Args)):], " ")
	if f.format == "text" {
		fmt.Fprintln(s.stdout, strings.Join(append([]string{sides.headline()}, less...), "\n"))
	}
	sum, err := campaign.Run(ctx, eng, opts)
	if err != nil {
		return &exitError{verdict.ExitUsage, err}
	}
	if f.learn {
		file, n, err := learn(sides.target.Identity(), sum.Findings)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.stderr, "learnt %d differences into %s: read them, write the reasons down and make them ok\n", n, file)
	}
	if sum.ExitCode == verdict.ExitOK {
		return nil
	}
	return &exitError{code: sum.ExitCode}
}

// env is what the engine is made with: the cases of the suite and those of the corpus.
func (f *campaignFlags) env(sides *sides) (campaign.Env, string, error) {
	list, err := quirks.Load()
	if err != nil {
		return campaign.Env{}, "", err
	}
	cases, err := scenario.Load(caseFS())
	if err != nil {
		return campaign.Env{}, "", err
	}
	if f.corpus != "" {
		entries, err := corpus.Read(f.corpus)
		if err != nil {
			return campaign.Env{}, "", err
		}
		for _, e := range entries {
			cases = append(cases, e.Case)
		}
	}
	return campaign.Env{Oracle: sides.oracle, Target: sides.target, Quirks: list, Corpus: cases}, corpus.Digest(cases), nil
}

func (f *campaignFlags) options(s *suite, sides *sides, env campaign.Env, lists []*differences) campaign.Options {
	opts := campaign.Options{
		Seed: f.seed, Duration: f.duration, Execs: f.execs, UntilFinding: f.untilFinding,
		Dir: f.out, Resume: f.resume, Workers: f.workers, Out: s.stdout, JSON: f.format == "json",
		Triage: triage.Options{
			Oracle: sides.oracle, Target: sides.target, ReduceBudget: f.reduceBudget, Quirks: env.Quirks,
		},
	}
	if file, isFile := s.stdout.(*os.File); isFile {
		opts.Terminal = report.Terminal(file).Live
	}
	if f.oracle != defaultOracle {
		opts.Triage.OracleFlag = f.oracle
	}
	if f.target != defaultTarget {
		opts.Triage.TargetFlag = f.target
	}
	if f.control {
		opts.Triage.Command = "control"
	} else {
		opts.Triage.Known = knownDifference(lists)
	}
	for _, d := range []oracle.Driver{sides.oracle, sides.target} {
		if _, limited := d.(oracle.Limited); limited {
			opts.Serial, opts.Triage.Parallel = true, 1
		}
	}
	return opts
}

// replayOf is the replay command of a case on disk, with the flags that are not the defaults.
func replayOf(file string, o *suiteOptions) string {
	r := evidence.Replay{Case: filepath.ToSlash(file), Mode: "strict", Seed: o.seed}
	if o.oracle != defaultOracle {
		r.Oracle = o.oracle
	}
	if o.target != defaultTarget {
		r.Target = o.target
	}
	return evidence.ReplayCommand(r)
}
