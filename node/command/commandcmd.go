package command

import (
	"slices"

	"github.com/slotdiff/slotdiff/fixtures/commands"
	"github.com/slotdiff/slotdiff/node/command/glob"
	"github.com/slotdiff/slotdiff/node/command/table"
)

func init() {
	register(map[string]handler{
		"command":                 func(_ *Engine, c *Client) { commandInfos(c) },
		"command|count":           func(_ *Engine, c *Client) { c.int(int64(len(table.All()))) },
		"command|info":            commandInfo,
		"command|docs":            commandDocs,
		"command|list":            commandList,
		"command|getkeys":         func(_ *Engine, c *Client) { commandGetKeys(c, false) },
		"command|getkeysandflags": func(_ *Engine, c *Client) { commandGetKeys(c, true) },
	})
}

func commandInfos(c *Client) {
	c.array(len(table.All()))
	for _, cmd := range table.All() {
		replyInfo(c, cmd)
	}
}

func commandInfo(_ *Engine, c *Client) {
	if len(c.argv) == 2 {
		commandInfos(c)
		return
	}
	c.array(len(c.argv) - 2)
	for _, a := range c.argv[2:] {
		if cmd := table.LookupName(string(a)); cmd != nil {
			replyInfo(c, cmd)
		} else {
			c.null()
		}
	}
}

func statusSet(c *Client, words []string) {
	c.set(len(words))
	for _, w := range words {
		c.status(w)
	}
}

// replyInfo mirrors server.c:addReplyCommandInfo.
func replyInfo(c *Client, cmd *table.Command) {
	c.array(10)
	c.text(cmd.Name)
	c.int(int64(cmd.Arity))
	statusSet(c, cmd.Info.Flags)
	c.int(int64(cmd.FirstKey))
	c.int(int64(cmd.LastKey))
	c.int(int64(cmd.KeyStep))
	statusSet(c, cmd.Categories)
	c.set(len(cmd.Tips))
	for _, t := range cmd.Tips {
		c.text(t)
	}
	c.set(len(cmd.Specs))
	for i := range cmd.Specs {
		replySpec(c, &cmd.Specs[i])
	}
	if !cmd.Container() {
		c.set(0)
		return
	}
	c.array(len(cmd.SubCommands()))
	for _, s := range cmd.SubCommands() {
		replyInfo(c, s)
	}
}

func replySpec(c *Client, s *table.Spec) {
	c.mapOf(3 + b2i(s.Notes != ""))
	if s.Notes != "" {
		c.text("notes")
		c.text(s.Notes)
	}
	c.text("flags")
	statusSet(c, s.Flags.Names())
	part := func(name, kind string, pairs ...any) {
		c.text(name)
		c.mapOf(2)
		c.text("type")
		c.text(kind)
		c.text("spec")
		c.mapOf(len(pairs) / 2)
		for _, p := range pairs {
			switch v := p.(type) {
			case string:
				c.text(v)
			case int:
				c.int(int64(v))
			}
		}
	}
	switch s.BeginSearch {
	case "index":
		part("begin_search", "index", "index", s.Index)
	case "keyword":
		part("begin_search", "keyword", "keyword", s.Keyword, "startfrom", s.StartFrom)
	default:
		part("begin_search", "unknown")
	}
	switch s.FindKeys {
	case "range":
		part("find_keys", "range", "lastkey", s.LastKey, "keystep", s.KeySpec.KeyStep, "limit", s.Limit)
	case "keynum":
		part("find_keys", "keynum", "keynumidx", s.KeyNumIdx, "firstkey", s.FirstKey, "keystep", s.KeySpec.KeyStep)
	default:
		part("find_keys", "unknown")
	}
}

func commandDocs(_ *Engine, c *Client) {
	var cmds []*table.Command
	if len(c.argv) == 2 {
		cmds = table.All()
	}
	for _, a := range c.argv[2:] {
		if cmd := table.LookupName(string(a)); cmd != nil {
			cmds = append(cmds, cmd)
		}
	}
	c.mapOf(len(cmds))
	for _, cmd := range cmds {
		c.text(cmd.Name)
		replyDocs(c, cmd)
	}
}

// replyDocs mirrors server.c:addReplyCommandDocs.
func replyDocs(c *Client, cmd *table.Command) {
	d, ok := table.Doc(cmd.Name)
	if !ok {
		panic("node/command: no documentation of " + cmd.Name)
	}
	texts := func(pairs ...string) (out [][2]string) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] != "" {
				out = append(out, [2]string{pairs[i], pairs[i+1]})
			}
		}
		return out
	}
	module := ""
	if cmd.Has(table.Module) {
		module = "vectorset"
	}
	head := texts("summary", d.Summary, "since", d.Since, "group", d.Group, "complexity", d.Complexity, "module", module)
	tail := texts("deprecated_since", d.DeprecatedSince, "replaced_by", d.ReplacedBy)
	c.mapOf(len(head) + len(tail) + b2i(d.DocFlags != nil) + b2i(d.History != nil) + b2i(d.Arguments != nil) + b2i(cmd.Container()))
	for _, p := range head {
		c.text(p[0])
		c.text(p[1])
	}
	if d.DocFlags != nil {
		c.text("doc_flags")
		statusSet(c, d.DocFlags)
	}
	for _, p := range tail {
		c.text(p[0])
		c.text(p[1])
	}
	if d.History != nil {
		c.text("history")
		c.set(len(d.History))
		for _, h := range d.History {
			c.array(2)
			c.text(h[0])
			c.text(h[1])
		}
	}
	if d.Arguments != nil {
		c.text("arguments")
		replyArgs(c, d.Arguments)
	}
	if cmd.Container() {
		c.text("subcommands")
		c.mapOf(len(cmd.SubCommands()))
		for _, s := range cmd.SubCommands() {
			c.text(s.Name)
			replyDocs(c, s)
		}
	}
}

// replyArgs mirrors server.c:addReplyCommandArgList.
func replyArgs(c *Client, args []commands.Arg) {
	c.array(len(args))
	for _, a := range args {
		group := a.Type == "oneof" || a.Type == "block"
		c.mapOf(3 + b2i(a.KeySpecIndex != nil) + b2i(a.Token != nil) + b2i(a.Summary != "") +
			b2i(a.Since != "") + b2i(a.DeprecatedSince != "") + b2i(a.Flags != nil))
		c.text("name")
		c.text(a.Name)
		c.text("type")
		c.text(a.Type)
		if !group {
			c.text("display_text")
			c.text(a.DisplayText)
		}
		if a.KeySpecIndex != nil {
			c.text("key_spec_index")
			c.int(int64(*a.KeySpecIndex))
		}
		if a.Token != nil {
			c.text("token")
			c.text(*a.Token)
		}
		for _, p := range [][2]string{{"summary", a.Summary}, {"since", a.Since}, {"deprecated_since", a.DeprecatedSince}} {
			if p[1] != "" {
				c.text(p[0])
				c.text(p[1])
			}
		}
		if a.Flags != nil {
			c.text("flags")
			statusSet(c, a.Flags)
		}
		if group {
			c.text("arguments")
			replyArgs(c, a.Arguments)
		}
	}
}

// commandList mirrors server.c:commandListCommand.
func commandList(_ *Engine, c *Client) {
	keep := func(*table.Command) bool { return true }
	if len(c.argv) > 2 {
		if len(c.argv) != 5 || !table.IsOption(c.argv[2], "filterby") {
			c.syntax()
			return
		}
		arg := string(c.argv[4])
		switch table.Option(c.argv[3]) {
		case "module":
			keep = func(cmd *table.Command) bool { return arg == "vectorset" && cmd.Has(table.Module) }
		case "aclcat":
			cat := "@" + table.Option(c.argv[4])
			keep = func(cmd *table.Command) bool { return slices.Contains(cmd.Categories, cat) }
		case "pattern":
			keep = func(cmd *table.Command) bool { return glob.Match(arg, cmd.Name, true) }
		default:
			c.syntax()
			return
		}
	}
	var names []string
	for _, cmd := range table.All() {
		if keep(cmd) {
			names = append(names, cmd.Name)
		}
		for _, s := range cmd.SubCommands() {
			if keep(s) {
				names = append(names, s.Name)
			}
		}
	}
	c.array(len(names))
	for _, n := range names {
		c.text(n)
	}
}

func commandGetKeys(c *Client, withFlags bool) {
	argv := c.argv[2:]
	cmd := table.Lookup(argv)
	if cmd == nil {
		c.err("ERR Invalid command specified")
		return
	}
	keys, errText := cmd.GetKeys(argv)
	if errText != "" {
		c.err("ERR " + errText)
		return
	}
	c.array(len(keys))
	for _, k := range keys {
		if withFlags {
			c.array(2)
		}
		c.bulk(argv[k.Pos])
		if withFlags {
			statusSet(c, k.Flags.Names())
		}
	}
}
