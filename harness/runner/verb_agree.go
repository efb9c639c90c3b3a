package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/harness/scenario"
)

var verbAgree = &Verb{
	Name: "agree", Where: OnLine,
	Usage: "agree [NODE ...] within=D\nCOMMAND [| FIELD ...]   or   snapshot VIEW",
	Doc:   "Eventually, and of all: repeats the question of its input line to every named node, or to every one that runs, until all give one answer and it is the expected block, at most D long. A failure shows what each saw last. While recording a step without expected block, the answer is the common one that has not changed for a second.",
	run: func(ctx context.Context, c *call) (output, error) {
		plain, opts, err := c.options(c.words, "within")
		if err != nil {
			return output{}, err
		}
		within, err := duration(opts, "within")
		if err != nil {
			return output{}, err
		}
		names, err := c.members(plain)
		if err != nil {
			return output{}, err
		}
		asks := make([]func(context.Context) (output, error), len(names))
		for i, name := range names {
			if asks[i], err = c.asking(name, ""); err != nil {
				return output{}, err
			}
		}
		return c.eventually(ctx, within, nil, func(ctx context.Context, last bool) (output, error) {
			return c.poll(ctx, names, asks, last)
		})
	},
}

// members are the nodes of the words, or without any all that run.
func (c *call) members(words []scenario.Word) ([]string, error) {
	names, err := c.expandAll(words)
	if err != nil {
		return nil, err
	}
	if len(names) > 0 {
		return names, nil
	}
	for _, name := range c.side.order {
		if n := c.side.nodes[name]; !n.down && !n.frozen {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("agree: no node runs")
	}
	return names, nil
}

// poll asks every node. Its output is the common answer; else, if whole is set, the
// answers, each under the names of those who gave it. Without it the first answer that
// is not the wanted one ends the round.
func (c *call) poll(ctx context.Context, names []string, asks []func(context.Context) (output, error), whole bool) (output, error) {
	want := c.step.Expect
	outs := make([]output, len(names))
	for i, ask := range asks {
		out, err := ask(ctx)
		if err != nil {
			return out, err
		}
		out.lines = c.side.canonical(out).Lines
		outs[i] = out
		if !whole && want != nil && !slices.Equal(out.lines, want) {
			return out, nil
		}
	}
	first := outs[0]
	same := func(a, b output) bool { return slices.Equal(a.lines, b.lines) && a.exact == b.exact }
	if !slices.ContainsFunc(outs[1:], func(o output) bool { return !same(o, first) }) {
		return first, nil
	}
	split := output{kind: "agree"}
	for i := range outs {
		if slices.ContainsFunc(outs[:i], func(o output) bool { return same(o, outs[i]) }) {
			continue
		}
		var who []string
		for j := range outs {
			if same(outs[i], outs[j]) {
				who = append(who, names[j])
			}
		}
		split.lines = append(split.lines, strings.Join(who, " ")+":")
		for _, l := range outs[i].lines {
			split.lines = append(split.lines, "  "+l)
		}
		if outs[i].exact != "" {
			split.lines = append(split.lines, "  "+outs[i].exact)
		}
	}
	return split, nil
}
