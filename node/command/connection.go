package command

import (
	"slices"

	"github.com/slotdiff/slotdiff/node/command/table"
)

func init() {
	register(map[string]handler{
		"ping":   ping,
		"echo":   func(_ *Engine, c *Client) { c.bulk(c.argv[1]) },
		"quit":   func(_ *Engine, c *Client) { c.ok(); c.flags |= closing },
		"select": selectDB,
		"auth":   auth,
		"hello":  hello,
		"reset":  reset,
		"move":   move,
		"swapdb": func(_ *Engine, c *Client) { c.err("ERR SWAPDB is not allowed in cluster mode") },
	})
}

// ping mirrors server.c:pingCommand.
func ping(_ *Engine, c *Client) {
	switch {
	case len(c.argv) > 2:
		c.arity()
	case c.resp == 2 && c.subscriptions() > 0:
		c.array(2)
		c.text("pong")
		if len(c.argv) == 2 {
			c.bulk(c.argv[1])
		} else {
			c.text("")
		}
	case len(c.argv) == 2:
		c.bulk(c.argv[1])
	default:
		c.status("PONG")
	}
}

func selectDB(_ *Engine, c *Client) {
	switch n, ok := c.int32Arg(c.argv[1]); {
	case !ok:
	case n != 0:
		c.err("ERR SELECT is not allowed in cluster mode")
	default:
		c.ok()
	}
}

func move(_ *Engine, c *Client) { c.err("ERR MOVE is not allowed in cluster mode") }

// openDefault reports whether the default user needs no password.
func (e *Engine) openDefault() bool {
	u := e.users["default"]
	return u.on && u.noPass
}

// setRequirePass gives the default user the password of the requirepass directive,
// or none. Mirrors acl.c:ACLUpdateDefaultUserPassword.
func (e *Engine) setRequirePass() {
	u := e.users["default"]
	u.noPass, u.passwords = true, nil
	if p := e.Config.Text("requirepass"); p != "" {
		u.apply(">"+p, false)
	}
}

// authenticate checks a user and password or replies. Mirrors
// acl.c:ACLAuthenticateUser.
func (e *Engine) authenticate(c *Client, name, password string) bool {
	u := e.users[name]
	if u == nil || !u.on || !u.noPass && !slices.Contains(u.passwords, digest(password)) {
		c.err("WRONGPASS invalid username-password pair or user is disabled.")
		return false
	}
	c.authenticated, c.user = true, u
	return true
}

func auth(e *Engine, c *Client) {
	switch len(c.argv) {
	case 2:
		if e.users["default"].noPass {
			c.err("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
			return
		}
		if e.authenticate(c, "default", string(c.argv[1])) {
			c.ok()
		}
	case 3:
		if cString(c.argv[1]) == internalUser {
			authInternal(e, c)
			return
		}
		if e.authenticate(c, string(c.argv[1]), string(c.argv[2])) {
			c.ok()
		}
	default:
		c.syntax()
	}
}

// hello mirrors networking.c:helloCommand.
func hello(e *Engine, c *Client) {
	var ver int64
	if len(c.argv) >= 2 {
		var ok bool
		if ver, ok = table.ParseInt(c.argv[1]); !ok {
			c.err("ERR Protocol version is not an integer or out of range")
			return
		}
		if ver < 2 || ver > 3 {
			c.err("NOPROTO unsupported protocol version")
			return
		}
	}
	var user, password, name []byte
	for i := 2; i < len(c.argv); i++ {
		more := len(c.argv) - 1 - i
		switch opt := table.Option(c.argv[i]); {
		case opt == "auth" && more >= 2:
			user, password = c.argv[i+1], c.argv[i+2]
			i += 2
		case opt == "setname" && more >= 1:
			name = c.argv[i+1]
			if !validAttr(name) {
				c.err(badName)
				return
			}
			i++
		default:
			c.err("ERR Syntax error in HELLO option '" + cString(c.argv[i]) + "'")
			return
		}
	}
	if user != nil && !e.authenticate(c, string(user), string(password)) {
		return
	}
	if e.Unauthenticated(c) {
		c.err("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
		return
	}
	if name != nil {
		c.name = string(name)
	}
	if ver != 0 {
		c.resp = int(ver)
	}
	c.mapOf(7)
	c.text("server")
	c.text("redis")
	c.text("version")
	c.text(Version)
	c.text("proto")
	c.int(int64(c.resp))
	c.text("id")
	c.int(int64(c.ID))
	c.text("mode")
	c.text("cluster")
	c.text("role")
	if e.following() != nil {
		c.text("replica")
	} else {
		c.text("master")
	}
	c.text("modules")
	loadedModules(c)
}

// loadedModules names what a stock redis-server has built in.
func loadedModules(c *Client) {
	c.array(1)
	c.mapOf(4)
	c.text("name")
	c.text("vectorset")
	c.text("ver")
	c.int(1)
	c.text("path")
	c.text("")
	c.text("args")
	c.array(0)
}

// reset mirrors networking.c:clearClientConnectionState.
func reset(e *Engine, c *Client) {
	e.discardTransaction(c) // outside of one, too: it ends a WATCH that has failed
	e.unsubscribeAll(c)
	c.flags &^= readOnly | asking | replyOff | replySkip | replySkipNext | noEvict | noTouch
	c.resp = 2
	c.name = ""
	c.authenticated, c.user = e.openDefault(), e.users["default"]
	c.status("RESET")
}
