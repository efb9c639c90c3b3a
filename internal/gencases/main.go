// Command gencases writes the case family cases/keys/table_*.case: for every
// command of the captured table that has keys an invocation, what COMMAND
// GETKEYS says of it and where it is routed; for every command without keys, that
// it has none.
//
// It writes inputs only. Answers come from real Redis (slotdiff record); those of
// steps that did not change are kept. It knows the table's text, never how keys
// are found: that is what the cases check.
//
//go:generate go run .
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/slotdiff/slotdiff/fixtures/commands"
	"github.com/slotdiff/slotdiff/harness/scenario"
)

func main() {
	root := flag.String("root", "../..", "the `folder` of the repository")
	flag.Parse()
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, "gencases:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	files, err := generate(root, commands.Table(), commands.Docs())
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(root, "cases", filepath.FromSlash(f.path)), f.text, 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("%d cases\n", len(files))
	return nil
}

// file is one generated case in its text form.
type file struct {
	path string // relative to cases/
	text []byte
}

// generate makes every case of the family, with the recorded answers that the
// files under root hold for the same steps.
func generate(root string, table []commands.Info, docs []commands.Doc) ([]file, error) {
	var out []file
	for _, fam := range families(table, docs) {
		c := fam.build()
		old, err := os.ReadFile(filepath.Join(root, "cases", filepath.FromSlash(c.Path)))
		switch {
		case err == nil:
			if err := keepAnswers(c, old); err != nil {
				return nil, err
			}
		case !os.IsNotExist(err):
			return nil, err
		}
		text := scenario.Format(c)
		if _, err := scenario.Parse(c.Path, text); err != nil {
			return nil, fmt.Errorf("a generated case does not parse: %w", err)
		}
		out = append(out, file{c.Path, text})
	}
	return out, nil
}

// keepAnswers copies the expected block of every step of old that c still has in
// the same section, and the name of the server they come from when no answer is
// missing.
func keepAnswers(c *scenario.Case, old []byte) error {
	prev, err := scenario.Parse(c.Path, old)
	if err != nil {
		return err
	}
	answers := map[[2]string][]string{}
	for title, s := range prev.Steps() {
		answers[[2]string{title, s.Text()}] = s.Expect
	}
	whole := true
	for title, s := range c.Steps() {
		if s.Expect == nil {
			s.Expect = answers[[2]string{title, s.Text()}]
		}
		whole = whole && s.Expect != nil
	}
	if whole {
		c.Header.Recorded = prev.Header.Recorded
	}
	return nil
}
