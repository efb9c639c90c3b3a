package cluster

import (
	"slices"
	"testing"

	"github.com/slotdiff/slotdiff/wire/bus"
)

func keys(words ...string) (out [][]byte) {
	for _, w := range words {
		out = append(out, []byte(w))
	}
	return out
}

// Slots: hello 866, foo 12182, bar 5061.
func TestRoute(t *testing.T) {
	net := newNet(t, 3)
	a, b, r := net.hosts[0], net.hosts[1], net.hosts[2]
	net.meet()
	net.shareSlots(2) // a owns 0-8191, b the rest
	net.run(3000)
	r.do(Replicate{Node: a.id()})
	net.run(2000)
	a.do(SetSlot{Slot: 866, Action: SetSlotMigrating, Node: b.id()})
	b.do(SetSlot{Slot: 866, Action: SetSlotImporting, Node: a.id()})
	here := func(present ...string) func([]byte) bool {
		return func(key []byte) bool {
			return slices.Contains(present, string(key))
		}
	}
	const (
		movedB   = "MOVED 12182 10.0.0.2:7002"
		cross    = "CROSSSLOT Keys in request don't hash to the same slot"
		tryAgain = "TRYAGAIN Multiple keys request during rehashing of slot"
	)
	for _, c := range []struct {
		name string
		on   *host
		q    Query
		want string
	}{
		{"no key", a, Query{}, ""},
		{"owned", a, Query{Keys: keys("bar")}, ""},
		{"foreign", a, Query{Keys: keys("foo")}, movedB},
		{"foreign, read only client", a, Query{Keys: keys("foo"), ReadOnly: true}, movedB},
		{"cross slot", a, Query{Keys: keys("foo", "bar")}, cross},
		{"cross slot in a script", a, Query{Keys: keys("foo", "bar"), Nested: true}, cross},
		{"migrating, present", a, Query{Keys: keys("hello"), Present: here("hello")}, ""},
		{"migrating, absent", a, Query{Keys: keys("hello")}, "ASK 866 10.0.0.2:7002"},
		{"migrating, both", a, Query{Keys: keys("hello", "{hello}x"), Present: here("hello")}, tryAgain},
		{"migrating, MIGRATE", a, Query{Keys: keys("hello"), Migrate: true}, ""},
		{"migrating, shard channel", a, Query{Keys: keys("hello"), ShardPubSub: true}, ""},
		{"migrating, key before a shard channel", a, Query{Keys: keys("hello", "hello"), ShardPubSub: true, ShardFrom: 1}, "ASK 866 10.0.0.2:7002"},
		{"importing", b, Query{Keys: keys("hello")}, "MOVED 866 10.0.0.1:7001"},
		{"importing, asking", b, Query{Keys: keys("hello"), Asking: true}, ""},
		{"importing, asking, one key twice", b, Query{Keys: keys("hello", "hello"), Asking: true}, ""},
		{"importing, asking, two keys", b, Query{Keys: keys("hello", "{hello}x"), Asking: true, Present: here("hello")}, tryAgain},
		{"importing, asking, two present keys", b, Query{Keys: keys("hello", "{hello}x"), Asking: true, Present: here("hello", "{hello}x")}, ""},
		{"importing, MIGRATE", b, Query{Keys: keys("hello"), Migrate: true}, ""},
		{"replica", r, Query{Keys: keys("bar")}, "MOVED 5061 10.0.0.1:7001"},
		{"replica, read only client", r, Query{Keys: keys("bar"), ReadOnly: true}, ""},
		{"replica, read only client writes", r, Query{Keys: keys("bar"), ReadOnly: true, Write: true}, "MOVED 5061 10.0.0.1:7001"},
		{"replica, read only client executes a write", r, Query{Keys: keys("bar"), ReadOnly: true, ExecWrite: true}, "MOVED 5061 10.0.0.1:7001"},
		{"replica, shard channel", r, Query{Keys: keys("bar"), ShardPubSub: true}, ""},
	} {
		if got := c.on.n.Route(c.q).Error(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}

	for _, c := range []struct {
		name string
		on   *host
		q    BlockedQuery
		want string
	}{
		{"owned", a, BlockedQuery{Slot: 5061}, ""},
		{"foreign", a, BlockedQuery{Slot: 12182}, movedB},
		{"importing", b, BlockedQuery{Slot: 866}, ""},
		{"no key", a, BlockedQuery{Slot: -1}, ""},
		{"replica", r, BlockedQuery{Slot: 5061}, "MOVED 5061 10.0.0.1:7001"},
		{"replica, read only client", r, BlockedQuery{Slot: 5061, ReadOnly: true}, ""},
		{"replica, read only client writes", r, BlockedQuery{Slot: 5061, ReadOnly: true, Write: true}, "MOVED 5061 10.0.0.1:7001"},
	} {
		if got := c.on.n.RouteBlocked(c.q).Error(); got != c.want {
			t.Errorf("blocked, %s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRouteEndpoints(t *testing.T) {
	net := newNet(t, 2)
	a, b := net.hosts[0], net.hosts[1]
	net.meet()
	net.shareSlots(2)
	net.run(3000)
	q := Query{Keys: keys("foo")}
	for _, c := range []struct {
		endpoint Endpoint
		hostname string
		want     string
	}{
		{EndpointIP, "b.example", "MOVED 12182 10.0.0.2:7002"},
		{EndpointHostname, "", "MOVED 12182 ?:7002"},
		{EndpointHostname, "b.example", "MOVED 12182 b.example:7002"},
		{EndpointUnknown, "b.example", "MOVED 12182 :7002"},
	} {
		a.n.set.Endpoint = c.endpoint
		a.n.lookup(b.n.ID()).hostname = c.hostname
		if got := a.n.Route(q).Error(); got != c.want {
			t.Errorf("%d %q: got %q, want %q", c.endpoint, c.hostname, got, c.want)
		}
	}
	q.TLS = true
	if got := a.n.Route(q); got.Port != 0 || got.Node != b.n.ID() {
		t.Errorf("over TLS: %+v", got)
	}
}

func TestRouteWhenDown(t *testing.T) {
	net := newNet(t, 1)
	a := net.hosts[0]
	a.do(AddSlots{Slots: []int{5061}}) // bar
	const (
		down     = "CLUSTERDOWN The cluster is down"
		downRO   = "CLUSTERDOWN The cluster is down and only accepts read commands"
		unserved = "CLUSTERDOWN Hash slot not served"
	)
	for _, c := range []struct {
		name        string
		reads, pubs bool
		q           Query
		want        string
	}{
		{"owned", false, true, Query{Keys: keys("bar")}, down},
		{"not served", false, true, Query{Keys: keys("foo")}, unserved},
		{"not served, cross slot", false, true, Query{Keys: keys("foo", "bar")}, "CROSSSLOT Keys in request don't hash to the same slot"},
		{"not served, cross slot in a script", false, true, Query{Keys: keys("foo", "bar"), Nested: true}, unserved},
		{"reads allowed", true, true, Query{Keys: keys("bar")}, ""},
		{"reads allowed, write", true, true, Query{Keys: keys("bar"), Write: true}, downRO},
		{"reads allowed, EXEC of writes", true, true, Query{Keys: keys("bar"), ExecWrite: true, Nested: true}, ""},
		{"shard channel", false, true, Query{Keys: keys("bar"), ShardPubSub: true}, ""},
		{"shard channel not allowed", true, false, Query{Keys: keys("bar"), ShardPubSub: true}, down},
	} {
		a.n.set.AllowReadsWhenDown, a.n.set.AllowPubSubShardWhenDown = c.reads, c.pubs
		if got := a.n.Route(c.q).Error(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if got := a.n.RouteBlocked(BlockedQuery{Slot: 5061}).Error(); got != down {
		t.Errorf("blocked: got %q", got)
	}
	a.n.state = bus.StateOK
	if got := a.n.RouteBlocked(BlockedQuery{Slot: 12182}).Error(); got != unserved {
		t.Errorf("blocked on a slot without owner: got %q", got)
	}
}

func BenchmarkRoute(b *testing.B) {
	net := newNet(b, 2)
	net.meet()
	net.shareSlots(2)
	net.run(3000)
	n := net.hosts[0].n
	for _, c := range []struct{ name, key string }{{"serve", "bar"}, {"moved", "foo"}} {
		q := Query{Keys: keys(c.key)}
		var text []byte
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				text = n.Route(q).AppendError(text[:0])
			}
		})
	}
}
