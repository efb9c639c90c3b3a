package quirks_test

import (
	"os"
	"testing"

	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/harness/scenario"
)

const head = "scenario: FR-P2C-007-E009\ncontract: B09\nanchors: A12\nclass: adversarial\nreason: cluster.packet_parse_failclosed_violation\nsource: by hand\n\n"

// A case has a hazard where a node takes an address as it is told and shows it; what it does not take, or what can be an address, is none.
func TestHazards(t *testing.T) {
	const (
		knows = "puppet p\n----\n\npuppet q\n----\n\nnode a\n" +
			"5555555555555555555555555555555555555555 127.0.0.1:0@0 myself,master - 0 0 1 connected\n$p.id $p.addr@$p.cport master - 0 0 0 connected\n----\n\np dial a\n----\n\nq dial a\n----\n\n"
		alone  = "puppet p\n----\n\nnode a\n----\n\np dial a\n----\n\n"
		meets  = alone + "a CLUSTER MEET $p.ip $p.port $p.cport\n----\n\n"
		whole  = "p send PING\n----\n\n"
		cut    = "p send PING truncate=1000\n----\n\n"
		x3     = "3333333333333333333333333333333333333333"
		reset  = "a CLUSTER RESET\n----\n\n"
		redial = "p close\n----\n\np dial a\n----\n\n"
	)
	for _, tc := range []struct{ name, steps, want string }{
		{"a plain packet", knows + whole, ""},
		{"a replica is given slots", knows + "a CLUSTER REPLICATE $p.id\n----\n\na CLUSTER ADDSLOTS 0\n----\n\na CLUSTER REPLICATE $q.id\n----\n", quirks.ReplicatesWithSlots},
		{"a replica by its nodes.conf is given slots", "puppet p\n----\n\nnode a\n" + x3 + " :0@0 myself,slave $p.id 0 0 1 connected\n----\n\na CLUSTER ADDSLOTSRANGE 0 9\n----\n\na CLUSTER REPLICATE $p.id\n----\n", quirks.ReplicatesWithSlots},
		{"a master with slots", knows + "a CLUSTER ADDSLOTS 0\n----\n\na CLUSTER REPLICATE $q.id\n----\n", ""},
		{"a port", knows + "p send PING port=0\n----\n", quirks.PortZero},
		{"a bus port", knows + "p send PING cport=0\n----\n", quirks.PortZero},
		{"the other client port", knows + "p send PING pport=0\n----\n", ""},
		{"of a template", knows + "p set cport=0\n----\n\n" + whole, quirks.PortZero},
		{"an address", knows + "p send PING ip=127.\n----\n", quirks.NoAddress},
		{"a name", knows + "p send PING raw@2168=616263\n----\n", quirks.NoAddress},
		{"other addresses", knows + "p send PING ip=127.0.0.9\n----\n\np send PING ip=::1\n----\n\np send PING raw@2168=3a3a312578\n----\n", ""},
		{"a port that none can be too big for", knows + "p send PING port=65535 cport=1\n----\n", ""},
		{"a PONG", knows + "p send PONG cport=0 ip=127.\n----\n", ""},
		{"what does not gossip", knows + "p send FAIL about=$q.id cport=0 ip=127.\n----\n", ""},
		{"an unreadable packet", knows + "p send PING cport=0 count=1\n----\n", ""},
		{"another version", knows + "p send PING cport=0 ver=2\n----\n", ""},
		{"a stranger", alone + "p send PING cport=0\n----\n", ""},
		{"a stranger beside a known node", knows + "q send PING cport=0\n----\n", ""},
		{"a node that was met", meets + "p send PING cport=0\n----\n", quirks.PortZero},
		{"a node that meets", alone + "p send MEET\n----\n\np send PING cport=0\n----\n", quirks.PortZero},
		{"a node that gossip told of", knows + "p send PING\ngossip $q.id addr=127.0.0.1:7@9 flags=master\n----\n\nq send PING cport=0\n----\n", quirks.PortZero},
		{"MEET of a stranger", alone + "p send MEET ip=127.\n----\n", quirks.NoAddress},
		{"MEET of a known node", knows + "p send MEET ip=127.\n----\n", ""},
		{"MEET of a node that was forgotten", knows + reset + "p send MEET ip=127.\n----\n", quirks.NoAddress},
		{"the receiver's own name", knows + "q send PING sender=$a.id cport=0\n----\n", quirks.PortZero},
		{"on the node's link", knows + "p send PING cport=0 link=in\n----\n", ""},
		{"as the end of a handshake", meets + "p reply MEET PONG cport=0 within=1s\n----\n", quirks.PortZero},
		{"on a link that is the sender's", knows + whole + "p send PING sender=" + x3 + " cport=0\n----\n", quirks.PortZero},
		{"on a link of nobody", knows + "p send PING sender=" + x3 + " cport=0\n----\n", ""},

		{"gossip without a port", knows + "p send PING\ngossip " + x3 + " addr=127.0.0.1:0@9 flags=master\n----\n", quirks.PortZero},
		{"gossip without a bus port", knows + "p send PING\ngossip " + x3 + " addr=127.0.0.1:7@0 flags=master\n----\n", quirks.PortZero},
		{"gossip without an address", knows + "p send PING\ngossip " + x3 + " addr=:7@9 flags=master\n----\n", quirks.NoAddress},
		{"gossip about what has none", knows + "p send PING\ngossip " + x3 + " addr=127.0.0.1:0@0 flags=noaddr\n----\n", ""},
		{"gossip about a known node that fails", knows + "p send PING\ngossip $p.id flags=master,pfail\n----\n", ""},
		{"gossip about the receiver", knows + "p send PING\ngossip $a.id addr=127.0.0.1:0@0 flags=master\n----\n", ""},
		{"gossip of a stranger", knows + "q send PING\ngossip " + x3 + " addr=127.0.0.1:0@0 flags=master\n----\n", ""},

		// The second packet completes the first, whose bus port lies among its slots.
		{"a packet that is cut", knows + cut, ""},
		{"and completed", knows + cut + whole, quirks.PortZero},
		{"on the same link by name", knows + cut + "p send PING link=out\n----\n", quirks.PortZero},
		{"by itself", knows + "p send PING truncate=1000 times=3\n----\n", quirks.PortZero},
		{"on another link", knows + "p dial a link=out2\n----\n\n" + cut + "p send PING link=out2\n----\n", ""},
		{"behind a new link", knows + cut + redial + whole, ""},
		{"behind a restart", knows + cut + "restart a\n----\n\n" + whole, ""},
		{"in pieces", knows + "p send PING cut=1000\n----\n", ""},
		{"a stranger's, completed", alone + cut + whole, ""},
		{"a FAIL that is cut, completed", knows + "p send FAIL about=$q.id truncate=1000\n----\n\n" + whole, ""},
		{"cut behind its header", knows + "p send PING truncate=2256 totlen=2264\n----\n\n" + whole, ""},
	} {
		c, err := scenario.Parse("x.case", []byte(head+tc.steps))
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		if got := quirks.HazardOf(c); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// No case of the suite has a hazard: all of them can be mutated.
func TestSuiteHasNoHazard(t *testing.T) {
	cases, err := scenario.Load(os.DirFS("../../cases"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if name := quirks.HazardOf(c); name != "" {
			t.Errorf("%s: %s", c.Name(), name)
		}
	}
}
