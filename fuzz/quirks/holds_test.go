package quirks_test

import (
	"testing"

	"github.com/slotdiff/slotdiff/fuzz/quirks"
)

// What is held back from a target is that of any version, and asked for beside the faults of the oracle or alone.
func TestWith(t *testing.T) {
	base, err := quirks.Load()
	if err != nil {
		t.Fatal(err)
	}
	const malformed, forgotten = "sender=known & gossip(about=malformed)", "ext(type=forgotten,8)"
	const open = "ext(type=hostname,nodename has=open)"
	const cut = "ext(type=shardid,secret has=cut)"
	const newer = "replicaof=known & newer"
	l, err := base.With([]string{malformed, forgotten, open, cut, newer})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ from, pattern, want string }{
		{"p", "PING + gossip GGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGG addr=127.0.0.1:7@9 flags=master", malformed},
		{"u", "PING + gossip GGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGG addr=127.0.0.1:7@9 flags=master", ""},
		{"p", "PING + gossip $q.id addr=127.0.0.1:7@9 flags=master", ""},
		{"u", "PING + ext forgotten $q.id ttl=60", forgotten},
		{"u", "PING + ext 8 payload=6100000000000000", forgotten},
		{"u", "PING + ext 9 payload=6100000000000000", ""},
		{"u", "PING + ext nodename payload=6100620061626364", open},
		{"u", "PING + ext nodename payload=6162636465666700", ""},
		{"u", "PING + ext shardid payload=6162636465666768", cut},
		{"u", "PING + ext shardid 1111111111111111111111111111111111111111", ""},
		{"q", "PING replicaof=$p.id flags=slave,myself configEpoch=4", newer},
		{"q", "PING replicaof=$p.id flags=slave,myself configEpoch=3", ""},
	} {
		name := ""
		if q := l.Match("7.0.15", world(packet(t, tc.from, tc.pattern))); q != nil {
			name = q.Name
		}
		if q := l.MatchHold(world(packet(t, tc.from, tc.pattern))); name != tc.want || (q == nil) != (tc.want == "") {
			t.Errorf("%s from %s: %q and %v, want %q", tc.pattern, tc.from, name, q, tc.want)
		}
	}
	own := world(packet(t, "p", "PING replicaof=$p.id flags=slave,myself"))
	if q := l.Match("8.6.3", own); q == nil || q.Name != "own-master" || l.MatchHold(own) != nil {
		t.Errorf("a fault of the oracle is %v", q)
	}
	if base.Holds() || base.MatchHold(own) != nil || !l.Holds() {
		t.Error("the list itself was changed")
	}
	if _, err := base.With([]string{"sender=nobody"}); err == nil {
		t.Error("sender=nobody is a term")
	}
}
