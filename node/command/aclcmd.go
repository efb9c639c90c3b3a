package command

import (
	"slices"

	"github.com/slotdiff/slotdiff/node/command/table"
)

func init() {
	register(map[string]handler{
		"acl|setuser": aclSetUser,
		"acl|deluser": aclDelUser,
		"acl|users":   aclUsers,
		"acl|whoami":  aclWhoAmI,
		"acl|cat":     aclCat,
	})
}

func aclSetUser(e *Engine, c *Client) {
	name := string(c.argv[2])
	if hasSpaces(name) {
		c.err("ERR Usernames can't contain spaces or null characters")
		return
	}
	pubsubAll := e.Config.Text("acl-pubsub-default") == "allchannels"
	u := e.users[name]
	if u == nil {
		u = newUser(name)
		u.allChannels = pubsubAll
	} else {
		u = u.clone() // all rules or none
	}
	for _, a := range c.argv[3:] {
		if wrong := u.apply(string(a), pubsubAll); wrong != "" {
			c.err("ERR Error in ACL SETUSER modifier '" + cString(a) + "': " + wrong)
			return
		}
	}
	if old := e.users[name]; old != nil {
		*old = *u // connections keep their user
	} else {
		e.users[name] = u
	}
	c.ok()
}

func aclDelUser(e *Engine, c *Client) {
	for _, a := range c.argv[2:] {
		if string(a) == "default" {
			c.err("ERR The 'default' user cannot be removed")
			return
		}
	}
	n := 0
	for _, a := range c.argv[2:] {
		u := e.users[string(a)]
		if u == nil {
			continue
		}
		n++
		delete(e.users, u.name)
		for _, x := range e.clients {
			switch {
			case x.user != u:
			case x == c:
				x.flags |= closing
			default:
				x.flags |= closeNow
				e.touch(x)
			}
		}
	}
	c.int(int64(n))
}

func aclUsers(e *Engine, c *Client) {
	names := sortedNames(e.users)
	c.array(len(names))
	for _, n := range names {
		c.text(n)
	}
}

// aclWhoAmI answers nothing where nobody is: an internal connection has no user.
func aclWhoAmI(_ *Engine, c *Client) {
	if c.user == superuser {
		c.null()
		return
	}
	c.text(c.user.name)
}

// aclCat answers the categories in the order of acl.c:ACLDefaultCommandCategories,
// or the commands of one.
func aclCat(_ *Engine, c *Client) {
	if len(c.argv) > 3 {
		subcommandSyntax(c)
		return
	}
	if len(c.argv) == 2 {
		c.array(len(aclCategories))
		for _, n := range aclCategories {
			c.text(n)
		}
		return
	}
	cat := table.Option(c.argv[2])
	if !slices.Contains(aclCategories, cat) {
		c.err("ERR Unknown category '" + cString(c.argv[2]) + "'")
		return
	}
	var names []string
	for _, cmd := range table.All() {
		for _, x := range append([]*table.Command{cmd}, cmd.SubCommands()...) {
			if slices.Contains(x.Categories, "@"+cat) {
				names = append(names, x.Name)
			}
		}
	}
	c.array(len(names))
	for _, n := range names {
		c.text(n)
	}
}

// aclCategories are those of acl.c:ACLDefaultCommandCategories of 8.6.3.
var aclCategories = []string{
	"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream",
	"pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
}
