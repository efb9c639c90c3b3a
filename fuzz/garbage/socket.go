package garbage

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/node/nodesconf"
	"github.com/slotdiff/slotdiff/node/server"
	"github.com/slotdiff/slotdiff/wire/bus"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// patience is how long the node may take to answer.
const patience = 30 * time.Second

// socket is a node that listens, in this process, and who speaks to it.
type socket struct {
	src       *source
	port, bus int
	peers     [nodes]*peer
	conn      net.Conn      // to the node's bus port, nil: none
	replies   chan struct{} // closed when conn is read to its end
}

// Socket gives a node mutated packets over loopback. The other nodes of its cluster are listeners that answer
// every packet with a valid PONG. Addresses and ports in packets are never mutated: the node would dial them.
func Socket(ctx context.Context, o Options) (samples []Sample, err error) {
	src, err := newSource(o.Seed)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "slotdiff-garbage-")
	if err != nil {
		return nil, fmt.Errorf("garbage: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s := &socket{src: src}
	defer s.close()
	if err := s.listen(); err != nil {
		return nil, fmt.Errorf("garbage: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	var log bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- server.Main(ctx, []string{
			"--port", strconv.Itoa(s.port), "--cluster-port", strconv.Itoa(s.bus), "--bind", "127.0.0.1", "--dir", dir,
			"--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--loglevel", "warning", "--save", "",
			"--logfile", filepath.Join(dir, "log"),
		}, &log, &log)
	}()
	defer func() {
		stop()
		if code := <-ended; code != 0 && err == nil {
			err = fmt.Errorf("garbage: the node ended with %d: %s", code, log.String())
		}
	}()
	every := o.every()
	for i := uint64(0); i < o.Packets && ctx.Err() == nil; {
		if i%life == 0 {
			if err := s.begin(); err != nil {
				return samples, fmt.Errorf("garbage: after %d packets: %w", i, err)
			}
			if i > 0 && i%every == 0 {
				samples = append(samples, o.sample(i))
			}
		}
		n, err := s.batch(min(linkLife, o.Packets-i, life-i%life))
		if err != nil {
			return samples, fmt.Errorf("garbage: after %d packets: %w", i, err)
		}
		i += n
	}
	if err := s.begin(); err != nil {
		return samples, fmt.Errorf("garbage: at the end: %w", err)
	}
	return append(samples, o.sample(o.Packets)), ctx.Err()
}

// listen opens the listeners of the other nodes, finds ports for this one, and puts them into the packets.
func (s *socket) listen() error {
	addrs := map[bus.ID]uint16{}
	for i := range s.src.file.Nodes {
		line := &s.src.file.Nodes[i]
		host := hostOf(line)
		if line.Myself() {
			for _, p := range []*int{&s.port, &s.bus} {
				l, err := net.Listen("tcp4", "127.0.0.1:0")
				if err != nil {
					return err
				}
				*p = l.Addr().(*net.TCPAddr).Port
				defer l.Close() // kept until both are known, so that they differ
			}
			addrs[line.ID] = uint16(s.bus)
			continue
		}
		p, err := newPeer()
		if err != nil {
			return err
		}
		s.peers[host] = p
		addrs[line.ID] = uint16(p.port())
	}
	for _, f := range s.src.frames {
		patch(f, addrs)
	}
	for host, p := range s.peers {
		if p != nil {
			patch(s.src.pongs[host], addrs)
			p.start(s.src.pongs[host])
		}
	}
	return nil
}

// patch makes a packet one of nodes on loopback. The client port of every node is its bus port, where
// no client is served.
func patch(frame []byte, ports map[bus.ID]uint16) {
	pkt, err := bus.Parse(frame)
	if err != nil {
		panic(err) // a core sent it
	}
	pkt.Port, pkt.PPort, pkt.CPort = ports[pkt.Sender], 0, ports[pkt.Sender]
	if body, ok := pkt.Body.(*bus.Ping); ok {
		for i := range body.Gossip {
			g := &body.Gossip[i]
			g.IP, g.Port, g.PPort, g.CPort = bus.IPFrom("127.0.0.1"), ports[g.ID], 0, ports[g.ID]
		}
	}
	pkt.Append(frame[:0])
}

// address reports whether byte i of a frame is, or may be taken for, part of an address.
func address(i int) bool {
	if i < bus.HeaderLen {
		return i >= 10 && i < 12 || i >= 2168 && i < 2214 || i >= 2246 && i < 2250
	}
	in := (i - bus.HeaderLen) % bus.GossipLen // in packets of any type: the type may have been mutated
	return in >= 48 && in < 98 || in >= 100 && in < 102
}

func hostOf(line *nodesconf.Node) int {
	last := line.IP[strings.LastIndexByte(line.IP, '.')+1:]
	n, err := strconv.Atoi(last)
	if err != nil {
		panic(err) // the simulation gave it
	}
	return n - 1
}

// begin resets the node and lets it meet the others again.
func (s *socket) begin() error {
	if err := s.hangUp(); err != nil {
		return err
	}
	c, err := s.dialClient()
	if err != nil {
		return err
	}
	defer c.Close()
	ask := func(words ...string) (string, error) { return command(c, words...) }
	demand := func(words ...string) error {
		got, err := ask(words...)
		if err == nil && got != "+OK" {
			err = fmt.Errorf("%s: %s", strings.Join(words, " "), got)
		}
		return err
	}
	if err := errors.Join(demand("cluster", "reset", "hard"), demand("cluster", "set-config-epoch", "1")); err != nil {
		return err
	}
	for i := range s.src.file.Nodes {
		line := &s.src.file.Nodes[i]
		if line.Myself() {
			if line.Slots != nil {
				words := []string{"cluster", "addslots"}
				for n := range line.Slots.All() {
					words = append(words, strconv.Itoa(int(n)))
				}
				err = errors.Join(err, demand(words...))
			}
			continue
		}
		port := strconv.Itoa(s.peers[hostOf(line)].port())
		err = errors.Join(err, demand("cluster", "meet", "127.0.0.1", port, port))
	}
	if err != nil {
		return err
	}
	// Met when none is in handshake.
	for end := time.Now().Add(patience); ; {
		text, err := ask("cluster", "nodes")
		switch {
		case err != nil:
			return err
		case strings.Count(text, "\n")-1 >= nodes && !strings.Contains(text, "handshake"):
			return nil
		case time.Now().After(end):
			return fmt.Errorf("after a reset the node does not meet the others:\n%s", text)
		}
	}
}

// dialClient opens a connection for commands, as soon as the node listens.
func (s *socket) dialClient() (net.Conn, error) {
	for end := time.Now().Add(patience); ; {
		c, err := net.Dial("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
		if err == nil || time.Now().After(end) {
			return c, err
		}
	}
}

// command sends one command and gives the reply as it came: a line, or a bulk string whole.
func command(c net.Conn, words ...string) (string, error) {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := c.Write(resp.AppendCommandStrings(nil, words...)); err != nil {
		return "", err
	}
	r := bufio.NewReader(c)
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	if line[0] != '$' {
		return strings.TrimSuffix(line, "\r\n"), nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
	if err != nil {
		return "", err
	}
	body := make([]byte, n+2)
	_, err = io.ReadFull(r, body)
	return string(body), err
}

// batch writes up to most packets over one connection, fewer if one of them ends it, and reports how many.
// The node takes packets in order, so all that were written before the connection ended were taken.
func (s *socket) batch(most uint64) (uint64, error) {
	if s.conn == nil {
		if err := s.dial(); err != nil {
			return 0, err
		}
	}
	var out []byte
	n := uint64(0)
	for n < most {
		frame, bad := s.src.next(address)
		out = append(out, frame...)
		if n++; bad {
			break
		}
	}
	_, err := s.conn.Write(out)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil // the node closed the connection, as it may
	}
	return n, errors.Join(err, s.hangUp())
}

func (s *socket) dial() error {
	c, err := net.Dial("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.bus)))
	if err != nil {
		return err
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return errors.Join(err, c.Close())
	}
	s.conn, s.replies = c, make(chan struct{})
	go func(done chan struct{}) {
		defer close(done)
		_, _ = io.Copy(io.Discard, c) // until the node closes it, or the deadline
	}(s.replies)
	return nil
}

// hangUp ends the sending side, and waits until the node has read all of it and closed its own.
func (s *socket) hangUp() error {
	if s.conn == nil {
		return nil
	}
	c := s.conn
	s.conn = nil
	_ = c.(*net.TCPConn).CloseWrite() // it may be closed already
	<-s.replies
	return c.Close()
}

func (s *socket) close() {
	if s.conn != nil {
		s.conn.Close()
	}
	for _, p := range s.peers {
		if p != nil {
			p.close()
		}
	}
}

// peer is another node of the cluster, as far as a node that dials it can tell.
type peer struct {
	l    net.Listener
	pong []byte
	wg   sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func newPeer() (*peer, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &peer{l: l, conns: map[net.Conn]bool{}}, nil
}

func (p *peer) port() int { return p.l.Addr().(*net.TCPAddr).Port }

func (p *peer) start(pong []byte) {
	p.pong = pong
	p.wg.Go(func() {
		for {
			c, err := p.l.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.conns[c] = true
			p.mu.Unlock()
			p.wg.Go(func() { p.serve(c) })
		}
	})
}

// serve answers every packet.
func (p *peer) serve(c net.Conn) {
	defer func() {
		p.mu.Lock()
		delete(p.conns, c)
		p.mu.Unlock()
		c.Close()
	}()
	r := bufio.NewReader(c)
	for {
		head, err := r.Peek(bus.PrefixLen)
		if err != nil {
			return
		}
		n, err := bus.FrameLen(head)
		if err != nil {
			return
		}
		if _, err := r.Discard(n); err != nil {
			return
		}
		if _, err := c.Write(p.pong); err != nil {
			return
		}
	}
}

func (p *peer) close() {
	p.l.Close()
	p.mu.Lock()
	for c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}
