package bus

import (
	"fmt"
	"net"
	"time"

	"github.com/slotdiff/slotdiff/wire/resp"
)

// listener is a client of a node that has subscribed to every channel.
type listener struct {
	nc    net.Conn
	reply *resp.Reader
	heard []string // the messages of this play
}

// open connects and subscribes.
func (e *listener) open(addr string) (err error) {
	e.close()
	if e.nc, err = net.DialTimeout("tcp", addr, patience); err != nil {
		return err
	}
	e.reply = resp.NewReader(e.nc, resp.Limits{})
	if _, err := e.nc.Write(resp.AppendCommandStrings(nil, "PSUBSCRIBE", "*")); err != nil {
		return err
	}
	_ = e.nc.SetReadDeadline(time.Now().Add(patience))
	v, err := e.reply.Read()
	if err == nil && v.IsError() {
		err = fmt.Errorf("PSUBSCRIBE: %s", resp.Text(v))
	}
	return err
}

func (e *listener) close() {
	if e.nc != nil {
		e.nc.Close()
		e.nc = nil
	}
	e.heard = nil
}

// listen takes the messages that have come: all that the node has published so far, since it answers in order.
func (e *listener) listen() error {
	if _, err := e.nc.Write(resp.AppendCommandStrings(nil, "PING")); err != nil {
		return err
	}
	_ = e.nc.SetReadDeadline(time.Now().Add(patience))
	for {
		v, err := e.reply.Read()
		if err != nil {
			return fmt.Errorf("messages: %w", err)
		}
		if len(v.Elems) == 2 { // "pong"
			return nil
		}
		e.heard = append(e.heard, string(v.AppendText(nil)))
	}
}

// forget drops the messages of the play before.
func (e *listener) forget() error {
	err := e.listen()
	e.heard = nil
	return err
}
