package runner

import (
	"context"
	"fmt"
	"sort"
	"strings"
)

var verbSnapshot = &Verb{
	Name: "snapshot", Where: OnLine,
	Usage: "snapshot NODE VIEW",
	Doc:   "Prints one view of a node's state, masked: `nodes` (CLUSTER NODES), `info` (CLUSTER INFO), `slots` (CLUSTER SLOTS), `shards` (CLUSTER SHARDS), `links` (CLUSTER LINKS), `keys` (every key with its value's type, by slot), `conf` (nodes.conf as it is on disk), `state` (nodes, the cluster's state and epochs, and the number of keys), `members` (what all members must come to agree on: id, address, flags, master, rank of the config epoch and slots of every node), `shardids` (which nodes share a shard, as nodes.conf has it). Nodes that `agree` on the last two agree on the numbers behind them too.",
	run: func(ctx context.Context, c *call) (output, error) {
		args, err := c.expandAll(c.words)
		if err != nil {
			return output{}, err
		}
		if len(args) != 2 {
			return output{}, fmt.Errorf("snapshot: want a node and one view of %s", viewNames())
		}
		n, err := c.side.node(args[0])
		if err != nil {
			return output{}, err
		}
		v, err := findView(args[1])
		if err != nil {
			return output{}, err
		}
		return v.take(ctx, n)
	},
}

// view is one way of looking at a node's state.
type view struct {
	name string
	take func(ctx context.Context, n *node) (output, error)
}

func views() []view {
	return []view{
		{"nodes", textView("CLUSTER", "NODES")},
		{"info", textView("CLUSTER", "INFO")},
		{"slots", replyView("CLUSTER", "SLOTS")},
		{"shards", replyView("CLUSTER", "SHARDS")},
		{"links", replyView("CLUSTER", "LINKS")},
		{"keys", keysView},
		{"conf", confView},
		{"state", stateView},
		{"members", memberView},
		{"shardids", shardView},
	}
}

func findView(name string) (view, error) {
	for _, v := range views() {
		if v.name == name {
			return v, nil
		}
	}
	return view{}, fmt.Errorf("snapshot: no view %q; there are %s", name, viewNames())
}

func viewNames() string {
	var names []string
	for _, v := range views() {
		names = append(names, v.name)
	}
	return strings.Join(names, " ")
}

// textView prints the lines of a text reply bare.
func textView(args ...string) func(context.Context, *node) (output, error) {
	return func(ctx context.Context, n *node) (output, error) {
		text, err := n.ask(ctx, args...)
		if err != nil {
			return output{}, err
		}
		return output{kind: commandKind(args), lines: splitLines(text)}, nil
	}
}

// replyView prints a reply in its text form.
func replyView(args ...string) func(context.Context, *node) (output, error) {
	return func(ctx context.Context, n *node) (output, error) { return n.command(ctx, "", args, nil) }
}

func confView(_ context.Context, n *node) (output, error) {
	b, err := n.live.ReadFile("nodes.conf")
	if err != nil {
		return output{}, fmt.Errorf("node %s: read nodes.conf: %w", n.name, err)
	}
	return output{kind: "nodes.conf", lines: splitLines(string(b))}, nil
}

// keysView lists keys by slot and name: the order of KEYS is nobody's promise.
func keysView(ctx context.Context, n *node) (output, error) {
	keys, err := n.keys(ctx)
	if err != nil {
		return output{}, err
	}
	out := output{kind: "keys"}
	for _, k := range keys {
		typ, err := n.ask(ctx, "TYPE", k.name)
		if err != nil {
			return output{}, err
		}
		out.lines = append(out.lines, fmt.Sprintf("slot %d %s %q", k.slot, typ, k.name))
	}
	if len(out.lines) == 0 {
		out.lines = []string{"no keys"}
	}
	return out, nil
}

// stateFields are the lines of CLUSTER INFO that the state view prints.
var stateFields = []string{"cluster_state", "cluster_slots_assigned", "cluster_slots_ok", "cluster_slots_pfail", "cluster_slots_fail", "cluster_known_nodes", "cluster_size", "cluster_current_epoch", "cluster_my_epoch"}

func stateView(ctx context.Context, n *node) (output, error) {
	out, err := textView("CLUSTER", "NODES")(ctx, n)
	if err != nil {
		return out, err
	}
	info, err := n.command(ctx, "", []string{"CLUSTER", "INFO"}, stateFields)
	if err != nil {
		return out, err
	}
	size, err := n.command(ctx, "", []string{"DBSIZE"}, nil)
	if err != nil {
		return out, err
	}
	out.lines = append(out.lines, info.lines...)
	out.lines = append(out.lines, "keys"+strings.Join(size.lines, ""))
	return out, nil
}

// ask returns the text of a reply on the node's default connection.
func (n *node) ask(ctx context.Context, args ...string) (string, error) {
	c, err := n.conn(ctx, "")
	if err != nil {
		return "", err
	}
	text, err := c.text(args...)
	if err != nil {
		if re, isReply := err.(*replyError); isReply {
			return "-" + re.text, nil // an answer like any other
		}
		return "", n.explain(ctx, fmt.Errorf("node %s: %s: %w", n.name, strings.Join(args, " "), err))
	}
	return text, nil
}

func splitLines(text string) []string {
	text = strings.TrimRight(text, "\r\n")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, "\r")
	}
	return lines
}

// slotKey is a key and the slot it hashes to.
type slotKey struct {
	slot uint16
	name string
}

func sortKeys(keys []slotKey) {
	sort.Slice(keys, func(i, j int) bool {
		if keys[i].slot != keys[j].slot {
			return keys[i].slot < keys[j].slot
		}
		return keys[i].name < keys[j].name
	})
}
