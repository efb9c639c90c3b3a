package commands

import (
	"bytes"
	"slices"
	"strings"
	"sync"

	"github.com/slotdiff/slotdiff/fixtures/commands"
)

// kind is the type of an argument, after the argument types of COMMAND DOCS.
type kind uint8

const (
	kindToken kind = iota
	kindOneOf
	kindBlock
	kindKey
	kindString
	kindInteger
	kindDouble
	kindUnixTime
	kindPattern
)

var kinds = map[string]kind{
	"pure-token": kindToken, "oneof": kindOneOf, "block": kindBlock, "key": kindKey, "string": kindString,
	"integer": kindInteger, "double": kindDouble, "unix-time": kindUnixTime, "pattern": kindPattern,
}

// arg is one argument of a command, ready to be filled in.
type arg struct {
	kind     kind
	use      use
	token    []byte // nil: none
	optional bool
	multiple bool
	repeat   bool // the token stands before each of the multiple
	kids     []arg
}

// command is one entry of the catalog.
type command struct {
	commands.Info
	id     uint16 // its place in the catalog
	words  [][]byte
	group  string // of COMMAND DOCS: "string", "sorted-set", ...
	family family // which keys suit it
	args   []arg
	keyed  bool // some argument is a key or a shard channel, so the cluster routes it
	write  bool
	blocks bool
	ways   ways
}

// catalog is every command and subcommand of the recorded table, in its order; containers are not among them.
type catalog struct {
	all    []command
	byName map[string]*command
}

var loadCatalog = sync.OnceValue(func() *catalog {
	docs := map[string]commands.Doc{}
	for _, d := range commands.Docs() {
		docs[d.Name] = d
	}
	c := &catalog{byName: map[string]*command{}}
	for _, info := range commands.Table() {
		if info.Container && len(docs[info.Name].Arguments) == 0 && info.Arity < -1 {
			continue // only its subcommands can be called
		}
		d := docs[info.Name]
		cmd := command{Info: info, id: uint16(len(c.all)), group: d.Group}
		for w := range strings.SplitSeq(strings.ToUpper(info.Name), "|") {
			cmd.words = append(cmd.words, []byte(w))
		}
		cmd.family = familyOf(info.Name, d.Group)
		cmd.args = compile(d.Arguments)
		cmd.keyed = len(info.KeySpecs) > 0
		cmd.write = slices.Contains(info.Flags, "write")
		cmd.blocks = slices.Contains(info.Flags, "blocking")
		cmd.ways = waysOf(&cmd)
		c.all = append(c.all, cmd)
	}
	for i := range c.all {
		c.byName[strings.ToLower(c.all[i].Name)] = &c.all[i] // those of modules are in capitals
	}
	return c
})

func compile(in []commands.Arg) []arg {
	var out []arg
	for _, a := range in {
		k, ok := kinds[a.Type]
		if !ok {
			panic("fuzz/commands: unknown argument type " + a.Type)
		}
		n := arg{
			kind: k, optional: slices.Contains(a.Flags, "optional"),
			multiple: slices.Contains(a.Flags, "multiple"), repeat: slices.Contains(a.Flags, "multiple_token"),
			kids: compile(a.Arguments),
		}
		if a.Token != nil {
			n.token = []byte(*a.Token)
		}
		n.use = useOf(k, a.Name)
		out = append(out, n)
	}
	return out
}

// name is the command as an error reply names it: "config|get".
func (c *command) name() string { return strings.ToLower(c.Name) }

// kind is the command as masks know it: "CONFIG GET".
func (c *command) kind() string { return strings.ToUpper(strings.ReplaceAll(c.Name, "|", " ")) }

// arityOK mirrors server.c:commandCheckArity.
func (c *command) arityOK(argc int) bool {
	return c.Arity > 0 && argc == c.Arity || c.Arity < 0 && argc >= -c.Arity
}

// blocks reports whether the command with a number may block.
func (c *catalog) blocks(id uint16) bool { return id != noCommand && c.all[id].blocks }

// lookup finds the command that argv names, nil if there is none.
func (c *catalog) lookup(argv [][]byte) *command {
	if len(argv) == 0 {
		return nil
	}
	name := string(bytes.ToLower(argv[0]))
	if len(argv) > 1 {
		if cmd := c.byName[name+"|"+string(bytes.ToLower(argv[1]))]; cmd != nil {
			return cmd
		}
	}
	return c.byName[name]
}
