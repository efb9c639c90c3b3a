package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/slotdiff/slotdiff/fuzz/campaign"
)

// campaignUse plugs an engine into the tool: `slotdiff fuzz <name>` with the flags that all campaigns share.
type campaignUse struct {
	name, short, long, example string
	// flags adds the engine's own. It may be nil.
	flags func(*pflag.FlagSet)
	// engine makes the engine once the sides are open.
	engine func(ctx context.Context, env campaign.Env) (campaign.Engine, error)
}

func campaignCommand(use campaignUse) *cobra.Command {
	cmd := &cobra.Command{
		Use: use.name, Short: use.short, Long: use.long, Example: use.example, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return errors.New("fuzz " + use.name + ": not wired yet") },
	}
	if use.flags != nil {
		use.flags(cmd.Flags())
	}
	return cmd
}

var _ = campaignCommand
