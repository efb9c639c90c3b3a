package command

import (
	"bytes"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/command/table"
)

// handler runs a command that passed all checks; c.argv and c.cmd are its.
type handler func(e *Engine, c *Client)

// handlers by full command name. Filled by the files of this package.
var handlers = map[string]handler{}

// byCommand is handlers, resolved once.
var byCommand = map[*table.Command]handler{}

func register(m map[string]handler) {
	for name, h := range m {
		cmd := table.LookupName(name)
		if cmd == nil {
			panic("node/command: no command " + name)
		}
		if handlers[name] != nil {
			panic("node/command: two handlers of " + name)
		}
		handlers[name] = h
		byCommand[cmd] = h
	}
}

// The commands that the order of checks names.
var (
	cmdExec         = table.LookupName("exec")
	cmdDiscard      = table.LookupName("discard")
	cmdMulti        = table.LookupName("multi")
	cmdWatch        = table.LookupName("watch")
	cmdQuit         = table.LookupName("quit")
	cmdReset        = table.LookupName("reset")
	cmdAsking       = table.LookupName("asking")
	cmdMigrate      = table.LookupName("migrate")
	cmdDebug        = table.LookupName("debug")
	allowedInPubSub = []*table.Command{
		table.LookupName("ping"), table.LookupName("subscribe"), table.LookupName("ssubscribe"),
		table.LookupName("unsubscribe"), table.LookupName("sunsubscribe"), table.LookupName("psubscribe"),
		table.LookupName("punsubscribe"), cmdQuit, cmdReset,
	}
	runInMulti = []*table.Command{cmdExec, cmdDiscard, cmdMulti, cmdWatch, cmdQuit, cmdReset}
)

// Execute runs one command; argv is not empty and is not kept. The client must
// be neither blocked nor closing. The reply is in c.Out when Execute returns,
// unless the client is blocked then.
func (e *Engine) Execute(c *Client, argv [][]byte) {
	c.argv = argv
	c.lastActive = e.now
	e.run(c)
	e.serveWaiting()
}

// run runs c.argv. A command that blocks ends when its client is unblocked.
func (e *Engine) run(c *Client) {
	start := len(c.Out)
	e.running = c
	c.slot, c.replyStart = noSlot, start
	e.process(c)
	e.running = nil
	e.advance()
	if c.blocked == nil {
		e.countRequest(c)
		e.finish(c, start)
	}
	c.Out = append(c.Out, e.later...)
	e.later = e.later[:0]
	if len(c.Out) > 0 || c.Closing() {
		e.touch(c)
	}
}

// finish mirrors networking.c:resetClient: it ends what lasts for one command.
func (e *Engine) finish(c *Client, start int) {
	if c.cmd != cmdAsking && !c.has(inMulti) {
		c.flags &^= asking
	}
	if c.has(replyOff | replySkip) {
		c.Out = c.Out[:min(start, len(c.Out))]
	}
	c.flags &^= replySkip
	if c.has(replySkipNext) {
		c.flags = c.flags&^replySkipNext | replySkip
	}
	c.argv = nil
}

// process mirrors server.c:processCommand; the checks are in its order.
func (e *Engine) process(c *Client) {
	argv := c.argv
	cmd := table.Lookup(argv)
	c.cmd, c.lastCmd = cmd, cmd
	if cmd == nil {
		if table.IsOption(argv[0], "host:") || table.IsOption(argv[0], "post") {
			// Mirrors server.c:securityWarningCommand, a web browser's request.
			e.logf(cluster.LevelWarning, "Possible SECURITY ATTACK detected: %s speaks HTTP. Connection aborted.", c.Peer)
			c.flags |= closeNow
			return
		}
		e.reject(c, "ERR "+table.Unknown(argv))
		return
	}
	if !cmd.ArityOK(len(argv)) && !plantedArity(cmd, len(argv)) {
		e.reject(c, "ERR "+cmd.WrongArity())
		return
	}
	e.entered(c)
	if cmd.Has(table.Protected) && !e.protectedAllowed(c, cmd) {
		return
	}
	if e.Unauthenticated(c) && !cmd.Has(table.NoAuth) {
		e.reject(c, "NOAUTH Authentication required.")
		return
	}
	if c.has(inMulti) && cmd.Has(table.NoMulti) {
		e.reject(c, "ERR Command not allowed inside a transaction")
		return
	}
	flags := e.flagsOf(cmd, argv)
	if text := c.user.denies(cmd, argv); text != "" {
		e.reject(c, text)
		return
	}
	var keys []table.Key
	if cmd.Routed() || cmd == cmdExec {
		if cmd != cmdExec {
			c.keyBuf = cmd.RoutingKeys(argv, c.keyBuf)
			keys = plantedKeys(cmd, argv, c.keyBuf)
		}
		if r := e.route(c, cmd, flags, keys); r.Kind != cluster.RouteServe {
			if cmd == cmdExec {
				e.discardTransaction(c)
			} else {
				c.flagTransaction()
			}
			e.count(cmd).rejected++
			start := len(c.Out)
			c.Out = append(c.Out, '-')
			c.Out = append(r.AppendError(c.Out), '\r', '\n')
			e.countError(c.Out[start:])
			return
		}
	}
	if e.oomRefuses(c, cmd, flags) {
		e.reject(c, oomText)
		return
	}
	if text := e.roleRefuses(c, cmd, flags); text != "" {
		e.reject(c, text)
		return
	}
	if c.resp == 2 && c.subscriptions() > 0 && !slices.Contains(allowedInPubSub, cmd) {
		e.reject(c, "ERR Can't execute '"+cmd.Name+"': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
		return
	}
	stale := flags&table.Stale != 0 && !(cmd == cmdExec && c.queueLacks&table.Stale != 0)
	if e.following() != nil && !stale && !e.Config.Bool("replica-serve-stale-data") {
		e.reject(c, "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.")
		return
	}
	mayReplicate := flags&(table.Write|table.MayReplicate) != 0 ||
		cmd == cmdExec && c.queueFlags&(table.Write|table.MayReplicate) != 0
	if e.paused(mayReplicate) {
		e.postpone(c)
		return
	}
	if c.has(inMulti) && !slices.Contains(runInMulti, cmd) {
		c.queue(keys, flags)
		c.Out = append(c.Out, "+QUEUED\r\n"...)
		return
	}
	e.call(c)
}

// roleRefuses says why a write may not run on this node as it is.
func (e *Engine) roleRefuses(c *Client, cmd *table.Command, flags table.Flag) string {
	writes := flags&table.Write != 0 || cmd == cmdExec && c.queueFlags&table.Write != 0
	switch {
	case !writes:
	case e.following() != nil && e.Config.Bool("replica-read-only"):
		return "READONLY You can't write against a read only replica."
	case e.following() == nil && e.Config.Int("min-replicas-to-write") > 0 && e.Config.Int("min-replicas-max-lag") > 0:
		return "NOREPLICAS Not enough good replicas to write." // there never is one
	}
	return ""
}

// call runs c.cmd. Mirrors server.c:call as far as statistics go.
func (e *Engine) call(c *Client) {
	h := byCommand[c.cmd]
	if h == nil && c.cmd.Parent != nil && strings.HasSuffix(c.cmd.Name, "|help") {
		h = containerHelp
	}
	h = plantedHandler(e, c, h)
	start := len(c.Out)
	if h == nil {
		c.err("ERR slotnode does not execute '" + c.cmd.Name + "'")
	} else {
		h(e, c)
	}
	e.journal.counted()
	failed := len(c.Out) > start && c.Out[start] == '-' && !c.has(errorCounted)
	if c.blocked == nil {
		e.called(c, failed)
	}
	e.countReply(c)
	if failed {
		e.countError(c.Out[start:])
	}
	c.flags &^= errorCounted
}

// maxErrorCodes bounds INFO errorstats, as server.c:incrementErrorCount does.
const maxErrorCodes = 128

// countError counts an error reply under its code, the first word.
func (e *Engine) countError(reply []byte) {
	e.stats.errors++
	code := []byte("ERR") // what has no code in its first 32 bytes
	if end := bytes.IndexByte(reply[:min(len(reply), 32)], ' '); end > 0 {
		code = reply[1:end]
	}
	if e.stats.byError[string(code)] > 0 || len(e.stats.byError) < maxErrorCodes {
		e.stats.byError[string(code)]++
	}
}

// called counts a command that ran to its end.
func (e *Engine) called(c *Client, failed bool) {
	n := e.count(c.cmd)
	n.calls++
	n.failed += int64(b2i(failed))
	c.commands++
	e.stats.commands++
}

// containerHelp answers X HELP with the recorded lines.
func containerHelp(_ *Engine, c *Client) { c.lines(table.Help(c.cmd.Parent.Name)) }

func (e *Engine) count(cmd *table.Command) *calls {
	n := e.stats.perCommand[cmd]
	if n == nil {
		n = &calls{}
		e.stats.perCommand[cmd] = n
	}
	return n
}

// reject refuses a command before it ran. Mirrors server.c:rejectCommand.
func (e *Engine) reject(c *Client, text string) {
	c.flagTransaction()
	if c.cmd != nil {
		e.count(c.cmd).rejected++
	}
	if c.cmd == cmdExec {
		e.discardTransaction(c)
		// Redis adds "ERR " only where it replies with the text itself.
		text = "EXECABORT Transaction discarded because of: " + strings.TrimPrefix(text, "ERR ")
	}
	start := len(c.Out)
	c.err(text)
	e.countError(c.Out[start:])
}

// protectedAllowed mirrors server.c:allowProtectedAction; the reply is given
// when it refuses.
func (e *Engine) protectedAllowed(c *Client, cmd *table.Command) bool {
	name, option := "DEBUG", "enable-debug-command"
	if cmd != cmdDebug {
		name, option = "MODULE", "enable-module-command"
	}
	switch e.Config.Text(option) {
	case "yes":
		return true
	case "local":
		if strings.HasPrefix(c.Peer, "127.") || strings.HasPrefix(c.Peer, "[::1]") {
			return true
		}
	}
	e.reject(c, "ERR "+name+" command not allowed. If the "+option+" option is set to \"local\", "+
		"you can run it from a local connection, otherwise you need to set this option "+
		"in the configuration file, and then restart the server.")
	return false
}

// cloneArgs copies an argument vector into memory of its own.
func cloneArgs(argv [][]byte) [][]byte {
	out := make([][]byte, len(argv))
	for i, a := range argv {
		out[i] = bytes.Clone(a)
		if out[i] == nil {
			out[i] = []byte{}
		}
	}
	return out
}
