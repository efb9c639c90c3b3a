package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/slotdiff/slotdiff/fuzz/garbage"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

func fuzzGarbageCommand() *cobra.Command {
	var o garbage.Options
	var socket bool
	cmd := &cobra.Command{
		Use:   "garbage",
		Short: "Give the bundled node mutated packets and watch what it holds",
		Long: `Gives one bundled node millions of mutated packets: its core in process, or with --socket
the whole node over loopback. It must not panic, send a packet that is not legal, or hold
more memory, goroutines or files in the end than when a tenth was done.

Every 20000 packets the node is reset and meets the others again, because Redis remembers for
ever each node that garbage made up. Exits 1 if a promise is broken.`,
		Example: "slotdiff fuzz garbage --execs 10000000\nslotdiff fuzz garbage --socket --execs 1000000",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Packets == 0 {
				return &exitError{verdict.ExitUsage, fmt.Errorf("fuzz garbage: --execs 0: nothing would be sent")}
			}
			o.Sampled = func(s garbage.Sample) { fmt.Fprintln(cmd.OutOrStdout(), s) }
			begun := time.Now()
			run := garbage.InProcess
			if socket {
				run = garbage.Socket
			}
			samples, err := run(cmd.Context(), o)
			switch {
			case cmd.Context().Err() != nil:
				return context.Cause(cmd.Context())
			case err == nil:
				err = garbage.Flat(samples)
			}
			if err != nil {
				return &exitError{verdict.ExitDivergence, err}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d packets in %s, and nothing grew\n", o.Packets, time.Since(begun).Round(time.Second))
			return nil
		},
	}
	fl := cmd.Flags()
	fl.Uint64Var(&o.Seed, "seed", 1, "what the mutations follow from")
	fl.Uint64Var(&o.Packets, "execs", 1_000_000, "how many packets")
	fl.BoolVar(&socket, "socket", false, "run the whole node, and send over loopback")
	return cmd
}
