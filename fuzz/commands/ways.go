package commands

import (
	"slices"
	"strings"
)

// ways says how a command is used in a stream. Every command of the table is asked for its route (with keys that
// are not served here), its arity and its keys; the ways are about running it.
type ways struct {
	run    bool   // the plain way: run with arguments of its tree
	scene  bool   // only scenes of the generator run it, because it changes what a connection or the table is
	reason string // why it is not run at all; empty when run or scene is set
	order  bool   // the reply's elements come in no particular order
	clock  bool   // the reply has what is left of a time, or a moment made from it
}

// scenes are the commands that change the connection, the transaction or the slot table: the generator
// knows where each may stand.
var scenes = []string{
	"multi", "exec", "discard", "watch", "unwatch", "asking", "readonly", "readwrite", "hello", "reset",
	"eval", "eval_ro", "evalsha", "evalsha_ro", "fcall", "fcall_ro", "script|load", "script|exists", "function|load",
	"subscribe", "ssubscribe", "psubscribe", "unsubscribe", "sunsubscribe", "punsubscribe",
	"cluster|addslots", "cluster|addslotsrange", "cluster|delslots", "cluster|delslotsrange", "cluster|flushslots",
	"cluster|setslot", "cluster|bumpepoch", "cluster|nodes", "cluster|info", "cluster|slots", "cluster|shards",
	"cluster|getkeysinslot", "config|get", "command|getkeys", "command|getkeysandflags", "flushall", "flushdb",
}

// refused says why commands are not run, although routing, arity and keys of each are compared.
var refused = map[string]string{
	"acl|genpass":              "its answer is chance",
	"acl|log":                  "shows ages",
	"acl|setuser":              "a user without permissions ends the episode; cases/mode and cases/redirect cover users",
	"auth":                     "8.6 does not answer a failed AUTH behind a reply that is not yet written, see docs/findings.md",
	"client|reply":             "takes away the replies that are compared",
	"client|tracking":          "its pushes come at no fixed place in the stream",
	"cluster|failover":         "elections take their time; cases/failover cover it",
	"cluster|forget":           "the topology has no node to spare; cases/cluster cover it",
	"cluster|meet":             "makes nodes of addresses that nobody has",
	"cluster|migration":        "tasks run by themselves; cases/cluster cover it",
	"cluster|replicate":        "would start a replication link; cases/cluster cover it",
	"cluster|reset":            "ends the topology; cases/cluster cover it",
	"cluster|saveconfig":       "writes a file; cases/cluster cover it",
	"cluster|set-config-epoch": "an epoch of one's choice makes collisions, which random ids decide; cases/epoch cover it",
	"cluster|syncslots":        "internal: it takes the connection over",
	"command":                  "a quarter of a megabyte that never changes; fixtures/commands has it",
	"command|docs":             "half a megabyte that never changes; fixtures/commands has it",
	"command|list":             "long, in no order, and never changes",
	"command|info":             "without names a quarter of a megabyte; a scene asks for some",
	"function|list":            "functions come in the order of a hash table, inside of others",
	"function|stats":           "lists engines with counts of memory",
	"lolwut":                   "its answer is chance",
	"memory|usage":             "bytes of an allocator",
	"migrate":                  "connects to another server",
	"monitor":                  "its lines come at no fixed place in the stream",
	"object|freq":              "an estimate",
	"psync":                    "takes the connection over",
	"quit":                     "ends the connection",
	"replconf":                 "takes the connection over",
	"script|debug":             "takes the connection over",
	"script|kill":              "there is never a running script",
	"sync":                     "takes the connection over",
	"vinfo":                    "shows an id that no two servers share",
	"vlinks":                   "the layers of a vector set are chance",
	"vrandmember":              "its answer is chance",
	"vsim":                     "the layers of a vector set are chance",
	"wait":                     "counts replicas, of which there are none, until its time is over",
	"waitaof":                  "waits for a disk",
}

// served are commands that would be refused for their flags and tips, but are comparable.
var served = []string{
	"acl|cat", "acl|whoami", "acl|users", "cluster|countkeysinslot", "cluster|keyslot", "cluster|myid", "cluster|links",
	"cluster|count-failure-reports", "cluster|replicas", "cluster|slaves", "ttl", "pttl", "httl", "hpttl",
	"keys", "client|getname", "client|setname", "client|setinfo", "client|getredir", "client|caching",
	"client|no-evict", "client|no-touch", "client|unblock", "restore", "restore-asking", "swapdb", "role",
}

// waysOf decides by name first, then by what the table says of the command.
func waysOf(c *command) (w ways) {
	w.order = slices.Contains(c.Tips, "nondeterministic_output_order") || slices.Contains(inNoOrder, c.Name)
	w.clock = slices.Contains(clocks, c.Name)
	if reason, ok := refused[strings.ToLower(c.Name)]; ok {
		w.reason = reason
		return w
	}
	if slices.Contains(scenes, c.Name) {
		w.scene = true
		return w
	}
	if slices.Contains(served, c.Name) {
		w.run = true
		return w
	}
	switch {
	case slices.Contains(c.Tips, "nondeterministic_output"):
		w.reason = "the table says nondeterministic_output"
	case slices.Contains(c.Flags, "admin"):
		w.reason = "the table says admin: it is about the server, not the cluster"
	case slices.Contains(c.Flags, "pubsub") && !slices.Contains([]string{"publish", "spublish"}, c.Name):
		w.reason = "a listing of subscribers, in no order"
	case strings.HasSuffix(c.Name, "|help"):
		w.reason = "a text that never changes; fixtures/commands has it"
	case slices.Contains(c.Categories, "@dangerous") && !c.keyed:
		w.reason = "the table says dangerous, and it has no keys"
	default:
		w.run = true
	}
	return w
}

// inNoOrder are commands whose replies come in the order of a hash table although no tip says so.
var inNoOrder = []string{"acl|users", "config|get", "command|info"}

// clocks are commands whose replies tell a time that was given as a span.
var clocks = []string{"ttl", "pttl", "httl", "hpttl", "expiretime", "pexpiretime", "hexpiretime", "hpexpiretime"}

// Refusal is one command that no stream runs.
type Refusal struct{ Command, Reason string }

// Refusals lists what is not run, with the reasons, in the order of the table.
func Refusals() []Refusal {
	var out []Refusal
	for _, c := range loadCatalog().all {
		if c.ways.reason != "" {
			out = append(out, Refusal{c.Name, c.ways.reason})
		}
	}
	return out
}
