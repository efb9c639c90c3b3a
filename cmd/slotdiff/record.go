package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/aymanbagabas/go-udiff"
	"github.com/spf13/cobra"

	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

func recordCommand() *cobra.Command {
	var opt struct {
		oracle   string
		seed     uint64
		parallel int
		dry      bool
	}
	cmd := &cobra.Command{
		Use:   "record PATTERN...",
		Short: "Rewrite expected blocks from real Redis",
		Long: `Plays the cases on real Redis alone, rewrites their expected blocks in place with
the answers it gave, and shows the difference for a person to read. Nothing is ever
recorded from another server. Run it in a checkout: built-in cases cannot be changed.

` + patternHelp,
		Example:           "slotdiff record redirect/moved_after_claim",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeCases,
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := selectCases(args, scenario.MixesListed)
			if err != nil {
				return err
			}
			d, err := openRedis(cmd.Context(), opt.oracle, lineWriter(cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			defer d.Close()
			r := recorder{out: cmd.OutOrStdout(), redis: d, seed: opt.seed, dry: opt.dry}
			return r.all(cmd.Context(), list, opt.parallel)
		},
	}
	cmd.Flags().StringVar(&opt.oracle, "oracle", "auto", "where real Redis comes from")
	cmd.Flags().Uint64Var(&opt.seed, "seed", 1, "seed of the puppets' ids")
	cmd.Flags().IntVar(&opt.parallel, "parallel", 0, "cases recorded at once; 0 is as many as suits the machine and the servers")
	cmd.Flags().BoolVar(&opt.dry, "dry-run", false, "show the difference, change nothing")
	return cmd
}

// recorder rewrites case files from one driver.
type recorder struct {
	redis oracle.Driver
	seed  uint64
	dry   bool

	mu                 sync.Mutex // guards what follows
	out                io.Writer
	changed, unchanged int
	errs               []error
}

func (r *recorder) all(ctx context.Context, list []*scenario.Case, parallel int) error {
	var wg sync.WaitGroup
	if parallel < 1 {
		parallel = runner.DefaultParallel(r.redis)
	}
	slots := make(chan struct{}, parallel)
	for _, c := range scenario.Files(list) {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := r.one(ctx, c); err != nil {
				r.mu.Lock()
				r.errs = append(r.errs, err)
				r.mu.Unlock()
			}
		})
	}
	wg.Wait()
	fmt.Fprintf(r.out, "recorded from %s: %d changed, %d unchanged, %d not recorded\n", r.redis.Identity(), r.changed, r.unchanged, len(r.errs))
	if err := errors.Join(r.errs...); err != nil {
		return &exitError{verdict.ExitUnknown, err}
	}
	return nil
}

// one records a case and writes the file if it changed. The new file replaces the
// old one whole.
func (r *recorder) one(ctx context.Context, c *scenario.Case) error {
	file := filepath.Join(caseRoot, filepath.FromSlash(c.Path))
	if _, err := os.Stat(file); err != nil {
		file = filepath.FromSlash(c.Path) // a file named on the command line
	}
	before, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	after, _, err := runner.Record(ctx, c.Path, before, r.redis, r.seed)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if bytes.Equal(before, after) {
		r.unchanged++
		return nil
	}
	r.changed++
	fmt.Fprint(r.out, udiff.Unified(file, file, string(before), string(after)))
	if r.dry {
		return nil
	}
	tmp := file + ".new"
	if err := os.WriteFile(tmp, after, 0o644); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if err := os.Rename(tmp, file); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}

// lineWriter prints progress lines.
func lineWriter(w io.Writer) func(string) {
	var mu sync.Mutex
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(w, line)
	}
}
