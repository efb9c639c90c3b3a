package runner

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/harness/scenario"
)

func someNames() *names {
	n := newNames()
	n.set("a", identity{id: strings.Repeat("a1", 20), addr: netip.MustParseAddrPort("127.0.0.1:17000"), bus: netip.MustParseAddrPort("127.0.0.1:27000")})
	n.set("p", identity{id: strings.Repeat("b2", 20), addr: netip.MustParseAddrPort("127.0.0.1:17001"), bus: netip.MustParseAddrPort("127.0.0.1:27001")})
	return n
}

func TestFold(t *testing.T) {
	a, p := strings.Repeat("a1", 20), strings.Repeat("b2", 20)
	for in, want := range map[string]string{
		"-MOVED 12182 127.0.0.1:17001":         "-MOVED 12182 $p.addr",
		a + " 127.0.0.1:17000@27000 myself":    "$a.id $a.addr@$a.cport myself",
		a + " :17000@27000,host.example":       "$a.id :$a.port@$a.cport,host.example",
		"[866->-" + p + "]":                    "[866->-$p.id]",
		`"id\n` + p + `\n"`:                    `"id\n$p.id\n"`,
		":17001":                               ":$p.port",
		"port=17001 x17001 170010 1.17001":     "port=$p.port x17001 170010 1.17001",
		"127.0.0.1:27001":                      "127.0.0.1:$p.cport",
		"127.0.0.1:19999":                      "127.0.0.1:19999",
		strings.Repeat("c3", 20):               strings.Repeat("c3", 20),
		a + p:                                  "$a.id$p.id",
		`"\r\n17000\r\n"`:                      `"\r\n$a.port\r\n"`,
		"cluster_slots_assigned:16384":         "cluster_slots_assigned:16384",
		"sha1 " + strings.Repeat("d4", 20)[:9]: "sha1 " + strings.Repeat("d4", 20)[:9],
	} {
		if got := someNames().fold(in); got != want {
			t.Errorf("fold(%q) = %q, want %q", in, got, want)
		}
	}
}

// The id that a hard reset gives to a node is told from its own and from that of a stranger, until the node is started again.
func TestRename(t *testing.T) {
	n := someNames()
	before, now := strings.Repeat("a1", 20), strings.Repeat("e5", 20)
	n.rename("a", before)
	n.rename("a", now)
	if got, want := n.fold(before+" "+now), "$a.id $a.newid"; got != want {
		t.Errorf("folded to %q, want %q", got, want)
	}
	if got, err := n.lookup(scenario.Ref{Name: "a", Field: "id"}); got != before || err != nil {
		t.Errorf("$a.id is %q, %v", got, err)
	}
	if _, err := n.lookup(scenario.Ref{Name: "a", Field: "newid"}); err == nil {
		t.Error("$a.newid is a reference")
	}
	next := strings.Repeat("f6", 20)
	n.rename("a", next)
	n.rename("a", next)
	if got, want := n.fold(now+" "+next), "$a.newid $a.newid2"; got != want {
		t.Errorf("folded to %q, want %q", got, want)
	}
	if got := n.present("a"); got != next {
		t.Errorf("now its id is %q", got)
	}
	known, _ := n.get("a")
	known.id = now
	n.set("a", known)
	if got, want := n.fold(before+" "+now), before+" $a.id"; got != want {
		t.Errorf("after another start folded to %q, want %q", got, want)
	}
}

// What expands to a value folds back to the same reference.
func TestFoldUndoesLookup(t *testing.T) {
	n := someNames()
	for _, ref := range []scenario.Ref{
		{Name: "a", Field: "id"}, {Name: "a", Field: "addr"}, {Name: "p", Field: "port"}, {Name: "p", Field: "cport"},
	} {
		v, err := n.lookup(ref)
		if err != nil {
			t.Fatal(err)
		}
		if got := n.fold("<" + v + ">"); got != "<"+ref.String()+">" {
			t.Errorf("%s expands to %q, which folds to %q", ref, v, got)
		}
	}
	for ref, want := range map[scenario.Ref]string{
		{Name: "q", Field: "id"}:   `no actor "q"`,
		{Name: "a", Field: "size"}: `no field "size"`,
	} {
		if _, err := n.lookup(ref); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", ref, err, want)
		}
	}
}
