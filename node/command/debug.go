package command

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/store"
	"github.com/slotdiff/slotdiff/slot"
)

func init() { register(map[string]handler{"debug": debug}) }

// debug executes the subcommands that Redis's own cluster tests use.
// Mirrors debug.c:debugCommand.
func debug(e *Engine, c *Client) {
	n := len(c.argv)
	switch sub := table.Option(c.argv[1]); {
	case sub == "help" && n == 2:
		c.lines(table.Help("debug"))
	case sub == "sleep" && n == 3:
		e.host.Sleep(int64(atof(c.argv[2]) * 1e6))
		c.ok()
	case (sub == "panic" || sub == "segfault" || sub == "assert") && n == 2:
		panic("DEBUG " + strings.ToUpper(sub))
	case sub == "log" && n == 3:
		e.logf(cluster.LevelWarning, "DEBUG LOG: %s", c.argv[2])
		c.ok()
	case sub == "error" && n == 3:
		c.err(table.NoNewlines(string(c.argv[2])))
	case sub == "set-active-expire" && n == 3:
		e.noExpire = atof(c.argv[2]) == 0
		c.ok()
	case sub == "drop-cluster-packet-filter" && n == 3:
		if v, ok := c.intArg(c.argv[2]); ok {
			e.dropFilter = int(max(min(v, math.MaxInt32), -1))
			e.configure()
			c.ok()
		}
	case sub == "internal_secret" && n == 2:
		secret := e.Cluster.Secret()
		c.int(int64(slot.CRC16(secret[:])))
	case sub == "mark-internal-client" && n == 2:
		c.flags |= internal
		c.ok()
	case sub == "mark-internal-client" && n == 3 && table.IsOption(c.argv[2], "unmark"):
		c.flags &^= internal
		c.ok()
	case sub == "clusterlink" && n == 5 && table.IsOption(c.argv[2], "kill"):
		e.debugKillLink(c)
	case sub == "populate" && n >= 3 && n <= 5:
		e.debugPopulate(c)
	case sub == "protocol" && n == 3:
		debugProtocol(c)
	case sub == "set-disable-deny-scripts" && n == 3, sub == "pause-cron" && n == 3, sub == "change-repl-id" && n == 2,
		sub == "set-skip-checksum-validation" && n == 3, sub == "dict-resizing" && n == 3:
		c.ok()
	case slices.Contains(debugExecuted, sub):
		subcommandSyntax(c)
	case debugKnown(sub):
		c.err("ERR slotnode does not execute 'debug|" + sub + "'")
	default:
		subcommandSyntax(c)
	}
}

// debugExecuted are the subcommands above: with another number of arguments they
// are syntax errors.
var debugExecuted = []string{
	"help", "sleep", "log", "error", "set-active-expire", "drop-cluster-packet-filter", "clusterlink", "protocol",
	"set-disable-deny-scripts", "pause-cron", "change-repl-id", "set-skip-checksum-validation", "dict-resizing",
	"panic", "segfault", "assert", "internal_secret", "mark-internal-client",
}

// debugKnown reports whether DEBUG HELP lists a subcommand.
func debugKnown(sub string) bool {
	for _, l := range table.Help("debug") {
		if w, _, _ := strings.Cut(l, " "); w != "" && table.IsOption([]byte(w), sub) {
			return true
		}
	}
	return false
}

// atof is C's strtod for the arguments of DEBUG: what does not parse is 0.
func atof(b []byte) float64 {
	for n := len(b); n > 0; n-- {
		if f, ok := parseFloat(b[:n]); ok {
			return f
		}
	}
	return 0
}

func (e *Engine) debugKillLink(c *Client) {
	r := cluster.KillLink{Node: string(c.argv[4])}
	switch table.Option(c.argv[3]) {
	case "to":
		r.Direction = cluster.LinkTo
	case "from":
		r.Direction = cluster.LinkFrom
	case "all":
		r.Direction = cluster.LinkAll
	}
	if a := e.do(c, r); r.Direction == 0 && !a.Err() {
		// Redis answers an unknown direction with the error and +OK after it.
		c.Out = c.Out[:len(c.Out)-len("+OK\r\n")]
		c.err("ERR Unknown direction " + cString(c.argv[3]))
		c.ok()
	}
}

// debugPopulate mirrors the POPULATE part of debug.c:debugCommand.
func (e *Engine) debugPopulate(c *Client) {
	count, ok := table.ParseInt(c.argv[2])
	if !ok || count < 0 {
		c.err("ERR value is out of range, must be positive")
		return
	}
	prefix := "key"
	if len(c.argv) > 3 {
		prefix = string(c.argv[3])
	}
	size := int64(0)
	if len(c.argv) > 4 {
		if size, ok = table.ParseInt(c.argv[4]); !ok || size < 0 || size > 1<<20 {
			c.err("ERR value is out of range, must be positive")
			return
		}
	}
	for i := range count {
		n := strconv.FormatInt(i, 10)
		key := []byte(prefix + ":" + n)
		if e.DB.Lookup(key, e.now) != nil {
			continue
		}
		val := []byte("value:" + n)
		if size > 0 {
			val = append(val, make([]byte, max(size-int64(len(val)), 0))...)[:size]
		}
		e.DB.Put(key, &store.Object{Str: val}, 0)
		e.touched(string(key))
	}
	c.ok()
}
