package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/slotdiff/slotdiff/harness/puppet"
	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/wire/bus"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// scene makes Redis send some packets. Its script ends at the first thing that goes wrong, by panicking with
// a failure.
type scene struct {
	name   string
	script func(*stage)
}

// failure is what a script panics with; play turns it into an error.
type failure struct{ error }

// stage is where one scene plays: real nodes, puppets and what was captured of them.
type stage struct {
	ctx      context.Context
	driver   oracle.Driver
	closers  []func() error
	captures []capture
}

// capture is one packet for the fixtures.
type capture struct {
	name  string
	how   string
	frame []byte
}

// play runs a scene and takes down what it set up.
func play(ctx context.Context, driver oracle.Driver, s scene) (captures []capture, err error) {
	ctx, cancel := context.WithTimeout(ctx, sceneTime)
	defer cancel()
	st := &stage{ctx: ctx, driver: driver}
	defer func() {
		for i := len(st.closers) - 1; i >= 0; i-- {
			if cerr := st.closers[i](); err == nil {
				err = cerr
			}
		}
	}()
	defer func() {
		switch f := recover().(type) {
		case nil:
		case failure:
			err = f.error
		default:
			panic(f)
		}
	}()
	s.script(st)
	return st.captures, nil
}

func (s *stage) fail(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

func (s *stage) must(err error) {
	if err != nil {
		s.fail("%w", err)
	}
}

// capture keeps a frame under a name, with how Redis was made to send it.
func (s *stage) capture(name string, frame []byte, how string) {
	s.captures = append(s.captures, capture{name: name, how: how, frame: frame})
}

// server is a real node with one client connection.
type server struct {
	stage *stage
	node  oracle.Node
	conn  net.Conn
	in    *resp.Reader
}

// node starts a real node.
func (s *stage) node(name string, directives ...[2]string) *server {
	n, err := s.driver.Start(s.ctx, oracle.NodeSpec{
		Name:       name,
		Directives: append([][2]string{{"cluster-node-timeout", "2000"}}, directives...),
	})
	s.must(err)
	s.closers = append(s.closers, n.Stop)
	conn, err := net.Dial("tcp", n.Addr().String())
	s.must(err)
	s.closers = append(s.closers, conn.Close)
	deadline, _ := s.ctx.Deadline()
	s.must(conn.SetDeadline(deadline))
	return &server{stage: s, node: n, conn: conn, in: resp.NewReader(conn, resp.Limits{})}
}

// do runs a command and gives its reply as text; an error reply ends the scene.
func (n *server) do(words ...string) string {
	_, err := n.conn.Write(resp.AppendCommandStrings(nil, words...))
	n.stage.must(err)
	v, err := n.in.Read()
	n.stage.must(err)
	if v.Kind == resp.Error {
		n.stage.fail("%s: %s: %s", n.node.Name(), strings.Join(words, " "), v.Str)
	}
	return string(v.Str)
}

// until repeats a command until its reply is as wanted.
func (n *server) until(what string, want func(reply string) bool, words ...string) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !want(n.do(words...)) {
		select {
		case <-tick.C:
		case <-n.stage.ctx.Done():
			n.stage.fail("%s: %s never came about; last %s:\n%s", n.node.Name(), what, strings.Join(words, " "), n.do(words...))
		}
	}
}

// puppet starts a puppet that answers pings.
func (s *stage) puppet(name string, words ...string) *puppet.Puppet {
	p, err := puppet.New(puppet.Config{Name: name, Words: append([]string{"auto=pong"}, words...)})
	s.must(err)
	s.closers = append(s.closers, p.Close)
	return p
}

// meet makes n know p, and waits until it has heard p's claims.
func (n *server) meet(p *puppet.Puppet) {
	a := p.Addr()
	n.do("CLUSTER", "MEET", a.Addr().String(), fmt.Sprint(a.Port()), fmt.Sprint(p.BusAddr().Port()))
	n.knows(p.ID(), "connected", "!handshake")
}

// knows waits until the line of a node in CLUSTER NODES has every word, and none that begins with "!".
func (n *server) knows(id bus.ID, words ...string) {
	n.until(id.String()+" "+strings.Join(words, " "), func(reply string) bool {
		for line := range strings.Lines(reply) {
			if !strings.HasPrefix(line, id.String()) {
				continue
			}
			for _, w := range words {
				w, not := strings.CutPrefix(w, "!")
				if strings.Contains(line, w) == not {
					return false
				}
			}
			return true
		}
		return false
	}, "CLUSTER", "NODES")
}

// id is the node's own id.
func (n *server) id() bus.ID { return bus.IDFrom(n.do("CLUSTER", "MYID")) }

// send makes a puppet send a packet on its link to a node, which it opens if need be.
func (s *stage) send(p *puppet.Puppet, n *server, words []string, lines ...string) {
	b, err := p.Build(words, lines)
	s.must(err)
	if p.Send(s.ctx, puppet.Out, b) != nil {
		s.must(p.Dial(s.ctx, n.node.BusAddr(), puppet.Out))
		s.must(p.Send(s.ctx, puppet.Out, b))
	}
}

// await takes packets of a type as they come to a puppet until one is as wanted; nil wants any.
func (s *stage) await(p *puppet.Puppet, t bus.Type, link string, want func(*bus.Packet, *bus.Ping) bool) []byte {
	for last := "none"; ; {
		ev, err := p.Recv(s.ctx, puppet.OfType(t, link))
		if err != nil {
			s.fail("no %s as wanted: %w; last: %s", t, err, last)
		}
		if ev.Closed {
			s.fail("the link %s was closed", ev.Link)
		}
		pkt, err := bus.Parse(ev.Frame)
		s.must(err)
		ping, _ := pkt.Body.(*bus.Ping)
		if want == nil || want(pkt, ping) {
			return ev.Frame
		}
		last = bus.FrameText(ev.Frame)
	}
}

// ask sends PINGs until the PONG is as wanted; which nodes gossip names is chance.
func (s *stage) ask(p *puppet.Puppet, n *server, want func(*bus.Packet, *bus.Ping) bool) []byte {
	for {
		s.send(p, n, []string{"PING"})
		good := false
		frame := s.await(p, bus.TypePong, puppet.Out, func(h *bus.Packet, b *bus.Ping) bool {
			good = want(h, b)
			return true
		})
		if good {
			return frame
		}
	}
}

// write puts the capture into two files of dir.
func (c capture) write(dir, source string) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# source: %s\n# how: %s\n", source, c.how)
	for rest := c.frame; len(rest) > 0; {
		n := min(len(rest), 32)
		b.WriteString(hex.EncodeToString(rest[:n]) + "\n")
		rest = rest[n:]
	}
	base := filepath.Join(dir, c.name)
	if err := os.WriteFile(base+".hex", b.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(base+".txt", []byte(bus.FrameText(c.frame)), 0o644)
}
