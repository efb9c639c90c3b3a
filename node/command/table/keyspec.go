package table

import (
	"slices"

	"github.com/slotdiff/slotdiff/fixtures/commands"
)

// KeyFlag is a set of flags of a key spec (server.h CMD_KEY_*), in the order in
// which COMMAND names them.
type KeyFlag uint16

// How a command uses a key.
const (
	KeyRO KeyFlag = 1 << iota
	KeyRW
	KeyOW
	KeyRM
	KeyAccess
	KeyUpdate
	KeyInsert
	KeyDelete
	NotKey
	Incomplete
	VariableFlags
)

var keyFlagNames = []string{"RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "not_key", "incomplete", "variable_flags"}

// Names returns the flags' names in COMMAND's order.
func (f KeyFlag) Names() []string {
	var out []string
	for i, n := range keyFlagNames {
		if f&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return out
}

// Spec is a key spec with its flags parsed.
type Spec struct {
	commands.KeySpec
	Flags KeyFlag
}

func parseSpecs(in []commands.KeySpec) []Spec {
	var out []Spec
	for _, s := range in {
		sp := Spec{KeySpec: s}
		for _, n := range s.Flags {
			i := slices.Index(keyFlagNames, n)
			if i < 0 {
				panic("node/command/table: unknown key flag " + n)
			}
			sp.Flags |= 1 << i
		}
		out = append(out, sp)
	}
	return out
}

// Key is the place of a key (or shard channel) in an argv.
type Key struct {
	Pos   int
	Flags KeyFlag
}

// HasKeys reports whether the command can have keys at all.
// Mirrors db.c:doesCommandHaveKeys.
func (c *Command) HasKeys() bool { return c.getKeys != nil || c.hasKeySpec }

// Routed reports whether the cluster looks at the command's keys before it runs
// (the condition around getNodeByQuery in server.c:processCommand, EXEC aside).
func (c *Command) Routed() bool { return c.Has(MovableKeys) || len(c.Specs) > 0 }

// ShardChannels reports whether the arguments that route the command are shard
// channels and not keys.
func (c *Command) ShardChannels() bool {
	return c.channels != nil && c.channels.routes
}

// Keys appends the places of the keys in argv to buf[:0]; none where the
// arguments name none or are wrong. argv must satisfy the arity.
// Mirrors db.c:getKeysFromCommandWithSpecs.
func (c *Command) Keys(argv [][]byte, buf []Key) []Key {
	buf = buf[:0]
	if c.hasKeySpec && !c.varFlags {
		if keys, ok := c.keysBySpecs(argv, buf); ok {
			return keys
		}
	}
	if c.getKeys != nil {
		return c.getKeys(argv, buf)
	}
	return buf
}

// RoutingKeys is Keys, but for sharded pub/sub it appends the channels.
// Mirrors db.c:extractKeysAndSlot.
func (c *Command) RoutingKeys(argv [][]byte, buf []Key) []Key {
	if !c.ShardChannels() {
		return c.Keys(argv, buf)
	}
	buf = buf[:0]
	if len(c.Specs) == 0 {
		return buf
	}
	stop := len(argv)
	if c.channels.Count >= 0 {
		stop = min(stop, c.channels.Start+c.channels.Count)
	}
	for i := c.channels.Start; i < stop; i++ {
		buf = append(buf, Key{Pos: i})
	}
	return buf
}

// keysBySpecs mirrors db.c:getKeysUsingKeySpecs; false means that some spec did
// not apply or is incomplete.
func (c *Command) keysBySpecs(argv [][]byte, keys []Key) ([]Key, bool) {
	argc := len(argv)
	for i := range c.Specs {
		s := &c.Specs[i]
		if s.Flags&NotKey != 0 {
			continue
		}
		var first int
		switch s.BeginSearch {
		case "index":
			first = s.Index
		case "keyword":
			if first = findKeyword(argv, s.Keyword, s.StartFrom); first == 0 {
				continue
			}
		default:
			return keys[:0], false
		}
		var last, step int
		switch s.FindKeys {
		case "range":
			step = s.KeyStep
			switch {
			case s.LastKey >= 0:
				last = first + s.LastKey
			case s.Limit == 0:
				last = argc + s.LastKey
			default:
				last = first + (argc-first)/s.Limit + s.LastKey
			}
		case "keynum":
			step = s.KeyStep
			at := first + s.KeyNumIdx
			if at >= argc || at < 0 {
				return keys[:0], false
			}
			n, ok := ParseInt(argv[at])
			if !ok || n < 0 || n > int64(argc) {
				// More keys than arguments fails the bounds check below in Redis.
				return keys[:0], false
			}
			first += s.FirstKey
			last = first + (int(n)-1)*step
		default:
			return keys[:0], false
		}
		if last >= argc || last < first || first >= argc {
			return keys[:0], false
		}
		for p := first; p <= last; p += step {
			keys = append(keys, Key{p, s.Flags})
		}
		if s.Flags&Incomplete != 0 {
			return keys[:0], false
		}
	}
	return keys, true
}

// findKeyword returns the index after the keyword, 0 when it is absent. A
// negative start counts from the end and searches backwards.
func findKeyword(argv [][]byte, word string, from int) int {
	argc := len(argv)
	start, end := from, argc-1
	if from <= 0 {
		start, end = argc+from, 1
	}
	step := 1
	if start > end {
		step = -1
	}
	for i := start; i != end && i >= 1 && i < argc; i += step {
		if IsOption(argv[i], word) {
			return i + 1
		}
	}
	return 0
}

// ParseInt parses a 64-bit integer exactly as Redis does (util.c:string2ll): no
// plus sign, no leading zero, no spaces.
func ParseInt(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	if len(b) == 1 && b[0] == '0' {
		return 0, true
	}
	neg := b[0] == '-'
	d := b
	if neg {
		d = b[1:]
	}
	if len(d) == 0 || d[0] < '1' || d[0] > '9' {
		return 0, false
	}
	var v uint64
	for _, ch := range d {
		if ch < '0' || ch > '9' {
			return 0, false
		}
		x := uint64(ch - '0')
		if v > (1<<64-1-x)/10 {
			return 0, false
		}
		v = v*10 + x
	}
	if neg {
		if v > 1<<63 {
			return 0, false
		}
		return -int64(v), true
	}
	if v > 1<<63-1 {
		return 0, false
	}
	return int64(v), true
}

// GetKeys answers COMMAND GETKEYS: the keys, or an error text (without code).
// Mirrors server.c:getKeysSubcommandImpl.
func (c *Command) GetKeys(argv [][]byte) (keys []Key, errText string) {
	switch {
	case !c.HasKeys():
		return nil, "The command has no key arguments"
	case !c.ArityOK(len(argv)):
		return nil, "Invalid number of arguments specified for command"
	}
	keys = c.Keys(argv, nil)
	if len(keys) == 0 && !c.Has(NoMandatoryKeys) {
		return nil, "Invalid arguments specified for command"
	}
	return keys, ""
}

// Channels returns the channels that a pub/sub command publishes or subscribes to,
// and whether they are patterns. Mirrors db.c:commands_with_channels.
func (c *Command) Channels(argv [][]byte) (names [][]byte, patterns bool) {
	if c.channels == nil || !c.channels.routes {
		return nil, false
	}
	stop := len(argv)
	if c.channels.Count >= 0 {
		stop = min(stop, c.channels.Start+c.channels.Count)
	}
	return argv[min(c.channels.Start, stop):stop], c.Name == "psubscribe"
}
