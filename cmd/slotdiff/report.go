package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/slotdiff/slotdiff/harness/report"
)

func reportCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:     "report DIR",
		Short:   "Make the HTML report of a run again",
		Long:    "Renders the HTML report of a run directory from its summary.json: one file that loads nothing from elsewhere.",
		Example: "slotdiff report artifacts/runs/latest",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			html, err := report.FromDir(args[0])
			if err != nil {
				return err
			}
			file := out
			if file == "" {
				file = filepath.Join(args[0], "report.html")
			}
			if err := os.WriteFile(file, html, 0o644); err != nil {
				return fmt.Errorf("report: %w", err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), file)
			return nil
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write to this `file` instead of DIR/report.html")
	return cmd
}
