package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/choose"
)

func oracleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "oracle",
		Short:   "Show and provision the servers that can be had here",
		Long:    "Shows which servers can be had on this machine, and provisions one.\n\nA server is named so:\n" + specHelp(),
		Example: "slotdiff oracle list",
	}
	cmd.AddCommand(oracleListCommand(), oracleGetCommand())
	return cmd
}

// specHelp lists every way of naming a server.
func specHelp() string {
	var b strings.Builder
	for _, f := range oracle.SpecForms() {
		fmt.Fprintf(&b, "  %-34s %s\n", f.Form, f.Means)
	}
	return b.String()
}

func oracleListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the servers that can be had here, and what auto picks",
		Long:    "Lists the servers that can be had on this machine, whether each is ready or would have to be fetched, and which one auto picks. Downloads and starts nothing.",
		Example: "slotdiff oracle list --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			offers := choose.List(cmd.Context())
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(offers)
			}
			tw := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, o := range offers {
				mark := ""
				if o.Auto {
					mark = "<- auto"
				}
				fmt.Fprintf(tw, "%s\t%s\t%s %s\n", o.Spec, o.State, o.Detail, mark)
			}
			return tw.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func oracleGetCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "get SPEC",
		Short:   "Provision a server, so that later runs start at once",
		Long:    "Makes a server ready to be started: pulls or builds an image, or downloads Debian's packages into the user's cache. Needs no root.\n\nA server is named so:\n" + specHelp(),
		Example: "slotdiff oracle get debian:redis@8.6",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := oracle.ParseSpec(args[0])
			if err != nil {
				return err
			}
			what, err := choose.Get(cmd.Context(), spec, lineWriter(cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), what)
			return nil
		},
	}
}
