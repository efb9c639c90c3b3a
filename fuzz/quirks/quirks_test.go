package quirks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/harness/puppet"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// The actors of the file's patterns.
var actors = map[string]bus.ID{
	"a": puppet.ID(1, "a"), "p": puppet.ID(1, "p"), "q": puppet.ID(1, "q"), "u": puppet.ID(1, "u"),
}

// packet builds what an actor sends, from a pattern: the words after "send", then the input lines, each after " + ".
func packet(t *testing.T, from, pattern string) []byte {
	t.Helper()
	lookup := func(r scenario.Ref) (string, error) { return actors[r.Name].String(), nil }
	parts := strings.Split(pattern, " + ")
	for i, p := range parts {
		var err error
		if parts[i], err = scenario.ExpandText(p, lookup); err != nil {
			t.Fatal(err)
		}
	}
	tmpl := puppet.NewTemplate(actors[from], 17000)
	frame, err := tmpl.Build(strings.Fields(parts[0]), parts[1:])
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	return frame
}

// world is what $a knows: the master $p with config epoch 3, its replica $q, and subscribers of its own.
func world(frame []byte) *quirks.Input {
	return &quirks.Input{
		Frame: frame, Receiver: actors["a"], Subscribed: true,
		Peers: map[bus.ID]quirks.Peer{
			actors["p"]: {ConfigEpoch: 3},
			actors["q"]: {Replica: true, Master: actors["p"], ConfigEpoch: 3},
		},
	}
}

// roleless makes $u known as neither master nor replica.
func roleless(in *quirks.Input) { in.Peers[actors["u"]] = quirks.Peer{Roleless: true} }

// follower makes $a a replica of $p, with slots of its own or without.
func follower(slotted bool) func(*quirks.Input) {
	return func(in *quirks.Input) { in.Master, in.Slotted = actors["p"], slotted }
}

// strangers makes nobody known.
func strangers(in *quirks.Input) { clear(in.Peers) }

// followsP makes $a a replica of $p.
func followsP(in *quirks.Input) { in.Master = actors["p"] }

// replicaOfU makes $p a replica of $u.
func replicaOfU(in *quirks.Input) {
	in.Peers[actors["u"]] = quirks.Peer{}
	in.Peers[actors["p"]] = quirks.Peer{Replica: true, Master: actors["u"], ConfigEpoch: 3}
}

// near are inputs next to those of the list that real Redis bears, or that nobody has tried: they must go through.
// Each is from $p unless it says otherwise.
var near = map[string][]struct {
	from, pattern string
	change        func(*quirks.Input)
}{
	"wide-extension": {
		{pattern: "PING + ext 9 payload=- len=16 + ext shardid 1111111111111111111111111111111111111111"},
		{pattern: "PING + ext shardid 1111111111111111111111111111111111111111"},
	},
	"far-extension": {
		{pattern: "PING mflags=ext extcount=1 count=0"},
		{pattern: "PING count=65535"},
	},
	"publish-wraps": {
		{from: "u", pattern: "PUBLISH channel=c message=m raw@2256=ffffffff00000003"},
		{pattern: "PUBLISH channel=c message=m raw@2256=ffffffff00000003", change: func(in *quirks.Input) { in.Subscribed = false }},
		{pattern: "PUBLISH channel=c message=m"},
	},
	"own-master": {
		{pattern: "PING replicaof=$q.id flags=slave,myself configEpoch=3"},
		{from: "u", pattern: "PING replicaof=$u.id flags=slave,myself"},
		{pattern: "MFSTART replicaof=$p.id flags=slave,myself"},
	},
	"replica-circle": {
		{pattern: "PING replicaof=$q.id flags=slave,myself configEpoch=3"},
		{pattern: "PING replicaof=$q.id flags=slave,myself configEpoch=0", change: func(in *quirks.Input) {
			in.Peers[actors["q"]] = quirks.Peer{ConfigEpoch: 3}
		}},
	},
	"replica-of-its-replica": {
		{pattern: "PING replicaof=$q.id flags=slave,myself configEpoch=3"},
		{pattern: "PING replicaof=$u.id flags=slave,myself configEpoch=3", change: replicaOfU},
		{pattern: "MFSTART replicaof=$q.id flags=slave,myself configEpoch=3", change: replicaOfU},
	},
	"gossip-myself": {
		{pattern: "PING + gossip 3333333333333333333333333333333333333333 addr=127.0.0.1:7@9 flags=master"},
		{pattern: "PING + gossip $q.id addr=127.0.0.1:7@9 flags=master,myself"},
		{from: "u", pattern: "PING + gossip 3333333333333333333333333333333333333333 addr=127.0.0.1:7@9 flags=master,myself"},
	},
	"hostname-blank": {
		{pattern: `PING + ext hostname "xy"`},
		{pattern: `PING + ext nodename "xy"`},
		{from: "u", pattern: `PING + ext hostname "x y"`},
	},
	"hostname-line-end": {{pattern: `PING + ext hostname "x;y"`}, {pattern: `PING + ext nodename "x-y"`}},
	"own-role-orphan":   {{from: "u", pattern: "PING replicaof=3333333333333333333333333333333333333333 flags=slave,myself"}},
	"own-role": {
		{from: "q", pattern: "PING replicaof=$p.id flags=slave,myself"},
		{from: "u", pattern: "PING sender=$a.id"},
	},
	"own-role-master": {
		{from: "u", pattern: "PING", change: followsP},
		{from: "u", pattern: "PING sender=$a.id"},
		{from: "u", pattern: "UPDATE sender=$a.id", change: followsP},
	},
	"handshake-id": {
		{pattern: "PONG sender=5a5a205a0a"},
		{pattern: "PONG", change: func(in *quirks.Input) { in.Handshake = true }},
		{pattern: "PING sender=5a5a205a0a", change: func(in *quirks.Input) { in.Handshake = true }},
	},
	"last-epoch": {
		{pattern: "PING currentEpoch=18446744073709551614"},
		{from: "u", pattern: "PING currentEpoch=18446744073709551615"},
	},
	"forgets-itself": {
		{pattern: "PING + ext forgotten $q.id ttl=60"},
		{from: "u", pattern: "PING + ext forgotten $u.id ttl=60"},
	},
	"link-freed-by-gossip": {
		{pattern: "PING + gossip $p.id addr=127.0.0.1:2@2 flags=master"},
		{pattern: "PING + gossip $q.id addr=127.0.0.1:2@2 flags=master", change: func(in *quirks.Input) {
			in.Dialled, in.Peers[actors["p"]] = true, quirks.Peer{ConfigEpoch: 3, Failing: true}
		}},
		{pattern: "PING + gossip $p.id addr=127.0.0.1:2@2 flags=master,fail", change: func(in *quirks.Input) {
			in.Dialled, in.Peers[actors["p"]] = true, quirks.Peer{ConfigEpoch: 3, Failing: true}
		}},
	},
	"address-blank":    {{pattern: "PING ip=127.0.0.1"}, {from: "u", pattern: "PING raw@2168=3a3a3125782079"}},
	"address-line-end": {{pattern: "PING ip=127.0.0.1"}, {from: "u", pattern: "PING raw@2168=3a3a3125780a7a7a"}},
	"gossip-address-blank": {
		{pattern: "PING + gossip 3333333333333333333333333333333333333333 addr=127.0.0.1:2@2 flags=master"},
		{pattern: `PING + gossip 3333333333333333333333333333333333333333 addr="::1%x y":2@2 flags=noaddr`},
	},
	"gossip-address-line-end": {
		{pattern: `PING + gossip $q.id addr="::1%\nzz":2@2 flags=master`},
		{pattern: `PING + gossip 3333333333333333333333333333333333333333 addr="::1%\nzz":2@2 flags=noaddr`},
	},
	"own-master-of-itself": {
		{from: "u", pattern: "PING replicaof=$a.id flags=slave,myself"},
		{from: "u", pattern: "MFSTART sender=$a.id replicaof=$a.id"},
	},
	"gossip-address-separator": {
		{pattern: `PING + gossip $q.id addr="::1%x,y":2@2 flags=master`},
		{from: "u", pattern: `PING + gossip 3333333333333333333333333333333333333333 addr="::1%x,y":2@2 flags=master`},
	},
	"address-separator": {
		{pattern: "PING raw@2168=3a3a3125782d79"},
		{from: "u", pattern: "PING raw@2168=3a3a3125782c79"},
	},
	"shard-id-short": {
		{pattern: "PING + ext shardid 1111111111111111111111111111111111111111"},
		{from: "u", pattern: "PING + ext shardid b"},
	},
	"shard-id-blank": {{pattern: "PING + ext shardid 1111111111111111111111111111111111111111"}},
	"shard-id-malformed": {
		{pattern: "PING + ext shardid zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"},
		{from: "u", pattern: "PING + ext shardid GGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGG"},
	},
	"nodename-reserved": {
		{pattern: "PING + ext nodename x-_./`y"},
		{pattern: "PING + ext hostname x:y"},
		{from: "u", pattern: "PING + ext nodename x:y"},
	},
	"hostname-separator": {
		{pattern: `PING + ext hostname "x=y"`},
		{pattern: "PING + ext secret 1111111111111111111111111111111111,1"},
		{from: "u", pattern: "PING + ext hostname x,y"},
	},
	"hostname-control": {
		{pattern: `PING + ext hostname "x\x80y"`},
		{from: "u", pattern: `PING + ext hostname "x\x01y"`},
	},
	"stale-lengths": {
		{from: "u", pattern: "PING mflags=ext extcount=1"},
		{from: "u", pattern: "PING mflags=ext extcount=2 + ext shardid 1111111111111111111111111111111111111111 + ext hostname x"},
	},
	"nodename-blank": {{pattern: `PING + ext nodename "xy"`}, {from: "u", pattern: `PING + ext nodename "x y"`}},
	"role-split":     {{pattern: "PING replicaof=$a.id flags=slave,myself"}},
	"roleless-replica": {
		{from: "u", pattern: "PING", change: roleless},
		{from: "u", pattern: "PING replicaof=3333333333333333333333333333333333333333 flags=slave,myself", change: roleless},
		{from: "u", pattern: "PING replicaof=$p.id flags=slave,myself"},
		{from: "u", pattern: "PING replicaof=$p.id flags=slave,myself", change: func(in *quirks.Input) { in.Peers[actors["u"]] = quirks.Peer{} }},
	},
	"role-split-by-update": {
		{pattern: "UPDATE + about $a.id configEpoch=9 slots=-"},
		{pattern: "UPDATE + about $q.id configEpoch=9 slots=-", change: func(in *quirks.Input) { in.Master = actors["p"] }},
	},
	"slots-of-a-replica": {
		{from: "q", pattern: "PING slots=5000-5099 configEpoch=4", change: follower(false)},
		{from: "q", pattern: "PING slots=5000-5099 configEpoch=4", change: func(in *quirks.Input) { in.Slotted = true }},
		{from: "q", pattern: "PING slots=5000-5099 configEpoch=3", change: follower(true)},
		{from: "q", pattern: "PING configEpoch=4", change: follower(true)},
		{pattern: "PING slots=5000-5099 configEpoch=4", change: follower(true)},
		{from: "u", pattern: "PING slots=5000-5099 configEpoch=4", change: follower(true)},
	},
	"slots-of-a-replica-by-update": {
		{pattern: "UPDATE + about $q.id configEpoch=3 slots=5000-5099", change: follower(true)},
		{pattern: "UPDATE + about $p.id configEpoch=9 slots=5000-5099", change: follower(true)},
		{pattern: "UPDATE + about $u.id configEpoch=9 slots=5000-5099", change: follower(true)},
		{pattern: "UPDATE + about $q.id configEpoch=9 slots=-", change: follower(true)},
		{pattern: "UPDATE + about $q.id configEpoch=9 slots=5000-5099", change: follower(false)},
	},
	"lost-master": {
		{pattern: "PONG", change: func(in *quirks.Input) { in.Dialled, in.Handshake = true, true }},
		{pattern: "PONG", change: func(in *quirks.Input) { in.Dialled, in.Handshake, in.Master = true, true, actors["q"] }},
		{pattern: "PONG", change: func(in *quirks.Input) { in.Dialled, in.Master = true, actors["u"] }},
		{from: "u", pattern: "PONG", change: func(in *quirks.Input) { in.Dialled, in.Handshake, in.Master = true, true, actors["u"] }},
	},
	"unknown-master": {
		{pattern: "PING slots=5000-5100"},
		{pattern: "PING", change: func(in *quirks.Input) { in.Orphaned = true }},
		{from: "u", pattern: "PING slots=5000-5100", change: func(in *quirks.Input) { in.Orphaned = true }},
	},
	"unknown-master-by-update": {
		{pattern: "UPDATE + about $q.id configEpoch=9 slots=7"},
		{pattern: "UPDATE + about $u.id configEpoch=9 slots=7", change: func(in *quirks.Input) { in.Orphaned = true }},
		{pattern: "UPDATE + about $q.id configEpoch=9 slots=-", change: func(in *quirks.Input) { in.Orphaned = true }},
	},
	"stale-extension": {{from: "u", pattern: "PING extcount=1"}, {pattern: "PING"}},
	"stale-text": {
		{from: "u", pattern: "PING + ext nodename payload=6162636465666768"},
		{pattern: "PING + ext nodename payload=6162636465666700"},
	},
	"stale-id": {
		{from: "u", pattern: "PING + ext shardid payload=6262626262626262"},
		{pattern: "PING + ext secret payload=6262626262626262"},
		{pattern: "PING + ext forgotten payload=6262626262626262"},
	},
	"address-at": {{pattern: "PING raw@2168=3a3a3125782d31"}, {from: "u", pattern: "PING raw@2168=3a3a3125784031"}},
	"gossip-address-at": {
		{pattern: `PING + gossip $q.id addr="::1%x@1":2@2 flags=master`},
		{pattern: `PING + gossip 3333333333333333333333333333333333333333 addr="::1%x@1":2@2 flags=noaddr`},
	},
	"address-control": {{pattern: "PING raw@2168=3a3a3125782079", change: strangers}, {from: "u", pattern: "PING raw@2168=3a3a3125780179"}},
	"gossip-address-control": {
		{pattern: `PING + gossip $q.id addr="::1%x\x01y":2@2 flags=master`},
		{pattern: `PING + gossip 3333333333333333333333333333333333333333 addr="::1%x\x80y":2@2 flags=master`},
	},
	"meet-address": {
		{from: "u", pattern: "PING raw@2168=3a3a3125780a7a7a"},
		{from: "u", pattern: "MEET raw@2168=3a3a3125782d7a7a"},
	},
	"stale-extensions": {
		{pattern: "PING"},
		{from: "u", pattern: "PING extcount=2"},
	},
	"module-type-255": {
		{pattern: "MODULE module.type=254"},
		{from: "a", pattern: "MODULE module.type=254"},
		{from: "u", pattern: "MODULE module.type=255"},
	},
}

// Every line of the list matches the packet that it describes, for the version that it was tried against, and none of
// those next to it.
func TestEveryQuirk(t *testing.T) {
	list, err := quirks.Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(list.All()) < 45 {
		t.Errorf("%d quirks; entries are kept as long as their version is", len(list.All()))
	}
	for _, q := range list.All() {
		t.Run(q.Name, func(t *testing.T) {
			pattern, condition, _ := strings.Cut(q.Pattern, " (")
			from := "u"
			if i := strings.Index(condition, "from $"); i >= 0 {
				from = condition[i+len("from $") : i+len("from $")+1]
			}
			in := world(packet(t, from, pattern))
			in.Handshake = strings.Contains(condition, "handshake")
			in.Dialled = strings.Contains(condition, "that $a dialled")
			if strings.Contains(condition, "takes for failed") {
				in.Peers[actors["p"]] = quirks.Peer{ConfigEpoch: 3, Failing: true}
			}
			if strings.Contains(condition, "without a role") {
				roleless(in)
			}
			if strings.Contains(condition, "a replica of another") {
				replicaOfU(in)
			}
			if strings.Contains(condition, "owns a slot by") {
				follower(true)(in)
			}
			if strings.Contains(condition, "of which $a is a replica") {
				in.Master = puppet.ID(1, "in handshake")
			}
			in.Orphaned = strings.Contains(condition, "a replica of nobody")
			if strings.Contains(condition, "whose replica $a is") || strings.HasSuffix(condition, "$a is a replica of $p)") {
				in.Master = actors["p"]
			}
			if got := list.Match(q.Version, in); got == nil || got.Name != q.Name {
				t.Errorf("%s matches %v", q.Pattern, got)
			}
			if got := list.Match("8.6.2", in); got != nil {
				t.Errorf("%s matches %s for another version", q.Pattern, got.Name)
			}
			if len(near[q.Name]) == 0 {
				t.Error("nothing near it is tested")
			}
			for _, n := range near[q.Name] {
				who := n.from
				if who == "" {
					who = "p"
				}
				in := world(packet(t, who, n.pattern))
				if n.change != nil {
					n.change(in)
				}
				if got := list.Match(q.Version, in); got != nil {
					t.Errorf("from %s: %s matches %s", who, n.pattern, got.Name)
				}
			}
		})
	}
}

// What a case does before decides what its packets mean: on which link they go, who has failed, whom the node follows.
func TestMatchCase(t *testing.T) {
	list, err := quirks.Load()
	if err != nil {
		t.Fatal(err)
	}
	const begin = "scenario: FR-P2C-007-E009\ncontract: B09\nanchors: A12\nclass: adversarial\nreason: cluster.packet_parse_failclosed_violation\nsource: by hand\n\nnode a\n----\nok\n\npuppet p\n----\nok\n\n"
	back := "p send PING link=%s\ngossip $p.id addr=127.0.0.1:2@2 flags=master\n----\nok\n"
	fails := "p send FAIL link=in\nabout $p.id\n----\nok\n\n"
	replica := "p send PING link=in replicaof=$a.id flags=slave,myself\n----\nok\n"
	stranger := "p send PING sender=3333333333333333333333333333333333333333 replicaof=$p.id flags=slave,myself\n----\nok\n"
	for _, tc := range []struct{ steps, want string }{
		{fails + fmt.Sprintf(back, "in"), "link-freed-by-gossip"},
		{fails + fmt.Sprintf(back, "out"), ""},
		{fmt.Sprintf(back, "in"), ""},
		{"p send PING link=in\ngossip $p.id addr=127.0.0.1:2@2 flags=master,pfail\n----\nok\n\n" + fmt.Sprintf(back, "in"), "link-freed-by-gossip"},
		{"a CLUSTER REPLICATE $p.id\n----\n+OK\n\n" + replica, "role-split"},
		{replica, ""},
		{"p send PING\ngossip $p.id addr=127.0.0.1:2@2 flags=-\n----\nok\n\n" + replica, ""},
		{"puppet q\n----\nok\n\na CLUSTER REPLICATE $p.id\n----\n+OK\n\na CLUSTER ADDSLOTS 0\n----\n+OK\n\nq send PING slots=1 configEpoch=9\n----\nok\n", "slots-of-a-replica"},
		{"puppet q\n----\nok\n\na CLUSTER ADDSLOTS 0\n----\n+OK\n\na CLUSTER REPLICATE $p.id\n----\n+OK\n\nq send PING slots=1 configEpoch=9\n----\nok\n", ""},
		// A node may follow by its nodes.conf.
		{"node b\n5555555555555555555555555555555555555555 127.0.0.1:0@0 myself,slave $p.id 0 0 2 connected\n----\nok\n\np send PING sender=$b.id\n----\nok\n", "own-role-master"},
		{"node b\n5555555555555555555555555555555555555555 127.0.0.1:0@0 myself,master - 0 0 2 connected\n----\nok\n\np send PING sender=$b.id\n----\nok\n", ""},
		{"a CLUSTER REPLICATE 3333333333333333333333333333333333333333\n----\n+OK\n\np send PONG link=in\n----\nok\n", "lost-master"},
		{"a CLUSTER REPLICATE 3333333333333333333333333333333333333333\n----\n+OK\n\np send PONG link=out\n----\nok\n", ""},
		{"puppet u\n----\nok\n\np send PING\ngossip $u.id addr=127.0.0.1:2@2 flags=-\n----\nok\n\nu send PING replicaof=$p.id flags=slave,myself\n----\nok\n", "roleless-replica"},
		// The second packet completes the first, whose count of extensions comes from its slots.
		{"p send PING truncate=1000\n----\nok\n\np send PING slots=8192-16383\n----\nok\n", "stale-lengths"},
		{"p send PING truncate=1000 link=out\n----\nok\n\np send PING slots=8192-16383 link=out2\n----\nok\n", ""},
		{"p send PING truncate=1000\n----\nok\n", ""},
		{"p send PING truncate=1000\n----\nok\n\np dial a\n----\nok\n\np send PING slots=8192-16383\n----\nok\n", ""},
		{"p dial a\n----\nok\n\np send PING truncate=1000\n----\nok\n\np send PING slots=8192-16383 link=out\n----\nok\n", "stale-lengths"},
		{"p send PING truncate=1000 slots=0-8191 times=2\n----\nok\n", ""},
		{"p send PING truncate=1000 slots=0-8191 times=3\n----\nok\n", "stale-lengths"},
		// A link belongs to whom its first packet is from, whatever the next one says.
		{"p dial a\n----\nok\n\np send PING\n----\nok\n\n" + stranger, "own-master"},
		{"p dial a\n----\nok\n\n" + stranger, ""},
		{"p dial a\n----\nok\n\np send PING\n----\nok\n\np close\n----\nok\n\np dial a\n----\nok\n\n" + stranger, ""},
		{strings.ReplaceAll(stranger, "PING", "PING link=in"), "own-master"},
	} {
		c, err := scenario.Parse("x.case", []byte(begin+tc.steps))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if q := list.MatchCase("8.6.3", c); q != nil {
			got = q.Name
		}
		if got != tc.want {
			t.Errorf("%q matches %q, want %q", tc.steps, got, tc.want)
		}
	}
}

// What a header says is read with extensions that Redis does not check, too, and a sender may be one of several: a link may belong to the
// receiver itself.
func TestAlternatives(t *testing.T) {
	list, err := quirks.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		from, pattern, want string
	}{
		{"p", "PING replicaof=$p.id flags=slave,myself", "own-master"},
		{"p", "PING replicaof=$p.id flags=slave,myself + ext forgotten payload=0102030405060708", "own-master"},
		{"p", "PING replicaof=$p.id flags=slave,myself extcount=1", "own-master"},
		{"p", "PING replicaof=$p.id flags=slave,myself mflags=ext extcount=1", "own-master"},
		{"p", "PING replicaof=$p.id flags=slave,myself count=1", ""},
		{"p", "PING type=77 currentEpoch=18446744073709551615", "last-epoch"},
		{"p", "FAIL currentEpoch=18446744073709551615", "last-epoch"},
		{"p", "PING + gossip 3333333333333333333333333333333333333333 flags=master,myself + ext forgotten payload=0102030405060708", "gossip-myself"},
		{"p", "PING extcount=1 + gossip 3333333333333333333333333333333333333333 flags=master,myself", "gossip-myself"},
		{"p", "PING mflags=ext extcount=1 + gossip 3333333333333333333333333333333333333333 flags=master,myself", "gossip-myself"},
		{"p", "PING mflags=ext extcount=1 count=2 + gossip 3333333333333333333333333333333333333333 flags=master,myself", "gossip-myself"},
		{"p", "PING + ext hostname \"x y\" + ext forgotten payload=0102030405060708", "hostname-blank"},
		{"p", "PING + ext forgotten $p.id ttl=60 + ext nodename payload=6162636465666768", "forgets-itself"},
		{"p", "MODULE module.type=255", "module-type-255"},
		{"a", "MODULE module.type=255", "module-type-255"},
		{"u", "MODULE module.type=255", ""},
	} {
		got := ""
		if q := list.Match("8.6.3", world(packet(t, tc.from, tc.pattern))); q != nil {
			got = q.Name
		}
		if got != tc.want {
			t.Errorf("from %s: %s matches %q", tc.from, tc.pattern, got)
		}
	}
}

// What captured packets and the plainest ones say is no quirk, whoever sends them.
func TestPlainPacketsPass(t *testing.T) {
	list, err := quirks.Load()
	if err != nil {
		t.Fatal(err)
	}
	for typ := bus.TypePing; typ <= bus.TypeModule; typ++ {
		for _, from := range []string{"p", "q", "u", "a"} {
			if q := list.Match("8.6.3", world(packet(t, from, typ.String()))); q != nil {
				t.Errorf("a plain %s of %s matches %s", typ, from, q.Name)
			}
		}
	}
	if q := list.Match("8.6.3", world(nil)); q != nil {
		t.Errorf("an empty frame matches %s", q.Name)
	}
}

// Mistakes are reported with file, line and what is wrong.
func TestParseErrors(t *testing.T) {
	for _, tc := range []struct{ line, want string }{
		{"x | rule=none", "f:1: 2 fields"},
		{"x | rule=nun | 8.6 | PING | crash: y | z", `no rule is named "nun"`},
		{"x | typ=PING | 8.6 | PING | crash: y | z", "no such key"},
		{"x | type=PINK | 8.6 | PING | crash: y | z", "PINK"},
		{"x | count>=many | 8.6 | PING | crash: y | z", `"many" is no number`},
		{"x | sender=friend | 8.6 | PING | crash: y | z", "want one of known unknown"},
		{"x | ext(type=hat) | 8.6 | PING | crash: y | z", `no extension is named "hat"`},
		{"x | gossip(is=blank) | 8.6 | PING | crash: y | z", "want about="},
		{"x | stale | 8.6 | PING | explodes: y | z", "want crash, hang or corrupt"},
		{"x | stale | 8.6 | PING | crash: y | z\nx | stale | 8.6 | PING | crash: y | z", "f:2: the name x stands twice"},
	} {
		_, err := quirks.Parse("f", []byte(tc.line))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", tc.line, err, tc.want)
		}
	}
}
