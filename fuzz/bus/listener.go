package bus

import (
	"fmt"
	"net"
	"time"

	"github.com/slotdiff/slotdiff/wire/resp"
)

// listener is a client of a node that has subscribed to every channel, and to those of shardChannels whose slots the node serves.
type listener struct {
	nc    net.Conn
	reply *resp.Reader
	heard []string        // the messages of this play, and what became of subscriptions
	shard map[string]bool // the channels of shards that the node has subscribed it to
	// fold hides the node's own id and ports, as they are when a message comes.
	fold func(text string) string
}

// shardChannels are channels of slots that episodes are about: those that the node gets at its beginning, that of actor p and that of
// actor r. They are of different slots, because Redis ends the subscriptions to those of one slot in the order of a table of hashes.
var shardChannels = []string{"", "emj", "fuj", "dmk"}

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
	e.heard, e.shard = nil, nil
}

// follow subscribes to the channels of shards that are not subscribed to. What the node refuses is heard as well: whom it names instead.
// It is told after commands alone, when both sides have processed all that was sent.
func (e *listener) follow() error {
	var b []byte
	for _, c := range shardChannels {
		if !e.shard[c] {
			b = resp.AppendCommandStrings(b, "SSUBSCRIBE", c)
		}
	}
	if len(b) == 0 {
		return nil
	}
	if _, err := e.nc.Write(b); err != nil {
		return err
	}
	return e.listen()
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
		if len(v.Elems) == 3 {
			e.subscribed(string(v.Elems[0].Str), string(v.Elems[1].Str))
		}
		e.heard = append(e.heard, e.fold(string(v.AppendText(nil))))
	}
}

// subscribed notes what a message says of a subscription.
func (e *listener) subscribed(kind, channel string) {
	switch kind {
	case "ssubscribe":
		if e.shard == nil {
			e.shard = map[string]bool{}
		}
		e.shard[channel] = true
	case "sunsubscribe":
		delete(e.shard, channel)
	}
}

// forget drops the messages of the play before.
func (e *listener) forget() error {
	err := e.listen()
	e.heard = nil
	return err
}
