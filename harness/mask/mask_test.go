package mask

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExamples runs the example of every mask: it must do what the example shows, only
// that, and nothing more when it is run again.
func TestExamples(t *testing.T) {
	for _, m := range All() {
		t.Run(m.Name, func(t *testing.T) {
			if m.Field == "" || m.Reason == "" || len(m.Kinds) == 0 || m.Before == m.After {
				t.Fatalf("the registry's entry says too little: %+v", m)
			}
			if strings.HasSuffix(m.Field, ".") || !strings.HasSuffix(m.Reason, ".") {
				t.Errorf("Field is a phrase and Reason sentences: %q, %q", m.Field, m.Reason)
			}
			before := strings.Split(m.Before, "\n")
			after := strings.Split(m.After, "\n")
			leaves := strings.Split(m.Leaves, "\n")
			for _, kind := range m.Kinds {
				own := m.apply(slices.Clone(before))
				if d := cmp.Diff(after, own); d != "" {
					t.Errorf("%s, the mask alone (-want +got):\n%s", kind, d)
				}
				got, used := Apply(Context{Kind: kind}, before)
				if !slices.Contains(used, m.Name) {
					t.Errorf("%s: Apply used %q", kind, used)
				}
				again, used := Apply(Context{Kind: kind}, got)
				if d := cmp.Diff(got, again); d != "" || len(used) > 0 {
					t.Errorf("%s: %q change what is masked already:\n%s", kind, used, d)
				}
				if d := cmp.Diff(leaves, m.apply(slices.Clone(leaves))); d != "" {
					t.Errorf("%s: it must leave alone (-want +got):\n%s", kind, d)
				}
			}
			if d := cmp.Diff(strings.Split(m.Before, "\n"), before); d != "" {
				t.Errorf("Apply changed its input:\n%s", d)
			}
		})
	}
}

// TestDeterministicStays runs every mask over answers without anything that varies.
func TestDeterministicStays(t *testing.T) {
	answers := map[string]string{
		"CLUSTER INFO": "cluster_state:ok\ncluster_slots_assigned:16384\ncluster_current_epoch:1795458150119\ncluster_my_epoch:5\n" +
			"total_cluster_links_buffer_limit_exceeded:3\ncluster_slot_migration_active_tasks:1",
		"nodes.conf":     "vars currentEpoch 5 lastVoteEpoch 4",
		"CLUSTER SLOTS":  "*1\n  *3\n    :0\n    :16383\n    *4\n      \"127.0.0.1\"\n      :$a.port\n      \"$a.id\"\n      *0",
		"CLUSTER SHARDS": "*1\n  *4\n    \"slots\"\n    *2\n      :0\n      :16383\n    \"nodes\"\n    *1\n      *4\n        \"id\"\n        \"$a.id\"\n        \"health\"\n        \"online\"",
		"packet":         "PONG sender=$a.id\n  ver=1 port=$a.port pport=0 cport=$a.cport ip=-\n  currentEpoch=5 configEpoch=4 offset=0\n  slots=0-8191 replicaof=-\n  flags=master,myself state=ok mflags=040000\n  ext hostname \"h.example\"",
		"INFO":           "# Cluster\ncluster_enabled:1\nredis_version:8.6.3\nredis_mode:cluster\nrole:master\nconnected_slaves:0\ntcp_port:$a.port\nkeyspace_hits:3\nexpired_keys:0\ndb0:keys=5,expires=0,avg_ttl=0,subexpiry=0",
		"GET":            "\"1795458150119\"",
		"ECHO":           "\"$a.id $a.addr@$a.cport myself,master - 0 0 1 connected\"",
	}
	for kind, text := range answers {
		lines := strings.Split(text, "\n")
		if got, used := Apply(Context{Kind: kind}, lines); len(used) > 0 {
			t.Errorf("%s: %q changed what is deterministic:\n%s", kind, used, cmp.Diff(lines, got))
		}
	}
}

// TestNodesInEveryForm masks the same two lines bare, as a multi-line string, as a
// verbatim string and as an array of strings.
func TestNodesInEveryForm(t *testing.T) {
	b := "$b.id $b.addr@$b.cport slave $a.id 0 1795458150119 5 connected"
	a := "$a.id $a.addr@$a.cport,h.example myself,master - 0 0 5 connected 0-865 867-8191 [866->-$p.id]"
	maskedA := "$a.id $a.addr@$a.cport,h.example myself,master - <ms> <ms> 5 connected 0-865 867-8191 [866->-$p.id]"
	maskedB := "$b.id $b.addr@$b.cport slave $a.id <ms> <ms> 5 connected"
	for _, form := range []struct {
		name, kind    string
		before, after []string
	}{
		{"bare", "CLUSTER NODES", []string{b, a}, []string{maskedA, maskedB}},
		{"text", "CLUSTER NODES", []string{"$text", "| " + b, "| " + a}, []string{"$text", "| " + maskedA, "| " + maskedB}},
		{"verbatim", "CLUSTER NODES", []string{"=txt text", "| " + b, "| " + a}, []string{"=txt text", "| " + maskedA, "| " + maskedB}},
		{"array", "CLUSTER REPLICAS", []string{"*2", `  "` + b + `"`, `  "` + a + `"`}, []string{"*2", `  "` + maskedA + `"`, `  "` + maskedB + `"`}},
		{"conf", "nodes.conf", []string{b, a, "vars currentEpoch 5 lastVoteEpoch 0"}, []string{maskedA, maskedB, "vars currentEpoch 5 lastVoteEpoch 0"}},
		{"among others", "CLUSTER NODES", []string{"x:1", b, "y:2", a}, []string{"x:1", maskedB, "y:2", maskedA}},
	} {
		got, _ := Apply(Context{Kind: form.kind}, form.before)
		if d := cmp.Diff(form.after, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", form.name, d)
		}
	}
}

// TestOrderDoesNotDependOnHiddenValues compares two runs of one server.
func TestOrderDoesNotDependOnHiddenValues(t *testing.T) {
	link := func(node, direction, created string) string {
		return "  *6\n    \"direction\"\n    \"" + direction + "\"\n    \"node\"\n    \"" + node + "\"\n    \"create-time\"\n    :" + created
	}
	one := "*3\n" + link("$b.id", "to", "9") + "\n" + link("$b.id", "from", "2") + "\n" + link("$b.id", "from", "1")
	two := "*3\n" + link("$b.id", "from", "3") + "\n" + link("$b.id", "to", "1") + "\n" + link("$b.id", "from", "4")
	first, _ := Apply(Context{"CLUSTER LINKS"}, strings.Split(one, "\n"))
	second, _ := Apply(Context{"CLUSTER LINKS"}, strings.Split(two, "\n"))
	if d := cmp.Diff(first, second); d != "" {
		t.Errorf("two runs differ after masks:\n%s", d)
	}
}

func TestMultiLineMembersMoveTogether(t *testing.T) {
	lines := []string{"*2", "  $text", "  | b", "  | a", "  \"c\""}
	got, _ := Apply(Context{"KEYS"}, lines)
	want := []string{"*2", "  \"c\"", "  $text", "  | b", "  | a"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestTally(t *testing.T) {
	var tally Tally
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { tally.Note(Context{"TIME"}, []string{"time"}) })
		wg.Go(func() { tally.Note(Context{"LASTSAVE"}, nil) })
	}
	wg.Wait()
	if looked, acted := tally.Count("time"); looked != 4 || acted != 4 {
		t.Errorf("time was looked for %d times and acted %d times, want 4 and 4", looked, acted)
	}
	if got := tally.Stale(4); !slices.Equal(got, []string{"lastsave"}) {
		t.Errorf("Stale(4) = %q, want lastsave", got)
	}
	if got := tally.Stale(5); len(got) > 0 {
		t.Errorf("Stale(5) = %q, want none: it was seen four times", got)
	}
}

func TestForKind(t *testing.T) {
	var names []string
	for _, m := range ForKind("nodes.conf") {
		names = append(names, m.Name)
	}
	want := []string{"nodes-ping-sent", "nodes-pong-received", "nodes-handshake-id", "nodes-order", "nodes-shard-id"}
	if d := cmp.Diff(want, names); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if len(ForKind("NO SUCH")) != 0 {
		t.Error("a kind that no mask names has masks")
	}
}
