//go:build plant

package command

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/slot"
)

// plant is a fault that a build with the tag "plant" has when PlantEnv names it, for the fuzzers to find. Its hooks stand
// where the node decides; a nil hook leaves that as it is.
type plant struct {
	name, doc string
	arity     func(cmd *table.Command, argc int) bool // true: let it pass
	keys      func(cmd *table.Command, argv [][]byte, keys []table.Key) []table.Key
	query     func(e *Engine, c *Client, cmd *table.Command, q *cluster.Query)
	route     func(c *Client, cmd *table.Command, q *cluster.Query, r *cluster.Route)
	noAbort   bool
	handler   func(e *Engine, c *Client, h handler) handler
}

// PlantEnv names the fault of this process. "?" lists all and exits.
const PlantEnv = "SLOTNODE_PLANT"

// askers are the clients that have ever sent ASKING, for the fault that keeps it.
var askers = map[*Client]bool{}

var plants = []plant{
	{name: "incr-has-no-key", doc: "INCR is not routed", keys: dropKeys("incr")},
	{name: "eval-has-no-keys", doc: "the keys of EVAL are not routed", keys: dropKeys("eval")},
	{name: "rename-routes-one-key", doc: "only the first key of RENAME is routed", keys: func(cmd *table.Command, _ [][]byte, keys []table.Key) []table.Key {
		if cmd.Name == "rename" {
			return keys[:1]
		}
		return keys
	}},
	{name: "store-key-not-routed", doc: "the destination of ZUNIONSTORE is not routed", keys: func(cmd *table.Command, _ [][]byte, keys []table.Key) []table.Key {
		if cmd.Name == "zunionstore" && len(keys) > 1 {
			return keys[1:]
		}
		return keys
	}},
	{name: "ask-without-key-check", doc: "a migrating slot asks for keys that are here", query: func(_ *Engine, _ *Client, cmd *table.Command, q *cluster.Query) {
		if !q.Asking && cmd != cmdExec {
			q.Present = func([]byte) bool { return false }
		}
	}},
	{name: "no-ask", doc: "a migrating slot serves keys that are not here", route: func(_ *Client, _ *table.Command, _ *cluster.Query, r *cluster.Route) {
		if r.Kind == cluster.RouteAsk {
			*r = cluster.Route{Slot: r.Slot}
		}
	}},
	{name: "no-tryagain", doc: "what should be tried again is served", route: func(_ *Client, _ *table.Command, _ *cluster.Query, r *cluster.Route) {
		if r.Kind == cluster.RouteTryAgain {
			*r = cluster.Route{Slot: r.Slot}
		}
	}},
	{name: "asking-ignored", doc: "ASKING has no effect", query: func(_ *Engine, _ *Client, _ *table.Command, q *cluster.Query) { q.Asking = false }},
	{name: "asking-stays", doc: "ASKING counts for every later command", query: func(_ *Engine, c *Client, _ *table.Command, q *cluster.Query) {
		if q.Asking {
			askers[c] = true
		}
		q.Asking = askers[c]
	}},
	{name: "readonly-ignored", doc: "READONLY has no effect", query: func(_ *Engine, _ *Client, _ *table.Command, q *cluster.Query) { q.ReadOnly = false }},
	{name: "always-readonly", doc: "a replica serves reads without READONLY", query: func(_ *Engine, _ *Client, _ *table.Command, q *cluster.Query) { q.ReadOnly = true }},
	{name: "multi-not-aborted", doc: "an error while queueing does not abort the transaction", noAbort: true},
	{name: "exec-not-routed", doc: "EXEC is not routed", route: func(_ *Client, cmd *table.Command, _ *cluster.Query, r *cluster.Route) {
		if cmd == cmdExec {
			*r = cluster.Route{Slot: -1}
		}
	}},
	{name: "first-key-only", doc: "only the first key decides", query: func(_ *Engine, _ *Client, _ *table.Command, q *cluster.Query) { q.Keys = q.Keys[:min(1, len(q.Keys))] }},
	{name: "moved-to-next-slot", doc: "MOVED names the slot after the right one", route: func(_ *Client, _ *table.Command, _ *cluster.Query, r *cluster.Route) {
		if r.Kind == cluster.RouteMoved {
			r.Slot++
		}
	}},
	{name: "uncovered-is-served", doc: "a slot of nobody is served", route: func(_ *Client, _ *table.Command, _ *cluster.Query, r *cluster.Route) {
		if r.Kind == cluster.RouteUnbound {
			*r = cluster.Route{Slot: -1}
		}
	}},
	{name: "empty-hash-tag", doc: "an empty hash tag is one", query: retag(func(k []byte) []byte {
		if bytes.HasPrefix(k, []byte("{}")) {
			return nil
		}
		return k
	})},
	{name: "greedy-hash-tag", doc: "a hash tag ends at the last brace", query: retag(func(k []byte) []byte {
		if i, j := bytes.IndexByte(k, '{'), bytes.LastIndexByte(k, '}'); i >= 0 && j > i+1 {
			return k[i+1 : j : j]
		}
		return k
	})},
	{name: "get-takes-more", doc: "GET ignores further arguments", arity: func(cmd *table.Command, argc int) bool { return cmd.Name == "get" && argc > 2 }},
	{name: "getkeys-forgets-one", doc: "COMMAND GETKEYS leaves the last of several keys out", handler: onReply("command|getkeys", func(out []byte) []byte {
		if bytes.HasPrefix(out, []byte("*2\r\n")) {
			out = bytes.Replace(out, []byte("*2"), []byte("*1"), 1)
			return out[:bytes.LastIndexByte(out, '$')]
		}
		return out
	})},
	{name: "watch-ignored", doc: "a changed watched key does not end the transaction", handler: func(_ *Engine, c *Client, h handler) handler {
		if c.cmd == cmdExec {
			c.flags &^= dirtyCAS
		}
		return h
	}},
	{name: "stable-does-nothing", doc: "CLUSTER SETSLOT STABLE answers OK and does nothing", handler: func(_ *Engine, c *Client, h handler) handler {
		if c.cmd.Name == "cluster|setslot" && len(c.argv) == 4 && table.IsOption(c.argv[3], "stable") {
			return func(_ *Engine, c *Client) { c.ok() }
		}
		return h
	}},
	{name: "countkeys-off-by-one", doc: "CLUSTER COUNTKEYSINSLOT counts at most two", handler: onReply("cluster|countkeysinslot", func(out []byte) []byte {
		if string(out) == ":3\r\n" {
			return []byte(":2\r\n")
		}
		return out
	})},
	{name: "getdel-keeps", doc: "GETDEL does not delete", handler: func(_ *Engine, c *Client, h handler) handler {
		if c.cmd.Name == "getdel" {
			return handlers["get"]
		}
		return h
	}},
	{name: "discard-executes", doc: "DISCARD keeps what was queued for the next transaction", handler: func(_ *Engine, c *Client, h handler) handler {
		if c.cmd == cmdDiscard && c.has(inMulti) {
			return func(_ *Engine, c *Client) { c.flags &^= inMulti | dirtyExec; c.ok() }
		}
		return h
	}},
}

func dropKeys(name string) func(*table.Command, [][]byte, []table.Key) []table.Key {
	return func(cmd *table.Command, _ [][]byte, keys []table.Key) []table.Key {
		if cmd.Name == name {
			return nil
		}
		return keys
	}
}

// retag routes by other bytes than the keys.
func retag(f func(key []byte) []byte) func(*Engine, *Client, *table.Command, *cluster.Query) {
	return func(_ *Engine, _ *Client, _ *table.Command, q *cluster.Query) {
		keys := make([][]byte, len(q.Keys))
		changed := false
		for i, k := range q.Keys {
			keys[i] = f(k)
			changed = changed || slot.Of(keys[i]) != slot.Of(k)
		}
		if changed {
			q.Keys = keys
		}
	}
}

// onReply changes the reply of one command.
func onReply(name string, f func(out []byte) []byte) func(*Engine, *Client, handler) handler {
	return func(_ *Engine, c *Client, h handler) handler {
		if c.cmd.Name != name || h == nil {
			return h
		}
		return func(e *Engine, c *Client) {
			start := len(c.Out)
			h(e, c)
			c.Out = append(c.Out[:start], f(bytes.Clone(c.Out[start:]))...)
		}
	}
}

var planted = func() *plant {
	want := os.Getenv(PlantEnv)
	for i := range plants {
		if want == "?" {
			fmt.Printf("%s\t%s\n", plants[i].name, plants[i].doc)
		} else if plants[i].name == want {
			return &plants[i]
		}
	}
	switch {
	case want == "?":
		os.Exit(0)
	case want != "" && !strings.HasPrefix(want, "bus-"):
		fmt.Fprintf(os.Stderr, "%s=%s: no such fault\n", PlantEnv, want)
		os.Exit(1)
	}
	return &plant{}
}()

func plantedArity(cmd *table.Command, argc int) bool {
	return planted.arity != nil && planted.arity(cmd, argc)
}

func plantedKeys(cmd *table.Command, argv [][]byte, keys []table.Key) []table.Key {
	if planted.keys == nil {
		return keys
	}
	return planted.keys(cmd, argv, keys)
}

func plantedRoute(e *Engine, c *Client, cmd *table.Command, q cluster.Query) cluster.Route {
	if planted.query != nil {
		planted.query(e, c, cmd, &q)
	}
	r := e.Cluster.Route(q)
	if planted.route != nil {
		planted.route(c, cmd, &q, &r)
	}
	return r
}

func plantedAbort() bool { return planted.noAbort }

func plantedHandler(e *Engine, c *Client, h handler) handler {
	if planted.handler == nil {
		return h
	}
	return planted.handler(e, c, h)
}
