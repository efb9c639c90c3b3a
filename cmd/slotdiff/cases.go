package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slotdiff/slotdiff/cases"
	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/oracle"
)

const patternHelp = `A pattern is a scenario (E003), a contract row (B03), an anchor (A03), a path or
glob (redirect/*), or a .case file on disk. Without one, every case is meant.`

// caseRoot is the folder of the cases in a checkout.
const caseRoot = "cases"

// caseFS is the checkout's case folder where there is one, so that a case can be
// edited and run without building anew, else what is built in.
func caseFS() fs.FS {
	if _, err := os.Stat(filepath.Join(caseRoot, "cases.go")); err == nil {
		return os.DirFS(caseRoot)
	}
	return cases.FS
}

// selectCases loads every case and returns those the patterns match. A pattern that
// ends in .case and is a file on disk is that file. Mistakes in any case are errors.
//
// A case that names mixes stands for its variants: those that it names or, by mixes,
// all there are. A pattern that ends in a mix may name any of these.
func selectCases(patterns []string, mixes scenario.Mixes) ([]*scenario.Case, error) {
	var files []*scenario.Case
	var rest []string
	for _, p := range patterns {
		file, mix := scenario.SplitMix(p)
		if !strings.HasSuffix(file, scenario.Ext) {
			rest = append(rest, p)
			continue
		}
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			rest = append(rest, p)
			continue
		}
		c, err := scenario.LoadFile(file)
		if err != nil {
			return nil, err
		}
		if abs, err := filepath.Rel(caseRoot, file); err == nil && filepath.IsLocal(abs) {
			c.Path = filepath.ToSlash(abs)
		} else {
			c.Loose = true
		}
		variants := mixes.Of([]*scenario.Case{c})
		if mix != "" {
			if variants, err = scenario.Select(c.EveryVariant(), []string{p}); err != nil {
				return nil, err
			}
		}
		files = append(files, variants...)
	}
	list := files
	if len(rest) > 0 || len(files) == 0 {
		all, err := scenario.Load(caseFS())
		if err != nil {
			return nil, err
		}
		var named, plain []string
		for _, p := range rest {
			if _, mix := scenario.SplitMix(p); mix != "" {
				named = append(named, p)
			} else {
				plain = append(plain, p)
			}
		}
		var found []*scenario.Case
		if len(plain) > 0 || len(named) == 0 {
			if found, err = scenario.Select(mixes.Of(all), plain); err != nil {
				return nil, err
			}
		}
		if len(named) > 0 {
			more, err := scenario.Select(scenario.MixesAll.Of(all), named)
			if err != nil {
				return nil, err
			}
			found = append(found, more...)
		}
		for _, c := range found {
			if !slices.ContainsFunc(list, func(f *scenario.Case) bool { return f.Name() == c.Name() }) {
				list = append(list, c)
			}
		}
	}
	var errs []error
	for _, c := range scenario.Files(list) { // variants share their mistakes
		if err := runner.Check(c); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("there are no cases")
	}
	return list, nil
}

// completeCases offers the names of cases to the shell.
func completeCases(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	all, _ := scenario.Load(caseFS()) // a broken case is no reason to complete nothing
	var names []string
	for _, c := range scenario.MixesListed.Of(all) {
		if strings.HasPrefix(c.Name(), prefix) {
			names = append(names, c.Name())
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeFlags offers the values of the flags that take one of a few words. A shell
// completes the rest, such as paths, by itself.
func completeFlags(cmd *cobra.Command) *cobra.Command {
	var servers []string
	for _, f := range oracle.SpecForms() {
		if !strings.HasPrefix(f.Form, "debian:") {
			word, _, _ := strings.Cut(f.Form, ":")
			word, _, _ = strings.Cut(word, "[")
			servers = append(servers, word+"\t"+f.Means)
		}
	}
	servers = append(servers, "debian:redis@7.0", "debian:redis@8.0", "debian:redis@8.6", "debian:valkey@9")
	for flag, words := range map[string][]string{
		"oracle": servers, "target": servers, "format": {"text", "json", "github"}, "mode": {"strict"}, "mixes": {string(scenario.MixesListed), string(scenario.MixesAll)},
	} {
		if cmd.Flags().Lookup(flag) == nil {
			continue
		}
		if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
			panic("completion of --" + flag + ": " + err.Error())
		}
	}
	return cmd
}
