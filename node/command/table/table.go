// Package table is what a Redis node knows of every command before it runs
// one: arity, flags, ACL categories, key specs, subcommands; lookup, the errors
// of a command that cannot be run as written, and key extraction. The data is
// recorded (fixtures/commands); what COMMAND hides stands in hidden.go.
//
// It executes nothing and decides no routing.
package table

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/slotdiff/slotdiff/fixtures/commands"
)

// Flag is a set of command flags (server.h CMD_*).
type Flag uint32

// The command flags, in the order in which COMMAND names them; the last four
// are those that COMMAND does not show.
const (
	Write Flag = 1 << iota
	ReadOnly
	DenyOOM
	Module
	Admin
	PubSub
	NoScript
	Blocking
	Loading
	Stale
	SkipMonitor
	SkipSlowlog
	Asking
	Fast
	NoAuth
	NoMandatoryKeys
	NoAsyncLoading
	NoMulti
	MovableKeys
	AllowBusy
	MayReplicate
	Protected
)

var flagNames = []string{
	"write", "readonly", "denyoom", "module", "admin", "pubsub", "noscript", "blocking",
	"loading", "stale", "skip_monitor", "skip_slowlog", "asking", "fast", "no_auth",
	"no_mandatory_keys", "no_async_loading", "no_multi", "movablekeys", "allow_busy",
}

// Command is one command or subcommand. Commands are shared and immutable.
type Command struct {
	commands.Info
	Flags  Flag
	Specs  []Spec
	Parent *Command            // nil for a top-level command
	Subs   map[string]*Command // by lower-case name; nil unless a container

	hasKeySpec  bool // some spec is a real key (not NOT_KEY)
	varFlags    bool // some spec has flags that depend on the arguments
	getKeys     getKeysFunc
	channels    *channelSpec
	subsInOrder []*Command
}

// Has reports whether every flag of f is set.
func (c *Command) Has(f Flag) bool { return c.Flags&f == f }

// Container reports whether the command has subcommands.
func (c *Command) Container() bool { return c.Subs != nil }

// SubCommands returns the subcommands sorted by name.
func (c *Command) SubCommands() []*Command { return c.subsInOrder }

// Names of the parsed table: byName by lower-case top-level name.
var (
	byName   map[string]*Command
	topLevel []*Command
)

func init() {
	infos := commands.Table()
	byName = make(map[string]*Command, len(infos))
	all := make([]Command, len(infos))
	for i := range infos {
		c := &all[i]
		c.Info = infos[i]
		c.Flags = parseFlags(c.Info.Flags) | hiddenFlags[c.Name]
		c.Specs = parseSpecs(c.Info.KeySpecs)
		for _, s := range c.Specs {
			c.hasKeySpec = c.hasKeySpec || s.Flags&NotKey == 0
			c.varFlags = c.varFlags || s.Flags&VariableFlags != 0
		}
		c.getKeys = getKeysFuncs[c.Name]
		c.channels = channelSpecs[c.Name]
		if c.Info.Container {
			c.Subs = map[string]*Command{}
		}
		if _, _, sub := strings.Cut(c.Name, "|"); !sub {
			byName[strings.ToLower(c.Name)] = c
			topLevel = append(topLevel, c)
		}
	}
	for i := range all {
		c := &all[i]
		parent, sub, ok := strings.Cut(c.Name, "|")
		if !ok {
			continue
		}
		c.Parent = byName[parent]
		c.Parent.Subs[sub] = c
		c.Parent.subsInOrder = append(c.Parent.subsInOrder, c)
	}
}

func parseFlags(names []string) Flag {
	var f Flag
	for _, n := range names {
		i := slices.Index(flagNames, n)
		if i < 0 {
			panic("node/command/table: unknown command flag " + n)
		}
		f |= 1 << i
	}
	return f
}

// All returns every top-level command, sorted by name.
func All() []*Command { return topLevel }

// Lookup finds the command or subcommand that argv names, nil if there is none.
// argv must not be empty. Mirrors server.c:lookupCommand.
func Lookup(argv [][]byte) *Command {
	var buf [32]byte
	base := byName[string(lower(buf[:0], argv[0]))]
	if base == nil || len(argv) == 1 || base.Subs == nil {
		return base
	}
	return base.Subs[string(lower(buf[:0], argv[1]))]
}

// LookupName finds "name" or "name|sub", as the arguments of COMMAND INFO are
// written; nil if there is none. Mirrors server.c:lookupCommandBySds.
func LookupName(name string) *Command {
	base, sub, ok := strings.Cut(string(lower(nil, []byte(name))), "|")
	c := byName[base]
	if !ok || c == nil {
		return c
	}
	return c.Subs[sub]
}

// lower appends the ASCII lower case of s to b.
func lower(b, s []byte) []byte {
	for _, ch := range s {
		b = append(b, small(ch))
	}
	return b
}

// Doc returns the documentation of a command by full name.
func Doc(name string) (commands.Doc, bool) {
	d, ok := docs()[name]
	return d, ok
}

var docs = sync.OnceValue(func() map[string]commands.Doc {
	m := map[string]commands.Doc{}
	for _, d := range commands.Docs() {
		m[d.Name] = d
	}
	return m
})

// Help returns the HELP lines of a container or of DEBUG, nil where Redis has none.
func Help(name string) []string { return help()[strings.ToUpper(name)] }

var help = sync.OnceValue(commands.Help)

// Categories returns the names of all ACL categories in use, sorted, each with "@".
func Categories() []string {
	set := map[string]bool{}
	for _, c := range topLevel {
		for _, n := range c.Info.Categories {
			set[n] = true
		}
		for _, s := range c.subsInOrder {
			for _, n := range s.Info.Categories {
				set[n] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}
