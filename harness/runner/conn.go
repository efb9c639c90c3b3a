package runner

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/slotdiff/slotdiff/wire/resp"
)

// conn is one client connection. Bytes are what is compared, so it speaks RESP
// itself rather than through a client library.
type conn struct {
	nc     net.Conn
	r      *resp.Reader
	trace  *trace
	label  string // "a" or "a/x"; empty for the harness's own connections
	closed bool
}

// errClosed says that the server ended the connection.
var errClosed = errors.New("connection closed by the server")

// newDialer has no keep-alive: over loopback nobody is gone without a word, and it
// costs four system calls a connection.
func newDialer() *net.Dialer { return &net.Dialer{Timeout: replyTimeout, KeepAlive: -1} }

func newConn(nc net.Conn, label string, t *trace) *conn {
	c := &conn{nc: nc, trace: t, label: label}
	c.r = resp.NewReader(recorder{c}, resp.Limits{})
	return c
}

// recorder passes reads through and keeps what came in.
type recorder struct{ c *conn }

func (r recorder) Read(p []byte) (int, error) {
	n, err := r.c.nc.Read(p)
	r.c.trace.frame(r.c.nc.RemoteAddr().String(), r.c.nc.LocalAddr().String(), false, p[:n])
	return n, err
}

func (c *conn) close() {
	c.closed = true
	_ = c.nc.Close() // nothing is buffered on our side
}

// write sends raw bytes.
func (c *conn) write(b []byte) error {
	c.trace.frame(c.nc.LocalAddr().String(), c.nc.RemoteAddr().String(), false, b)
	if err := c.nc.SetWriteDeadline(time.Now().Add(replyTimeout)); err != nil {
		return err
	}
	_, err := c.nc.Write(b)
	return c.mind(err)
}

// read returns the next value. A server that says nothing within d is a timeout
// (isTimeout); one that hangs up is errClosed.
func (c *conn) read(d time.Duration) (resp.Value, error) {
	if err := c.nc.SetReadDeadline(time.Now().Add(d)); err != nil {
		return resp.Value{}, err
	}
	v, err := c.r.Read()
	return v, c.mind(err)
}

// do sends one command and reads one reply.
func (c *conn) do(d time.Duration, args ...string) (resp.Value, error) {
	if err := c.write(resp.AppendCommandStrings(nil, args...)); err != nil {
		return resp.Value{}, err
	}
	return c.read(d)
}

// pipeline sends all commands at once and reads one reply for each.
func (c *conn) pipeline(cmds [][]string) ([]resp.Value, error) {
	var b []byte
	for _, cmd := range cmds {
		b = resp.AppendCommandStrings(b, cmd...)
	}
	if err := c.write(b); err != nil {
		return nil, err
	}
	out := make([]resp.Value, len(cmds))
	for i := range cmds {
		v, err := c.read(replyTimeout)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// mind translates the ways in which a peer can be gone into errClosed.
func (c *conn) mind(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		c.closed = true
		return errClosed
	}
	return err
}

// isPubSub reports whether a command is answered by one confirmation a channel.
func isPubSub(cmd string) bool {
	switch strings.ToUpper(cmd) {
	case "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE":
		return true
	}
	return false
}
