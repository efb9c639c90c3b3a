package server

import (
	"errors"
	"net"

	"github.com/slotdiff/slotdiff/node/command"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// conn is the connection of a client.
type conn struct {
	*outbox
	client *command.Client

	// Of the owner: commands that wait behind a blocked one, in memory of their
	// own, and the protocol error behind them.
	rest    []request
	failed  *resp.ProtocolError
	dropped bool

	// Of the reader while it runs, of the owner from a batch until done.
	unauthenticated bool
	done            chan struct{}
}

// The events of clients.
type (
	accepted struct{ nc *net.TCPConn }
	batch    struct {
		c      *conn
		cmds   []request
		failed *resp.ProtocolError
		read   int64 // bytes read from the connection so far
	}
	hungUp struct{ c *conn }
)

// request is a command that a client sent.
type request struct {
	args   [][]byte
	inline bool
}

func (s *server) execute(c *conn, r request) {
	c.client.Inline = r.inline
	s.engine.Execute(c.client, r.args)
}

// read is the goroutine of a connection.
func (s *server) read(c *conn) {
	r := resp.NewCommandReader(c.nc, resp.CommandLimits{MaxBulk: s.maxBulk, MaxQueryBuffer: s.maxQuery})
	var cmds []request
	for {
		r.Unauthenticated = c.unauthenticated
		if err := r.Fill(); err != nil {
			s.send(hungUp{c})
			return
		}
		cmds = cmds[:0]
		b := batch{c: c}
		for {
			args, ok, err := r.Next()
			if err != nil {
				if !errors.As(err, &b.failed) {
					s.send(hungUp{c}) // the query buffer limit: no word is said
					return
				}
				break
			}
			if !ok {
				break
			}
			cmds = append(cmds, request{args, r.Inline()})
		}
		if len(cmds) == 0 && b.failed == nil {
			continue
		}
		b.cmds = cmds
		b.read = r.Offset() + int64(len(r.Buffered()))
		if !s.send(b) {
			return
		}
		select {
		case <-c.done:
		case <-s.stopped:
			return
		}
		if b.failed != nil {
			return // the owner answers and closes
		}
	}
}

// handleAccepted takes in a new client or turns it away.
// Mirrors networking.c:acceptCommonHandler and clientAcceptHandler.
func (s *server) handleAccepted(nc *net.TCPConn) {
	out, err := s.newOutbox(nc)
	if err != nil {
		nc.Close()
		return
	}
	if int64(s.engine.Clients()) >= s.cfg.Int("maxclients") {
		out.write([]byte("-ERR max number of clients + cluster connections reached\r\n"))
		out.end(false)
		return
	}
	peer := nc.RemoteAddr().(*net.TCPAddr)
	if s.cfg.Bool("protected-mode") && s.cfg.Text("requirepass") == "" && !peer.IP.IsLoopback() {
		out.write([]byte("-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user.\r\n"))
		out.end(false)
		return
	}
	keepAlive(nc, s.cfg.Int("tcp-keepalive"))
	c := &conn{outbox: out, done: make(chan struct{}, 1)}
	c.client = s.engine.Connect(peer.String(), nc.LocalAddr().String())
	c.unauthenticated = s.engine.Unauthenticated(c.client)
	s.conns[c.client] = c
	s.spawn(func() { s.read(c) })
}

// handleBatch executes what one read brought.
func (s *server) handleBatch(b batch) {
	c := b.c
	defer func() {
		if !c.dropped {
			c.unauthenticated = s.engine.Unauthenticated(c.client)
		}
		c.done <- struct{}{}
	}()
	if c.dropped {
		return
	}
	c.client.BytesIn = b.read
	cmds := b.cmds
	if len(c.rest) == 0 {
		for len(cmds) > 0 && !c.client.Blocked() && !c.client.Closing() {
			s.execute(c, cmds[0])
			cmds = cmds[1:]
		}
	}
	for _, r := range cmds {
		own := request{make([][]byte, len(r.args)), r.inline}
		for i, a := range r.args {
			own.args[i] = append([]byte{}, a...)
		}
		c.rest = append(c.rest, own)
	}
	c.failed = b.failed
	s.endIfFailed(c)
}

// proceed goes on with the commands that waited behind a blocked one.
func (s *server) proceed(c *conn) {
	for len(c.rest) > 0 && !c.client.Blocked() && !c.client.Closing() {
		r := c.rest[0]
		c.rest = c.rest[1:]
		s.execute(c, r)
	}
	s.endIfFailed(c)
}

// endIfFailed answers a protocol error once all before it was answered.
func (s *server) endIfFailed(c *conn) {
	if c.failed != nil && len(c.rest) == 0 && !c.client.Blocked() && !c.client.Closing() {
		s.engine.ProtocolError(c.client, c.failed.Reply(nil))
		c.failed = nil
	}
}

// flush writes the output of a client and ends it if it is closing.
func (s *server) flush(cl *command.Client) {
	c := s.conns[cl]
	if c == nil {
		return
	}
	now := cl.ClosingNow()
	if len(cl.Out) > 0 && !now {
		c.write(cl.Out)
		cl.BytesOut += int64(len(cl.Out))
	}
	cl.Out = cl.Out[:0]
	if cap(cl.Out) > maxKeptReply {
		cl.Out = nil
	}
	switch {
	case cl.Closing():
		c.end(now)
		s.drop(c)
	case cl.Subscribed() && c.queued() > maxPubSubQueue:
		s.log.warning("Client %s scheduled to be closed ASAP for overcoming of output buffer limits.", cl.Peer)
		c.end(true)
		s.drop(c)
	}
}

// drop forgets a client.
func (s *server) drop(c *conn) {
	if c.dropped {
		return
	}
	c.dropped = true
	c.rest = nil
	delete(s.conns, c.client)
	s.engine.Disconnect(c.client)
}

const (
	// maxPubSubQueue is the hard limit of client-output-buffer-limit pubsub.
	maxPubSubQueue = 32 << 20
	// maxKeptReply is the largest reply buffer that a client keeps.
	maxKeptReply = 64 << 10
)
