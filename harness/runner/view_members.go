package runner

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
)

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
		for aux := range strings.SplitSeq(f[1], ",") {
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
