package mask

import "strings"

var (
	linksKind  = []string{"CLUSTER LINKS"}
	shardsKind = []string{"CLUSTER SHARDS"}
)

var replyMasks = []Mask{
	{
		Name: "links-create-time", Field: "create-time of a link",
		Reason: "Unix time in milliseconds.",
		Kinds:  linksKind,
		Before: "*1\n  %2\n    \"node\"\n    \"$b.id\"\n    \"create-time\"\n    :1795458148913",
		After:  "*1\n  %2\n    \"node\"\n    \"$b.id\"\n    \"create-time\"\n    :<ms>",
		Leaves: "*1\n  %1\n    \"node\"\n    \"1795458148913\"",
		apply:  memberNumber("create-time", ":<ms>"),
	},
	{
		Name: "links-send-buffer-allocated", Field: "send-buffer-allocated of a link",
		Reason: ofMemory,
		Kinds:  linksKind,
		Before: "*1\n  %1\n    \"send-buffer-allocated\"\n    :4512",
		After:  "*1\n  %1\n    \"send-buffer-allocated\"\n    :<bytes>",
		Leaves: "*1\n  %1\n    \"events\"\n    \"r\"",
		apply:  memberNumber("send-buffer-allocated", ":<bytes>"),
	},
	{
		Name: "links-send-buffer-used", Field: "send-buffer-used of a link",
		Reason: ofMemory,
		Kinds:  linksKind,
		Before: "*1\n  %1\n    \"send-buffer-used\"\n    :48",
		After:  "*1\n  %1\n    \"send-buffer-used\"\n    :<bytes>",
		Leaves: "*1\n  %1\n    \"direction\"\n    \"to\"",
		apply:  memberNumber("send-buffer-used", ":<bytes>"),
	},
	{
		Name: "links-events", Field: "whether a link waits to write",
		Reason: "\"rw\" instead of \"r\" only says that a packet waits in the send buffer.",
		Kinds:  linksKind,
		Before: "*1\n  %1\n    \"events\"\n    \"rw\"",
		After:  "*1\n  %1\n    \"events\"\n    \"r\"",
		Leaves: "*1\n  %1\n    \"events\"\n    \"w\"",
		apply: eachTree(func(reply *block) {
			reply.each(func(b *block) {
				if v := b.member("events"); v != nil && v.head() == `"rw"` {
					v.replace(`"r"`)
				}
			})
		}),
	},
	{
		Name: "shards-replication-offset", Field: "replication-offset of a shard's node, where it is not 0",
		Reason: "A master with a replica pings it every ten seconds through the replication stream.",
		Kinds:  shardsKind,
		Before: "*1\n  %1\n    \"replication-offset\"\n    :140",
		After:  "*1\n  %1\n    \"replication-offset\"\n    :<offset>",
		Leaves: "*1\n  %1\n    \"replication-offset\"\n    :0",
		apply:  memberNumber("replication-offset", ":<offset>"),
	},
	{
		Name: "role-offset", Field: "replication offsets in ROLE, where they are not 0",
		Reason: "A master with a replica pings it every ten seconds through the replication stream.",
		Kinds:  []string{"ROLE"},
		Before: "*3\n  \"master\"\n  :140\n  *1\n    *3\n      \"127.0.0.1\"\n      \"$b.port\"\n      \"140\"",
		After:  "*3\n  \"master\"\n  :<offset>\n  *1\n    *3\n      \"127.0.0.1\"\n      \"$b.port\"\n      \"<offset>\"",
		Leaves: "*5\n  \"slave\"\n  \"127.0.0.1\"\n  :1\n  \"connect\"\n  :0",
		apply:  eachTree(maskRoleOffsets),
	},
	{
		Name: "hello-id", Field: "the connection's id in HELLO",
		Reason: "Connections are counted from the server's start, the harness's own too.",
		Kinds:  []string{"HELLO"},
		Before: "%2\n  \"proto\"\n  :3\n  \"id\"\n  :10825",
		After:  "%2\n  \"proto\"\n  :3\n  \"id\"\n  :<id>",
		Leaves: "%1\n  \"proto\"\n  :3",
		apply:  memberNumber("id", ":<id>"),
	},
	scalarMask("client-id-reply", "CLIENT ID", "the connection's id", "Connections are counted from the server's start, the harness's own too.", ":10825", ":<id>", "-ERR no"),
	scalarMask("lastsave", "LASTSAVE", "the time", ofTime, ":1795457713", ":<s>", "-ERR no"),
	scalarMask("randomkey", "RANDOMKEY", "the key", "It is drawn at random.", `"foo"`, `"<key>"`, "$-1"),
	scalarMask("my-shard-id", "CLUSTER MYSHARDID", "the shard id", "A master makes up a random shard id.", `"b163fce296d71a41200493dd63889602e6fde57a"`, `"<shard>"`, `"short"`),
	scalarMask("migration-task", "CLUSTER MIGRATION", "the id of a task", "A node makes up a random id.", `"f22e3f673e70b0d2f8e59dba0b942bf19bdcc3c8"`, `"<task>"`, "-ERR no"),
	{
		Name: "time", Field: "the seconds and microseconds of TIME",
		Reason: ofTime,
		Kinds:  []string{"TIME"},
		Before: "*2\n  \"1795458150\"\n  \"939256\"",
		After:  "*2\n  \"<time>\"\n  \"<time>\"",
		Leaves: "-ERR wrong number of arguments for 'time' command",
		apply: eachTree(func(reply *block) {
			for _, kid := range reply.kids {
				if isNumber(strings.Trim(kid.head(), `"`)) {
					kid.replace(`"<time>"`)
				}
			}
		}),
	},
	debugObjectMask("address", "at:0x7f1741507020", "at:<pointer>", "A pointer of the process."),
	debugObjectMask("lru", "lru:295964", "lru:<s>", ofTime),
	debugObjectMask("idle", "lru_seconds_idle:75", "lru_seconds_idle:<s>", ofTime),
}

// memberNumber hides the integer under a key, wherever it stands in a reply. A
// replication offset of 0 stays, see packetWord.
func memberNumber(key, placeholder string) func([]string) []string {
	return eachTree(func(reply *block) {
		reply.each(func(b *block) {
			v := b.member(key)
			if v == nil || !isInteger(v.head()) || (key == "replication-offset" && v.head() == ":0") {
				return
			}
			v.replace(placeholder)
		})
	})
}

// isInteger reports whether head is an integer that is not negative.
func isInteger(head string) bool { return strings.HasPrefix(head, ":") && isNumber(head[1:]) }

// maskRoleOffsets knows the two long replies of replication.c:roleCommand.
func maskRoleOffsets(reply *block) {
	if len(reply.kids) == 0 {
		return
	}
	hide := func(b *block) {
		switch value := strings.Trim(b.head(), `:"`); {
		case !isNumber(value) || value == "0":
		case b.head()[0] == ':':
			b.replace(":<offset>")
		default:
			b.replace(`"<offset>"`)
		}
	}
	switch {
	case reply.kids[0].head() == `"master"` && len(reply.kids) == 3:
		hide(reply.kids[1])
		for _, replica := range reply.kids[2].kids {
			if len(replica.kids) == 3 {
				hide(replica.kids[2])
			}
		}
	case reply.kids[0].head() == `"slave"` && len(reply.kids) == 5:
		hide(reply.kids[4])
	}
}

// scalarMask hides the whole of a one-line reply that looks like before: a number, a
// shard id or any string, by the placeholder after.
func scalarMask(name, kind, field, reason, before, after, leaves string) Mask {
	alike := func(line string) bool {
		switch {
		case isInteger(before):
			return isInteger(line)
		case isHexID(strings.Trim(before, `"`)):
			return isHexID(strings.Trim(line, `"`))
		}
		return strings.HasPrefix(line, `"`)
	}
	return Mask{
		Name: name, Field: field + " in " + kind, Reason: reason, Kinds: []string{kind},
		Before: before, After: after, Leaves: leaves,
		apply: func(lines []string) []string {
			for i, line := range lines {
				if alike(line) {
					lines[i] = after
				}
			}
			return lines
		},
	}
}

// debugObjectMask hides one name:value word of DEBUG OBJECT.
func debugObjectMask(name, word, hidden, reason string) Mask {
	key, _, _ := strings.Cut(word, ":")
	return Mask{
		Name: "debug-object-" + name, Field: "DEBUG OBJECT's " + key, Reason: reason, Kinds: []string{"DEBUG OBJECT"},
		Before: "+Value " + word + " refcount:1 encoding:embstr", After: "+Value " + hidden + " refcount:1 encoding:embstr",
		Leaves: "-ERR no such key",
		apply: func(lines []string) []string {
			for i, line := range lines {
				words := strings.Split(line, " ")
				for j, w := range words {
					if strings.HasPrefix(w, key+":") {
						words[j] = hidden
					}
				}
				lines[i] = strings.Join(words, " ")
			}
			return lines
		},
	}
}
