package command

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"github.com/slotdiff/slotdiff/node/command/table"
)

func init() {
	register(map[string]handler{
		"client|id":           func(_ *Engine, c *Client) { c.int(int64(c.ID)) },
		"client|getname":      clientGetName,
		"client|setname":      clientSetName,
		"client|setinfo":      clientSetInfo,
		"client|info":         func(e *Engine, c *Client) { c.verbatim(e.appendClient(nil, c)) },
		"client|list":         clientList,
		"client|kill":         clientKill,
		"client|reply":        clientReply,
		"client|no-evict":     func(_ *Engine, c *Client) { clientFlag(c, noEvict) },
		"client|no-touch":     func(_ *Engine, c *Client) { clientFlag(c, noTouch) },
		"client|pause":        clientPause,
		"client|unpause":      func(e *Engine, c *Client) { e.pause.until = 0; c.ok() },
		"client|unblock":      clientUnblock,
		"client|tracking":     clientTracking,
		"client|trackinginfo": clientTrackingInfo,
		"client|getredir":     func(_ *Engine, c *Client) { c.int(-1) },
		"client|caching":      clientCaching,
	})
}

const badName = "ERR Client names cannot contain spaces, newlines or special characters."

// validAttr mirrors networking.c:validateClientAttr.
func validAttr(b []byte) bool {
	b, _, _ = bytes.Cut(b, []byte{0}) // a C string
	for _, ch := range b {
		if ch < '!' || ch > '~' {
			return false
		}
	}
	return true
}

func clientGetName(_ *Engine, c *Client) {
	if c.name == "" {
		c.null()
	} else {
		c.text(c.name)
	}
}

func clientSetName(_ *Engine, c *Client) {
	if !validAttr(c.argv[2]) {
		c.err(badName)
		return
	}
	c.name = string(c.argv[2])
	c.ok()
}

func clientSetInfo(_ *Engine, c *Client) {
	dest := &c.libName
	switch {
	case table.IsOption(c.argv[2], "lib-name"):
	case table.IsOption(c.argv[2], "lib-ver"):
		dest = &c.libVer
	default:
		c.err("ERR Unrecognized option '" + cString(c.argv[2]) + "'")
		return
	}
	if !validAttr(c.argv[3]) {
		c.err("ERR " + cString(c.argv[2]) + " cannot contain spaces, newlines or special characters.")
		return
	}
	*dest = string(c.argv[3])
	c.ok()
}

// appendClient mirrors networking.c:catClientInfoString. Sizes of buffers are
// those of an idle client.
func (e *Engine) appendClient(b []byte, c *Client) []byte {
	flags := ""
	for _, f := range []struct {
		on   bool
		name string
	}{
		{c.subscriptions() > 0, "P"},
		{c.has(inMulti), "x"},
		{c.blocked != nil, "b"},
		{c.has(dirtyCAS), "d"},
		{c.has(closing), "c"},
		{c.has(readOnly), "r"},
		{c.has(noEvict), "e"},
		{c.has(noTouch), "T"},
		{c.has(internal), "I"},
	} {
		if f.on {
			flags += f.name
		}
	}
	if flags == "" {
		flags = "N"
	}
	multi := -1
	if c.has(inMulti) {
		multi = len(c.queued)
	}
	cmd := "NULL"
	if c.lastCmd != nil {
		cmd = c.lastCmd.Name
	}
	return fmt.Appendf(b, "id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=0 sub=%d psub=%d ssub=%d multi=%d watch=%d"+
		" qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=1024 rbp=0 obl=0 oll=0 omem=0 tot-mem=1024 events=r cmd=%s user=%s redir=-1 resp=%d"+
		" lib-name=%s lib-ver=%s io-thread=0 tot-net-in=%d tot-net-out=%d tot-cmds=%d\n",
		c.ID, c.Peer, c.Local, c.ID+7, c.name, (e.now-c.created)/1000, (e.now-c.lastActive)/1000, flags,
		len(c.channels), len(c.patterns), len(c.shards), multi, len(c.watched), cmd, c.user.name, c.resp, c.libName, c.libVer, c.BytesIn, c.BytesOut, c.commands)
}

// clientType is normal or pubsub, "" for a word that is no type at all.
func clientType(b []byte) string {
	switch t := table.Option(b); t {
	case "normal", "pubsub", "master", "replica":
		return t
	case "slave":
		return "replica"
	}
	return ""
}

func (c *Client) isType(t string) bool {
	if c.subscriptions() > 0 {
		return t == "pubsub"
	}
	return t == "normal"
}

func clientList(e *Engine, c *Client) {
	var b []byte
	switch {
	case len(c.argv) == 4 && table.IsOption(c.argv[2], "type"):
		t := clientType(c.argv[3])
		if t == "" {
			c.err("ERR Unknown client type '" + cString(c.argv[3]) + "'")
			return
		}
		for _, x := range e.clients {
			if x.isType(t) {
				b = e.appendClient(b, x)
			}
		}
	case len(c.argv) > 3 && table.IsOption(c.argv[2], "id"):
		for _, a := range c.argv[3:] {
			id, ok := table.ParseInt(a)
			if !ok {
				c.err("ERR Invalid client ID")
				return
			}
			if x := e.clientByID(id); x != nil {
				b = e.appendClient(b, x)
			}
		}
	case len(c.argv) != 2:
		c.syntax()
		return
	default:
		for _, x := range e.clients {
			b = e.appendClient(b, x)
		}
	}
	c.verbatim(b)
}

func (e *Engine) clientByID(id int64) *Client {
	i := slices.IndexFunc(e.clients, func(c *Client) bool { return int64(c.ID) == id })
	if i < 0 {
		return nil
	}
	return e.clients[i]
}

// clientKill mirrors the KILL part of networking.c:clientCommand.
func clientKill(e *Engine, c *Client) {
	var match []func(x *Client) bool
	skipMe := true
	if len(c.argv) == 3 {
		addr := cString(c.argv[2])
		skipMe = false
		match = append(match, func(x *Client) bool { return x.Peer == addr })
	}
	for i := 2; len(c.argv) > 3 && i < len(c.argv); i += 2 {
		if i+1 >= len(c.argv) {
			c.syntax()
			return
		}
		arg := c.argv[i+1]
		switch table.Option(c.argv[i]) {
		case "id":
			id, ok := table.ParseInt(arg)
			if !ok || id < 1 {
				c.err("ERR client-id should be greater than 0")
				return
			}
			match = append(match, func(x *Client) bool { return int64(x.ID) == id })
		case "maxage":
			age, ok := table.ParseInt(arg)
			if !ok {
				c.err("ERR maxage is not an integer or out of range")
				return
			}
			if age <= 0 {
				c.err("ERR maxage should be greater than 0")
				return
			}
			match = append(match, func(x *Client) bool { return (e.now-x.created)/1000 >= age })
		case "type":
			t := clientType(arg)
			if t == "" {
				c.err("ERR Unknown client type '" + cString(arg) + "'")
				return
			}
			match = append(match, func(x *Client) bool { return x.isType(t) })
		case "addr":
			match = append(match, func(x *Client) bool { return x.Peer == cString(arg) })
		case "laddr":
			match = append(match, func(x *Client) bool { return x.Local == cString(arg) })
		case "user":
			u := e.users[string(arg)]
			if u == nil {
				c.err("ERR No such user '" + cString(arg) + "'")
				return
			}
			match = append(match, func(x *Client) bool { return x.user == u })
		case "skipme":
			switch {
			case table.IsOption(arg, "yes"):
				skipMe = true
			case table.IsOption(arg, "no"):
				skipMe = false
			default:
				c.syntax()
				return
			}
		default:
			c.syntax()
			return
		}
	}
	killed, self := 0, false
	for _, x := range e.clients {
		if x == c && skipMe || slices.ContainsFunc(match, func(m func(*Client) bool) bool { return !m(x) }) {
			continue
		}
		killed++
		if x == c {
			self = true
			continue
		}
		x.flags |= closeNow
		e.touch(x)
	}
	switch {
	case len(c.argv) > 3:
		c.int(int64(killed))
	case killed == 0:
		c.err("ERR No such client")
	default:
		c.ok()
	}
	if self {
		c.flags |= closing
	}
}

func clientReply(_ *Engine, c *Client) {
	switch table.Option(c.argv[2]) {
	case "on":
		c.flags &^= replyOff | replySkip
		c.ok()
	case "off":
		c.flags |= replyOff
	case "skip":
		if !c.has(replyOff) {
			c.flags |= replySkipNext
		}
	default:
		c.syntax()
	}
}

func clientFlag(c *Client, f flag) {
	switch {
	case table.IsOption(c.argv[2], "on"):
		c.flags |= f
	case table.IsOption(c.argv[2], "off"):
		c.flags &^= f
	default:
		c.syntax()
		return
	}
	c.ok()
}

func clientPause(e *Engine, c *Client) {
	if len(c.argv) > 4 {
		subcommandSyntax(c)
		return
	}
	writeOnly := false
	if len(c.argv) == 4 {
		writeOnly = table.IsOption(c.argv[3], "write")
		if !writeOnly && !table.IsOption(c.argv[3], "all") {
			c.err("ERR CLIENT PAUSE mode must be WRITE or ALL")
			return
		}
	}
	n, ok := table.ParseInt(c.argv[2])
	switch {
	case !ok:
		c.err("ERR timeout is not an integer or out of range")
		return
	case n < 0:
		c.err("ERR timeout is negative")
		return
	case n > math.MaxInt64-e.now:
		c.err("ERR timeout is out of range")
		return
	}
	// Mirrors networking.c:pauseActions: a pause never shrinks while it lasts.
	end := e.now + n
	if n == 0 {
		end = 0
	}
	active := e.now < e.pause.until
	e.pause.writeOnly = writeOnly && (!active || e.pause.writeOnly)
	if !active || end > e.pause.until {
		e.pause.until = end
	}
	c.ok()
}

func clientUnblock(e *Engine, c *Client) {
	byError := false
	if len(c.argv) > 4 {
		subcommandSyntax(c)
		return
	}
	if len(c.argv) == 4 {
		byError = table.IsOption(c.argv[3], "error")
		if !byError && !table.IsOption(c.argv[3], "timeout") {
			c.err("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
			return
		}
	}
	id, ok := c.intArg(c.argv[2])
	if !ok {
		return
	}
	x := e.clientByID(id)
	if x == nil || x.blocked == nil || x.blocked.postponed > 0 {
		c.int(0)
		return
	}
	answer := x.blocked.timeout
	if byError {
		answer = func(x *Client) { x.err("UNBLOCKED client unblocked via CLIENT UNBLOCK") }
	}
	e.unblock(x, answer)
	c.int(1)
}

// clientTracking validates its arguments as Redis does. No key is ever tracked
// here, so ON is refused by name.
func clientTracking(e *Engine, c *Client) {
	var redirected, prefix, bcast, optin, optout bool
	for i := 3; i < len(c.argv); i++ {
		more := i+1 < len(c.argv)
		switch opt := table.Option(c.argv[i]); {
		case opt == "redirect" && more:
			i++
			if redirected {
				c.err("ERR A client can only redirect to a single other client")
				return
			}
			id, ok := c.intArg(c.argv[i])
			if !ok {
				return
			}
			if e.clientByID(id) == nil {
				c.err("ERR The client ID you want redirect to does not exist")
				return
			}
			redirected = true
		case opt == "bcast":
			bcast = true
		case opt == "optin":
			optin = true
		case opt == "optout":
			optout = true
		case opt == "noloop":
		case opt == "prefix" && more:
			i++
			prefix = true
		default:
			c.syntax()
			return
		}
	}
	switch {
	case table.IsOption(c.argv[2], "off"):
		c.ok()
	case !table.IsOption(c.argv[2], "on"):
		c.syntax()
	case prefix && !bcast:
		c.err("ERR PREFIX option requires BCAST mode to be enabled")
	case bcast && (optin || optout):
		c.err("ERR OPTIN and OPTOUT are not compatible with BCAST")
	case optin && optout:
		c.err("ERR You can't specify both OPTIN mode and OPTOUT mode")
	default:
		c.err("ERR slotnode does not execute 'client|tracking on'")
	}
}

func clientTrackingInfo(_ *Engine, c *Client) {
	c.mapOf(3)
	c.text("flags")
	c.set(1)
	c.text("off")
	c.text("redirect")
	c.int(-1)
	c.text("prefixes")
	c.array(0)
}

func clientCaching(_ *Engine, c *Client) {
	c.err("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled")
}
