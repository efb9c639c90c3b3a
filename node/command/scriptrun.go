package command

import (
	"strings"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/script"
	"github.com/slotdiff/slotdiff/slot"
)

// scriptRun is one execution of a script: the host of its language.
type scriptRun struct {
	e        *Engine
	outer    *Client // called the script
	inner    *Client // runs the commands of the script
	readOnly bool
	slot     int // of the keys so far, -1: none
	oneSlot  bool
	dirty    bool
}

// runScript mirrors script.c:scriptPrepareForRun and eval.c:evalGenericCommand.
func (e *Engine) runScript(c *Client, s *cached, numKeys int) {
	ro := strings.HasSuffix(c.cmd.Name, "_ro")
	if text := e.refusesScript(s, ro); text != "" {
		c.err(text)
		return
	}
	e.useScript(s)
	args := cloneArgs(c.argv[3:])
	r := &scriptRun{
		e: e, slot: -1,
		readOnly: ro || s.shebang && s.noWrites,
		oneSlot:  s.shebang && !s.crossSlotOK,
		outer:    c,
		inner: &Client{
			slot: noSlot,
			ID:   c.ID, Peer: c.Peer, Local: c.Local, authenticated: true, user: c.user,
			flags: denyBlocking | inScript | c.flags&(readOnly|asking),
		},
	}
	if numKeys > 0 {
		r.slot = int(slot.Of(args[0]))
	}
	argv, cmd := c.argv, c.cmd
	reply := s.program.Run(script.Input{
		Name: s.sha, Keys: args[:numKeys], Args: args[numKeys:], Protocol: c.resp,
		Seed: [2]uint64{e.rand.Uint64(), e.rand.Uint64()},
	}, r)
	c.argv, c.cmd = argv, cmd
	c.Out = append(c.Out, reply.Bytes...)
	if reply.Counted {
		c.flags |= errorCounted
	}
}

// refusesScript says why a script may not run at all. One without a shebang may
// do what it does until it does something wrong.
func (e *Engine) refusesScript(s *cached, ro bool) string {
	replica := e.following() != nil
	stale := replica && !e.Config.Bool("replica-serve-stale-data")
	switch {
	case !s.shebang && stale:
		return "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
	case !s.shebang:
		return ""
	case s.noCluster:
		return "ERR Can not run script on cluster, 'no-cluster' flag is set."
	case stale && !s.allowStale:
		return "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and 'allow-stale' flag is not set on the script."
	case s.noWrites:
		return ""
	case replica && e.Config.Bool("replica-read-only"):
		return "READONLY Can not run script with write flag on readonly replica"
	case ro:
		return "ERR Can not execute a script with write flag using *_ro command."
	case e.oom && !s.allowOOM:
		return "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'"
	}
	return ""
}

// Call implements script.Host. Mirrors script.c:scriptCall.
func (r *scriptRun) Call(argv [][]byte, protocol int) (reply []byte, refused string) {
	e, c := r.e, r.inner
	cmd := table.Lookup(argv)
	c.cmd, c.argv, c.resp = cmd, argv, protocol
	if refused = r.refuses(cmd, argv); refused != "" {
		line := refused
		if line[0] != '-' {
			line = "-ERR " + line
		}
		e.countError(append([]byte(line), '\r'))
		if cmd != nil {
			e.count(cmd).rejected++
		}
		return nil, refused
	}
	c.Out = c.Out[:0]
	// What a script calls counts for the slot of its own keys, and nothing of the script any more.
	r.outer.slot, c.slot = noSlot, noSlot
	e.entered(c)
	e.call(c)
	return c.Out, ""
}

func (r *scriptRun) refuses(cmd *table.Command, argv [][]byte) string {
	e, c := r.e, r.inner
	switch {
	case cmd == nil:
		return "Unknown Redis command called from script"
	case !cmd.ArityOK(len(argv)):
		return "Wrong number of args calling Redis command from script"
	case cmd.Has(table.NoScript):
		return "This Redis command is not allowed from script"
	case e.following() != nil && !e.Config.Bool("replica-serve-stale-data") && !cmd.Has(table.Stale):
		return "Can not execute the command on a stale replica"
	}
	if text := c.user.denies(cmd, argv); text != "" {
		return "ACL failure in script: " + strings.TrimPrefix(text, "NOPERM ")
	}
	if r.readOnly && cmd.Flags&(table.Write|table.MayReplicate) != 0 {
		return "Write commands are not allowed from read-only scripts."
	}
	if cmd.Has(table.Write) && !r.dirty {
		if text := e.roleRefuses(c, cmd, cmd.Flags); text != "" {
			return "-" + text
		}
	}
	if e.oom && !r.dirty && cmd.Has(table.DenyOOM) {
		return "-" + oomText
	}
	r.dirty = r.dirty || cmd.Has(table.Write)
	return r.misrouted(cmd)
}

// misrouted mirrors script.c:scriptVerifyClusterState.
func (r *scriptRun) misrouted(cmd *table.Command) string {
	c := r.inner
	if !cmd.Routed() {
		return ""
	}
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

// MayCall implements script.Host. Mirrors
// script_lua.c:luaRedisAclCheckCmdPermissionsCommand.
func (r *scriptRun) MayCall(argv [][]byte) (ok bool, wrong string) {
	cmd := table.Lookup(argv)
	switch {
	case cmd == nil:
		return false, "Invalid command passed to redis.acl_check_cmd()"
	case !cmd.ArityOK(len(argv)):
		return false, "Wrong number of args for redis.acl_check_cmd()"
	}
	return r.inner.user.denies(cmd, argv) == "", ""
}

// Log implements script.Host.
func (r *scriptRun) Log(level int, text string) {
	r.e.host.Log([...]cluster.Level{cluster.LevelDebug, cluster.LevelVerbose, cluster.LevelNotice, cluster.LevelWarning}[level], text)
}

// Clock implements script.Host: the time of the turn, which stands while a script
// runs.
func (r *scriptRun) Clock() float64 { return float64(r.e.nowUS%1e9) / 1e6 }
