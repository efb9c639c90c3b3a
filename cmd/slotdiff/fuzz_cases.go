package main

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/slotdiff/slotdiff/fuzz/campaign"
	"github.com/slotdiff/slotdiff/fuzz/mutate"
)

func fuzzCasesCommand() *cobra.Command {
	batch := 0
	return campaignCommand(campaignUse{
		name:  "cases",
		short: "Play mutants of the recorded cases on both sides",
		long: `Takes the cases of the suite and of a corpus, changes and splices their steps (commands,
packets, fields, values), and plays the mutants on real Redis and on the target. They begin at places
that a generator hardly reaches; it looks around them.`,
		example: "slotdiff fuzz cases --seed 1 --duration 60s",
		flags: func(f *pflag.FlagSet) {
			f.IntVar(&batch, "batch", mutate.DefaultBatch, "mutants of an episode")
		},
		engine: func(_ context.Context, env campaign.Env) (campaign.Engine, error) { return mutate.New(env, batch) },
	})
}
