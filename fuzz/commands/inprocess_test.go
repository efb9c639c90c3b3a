package commands

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/slotdiff/slotdiff/node/cluster"
	node "github.com/slotdiff/slotdiff/node/command"
	"github.com/slotdiff/slotdiff/node/command/config"
	"github.com/slotdiff/slotdiff/node/nodesconf"
	"github.com/slotdiff/slotdiff/node/store"
	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// inProcess is the bundled node without sockets, in a topology of a stream.
type inProcess struct {
	t       testing.TB
	e       *node.Engine
	core    *cluster.Node
	now     int64
	clients [conns]*node.Client
}

type quietHost struct{}

func (quietHost) Log(cluster.Level, string)    {}
func (quietHost) Sleep(int64)                  {}
func (quietHost) Apply(string) error           { return nil }
func (quietHost) Rewrite(*config.Config) error { return nil }

func newInProcess(t testing.TB, topo *topology) *inProcess {
	t.Helper()
	var conf string
	if topo.replica {
		conf = nodeID(nodeName) + " 127.0.0.1:7000@17000 myself,slave " + nodeID("p") + " 0 0 0 connected\n"
	} else {
		conf = nodeID(nodeName) + " 127.0.0.1:7000@17000 myself,master - 0 0 3 connected " + topo.mine.String() + marks(topo) + "\n"
	}
	conf += nodeID("p") + " 127.0.0.1:7001@17001 master - 0 0 1 connected " + spaced(topo.ofP) + "\n" +
		nodeID("q") + " 127.0.0.1:7002@17002 master - 0 0 2 connected " + topo.ofQ.String() + "\n" +
		"vars currentEpoch 3 lastVoteEpoch 0\n"
	saved, err := nodesconf.Parse([]byte(conf))
	if err != nil {
		t.Fatalf("%v in\n%s", err, conf)
	}
	cfg := config.New()
	text := "cluster-enabled yes\nport 7000\ncluster-node-timeout 60000\ncluster-require-full-coverage " + yesNo(topo.whole) +
		"\ncluster-allow-reads-when-down " + yesNo(topo.reads) + "\n"
	if err := cfg.Load(text, nil); err != nil {
		t.Fatal(err)
	}
	n := &inProcess{t: t, now: 1_000_000}
	chance := rand.NewPCG(1, 2)
	if n.core, err = cluster.New(cluster.Config{Now: n.now, Rand: chance, Saved: saved, Settings: node.Settings(cfg)}); err != nil {
		t.Fatal(err)
	}
	n.e = node.New(node.Options{Cluster: n.core, DB: store.New(), Config: cfg, Host: quietHost{}, Rand: chance})
	n.advance(6000) // past the delays after a start
	return n
}

func spaced(s slot.Set) string { return string(s.AppendRanges(nil, ' ')) }

func marks(topo *topology) string {
	out := ""
	for _, s := range topo.migrating {
		out += " [" + itoa(s) + "->-" + nodeID("p") + "]"
	}
	for _, s := range topo.importing {
		out += " [" + itoa(s) + "-<-" + nodeID("p") + "]"
	}
	return out
}

func itoa(s uint16) string { return strconv.Itoa(int(s)) }

func (n *inProcess) advance(ms int64) {
	for end := n.now + ms; n.now < end; {
		n.now = min(n.now+100, end)
		n.e.SetNow(n.now * 1000)
		if err := n.core.Step(n.now, cluster.Tick{}); err != nil {
			n.t.Fatal(err)
		}
		n.e.Tick()
		n.settle()
	}
}

func (n *inProcess) settle() {
	for n.core.HasReady() {
		for _, op := range n.core.Ready().Data {
			n.e.Perform(op)
		}
	}
}

// do runs one command and returns what its client got.
func (n *inProcess) do(conn int, argv [][]byte) []byte {
	c := n.clients[conn]
	if c == nil || c.Closing() {
		c = n.e.Connect("127.0.0.1:5000", "127.0.0.1:7000")
		n.clients[conn] = c
	}
	for c.Blocked() {
		n.advance(1000)
	}
	c.Out = nil
	n.e.SetNow(n.now * 1000)
	n.e.Execute(c, argv)
	n.settle()
	return c.Out
}

// FuzzStream runs the streams of the live fuzzer against the node in this process. What is held against each reply are
// rules that recordings of Redis state: it is one or more whole replies; keys of two slots that are both
// known are never served; a served key's slot is one of the node's own, its master's, or open; a MOVED names
// the key's slot; and the keyspace is indexed by slot as it is.
func FuzzStream(f *testing.F) {
	for seed := range uint64(12) {
		f.Add(binary.BigEndian.AppendUint64(nil, seed), uint8(4))
	}
	f.Add([]byte("short"), uint8(1))
	f.Fuzz(func(t *testing.T, recipe []byte, windows uint8) {
		var b [8]byte
		copy(b[:], recipe)
		seed := binary.BigEndian.Uint64(b[:])
		topo := testTopology(seed)
		g := newGenerator(seed, topo, testNodes, nil, nil, 48)
		n := newInProcess(t, topo)
		w := &window{}
		for range 1 + windows%8 {
			g.next(w)
			for i := range w.len() {
				argv := w.argv(i)
				n.check(topo, argv, n.do(w.conn, argv))
			}
			n.checkIndex()
		}
	})
}

// check holds one reply against the rules.
func (n *inProcess) check(topo *topology, argv [][]byte, out []byte) {
	n.t.Helper()
	for rest := out; len(rest) > 0; {
		_, size, err := resp.Parse(rest)
		if err != nil {
			n.t.Fatalf("%q: %v in %q", argv, err, out)
		}
		rest = rest[size:]
	}
	if len(argv) != 2 || string(argv[0]) != "GET" {
		return
	}
	s := slot.Of(argv[1])
	moved := "-MOVED " + itoa(s) + " "
	switch {
	case topo.groupIs(placeForeign, s) && topo.ofQ.Has(s) && topo.state() == "ok":
		if string(out) != "+QUEUED\r\n" && (len(out) < len(moved) || string(out[:len(moved)]) != moved) && !pubsubError(out) {
			n.t.Fatalf("%q of another node: %q, want %q", argv, out, moved)
		}
	case topo.groupIs(placeOwned, s) && !topo.replica && topo.state() == "ok" && len(out) > 0 && out[0] == '-':
		if string(out[:6]) == "-MOVED" {
			n.t.Fatalf("%q of this node: %q", argv, out)
		}
	}
}

// pubsubError is what a subscribed connection of RESP2 says to most commands.
func pubsubError(out []byte) bool { return len(out) > 12 && string(out[:12]) == "-ERR Can't e" }

func (t *topology) groupIs(p place, s uint16) bool {
	for i := range t.groups[p] {
		if t.groups[p][i].slot == s {
			return true
		}
	}
	return false
}

// checkIndex holds the slots' lists of keys against the keys.
func (n *inProcess) checkIndex() {
	n.t.Helper()
	c := n.e.Connect("127.0.0.1:5001", "127.0.0.1:7000")
	defer n.e.Disconnect(c)
	ask := func(words ...string) resp.Value {
		c.Out = nil
		n.e.Execute(c, texts(words...))
		v, _, err := resp.Parse(c.Out)
		if err != nil {
			n.t.Fatalf("%q: %v in %q", words, err, c.Out)
		}
		return v
	}
	bySlot := map[uint16]int64{}
	for _, k := range ask("KEYS", "*").Elems {
		bySlot[slot.Of(k.Str)]++
	}
	sum := int64(0)
	for s, want := range bySlot {
		if got := ask("CLUSTER", "COUNTKEYSINSLOT", itoa(s)); got.Int > want {
			n.t.Fatalf("slot %d counts %d keys, KEYS lists %d", s, got.Int, want)
		}
		for _, k := range ask("CLUSTER", "GETKEYSINSLOT", itoa(s), "100000").Elems {
			if slot.Of(k.Str) != s {
				n.t.Fatalf("slot %d lists %q", s, k.Str)
			}
		}
		sum += want
	}
	if size := ask("DBSIZE"); size.Int < sum {
		n.t.Fatalf("DBSIZE is %d, KEYS lists %d", size.Int, sum)
	}
}
