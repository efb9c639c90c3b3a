package command

import (
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/resp"
)

func init() {
	register(map[string]handler{
		"eval":          func(e *Engine, c *Client) { evalText(e, c) },
		"eval_ro":       func(e *Engine, c *Client) { evalText(e, c) },
		"evalsha":       func(e *Engine, c *Client) { evalSHA(e, c) },
		"evalsha_ro":    func(e *Engine, c *Client) { evalSHA(e, c) },
		"fcall":         func(_ *Engine, c *Client) { c.err("ERR Function not found") },
		"fcall_ro":      func(_ *Engine, c *Client) { c.err("ERR Function not found") },
		"script|load":   scriptLoad,
		"script|exists": scriptExists,
		"script|flush":  scriptFlush,
	})
}

// script is a Lua text with what its first line declares.
type script struct {
	sha  string
	body string // without the shebang, the line break kept
	declared
}

// declared are the flags of a shebang (script.c:scripts_flags_def).
type declared struct {
	shebang                                                bool
	noWrites, allowOOM, allowStale, noCluster, crossSlotOK bool
}

// parseScript mirrors eval.c:evalExtractShebangFlags.
func parseScript(text string) (s *script, wrong string) {
	sum := sha1.Sum([]byte(text))
	s = &script{sha: hex.EncodeToString(sum[:]), body: text}
	if !strings.HasPrefix(text, "#!") {
		return s, ""
	}
	end := strings.IndexByte(text, '\n')
	if end < 0 {
		return nil, "Invalid script shebang"
	}
	words, ok := resp.SplitArgs([]byte(text[:end]))
	if !ok || len(words) == 0 {
		return nil, "Invalid engine in script shebang"
	}
	if string(words[0]) != "#!lua" {
		return nil, "Unexpected engine in script shebang: " + string(words[0])
	}
	s.shebang, s.body = true, text[end:]
	for _, w := range words[1:] {
		flags, ok := strings.CutPrefix(string(w), "flags=")
		if !ok {
			return nil, "Unknown lua shebang option: " + string(w)
		}
		for f := range strings.SplitSeq(flags, ",") {
			switch f {
			case "no-writes":
				s.noWrites = true
			case "allow-oom":
				s.allowOOM = true
			case "allow-stale":
				s.allowStale = true
			case "no-cluster":
				s.noCluster = true
			case "allow-cross-slot-keys":
				s.crossSlotOK = true
			default:
				return nil, "Unexpected flag in script shebang: " + f
			}
		}
	}
	return s, ""
}

// flagsOf are the flags of a command as it stands: a script that declares its own
// replaces those of EVAL. Mirrors server.c:getCommandFlags.
func (e *Engine) flagsOf(cmd *table.Command, argv [][]byte) table.Flag {
	var s *script
	switch cmd.Name {
	case "eval", "eval_ro":
		s, _ = parseScript(string(argv[1]))
	case "evalsha", "evalsha_ro":
		s = e.scripts[strings.ToLower(string(argv[1]))]
	}
	if s == nil || !s.shebang {
		return cmd.Flags
	}
	f := cmd.Flags &^ (table.Stale | table.DenyOOM | table.Write | table.MayReplicate)
	if !s.noWrites {
		f |= table.Write
	}
	if s.allowStale {
		f |= table.Stale
	}
	return f
}

func evalText(e *Engine, c *Client) {
	if keys, ok := c.scriptKeys(); ok {
		if s := e.addScript(c, string(c.argv[1])); s != nil {
			e.runScript(c, s, keys)
		}
	}
}

const noScript = "NOSCRIPT No matching script. Please use EVAL."

func evalSHA(e *Engine, c *Client) {
	if len(c.argv[1]) != 2*sha1.Size {
		c.err(noScript)
		return
	}
	keys, ok := c.scriptKeys()
	if !ok {
		return
	}
	if s := e.scripts[strings.ToLower(string(c.argv[1]))]; s != nil {
		e.runScript(c, s, keys)
	} else {
		c.err(noScript)
	}
}

// scriptKeys reads the number of keys or replies. Mirrors
// eval.c:evalGenericCommand.
func (c *Client) scriptKeys() (int, bool) {
	n, ok := c.intArg(c.argv[2])
	switch {
	case !ok:
	case n > int64(len(c.argv)-3):
		c.err("ERR Number of keys can't be greater than number of args")
	case n < 0:
		c.err("ERR Number of keys can't be negative")
	default:
		return int(n), true
	}
	return 0, false
}

// addScript compiles and remembers a text, or replies.
func (e *Engine) addScript(c *Client, text string) *script {
	s, wrong := parseScript(text)
	if wrong == "" {
		wrong = compileError(s)
	}
	if wrong != "" {
		c.err("ERR " + wrong)
		return nil
	}
	e.scripts[s.sha] = s
	return s
}

func scriptLoad(e *Engine, c *Client) {
	if s := e.addScript(c, string(c.argv[2])); s != nil {
		c.text(s.sha)
	}
}

func scriptExists(e *Engine, c *Client) {
	c.array(len(c.argv) - 2)
	for _, a := range c.argv[2:] {
		c.int(int64(b2i(e.scripts[strings.ToLower(string(a))] != nil)))
	}
}

func scriptFlush(e *Engine, c *Client) {
	if len(c.argv) > 3 || len(c.argv) == 3 && !equalFold(c.argv[2], "sync") && !equalFold(c.argv[2], "async") {
		c.err("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
		return
	}
	clear(e.scripts)
	c.ok()
}

// run is one execution of a script.
type run struct {
	e        *Engine
	caller   *Client
	inner    *Client // runs the commands of the script
	script   *script
	readOnly bool
	slot     int // of the keys so far, -1: none
	oneSlot  bool
	dirty    bool
}

// runScript mirrors script.c:scriptPrepareForRun and runs the script.
func (e *Engine) runScript(c *Client, s *script, numKeys int) {
	ro := strings.HasSuffix(c.cmd.Name, "_ro")
	if s.shebang {
		if text := e.refusesScript(s, ro); text != "" {
			c.err(text)
			return
		}
	}
	args := cloneArgs(c.argv[3:])
	r := &run{
		e: e, caller: c, script: s, slot: -1,
		readOnly: ro || s.shebang && s.noWrites,
		oneSlot:  s.shebang && !s.crossSlotOK,
		inner:    &Client{ID: c.ID, Peer: c.Peer, Local: c.Local, resp: 2, authenticated: true, user: c.user, flags: denyBlocking | inScript | c.flags&(readOnly|asking)},
	}
	if numKeys > 0 {
		r.slot = int(slot.Of(args[0]))
	}
	argv, cmd := c.argv, c.cmd
	r.lua(args[:numKeys], args[numKeys:])
	c.argv, c.cmd = argv, cmd
}

func (e *Engine) refusesScript(s *script, ro bool) string {
	replica := e.following() != nil
	switch {
	case s.noCluster:
		return "ERR Can not run script on cluster, 'no-cluster' flag is set."
	case replica && !e.Config.Bool("replica-serve-stale-data") && !s.allowStale:
		return "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and 'allow-stale' flag is not set on the script."
	case s.noWrites:
		return ""
	case replica && e.Config.Bool("replica-read-only"):
		return "READONLY Can not run script with write flag on readonly replica"
	case ro:
		return "ERR Can not execute a script with write flag using *_ro command."
	}
	return ""
}

// call runs a command of the script and returns its reply. Mirrors
// script.c:scriptCall; refused is the text of an error that the script, not the
// command, made, with "-" and its code or without a code.
func (r *run) call(argv [][]byte) (reply resp.Value, refused string) {
	e, c := r.e, r.inner
	cmd := table.Lookup(argv)
	switch {
	case cmd == nil:
		return reply, "Unknown Redis command called from script"
	case !cmd.ArityOK(len(argv)):
		return reply, "Wrong number of args calling Redis command from script"
	case cmd.Has(table.NoScript):
		return reply, "This Redis command is not allowed from script"
	case c.user.denies(cmd, argv) != "":
		return reply, "-" + c.user.denies(cmd, argv)
	case r.readOnly && cmd.Flags&(table.Write|table.MayReplicate) != 0:
		return reply, "Write commands are not allowed from read-only scripts."
	}
	c.cmd, c.argv = cmd, argv
	if !r.dirty {
		if text := e.roleRefuses(c, cmd, cmd.Flags); text != "" {
			return reply, "-" + text
		}
	}
	r.dirty = r.dirty || cmd.Has(table.Write)
	if text := r.misrouted(cmd); text != "" {
		return reply, text
	}
	c.Out = c.Out[:0]
	e.call(c)
	v, _, err := resp.Parse(slices.Clone(c.Out))
	if err != nil {
		panic("node/command: a handler of " + cmd.Name + " made no reply: " + err.Error())
	}
	return v, ""
}

// misrouted mirrors script.c:scriptVerifyClusterState.
func (r *run) misrouted(cmd *table.Command) string {
	c := r.inner
	c.keyBuf = cmd.RoutingKeys(c.argv, c.keyBuf)
	route := r.e.route(c, cmd, cmd.Flags, c.keyBuf)
	switch route.Kind {
	case cluster.RouteServe:
	case cluster.RouteDownRO:
		return "Script attempted to execute a write command while the cluster is down and readonly"
	case cluster.RouteDown:
		return "Script attempted to execute a command while the cluster is down"
	case cluster.RouteCrossSlot:
		return "Command '" + cmd.Name + "' in script attempted to access keys that don't hash to the same slot"
	case cluster.RouteTryAgain:
		return "Unable to execute command '" + cmd.Name + "' in script because undeclared keys were accessed during rehashing of the slot"
	case cluster.RouteUnbound:
		return "Script attempted to access a slot not served"
	default:
		return "Script attempted to access a non local key in a cluster node"
	}
	if route.Slot < 0 || !r.oneSlot {
		return ""
	}
	if r.slot < 0 {
		r.slot = route.Slot
	}
	if r.slot != route.Slot {
		return "Script attempted to access keys that do not hash to the same slot"
	}
	return ""
}
