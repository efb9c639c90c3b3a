package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/slotdiff/slotdiff/fuzz/campaign"
	"github.com/slotdiff/slotdiff/fuzz/commands"
)

func fuzzCommandsCommand() *cobra.Command {
	var opts commands.Options
	return campaignCommand(campaignUse{
		name:  "commands",
		short: "Send streams of commands to both sides and compare the replies",
		long: `Makes a small cluster of a node and two scripted peers on each side, and sends both nodes the
same commands: with keys in owned, foreign, migrating, importing and uncovered slots, in transactions, scripts and
several connections, with CLUSTER commands that change the slot table in between. Replies are compared
as raw bytes, a window of commands at a time, and the state after each window.`,
		example: "slotdiff fuzz commands --seed 1 --duration 60s",
		flags: func(f *pflag.FlagSet) {
			f.IntVar(&opts.Window, "window", commands.DefaultWindow, "commands of a window at most")
			f.IntVar(&opts.Commands, "commands", commands.DefaultCommands, "commands of an episode")
			f.BoolVar(&opts.Lockstep, "lockstep", false, "send one command at a time")
		},
		engine: func(_ context.Context, env campaign.Env) (campaign.Engine, error) {
			opts.Oracle, opts.Target, opts.Corpus = env.Oracle, env.Target, env.Corpus
			opts.Progress = func(line string) { fmt.Fprintln(os.Stderr, line) }
			return commands.New(opts), nil
		},
	})
}
