package runner

import (
	"context"
	"fmt"
	"slices"
	"sort"
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
		return c.eventually(ctx, within, func(ctx context.Context, last bool) (output, error) {
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

// memberView is a node's table of the cluster as far as every node must come to the same
// one: CLUSTER NODES without its times, links, marks and "myself". Config epochs stand
// as their rank, since an election that is held twice takes two; the numbers
// themselves and the current epoch are in what nodes must have in common.
func memberView(ctx context.Context, n *node) (output, error) {
	text, err := n.ask(ctx, "CLUSTER", "NODES")
	if err != nil {
		return output{}, err
	}
	info, err := n.ask(ctx, "CLUSTER", "INFO")
	if err != nil {
		return output{}, err
	}
	rows, epochs := memberRows(text)
	out := output{kind: "members", exact: "epochs"}
	byID := func(i, j int) bool { return n.names.fold(rows[i][0]) < n.names.fold(rows[j][0]) }
	sort.SliceStable(rows, byID)
	for _, r := range rows {
		out.exact += " " + r[4]
		r[4] = fmt.Sprintf("epoch#%d", epochs[r[4]])
		out.lines = append(out.lines, n.names.fold(strings.Join(r, " ")))
	}
	for _, l := range splitLines(info) {
		if epoch, ok := strings.CutPrefix(l, "cluster_current_epoch:"); ok {
			out.exact += " of " + epoch
		}
	}
	return out, nil
}

// memberRows reads CLUSTER NODES: id, address, flags, master, config epoch and slots of
// each node, and the rank of each epoch, from 1.
func memberRows(text string) (rows [][]string, rank map[string]int) {
	var seen []string
	for _, line := range splitLines(text) {
		f := strings.Fields(line)
		if len(f) < 8 {
			continue
		}
		flags := slices.DeleteFunc(strings.Split(f[2], ","), func(s string) bool { return s == "myself" })
		row := []string{f[0], f[1], strings.Join(flags, ","), f[3], f[6]}
		for _, s := range f[8:] {
			if s[0] != '[' { // an open slot is between the two nodes alone
				row = append(row, s)
			}
		}
		rows = append(rows, row)
		seen = append(seen, f[6])
	}
	slices.SortFunc(seen, func(a, b string) int {
		if d := len(a) - len(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	rank = map[string]int{}
	for _, e := range slices.Compact(seen) {
		rank[e] = len(rank) + 1
	}
	return rows, rank
}

// shardView names for each node the first one of its shard, in the order of names, as
// nodes.conf has them. The ids themselves are in what nodes must have in common.
func shardView(ctx context.Context, n *node) (output, error) {
	if err := n.save(ctx); err != nil {
		return output{}, err
	}
	b, err := n.live.ReadFile("nodes.conf")
	if err != nil {
		return output{}, fmt.Errorf("node %s: read nodes.conf: %w", n.name, err)
	}
	var rows [][2]string // name, shard
	for _, line := range splitLines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 8 {
			continue
		}
		for _, aux := range strings.Split(f[1], ",") {
			if id, ok := strings.CutPrefix(aux, "shard-id="); ok {
				rows = append(rows, [2]string{n.names.fold(f[0]), id})
			}
		}
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i][0] < rows[j][0] })
	out := output{kind: "shardids", exact: "shards"}
	for _, r := range rows {
		head := slices.IndexFunc(rows, func(o [2]string) bool { return o[1] == r[1] })
		out.lines = append(out.lines, r[0]+" is of the shard of "+rows[head][0])
		out.exact += " " + r[1]
	}
	return out, nil
}
