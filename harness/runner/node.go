package runner

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

// node is a started server with the connections the case has opened to it.
type node struct {
	name   string
	spec   oracle.NodeSpec // what it was started with
	driver oracle.Driver   // of the server that plays it now
	live   oracle.Node
	front  netip.AddrPort // of its relay; invalid where it has none
	names  *names         // of its side
	trace  *trace
	conns  map[string]*conn
	probe  *conn // the harness's own, for invariants; nil until first used
	down   bool  // a step killed it
	frozen bool  // a step paused it
	auth   bool  // it asks for a password, so that the probe learns nothing
}

// replyTimeout bounds one reply to a command that is not expected to block. A
// server that is alive and does not answer within it has not answered.
const replyTimeout = 5 * time.Second

// pingTimeout is how long a healthy node may take to answer PING on a fresh
// connection (DESIGN §3). A node hangs when it misses it three times in a row.
const pingTimeout = time.Second

// conn returns the connection of that name, dialling it at first use.
func (n *node) conn(ctx context.Context, name string) (*conn, error) {
	if c, ok := n.conns[name]; ok && !c.closed {
		return c, nil
	}
	label := n.name
	if name != "" {
		label += "/" + name
	}
	c, err := dialConn(ctx, n.live.Addr(), label, n.trace)
	if err != nil {
		return nil, n.explain(ctx, err)
	}
	n.conns[name] = c
	return c, nil
}

func (n *node) closeConns() {
	for _, c := range n.conns {
		c.close()
	}
	if n.probe != nil {
		n.probe.close()
		n.probe = nil
	}
}

// explain tells a dead node and a hanging one from a connection that merely failed.
func (n *node) explain(ctx context.Context, err error) error {
	if n.down || n.frozen {
		return err
	}
	select {
	case <-n.live.Done():
		return n.crash()
	case <-time.After(graceOfDeath):
	case <-ctx.Done():
		return err
	}
	if hung := n.ping(ctx); hung != nil {
		return hung
	}
	return err
}

// graceOfDeath is how long a process may take to be seen as ended after its
// sockets were closed.
const graceOfDeath = 300 * time.Millisecond

// end says how the server ended, and shows the end of its log.
func (n *node) end() string {
	if err := n.live.Err(); err != nil {
		return strings.TrimPrefix(err.Error(), "node "+n.name+": ")
	}
	return "the process ended"
}

func (n *node) crash() error {
	return &faultError{verdict.Fault{Kind: verdict.FaultCrash, Node: n.name, Detail: n.end()}}
}

// ping returns a fault when the node does not answer PING on fresh connections.
// Any reply is an answer, an error too.
func (n *node) ping(ctx context.Context) error {
	var last error
	for range 3 {
		if last = n.freshPing(ctx); last == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if n.ended(errors.Is(last, syscall.ECONNREFUSED)) {
			return n.crash()
		}
	}
	return &faultError{verdict.Fault{Kind: verdict.FaultHang, Node: n.name, Detail: fmt.Sprintf("no answer to PING within %v, three times: %v", pingTimeout, bareCause(last))}}
}

// ended reports whether the server's process has ended. One that is about to, for it listens no more, is given time to write what it
// has to say.
func (n *node) ended(soon bool) bool {
	if soon {
		select {
		case <-n.live.Done():
		case <-time.After(lastWords):
		}
	}
	select {
	case <-n.live.Done():
		return true
	default:
		return false
	}
}

// lastWords is how long a process may go on after it has closed its port: real Redis writes a report of its crash.
const lastWords = 3 * time.Second

// bareCause strips the addresses from an error of package net: one port of them is
// another in every run.
func bareCause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("%s: %w", op.Op, op.Err)
	}
	return err
}

func (n *node) freshPing(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	c, err := dialConn(ctx, n.live.Addr(), "", nil)
	if err != nil {
		return err
	}
	defer c.close()
	_, err = c.do(pingTimeout, "PING")
	return err
}

// dialConn opens a client connection. The trace may be nil.
func dialConn(ctx context.Context, addr netip.AddrPort, label string, t *trace) (*conn, error) {
	d := newDialer()
	nc, err := d.DialContext(ctx, "tcp4", addr.String())
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return newConn(nc, label, t), nil
}

// text returns the reply of a command that answers with a string.
func (c *conn) text(args ...string) (string, error) {
	v, err := c.do(replyTimeout, args...)
	if err != nil {
		return "", err
	}
	if v.IsError() {
		return "", &replyError{string(v.Str)}
	}
	return string(v.Str), nil
}

// replyError is an error reply where the harness wanted an answer.
type replyError struct{ text string }

func (e *replyError) Error() string { return "reply: -" + e.text }

// isTimeout reports whether err is a read that ran into its deadline.
func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
