package mask

// orderMasks come last: they compare texts whose varying values are hidden already.
var orderMasks = []Mask{
	nodesOrder,
	nodesShardID,
	packetGossipOrder,
	{
		Name: "shards-node-order", Field: "the order of the nodes of a shard",
		Reason: "The nodes of a shard are listed as they became known.",
		Kinds:  shardsKind,
		Before: "*1\n  %1\n    \"nodes\"\n    *2\n      %1\n        \"id\"\n        \"$b.id\"\n      %1\n        \"id\"\n        \"$a.id\"",
		After:  "*1\n  %1\n    \"nodes\"\n    *2\n      %1\n        \"id\"\n        \"$a.id\"\n      %1\n        \"id\"\n        \"$b.id\"",
		Leaves: "*1\n  %1\n    \"slots\"\n    *2\n      :9\n      :1",
		apply: eachTree(func(reply *block) {
			for _, shard := range reply.kids {
				if nodes := shard.member("nodes"); nodes != nil {
					sortKids(nodes, 0)
				}
			}
		}),
	},
	{
		Name: "shards-order", Field: "the order of shards",
		Reason: "Shards are listed in the order of a hash table with a random seed.",
		Kinds:  shardsKind,
		Before: "*2\n  %1\n    \"slots\"\n    *1\n      :9\n  %1\n    \"slots\"\n    *1\n      :1",
		After:  "*2\n  %1\n    \"slots\"\n    *1\n      :1\n  %1\n    \"slots\"\n    *1\n      :9",
		Leaves: "-ERR unknown",
		apply:  eachTree(func(reply *block) { sortKids(reply, 0) }),
	},
	{
		Name: "links-order", Field: "the order of links",
		Reason: "Links are listed in the order of a hash table with a random seed.",
		Kinds:  linksKind,
		Before: "*2\n  %1\n    \"node\"\n    \"$c.id\"\n  %1\n    \"node\"\n    \"$b.id\"",
		After:  "*2\n  %1\n    \"node\"\n    \"$b.id\"\n  %1\n    \"node\"\n    \"$c.id\"",
		Leaves: "*1\n  %2\n    \"node\"\n    \"$c.id\"\n    \"direction\"\n    \"to\"",
		apply:  eachTree(func(reply *block) { sortKids(reply, 0) }),
	},
	{
		Name: "slots-replica-order", Field: "the order of the replicas of a slot range",
		Reason: "Replicas are listed as they became known.",
		Kinds:  []string{"CLUSTER SLOTS"},
		Before: "*1\n  *5\n    :0\n    :5\n    *1\n      \"$z.id\"\n    *1\n      \"$c.id\"\n    *1\n      \"$b.id\"",
		After:  "*1\n  *5\n    :0\n    :5\n    *1\n      \"$z.id\"\n    *1\n      \"$b.id\"\n    *1\n      \"$c.id\"",
		Leaves: "*2\n  *3\n    :8\n    :9\n    *1\n      \"$z.id\"\n  *3\n    :0\n    :5\n    *1\n      \"$a.id\"",
		apply: eachTree(func(reply *block) {
			for _, slots := range reply.kids {
				sortKids(slots, 3) // after the first slot, the last slot and the master
			}
		}),
	},
	{
		Name: "role-replica-order", Field: "the order of replicas in ROLE",
		Reason: "Replicas are listed as they connected.",
		Kinds:  []string{"ROLE"},
		Before: "*3\n  \"master\"\n  :0\n  *2\n    *1\n      \"$c.port\"\n    *1\n      \"$b.port\"",
		After:  "*3\n  \"master\"\n  :0\n  *2\n    *1\n      \"$b.port\"\n    *1\n      \"$c.port\"",
		Leaves: "*5\n  \"slave\"\n  \"127.0.0.1\"\n  :1\n  \"connect\"\n  :0",
		apply: eachTree(func(reply *block) {
			if len(reply.kids) == 3 {
				sortKids(reply.kids[2], 0)
			}
		}),
	},
	hashOrder("keys-order", "KEYS", "Keys"),
	hashOrder("getkeysinslot-order", "CLUSTER GETKEYSINSLOT", "Keys"),
	hashOrder("command-list-order", "COMMAND LIST", "Commands"),
	hashOrder("command-order", "COMMAND", "Commands"),
	hashOrder("pubsub-channels-order", "PUBSUB CHANNELS", "Channels"),
	hashOrder("pubsub-shardchannels-order", "PUBSUB SHARDCHANNELS", "Channels"),
	{
		Name: "scan-order", Field: "the order of keys in SCAN",
		Reason: "Keys are found in the order of a hash table with a random seed.",
		Kinds:  []string{"SCAN"},
		Before: "*2\n  \"0\"\n  *2\n    \"b\"\n    \"a\"",
		After:  "*2\n  \"0\"\n  *2\n    \"a\"\n    \"b\"",
		Leaves: "*2\n  \"9\"\n  *0",
		apply: eachTree(func(reply *block) {
			if len(reply.kids) == 2 {
				sortKids(reply.kids[1], 0)
			}
		}),
	},
	pairOrder("config-get-order", "CONFIG GET", "Settings"),
	pairOrder("command-docs-order", "COMMAND DOCS", "Commands"),
}

// hashOrder sorts the members of a reply that come out of a hash table.
func hashOrder(name, kind, what string) Mask {
	return Mask{
		Name: name, Field: "the order of " + kind,
		Reason: what + " are listed in the order of a hash table with a random seed.",
		Kinds:  []string{kind},
		Before: "*2\n  \"b\"\n  \"a\"", After: "*2\n  \"a\"\n  \"b\"",
		Leaves: "*1\n  *2\n    \"b\"\n    \"a\"",
		apply:  eachTree(func(reply *block) { sortKids(reply, 0) }),
	}
}

// pairOrder is hashOrder for replies of keys and values.
func pairOrder(name, kind, what string) Mask {
	return Mask{
		Name: name, Field: "the order of " + kind,
		Reason: what + " are listed in the order of a hash table with a random seed.",
		Kinds:  []string{kind},
		Before: "%2\n  \"b\"\n  \"1\"\n  \"a\"\n  \"2\"", After: "%2\n  \"a\"\n  \"2\"\n  \"b\"\n  \"1\"",
		Leaves: "%1\n  \"b\"\n  *2\n    \"z\"\n    \"y\"",
		apply:  eachTree(func(reply *block) { sortPairs(reply) }),
	}
}
