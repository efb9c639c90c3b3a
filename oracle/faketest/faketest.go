// Package faketest starts scripted servers: enough of a node to satisfy every invariant of package runner, and
// answers of a test's choice on top, to break each of them in turn.
//
// It refuses to be a cluster: no bus, one node a driver, every slot its own.
package faketest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// Driver starts scripted servers.
type Driver struct {
	Product string
	// Answers maps an upper-case command line to the raw reply; it goes before the
	// built-in answers. "close" hangs up, "die" ends the server, "report" ends it half a second after it has closed its port, "hang" says nothing, and what follows
	// "late:" is said when the server is pinged the next time.
	Answers map[string]string
	Caps    oracle.Capabilities
	// Log is what every server has logged.
	Log string
}

// New makes a driver of healthy servers but for the answers given.
func New(answers map[string]string) *Driver {
	return &Driver{Product: "redis", Answers: answers, Caps: oracle.AllCapabilities, Log: "fake log\n"}
}

// Identity implements oracle.Driver.
func (d *Driver) Identity() oracle.Identity {
	return oracle.Identity{Product: d.Product, Version: "8.6.3", How: oracle.Process}
}

// Capabilities implements oracle.Driver.
func (d *Driver) Capabilities() oracle.Capabilities { return d.Caps }

// Close implements oracle.Driver.
func (d *Driver) Close() error { return nil }

// Start implements oracle.Driver.
func (d *Driver) Start(_ context.Context, spec oracle.NodeSpec) (oracle.Node, error) {
	if reply, ok := d.Answers["(restart)"]; ok && spec.Files != nil {
		return nil, fmt.Errorf("%s", reply)
	}
	port, err := oracle.AcquirePort()
	if err != nil {
		return nil, err
	}
	n := &node{d: d, name: spec.Name, port: port, done: make(chan struct{}), keys: map[string]string{}, conf: map[string]string{}}
	for _, d := range spec.Directives {
		n.conf[strings.ToUpper(d[0])] = d[1]
	}
	n.id = fmt.Sprintf("%040x", 0xabc)
	if err := n.listen(); err != nil {
		return nil, err
	}
	return n, nil
}

type node struct {
	d    *Driver
	name string
	port *oracle.Port
	id   string
	conf map[string]string // its directives

	mu     sync.Mutex
	l      net.Listener
	conns  []net.Conn
	done   chan struct{}
	err    error
	keys   map[string]string
	pinged chan struct{} // closed with the next PING; nil: nobody waits for it
}

func (n *node) listen() error {
	l, err := net.Listen("tcp4", n.Addr().String())
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.l = l
	n.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n.mu.Lock()
			n.conns = append(n.conns, c)
			n.mu.Unlock()
			go n.serve(c)
		}
	}()
	return nil
}

func (n *node) serve(c net.Conn) {
	defer c.Close()
	r := resp.NewReader(bufio.NewReader(c), resp.Limits{})
	for {
		v, err := r.Read()
		if err != nil {
			return
		}
		var args []string
		for _, e := range v.Elems {
			args = append(args, string(e.Str))
		}
		reply := n.answer(args)
		switch reply {
		case "close":
			return
		case "die":
			n.crash()
			return
		case "report":
			n.l.Close()
			time.AfterFunc(time.Second/2, n.crash)
			return
		case "hang":
			continue
		}
		if late, ok := strings.CutPrefix(reply, "late:"); ok {
			select {
			case <-n.nextPing():
			case <-n.Done():
				return
			}
			reply = late
		}
		if _, err := c.Write([]byte(reply)); err != nil {
			return
		}
	}
}

// nextPing is closed with the next PING.
func (n *node) nextPing() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pinged == nil {
		n.pinged = make(chan struct{})
	}
	return n.pinged
}

func (n *node) answer(args []string) string {
	line := strings.ToUpper(strings.Join(args, " "))
	if reply, ok := n.d.Answers[line]; ok {
		return reply
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	bulk := func(s string) string { return string(resp.AppendBulkString(nil, s)) }
	list := func(ss []string) string {
		b := resp.AppendArray(nil, len(ss))
		for _, s := range ss {
			b = resp.AppendBulkString(b, s)
		}
		return string(b)
	}
	switch {
	case line == "PING":
		if n.pinged != nil {
			close(n.pinged)
			n.pinged = nil
		}
		return "+PONG\r\n"
	case line == "CLUSTER MYID":
		return bulk(n.id)
	case line == "CLUSTER NODES":
		return bulk(fmt.Sprintf("%s :%d@%d myself,master - 0 0 0 connected 0-16383\n", n.id, n.port.Client(), n.port.Bus()))
	case line == "CLUSTER SAVECONFIG":
		return "+OK\r\n"
	case strings.HasPrefix(line, "CONFIG GET ") && len(args) == 3:
		return "+" + n.conf[strings.ToUpper(args[2])] + "\r\n"
	case line == "ROLE":
		return "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
	case line == "INFO REPLICATION":
		return bulk("# Replication\r\nrole:master\r\n")
	case line == "DBSIZE":
		return fmt.Sprintf(":%d\r\n", len(n.keys))
	case line == "KEYS *":
		return list(n.inSlot(-1))
	case strings.HasPrefix(line, "CLUSTER COUNTKEYSINSLOT "):
		return fmt.Sprintf(":%d\r\n", len(n.inSlot(atoi(args[2]))))
	case strings.HasPrefix(line, "CLUSTER GETKEYSINSLOT "):
		return list(n.inSlot(atoi(args[2])))
	case strings.HasPrefix(line, "SET ") && len(args) == 3:
		n.keys[args[1]] = args[2]
		return "+OK\r\n"
	case strings.HasPrefix(line, "GET ") && len(args) == 2:
		if v, ok := n.keys[args[1]]; ok {
			return bulk(v)
		}
		return "$-1\r\n"
	case strings.HasPrefix(line, "EVAL "):
		return ":1\r\n"
	}
	return "-ERR unknown command\r\n"
}

// inSlot lists the keys of a slot, or of all for -1. n.mu is held.
func (n *node) inSlot(s int) []string {
	out := []string{}
	for k := range n.keys {
		if s < 0 || int(slot.Of([]byte(k))) == s {
			out = append(out, k)
		}
	}
	return out
}

func atoi(s string) int {
	n := 0
	if _, err := fmt.Sscan(s, &n); err != nil {
		return -2
	}
	return n
}

func (n *node) crash() {
	n.end(&oracle.ExitError{Node: n.name, Status: "signal: aborted", Crashed: true})
}

// end stops the server as a crash (err) or a kill (nil) does.
func (n *node) end(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case <-n.done:
		return
	default:
	}
	n.err = err
	n.l.Close()
	for _, c := range n.conns {
		c.Close()
	}
	n.conns = nil
	close(n.done)
}

func (n *node) Name() string { return n.name }
func (n *node) Addr() netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), n.port.Client())
}

func (n *node) BusAddr() netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), n.port.Bus())
}
func (n *node) Conf() string                    { return "" }
func (n *node) Log() string                     { return n.d.Log }
func (n *node) ReadFile(string) ([]byte, error) { return []byte("fake nodes.conf\n"), nil }
func (n *node) WriteFile(string, []byte) error  { return nil }
func (n *node) Kill() error                     { n.end(nil); return nil }
func (n *node) Pause() error                    { return nil }
func (n *node) Resume() error                   { return nil }
func (n *node) Stop() error                     { n.end(nil); n.port.Release(); return nil }
func (n *node) Done() <-chan struct{}           { n.mu.Lock(); defer n.mu.Unlock(); return n.done }

func (n *node) Err() error { n.mu.Lock(); defer n.mu.Unlock(); return n.err }

func (n *node) Restart(context.Context) error {
	n.end(nil)
	n.mu.Lock()
	n.done, n.err = make(chan struct{}), nil
	n.mu.Unlock()
	return n.listen()
}
