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

func startRedis(t *testing.T, d oracle.Driver, n *relay.Net, name string) *server {
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

// TestRedisBehindRelays holds the relay against the real thing: the nodes meet through
// it, lose each other when it is cut and find each other when it heals.
func TestRedisBehindRelays(t *testing.T) {
	for name, how := range map[string]relay.How{"silence": relay.Silence, "reset": relay.Reset} {
		t.Run(name, func(t *testing.T) {
			d := oracletest.Redis(t)
			n := relay.New(relay.Config{})
			t.Cleanup(func() { must(t, n.Close()) })
			a, b := startRedis(t, d, n, "a"), startRedis(t, d, n, "b")
			_, port, _ := net.SplitHostPort(b.Addr().String())
			a.do("CLUSTER", "MEET", "127.0.0.1", port, b.bus)
			met := func() bool { return a.sees(b, "master", "connected") && b.sees(a, "master", "connected") }
			eventually(t, "the nodes meet", met)

			must(t, n.Cut("a", "b", how))
			must(t, n.Cut("b", "a", how))
			eventually(t, "a misses b", func() bool {
				return a.sees(b, "master,fail?", "connected") || a.sees(b, "master,fail?", "disconnected")
			})
			eventually(t, "b misses a", func() bool {
				return b.sees(a, "master,fail?", "connected") || b.sees(a, "master,fail?", "disconnected")
			})

			must(t, n.Heal("a", "b"))
			must(t, n.Heal("b", "a"))
			eventually(t, "the nodes find each other", met)
		})
	}
}
