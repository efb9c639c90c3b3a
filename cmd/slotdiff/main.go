// Command slotdiff proves on the wire that a Redis Cluster implementation behaves
// like legacy Redis. See the README for a tour and `slotdiff --help` for the verbs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"charm.land/fang/v2"
	"github.com/spf13/cobra"

	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/node/server"
	"github.com/slotdiff/slotdiff/oracle/bundled"
)

func main() {
	// The bundled node is this executable, started again.
	bundled.Main(func(args []string) int {
		return server.Main(context.Background(), args, os.Stdout, os.Stderr)
	})
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // a run makes much garbage and holds little: see node/server's hostedGC
	}
	// The first signal ends the run in order; a second one ends the program at once,
	// and the next run removes what that leaves. A closed terminal is no reason to leave
	// anything either. A reader of standard output that has gone is an error of that
	// write: notified of, the signal would come for every socket that a server closes.
	signal.Ignore(syscall.SIGPIPE)
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as it is under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop)
	err := fang.Execute(ctx, root(), fang.WithoutVersion(), fang.WithErrorHandler(printError))
	stop()
	os.Exit(exitCode(err))
}

// exitError carries the exit code of a verb that has already said what it had to say.
type exitError struct {
	code int
	err  error // may be nil
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// printError prints an error as one message, without the box that would break its
// lines: they hold places and commands that people copy.
func printError(w io.Writer, _ fang.Styles, err error) {
	var e *exitError
	if errors.As(err, &e) && e.err == nil {
		return // what failed has been printed, last of all
	}
	fmt.Fprintln(w, "slotdiff:", err)
}

// exitCode is that of an exitError, and usage for any other error.
func exitCode(err error) int {
	var e *exitError
	switch {
	case err == nil:
		return verdict.ExitOK
	case errors.As(err, &e):
		return e.code
	default:
		return verdict.ExitUsage
	}
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "slotdiff",
		Short: "Prove on the wire that a Redis Cluster implementation behaves like Redis",
		Long: `slotdiff starts real Redis and the implementation under test side by side, sends
both the same commands and the same cluster-bus packets, and diffs every reply,
every packet that comes back and the state that can be observed.

Exit codes: 0 only pass, known and skip; 1 a divergence; 2 unknown or
oracle-fault; 3 usage or an internal error, or a run that skipped everything.`,
		Example:       "slotdiff run 'redirect/*'",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.AddCommand(completeFlags(runCommand()), completeFlags(controlCommand()), completeFlags(replayCommand()), completeFlags(recordCommand()), listCommand(), coverageCommand(), decodeCommand(), fuzzCommand(), reduceCommand(), oracleCommand(), reportCommand(), benchCommand())
	return cmd
}
