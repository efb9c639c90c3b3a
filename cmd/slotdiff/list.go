package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/slotdiff/slotdiff/harness/contract"
	"github.com/slotdiff/slotdiff/harness/scenario"
)

func listCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list [PATTERN...]",
		Short:   "List the cases",
		Long:    "Lists the cases that a pattern matches, with their scenario, contract row and anchors.\n\n" + patternHelp,
		Example: "slotdiff list E003 'bus/*'",
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := selectCases(args, scenario.MixesListed)
			if err != nil {
				return err
			}
			return printList(cmd.OutOrStdout(), list, asJSON)
		},
		ValidArgsFunction: completeCases,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// listed is one case in the JSON form of list.
type listed struct {
	Case     string   `json:"case"`
	Mix      []string `json:"mix,omitempty"` // nodes that the oracle's server plays on both sides
	Scenario string   `json:"scenario"`
	Contract string   `json:"contract,omitempty"`
	Anchors  []string `json:"anchors"`
	Class    string   `json:"class"`
	Recorded string   `json:"recorded"`
	Steps    int      `json:"steps"`
}

func printList(w io.Writer, list []*scenario.Case, asJSON bool) error {
	rows := make([]listed, len(list))
	for i, c := range list {
		rows[i] = listed{
			Case: c.Name(), Mix: c.Mix, Scenario: c.Header.Scenario, Contract: c.Header.Contract, Anchors: c.Header.Anchors,
			Class: string(c.Header.Class), Recorded: c.Header.Recorded,
		}
		for range c.Steps() {
			rows[i].Steps++
		}
	}
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(rows)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%v\n", r.Case, r.Scenario, r.Contract, r.Class, r.Anchors)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	mixed := ""
	mixes := slices.DeleteFunc(slices.Clone(list), func(c *scenario.Case) bool { return c.Mix == nil })
	if len(mixes) > 0 {
		mixed = fmt.Sprintf(", %d of them mixes of %d", len(mixes), len(scenario.Files(mixes)))
	}
	_, err := fmt.Fprintf(w, "%d cases%s\n", len(rows), mixed)
	return err
}

func coverageCommand() *cobra.Command {
	var asJSON, verbose bool
	cmd := &cobra.Command{
		Use:     "coverage",
		Short:   "Show which contract rows and anchors the cases exercise",
		Long:    "Prints the matrix of the contract's rows, scenarios and anchors against the cases that exercise them, and names those that none does.",
		Example: "slotdiff coverage --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := selectCases(nil, scenario.MixesListed)
			if err != nil {
				return err
			}
			var tags []contract.Tags
			for _, c := range scenario.Files(list) {
				tags = append(tags, c.Tags())
			}
			m := contract.Coverage(tags)
			if asJSON {
				return m.WriteJSON(cmd.OutOrStdout())
			}
			return m.WriteText(cmd.OutOrStdout(), verbose)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "name the cases of each line")
	return cmd
}
