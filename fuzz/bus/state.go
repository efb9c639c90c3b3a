package bus

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slotdiff/slotdiff/harness/mask"
	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/wire/bus"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// view is what a side shows of its state, masked.
type view struct {
	name  string
	lines []string
}

// infoFields are compared of CLUSTER INFO; the cluster's state itself is up to a clock.
var infoFields = []string{
	"cluster_slots_assigned", "cluster_slots_ok", "cluster_slots_pfail", "cluster_slots_fail",
	"cluster_known_nodes", "cluster_size", "cluster_current_epoch", "cluster_my_epoch",
}

// views asks for everything that is compared.
func (s *side) views() ([]view, error) {
	r, err := s.ask(
		[]string{"CLUSTER", "NODES"}, []string{"CLUSTER", "INFO"}, []string{"CLUSTER", "SLOTS"}, []string{"CLUSTER", "SHARDS"},
		[]string{"CLUSTER", "LINKS"}, []string{"ROLE"}, []string{"CLUSTER", "SAVECONFIG"},
	)
	if err != nil {
		return nil, err
	}
	if err := s.ear.listen(); err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	files, conf := s.driver.Capabilities().Has(oracle.CapFiles), []byte(nil)
	if files {
		if conf, err = s.node.ReadFile("nodes.conf"); err != nil {
			return nil, fmt.Errorf("%s: nodes.conf: %w", s.name, err)
		}
	}
	shards := textLines(resp.Text(r[3]))
	if files && (splitFamily(string(conf)) || followsInHandshake(string(r[0].Str))) {
		shards = withoutSlots(shards)
	}
	out := []view{
		{"nodes", s.canonical("CLUSTER NODES", textLines(string(r[0].Str)))},
		{"info", infoLines(string(r[1].Str))},
		{"slots", s.canonical("CLUSTER SLOTS", textLines(resp.Text(r[2])))},
		{"shards", s.canonical("CLUSTER SHARDS", shards)},
		{"links", s.linkLines(r[4])},
		{"role", roleLines(r[5])},
		{"messages", s.ear.heard},
	}
	if files {
		out = append(out, view{"conf", s.canonical("nodes.conf", textLines(string(conf)))})
	}
	for i := range out {
		if out[i].name == "nodes" || out[i].name == "conf" {
			out[i].lines = hideLinkState(out[i].lines)
		}
	}
	return out, nil
}

// splitFamily reports whether a replica is in another shard than its master, or may be, as one in handshake is not saved. Then CLUSTER SHARDS shows the slots in that of the
// two shards which comes first in a table of hashes.
func splitFamily(conf string) bool {
	shard, master := map[string]string{}, map[string]string{}
	for line := range strings.Lines(conf) {
		f := strings.Fields(line)
		if len(f) < 8 || f[0] == "vars" {
			continue
		}
		_, after, _ := strings.Cut(f[1], "shard-id=")
		shard[f[0]], _, _ = strings.Cut(after, ",")
		master[f[0]] = f[3]
	}
	for id, m := range master {
		if s, saved := shard[m]; m != "-" && (!saved || s != shard[id]) {
			return true
		}
	}
	return false
}

// followsInHandshake reports whether CLUSTER NODES has a replica in handshake. It is not saved, so nobody can see in which shard it is.
func followsInHandshake(nodes string) bool {
	for line := range strings.Lines(nodes) {
		if f := strings.Fields(line); len(f) >= 8 && strings.Contains(f[2], "handshake") && f[3] != "-" {
			return true
		}
	}
	return false
}

// withoutSlots are the lines of CLUSTER SHARDS without the slots.
func withoutSlots(lines []string) []string {
	var out []string
	skip := false
	for _, l := range lines {
		switch strings.TrimSpace(l) {
		case `"slots"`:
			skip = true
		case `"nodes"`:
			skip = false
		}
		if !skip {
			out = append(out, l)
		}
	}
	return out
}

func textLines(s string) []string {
	return strings.Split(strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n"), "\n")
}

// canonical folds the node's id and ports and masks what varies.
func (s *side) canonical(kind string, lines []string) []string {
	text := s.fold(strings.Join(lines, "\n"))
	out, _ := mask.Apply(mask.Context{Kind: kind}, strings.Split(text, "\n"))
	return out
}

func (s *side) fold(text string) string {
	if s.names == nil || s.named != s.id {
		s.named = s.id
		s.names = strings.NewReplacer(
			string(s.id[:]), "$a.id",
			fmt.Sprintf(":%d@%d", s.port, s.cport), ":$a.port@$a.cport",
			fmt.Sprintf(":%d\n", s.port), ":$a.port\n",
		)
	}
	return s.names.Replace(text)
}

// hideLinkState takes out whether a node is connected: whom nobody answers is dialled with every tick.
func hideLinkState(lines []string) []string {
	for i, l := range lines {
		l = strings.Replace(l, " connected", " -", 1)
		lines[i] = strings.Replace(l, " disconnected", " -", 1)
	}
	return lines
}

// age is how old a node is when episodes begin: a master that is not ok does not count the masters with slots before it is 2 s old
// (CLUSTER_WRITABLE_DELAY).
const age = 3 * time.Second

func infoLines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if key, _, ok := strings.Cut(line, ":"); ok && slices.Contains(infoFields, key) {
			out = append(out, line)
		}
	}
	return out
}

// linkLines are the accepted links that belong to a node; those that are dialled come and go with the ticks.
func (s *side) linkLines(v resp.Value) []string {
	var out []string
	for _, l := range v.Elems {
		if dir, ok := member(l, "direction"); ok && dir == "from" {
			node, _ := member(l, "node")
			out = append(out, "from "+s.fold(node))
		}
	}
	slices.Sort(out)
	return out
}

// member is a field of a flat list of names and values.
func member(v resp.Value, key string) (string, bool) {
	for i := 0; i+1 < len(v.Elems); i += 2 {
		if string(v.Elems[i].Str) == key {
			return string(v.Elems[i+1].Str), true
		}
	}
	return "", false
}

func roleLines(v resp.Value) []string {
	if len(v.Elems) == 0 {
		return []string{resp.Text(v)}
	}
	return []string{string(v.Elems[0].Str)}
}

// difference names the first view that differs and its first line; "" if none does.
func difference(o, t []view) string {
	for i := range min(len(o), len(t)) {
		if !slices.Equal(o[i].lines, t[i].lines) {
			return fmt.Sprintf("%s shows %s", o[i].name, firstDifference(strings.Join(o[i].lines, "\n"), strings.Join(t[i].lines, "\n")))
		}
	}
	return ""
}

// broken says what a view of nodes has that no cluster node may show: it is what makes nodes.conf unreadable.
func broken(nodes view, self string) string {
	myself := 0
	for _, l := range nodes.lines {
		f := strings.Split(l, " ")
		if len(f) < 8 {
			return fmt.Sprintf("a line of %d fields: %q", len(f), l)
		}
		if len(f[0]) != bus.IDLen && f[0] != self && f[0] != "<random>" {
			return fmt.Sprintf("an id of %d characters: %q", len(f[0]), l)
		}
		if strings.Contains(f[2], "myself") {
			myself++
		}
	}
	if myself != 1 {
		return fmt.Sprintf("myself stands %d times", myself)
	}
	return ""
}
