package command

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/node/command/glob"
	"github.com/slotdiff/slotdiff/node/command/table"
)

// user is a user of the access control list. The default user may do everything;
// its passwords are the requirepass directive. Selectors are not known here.
type user struct {
	name      string
	on        bool
	noPass    bool
	passwords []string // SHA-256, hex

	all       bool // allcommands: those that a module would add, too
	allowed   map[*table.Command]bool
	firstArgs map[*table.Command][]string // "+cmd|arg" of a command without subcommands

	allKeys     bool
	keys        []keyPattern
	allChannels bool
	channels    []string
}

// keyPattern allows keys that match, for reading, writing or both.
type keyPattern struct {
	pattern     string
	read, write bool
}

func newUser(name string) *user {
	return &user{name: name, allowed: map[*table.Command]bool{}, firstArgs: map[*table.Command][]string{}}
}

func (u *user) clone() *user {
	c := *u
	c.passwords, c.keys, c.channels = slices.Clone(u.passwords), slices.Clone(u.keys), slices.Clone(u.channels)
	c.allowed, c.firstArgs = maps.Clone(u.allowed), maps.Clone(u.firstArgs)
	return &c
}

// defaultUser is what every connection starts as.
func defaultUser() *user {
	u := newUser("default")
	for _, rule := range []string{"on", "nopass", "allcommands", "allkeys", "allchannels"} {
		u.apply(rule, false)
	}
	return u
}

// The reasons that ACL SETUSER gives (acl.c:ACLSetUserStringError).
const (
	aclSyntax      = "Syntax error"
	aclUnknown     = "Unknown command or category name in ACL"
	aclAllKeys     = "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns"
	aclAllChannels = "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels"
	aclNoPassword  = "The password you are trying to remove from the user does not exist"
	aclHash        = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
	aclFirstArg    = "Allowing first-arg of a subcommand is not supported"
)

// apply changes the user by one rule of ACL SETUSER and returns what is wrong with
// it. Mirrors acl.c:ACLSetUser and ACLSetSelector.
func (u *user) apply(rule string, pubsubAll bool) (wrong string) {
	switch table.Option([]byte(rule)) {
	case "on":
		u.on = true
		return ""
	case "off":
		u.on = false
		return ""
	case "nopass":
		u.noPass, u.passwords = true, nil
		return ""
	case "resetpass":
		u.noPass, u.passwords = false, nil
		return ""
	case "allkeys", "~*":
		u.allKeys, u.keys = true, nil
		return ""
	case "resetkeys":
		u.allKeys, u.keys = false, nil
		return ""
	case "allchannels", "&*":
		u.allChannels, u.channels = true, nil
		return ""
	case "resetchannels":
		u.allChannels, u.channels = false, nil
		return ""
	case "allcommands", "+@all":
		u.setAll(true)
		return ""
	case "nocommands", "-@all":
		u.setAll(false)
		return ""
	case "reset":
		*u = *newUser(u.name)
		u.allChannels = pubsubAll
		return ""
	case "skip-sanitize-payload", "sanitize-payload", "clearselectors":
		return ""
	}
	if rule == "" {
		return ""
	}
	arg := rule[1:]
	switch rule[0] {
	case '>', '#', '<', '!':
		return u.applyPassword(rule[0], arg)
	case '~', '%':
		return u.applyKeys(rule)
	case '&':
		if u.allChannels {
			return aclAllChannels
		}
		if hasSpaces(arg) {
			return aclSyntax
		}
		if !slices.Contains(u.channels, arg) {
			u.channels = append(u.channels, arg)
		}
		return ""
	case '+', '-':
		arg = cString([]byte(arg))
		if cat, ok := strings.CutPrefix(arg, "@"); ok {
			return u.applyCategory("@"+table.Option([]byte(cat)), rule[0] == '+')
		}
		return u.applyCommand(arg, rule[0] == '+')
	}
	return aclSyntax
}

func (u *user) applyPassword(op byte, arg string) string {
	hash := arg
	if op == '>' || op == '<' {
		hash = digest(arg)
	} else if b, err := hex.DecodeString(arg); err != nil || len(b) != sha256.Size || strings.ToLower(arg) != arg {
		return aclHash
	}
	i := slices.Index(u.passwords, hash)
	switch {
	case op == '>' || op == '#':
		if i < 0 {
			u.passwords = append(u.passwords, hash)
		}
		u.noPass = false
	case i < 0:
		return aclNoPassword
	default:
		u.passwords = slices.Delete(u.passwords, i, i+1)
	}
	return ""
}

func digest(password string) string {
	h := sha256.Sum256([]byte(password))
	return hex.EncodeToString(h[:])
}

func (u *user) applyKeys(rule string) string {
	if u.allKeys {
		return aclAllKeys
	}
	p := keyPattern{read: true, write: true}
	if rule[0] == '%' {
		flags, pattern, ok := strings.Cut(rule[1:], "~")
		flags = strings.ToUpper(flags)
		p.read, p.write = strings.Contains(flags, "R"), strings.Contains(flags, "W")
		if !ok || flags == "" || strings.Trim(flags, "RW") != "" || hasSpaces(pattern) {
			return aclSyntax
		}
		p.pattern = pattern
		if pattern == "*" && p.read && p.write {
			u.allKeys, u.keys = true, nil
			return ""
		}
	} else {
		p.pattern = rule[1:]
		if hasSpaces(p.pattern) {
			return aclSyntax
		}
	}
	for i := range u.keys {
		if u.keys[i].pattern == p.pattern {
			u.keys[i].read = u.keys[i].read || p.read
			u.keys[i].write = u.keys[i].write || p.write
			return ""
		}
	}
	u.keys = append(u.keys, p)
	return ""
}

// hasSpaces mirrors acl.c:ACLStringHasSpaces, for which a NUL is one.
func hasSpaces(s string) bool { return strings.ContainsAny(s, " \t\n\v\f\r\x00") }

func (u *user) setAll(allow bool) {
	u.all = allow
	clear(u.firstArgs)
	for _, c := range table.All() {
		u.setCommand(c, allow)
	}
}

// setCommand allows or forbids a command with all its subcommands.
func (u *user) setCommand(c *table.Command, allow bool) {
	u.allowed[c] = allow
	delete(u.firstArgs, c)
	for _, s := range c.SubCommands() {
		u.setCommand(s, allow)
	}
}

func (u *user) applyCategory(cat string, allow bool) string {
	if !slices.Contains(table.Categories(), cat) {
		return aclUnknown
	}
	u.all = u.all && allow
	var walk func(c *table.Command)
	walk = func(c *table.Command) {
		if slices.Contains(c.Categories, cat) {
			u.allowed[c] = allow
			delete(u.firstArgs, c)
		}
		for _, s := range c.SubCommands() {
			walk(s)
		}
	}
	for _, c := range table.All() {
		walk(c)
	}
	return ""
}

func (u *user) applyCommand(name string, allow bool) string {
	if c := table.LookupName(name); c != nil {
		u.all = u.all && allow
		u.setCommand(c, allow)
		return ""
	}
	name = string(lowerASCII([]byte(name)))
	i := strings.LastIndexByte(name, '|')
	if i < 0 || !allow {
		return aclUnknown
	}
	c, arg := table.LookupName(name[:i]), name[i+1:]
	switch {
	case c == nil || c.Container():
		return aclUnknown
	case c.Parent != nil:
		return aclFirstArg
	case arg == "":
		return aclSyntax
	}
	u.firstArgs[c] = append(u.firstArgs[c], arg)
	return ""
}

// denies returns why the user may not run a command, as an error text; empty when
// it may. Mirrors acl.c:ACLCheckAllUserCommandPerm.
func (u *user) denies(cmd *table.Command, argv [][]byte) string {
	if u.all && u.allKeys && u.allChannels {
		return ""
	}
	if !u.all && !cmd.Has(table.NoAuth) && !u.allowed[cmd] {
		ok := len(argv) > 1 && slices.ContainsFunc(u.firstArgs[cmd], func(a string) bool { return table.IsOption(argv[1], a) })
		if !ok {
			return "NOPERM User " + u.name + " has no permissions to run the '" + cmd.Name + "' command"
		}
	}
	if !u.allKeys && cmd.HasKeys() {
		for _, k := range cmd.Keys(argv, nil) {
			if !u.mayUse(string(argv[k.Pos]), k.Flags) {
				return "NOPERM No permissions to access a key"
			}
		}
	}
	if !u.allChannels {
		names, pattern := cmd.Channels(argv)
		for _, n := range names {
			match := func(p string) bool { return glob.Match(p, string(n), false) }
			if pattern {
				match = func(p string) bool { return p == string(n) }
			}
			if !slices.ContainsFunc(u.channels, match) {
				return "NOPERM No permissions to access a channel"
			}
		}
	}
	return ""
}

// mayUse mirrors acl.c:ACLSelectorCheckKey.
func (u *user) mayUse(key string, flags table.KeyFlag) bool {
	read := flags&table.KeyAccess != 0
	write := flags&(table.KeyInsert|table.KeyDelete|table.KeyUpdate) != 0
	return slices.ContainsFunc(u.keys, func(p keyPattern) bool {
		return (!read || p.read) && (!write || p.write) && glob.Match(p.pattern, key, false)
	})
}
