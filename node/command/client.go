package command

import (
	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// flag is a set of client states (server.h CLIENT_*).
type flag uint32

const (
	inMulti       flag = 1 << iota
	dirtyExec          // a command was refused while queueing
	dirtyCAS           // a watched key changed
	denyBlocking       // EXEC is running
	inScript           // runs the commands of a script
	errorCounted       // the error that is replied was counted when it arose
	asking             // ASKING was the command before
	readOnly           // READONLY was sent
	replyOff           // CLIENT REPLY OFF
	replySkipNext      // CLIENT REPLY SKIP was this command
	replySkip          // this command is not answered
	noEvict
	noTouch
	internal // a node of this cluster: it knows the secret
	closing  // no further command; the connection closes once Out is written
	closeNow // the connection closes without writing Out
)

// Client is one connection. Its fields are the engine's; a driver reads Out and
// the methods.
type Client struct {
	ID            uint64
	Peer, Local   string // ip:port of the two ends
	Out           []byte // replies and pushes that the driver has not yet taken
	flags         flag
	resp          int // 2 or 3
	authenticated bool
	user          *user
	name          string
	libName       string
	libVer        string
	created       int64 // ms
	lastActive    int64 // ms
	commands      uint64
	BytesIn       int64 // that the driver has read from the connection
	Inline        bool  // the command that the driver executes came as one line
	BytesOut      int64 // that the driver has taken from Out

	slot       int // that the command's bytes count for, or noSlot
	replyStart int // where its reply begins in Out

	argv    [][]byte // of the command that runs
	cmd     *table.Command
	lastCmd *table.Command

	queued     []queued
	queueFlags table.Flag // that some queued command has
	queueLacks table.Flag // that some queued command has not
	watched    map[string]bool

	channels map[string]bool
	patterns map[string]bool
	shards   map[string]bool

	blocked *blocked // nil: not blocked
	gone    bool     // Disconnect was called
	listed  bool     // is in Engine.dirty
	keyBuf  []table.Key
	refs    [][]byte // scratch for routing
}

// queued is one command of a transaction. Its bytes are its own.
type queued struct {
	cmd  *table.Command
	argv [][]byte
	keys []table.Key
}

func (c *Client) has(f flag) bool { return c.flags&f != 0 }

// Blocked reports whether the client waits, so that its next command must too.
func (c *Client) Blocked() bool { return c.blocked != nil }

// Closing reports whether the driver must close the connection after it has
// written Out.
func (c *Client) Closing() bool { return c.has(closing | closeNow) }

// Unauthenticated reports whether the stricter protocol limits apply.
func (e *Engine) Unauthenticated(c *Client) bool {
	return !c.authenticated && !e.openDefault()
}

func (c *Client) subscriptions() int { return len(c.channels) + len(c.patterns) + len(c.shards) }

// The reply functions. RESP2 clients get the RESP2 form of every type.

func (c *Client) ok()             { c.Out = append(c.Out, "+OK\r\n"...) }
func (c *Client) status(s string) { c.Out = resp.AppendSimple(c.Out, s) }
func (c *Client) int(n int64)     { c.Out = resp.AppendInt(c.Out, n) }
func (c *Client) bulk(b []byte)   { c.Out = resp.AppendBulk(c.Out, b) }
func (c *Client) text(s string)   { c.Out = resp.AppendBulkString(c.Out, s) }
func (c *Client) array(n int)     { c.Out = resp.AppendArray(c.Out, n) }

// err replies with an error; text begins with its code.
func (c *Client) err(text string) { c.Out = resp.AppendError(c.Out, text) }

func (c *Client) syntax() { c.err("ERR syntax error") }
func (c *Client) arity()  { c.err("ERR " + c.cmd.WrongArity()) }

func (c *Client) null() {
	if c.resp == 3 {
		c.Out = resp.AppendNull(c.Out)
	} else {
		c.Out = resp.AppendNilBulk(c.Out)
	}
}

func (c *Client) nullArray() {
	if c.resp == 3 {
		c.Out = resp.AppendNull(c.Out)
	} else {
		c.Out = resp.AppendNilArray(c.Out)
	}
}

func (c *Client) mapOf(n int) {
	if c.resp == 3 {
		c.Out = resp.AppendMap(c.Out, n)
	} else {
		c.array(2 * n)
	}
}

func (c *Client) set(n int) {
	if c.resp == 3 {
		c.Out = resp.AppendSet(c.Out, n)
	} else {
		c.array(n)
	}
}

func (c *Client) push(n int) {
	if c.resp == 3 {
		c.Out = resp.AppendPush(c.Out, n)
	} else {
		c.array(n)
	}
}

// verbatim replies with a text; RESP2 has only bulk strings for it.
func (c *Client) verbatim(text []byte) {
	if c.resp == 3 {
		c.Out = resp.AppendVerbatim(c.Out, [3]byte{'t', 'x', 't'}, text)
	} else {
		c.bulk(text)
	}
}

// lines replies with the lines of a HELP text, as simple strings.
func (c *Client) lines(ls []string) {
	c.array(len(ls))
	for _, l := range ls {
		c.status(l)
	}
}

// ClosingNow reports whether the connection closes without writing Out.
func (c *Client) ClosingNow() bool { return c.has(closeNow) }

// Subscribed reports whether the client has any subscription.
func (c *Client) Subscribed() bool { return c.subscriptions() > 0 }
