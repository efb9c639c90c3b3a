package main

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/slotdiff/slotdiff/fuzz/bus"
	"github.com/slotdiff/slotdiff/fuzz/campaign"
)

func fuzzBusCommand() *cobra.Command {
	lanes := 0
	return campaignCommand(campaignUse{
		name:  "bus",
		short: "Send mutated cluster-bus packets to both sides",
		long: `Sends the same cluster-bus packets to real Redis and to the target: every header field, gossip
entry and extension mutated by structure, from senders of every standing, whole, cut, joined and repeated.
Compared are the fate of every link, the packets that come back, the state, and whether each node
starts again from the nodes.conf that it wrote.`,
		example: "slotdiff fuzz bus --seed 1 --duration 60s",
		flags: func(f *pflag.FlagSet) {
			f.IntVar(&lanes, "lanes", bus.DefaultLanes, "pairs of nodes that are worked with at a time")
		},
		engine: func(_ context.Context, env campaign.Env) (campaign.Engine, error) { return bus.New(env, lanes) },
	})
}
