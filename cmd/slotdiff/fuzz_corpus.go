package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/slotdiff/slotdiff/fuzz/corpus"
)

func fuzzCorpusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "corpus",
		Short:   "List, merge and minimise corpora of cases by coverage token",
		Example: "slotdiff fuzz corpus minimise artifacts/corpus",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list FOLDER", Short: "Show every entry with the tokens that it reached",
			Example: "slotdiff fuzz corpus list artifacts/corpus", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				entries, err := corpus.Read(args[0])
				if err != nil {
					return err
				}
				tokens := map[string]bool{}
				for _, e := range entries {
					fmt.Fprintf(cmd.OutOrStdout(), "%s  %d bytes, %d tokens\n", e.Name, e.Size, len(e.Tokens))
					for _, t := range e.Tokens {
						tokens[t] = true
					}
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%d entries, %d tokens\n", len(entries), len(tokens))
				return nil
			},
		},
		&cobra.Command{
			Use: "merge FOLDER FROM...", Short: "Add the entries of other folders to the first",
			Example: "slotdiff fuzz corpus merge artifacts/corpus shard1 shard2", Args: cobra.MinimumNArgs(2),
			RunE: func(cmd *cobra.Command, args []string) error {
				n, err := corpus.Merge(args[0], args[1:]...)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%d entries added to %s\n", n, args[0])
				return nil
			},
		},
		&cobra.Command{
			Use: "minimise FOLDER", Short: "Delete the entries that reach nothing that others do not",
			Example: "slotdiff fuzz corpus minimise artifacts/corpus", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				kept, deleted, err := corpus.Minimise(args[0])
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%d entries kept, %d deleted\n", kept, deleted)
				return nil
			},
		},
	)
	return cmd
}
