package relay_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/harness/relay"
	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/oracletest"
	"github.com/slotdiff/slotdiff/wire/bus"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// server is a real node behind a relay, and a client of it.
type server struct {
	oracle.Node
	t    *testing.T
	conn net.Conn
	in   *resp.Reader
	id   string
	bus  string // the port it announces
}

func startServer(t *testing.T, d oracle.Driver, n *relay.Net, name string) *server {
	t.Helper()
	front, err := n.Listen(name, 0)
	must(t, err)
	_, port, _ := net.SplitHostPort(front.String())
	s := &server{t: t, bus: port, Node: oracletest.Start(t, d, oracle.NodeSpec{Name: name, Directives: [][2]string{
		{"cluster-announce-bus-port", port}, {"cluster-node-timeout", "1000"},
	}})}
	must(t, n.Serve(name, s.BusAddr()))
	s.conn, err = net.Dial("tcp", s.Addr().String())
	must(t, err)
	t.Cleanup(func() { s.conn.Close() })
	must(t, s.conn.SetDeadline(time.Now().Add(2*testTime)))
	s.in = resp.NewReader(s.conn, resp.Limits{})
	s.id = s.do("CLUSTER", "MYID")
	n.Know(name, bus.IDFrom(s.id))
	return s
}

func (s *server) do(words ...string) string {
	s.t.Helper()
	_, err := s.conn.Write(resp.AppendCommandStrings(nil, words...))
	must(s.t, err)
	v, err := s.in.Read()
	must(s.t, err)
	if v.IsError() {
		s.t.Fatalf("%q: %s", words, v.Str)
	}
	return string(v.Str)
}

// sees reports whether CLUSTER NODES shows the other node with such flags and link.
func (s *server) sees(other *server, flags, link string) bool {
	for line := range strings.Lines(s.do("CLUSTER", "NODES")) {
		f := strings.Fields(line)
		if len(f) > 7 && f[0] == other.id {
			return strings.HasSuffix(f[1], "@"+other.bus) && f[2] == flags && f[7] == link
		}
	}
	return false
}

// pairs are two servers behind relays: both real Redis, or one the bundled node.
func pairs(t *testing.T, n *relay.Net, mixed bool) (a, b *server) {
	t.Helper()
	t.Cleanup(func() { must(t, n.Close()) })
	other := oracletest.Redis(t)
	if mixed {
		other = oracletest.Bundled(t)
	}
	a, b = startServer(t, oracletest.Redis(t), n, "a"), startServer(t, other, n, "b")
	_, port, _ := net.SplitHostPort(b.Addr().String())
	a.do("CLUSTER", "MEET", "127.0.0.1", port, b.bus)
	eventually(t, "the nodes meet", func() bool { return met(a, b) })
	return a, b
}

func met(a, b *server) bool {
	return a.sees(b, "master", "connected") && b.sees(a, "master", "connected")
}

func misses(a, b *server) bool {
	return a.sees(b, "master,fail?", "connected") || a.sees(b, "master,fail?", "disconnected")
}

// both does it in either direction.
func both(t *testing.T, do func(from, to string) error) {
	t.Helper()
	must(t, do("a", "b"))
	must(t, do("b", "a"))
}

// TestServersBehindRelays holds the relay against the real thing: the nodes meet through
// it, lose each other when it is cut, or slower than they wait, and find each other when
// it heals.
func TestServersBehindRelays(t *testing.T) {
	for fault, part := range map[string]func(n *relay.Net, from, to string) error{
		"silence": func(n *relay.Net, from, to string) error { return n.Cut(from, to, relay.Silence) },
		"reset":   func(n *relay.Net, from, to string) error { return n.Cut(from, to, relay.Reset) },
		"delay":   func(n *relay.Net, from, to string) error { return n.Delay(from, to, 3*time.Second) },
	} {
		for make, mixed := range map[string]bool{"redis": false, "mixed": true} {
			t.Run(fault+"/"+make, func(t *testing.T) {
				n := relay.New(relay.Config{})
				a, b := pairs(t, n, mixed)
				both(t, func(from, to string) error { return part(n, from, to) })
				eventually(t, "a misses b", func() bool { return misses(a, b) })
				eventually(t, "b misses a", func() bool { return misses(b, a) })
				both(t, n.Heal)
				eventually(t, "the nodes find each other", func() bool { return met(a, b) })
			})
		}
	}
}
