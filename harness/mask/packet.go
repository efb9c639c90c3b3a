package mask

import "strings"

var packetKind = []string{"packet"}

var packetMasks = []Mask{
	{
		Name: "packet-gossip-ping", Field: "the ping time of a gossip entry",
		Reason: "Unix time in seconds, or 0 when the pong has come in between.",
		Kinds:  packetKind,
		Before: "  gossip $b.id addr=$b.addr@$b.cport pport=0 flags=master ping=1795458150 pong=0",
		After:  "  gossip $b.id addr=$b.addr@$b.cport pport=0 flags=master ping=<s> pong=0",
		Leaves: "  currentEpoch=1795458150 configEpoch=1 offset=0",
		apply:  packetWord("gossip", "ping", "<s>"),
	},
	{
		Name: "packet-gossip-pong", Field: "the pong time of a gossip entry",
		Reason: "Unix time in seconds.",
		Kinds:  packetKind,
		Before: "  gossip $b.id addr=$b.addr@$b.cport pport=0 flags=master ping=0 pong=1795458150",
		After:  "  gossip $b.id addr=$b.addr@$b.cport pport=0 flags=master ping=0 pong=<s>",
		Leaves: "  currentEpoch=1795458150 configEpoch=1 offset=0",
		apply:  packetWord("gossip", "pong", "<s>"),
	},
	{
		Name: "packet-forgotten-ttl", Field: "the time to live of a FORGOTTEN_NODE extension",
		Reason: "Seconds that are left of the 60 for which a forgotten node is kept out.",
		Kinds:  packetKind,
		Before: "  ext forgotten $b.id ttl=59",
		After:  "  ext forgotten $b.id ttl=<s>",
		Leaves: `  ext hostname "ttl=59"`,
		apply:  packetWord("ext forgotten", "ttl", "<s>"),
	},
	{
		Name: "packet-shard-id", Field: "the id in a SHARDID extension",
		Reason: "A master makes up a random shard id.",
		Kinds:  packetKind,
		Before: "  ext shardid b163fce296d71a41200493dd63889602e6fde57a",
		After:  "  ext shardid <shard>",
		Leaves: "  ext forgotten b163fce296d71a41200493dd63889602e6fde57a ttl=1",
		apply:  packetID("  ext shardid ", "<shard>"),
	},
	{
		Name: "packet-internal-secret", Field: "the INTERNALSECRET extension",
		Reason: "Every node makes up a random secret; the smallest in the cluster wins.",
		Kinds:  packetKind,
		Before: "  ext secret 0163fce296d71a41200493dd63889602e6fde57a",
		After:  "  ext secret <secret>",
		Leaves: "  ext secret payload=00",
		apply:  packetID("  ext secret ", "<secret>"),
	},
	{
		Name: "packet-offset", Field: "the replication offset, where it is not 0",
		Reason: "A master with a replica pings it every ten seconds through the replication stream.",
		Kinds:  packetKind,
		Before: "  currentEpoch=1 configEpoch=1 offset=140",
		After:  "  currentEpoch=1 configEpoch=1 offset=<offset>",
		Leaves: "  currentEpoch=1 configEpoch=1 offset=0",
		apply:  packetWord("currentEpoch=", "offset", "<offset>"),
	},
}

// packetGossipOrder runs after the values of gossip entries are hidden.
var packetGossipOrder = Mask{
	Name: "packet-gossip-order", Field: "the order of gossip entries",
	Reason: "The nodes of a gossip section are drawn at random.",
	Kinds:  packetKind,
	Before: "  gossip $c.id addr=$c.addr@$c.cport pport=0 flags=master ping=0 pong=0\n  gossip $b.id addr=$b.addr@$b.cport pport=0 flags=master ping=0 pong=0",
	After:  "  gossip $b.id addr=$b.addr@$b.cport pport=0 flags=master ping=0 pong=0\n  gossip $c.id addr=$c.addr@$c.cport pport=0 flags=master ping=0 pong=0",
	Leaves: "  ext nodename \"b\"\n  ext hostname \"a\"",
	apply:  sortRuns("  gossip "),
}

// packetWord hides the number of the word key=N in lines that begin with start. An
// offset of 0 stays: it says that there is no replication at all.
func packetWord(start, key, placeholder string) func([]string) []string {
	return func(lines []string) []string {
		for i, line := range lines {
			if !strings.HasPrefix(line, "  "+start) {
				continue
			}
			words := strings.Split(line, " ")
			for j, word := range words {
				value, ok := strings.CutPrefix(word, key+"=")
				if ok && isNumber(value) && (key != "offset" || value != "0") {
					words[j] = key + "=" + placeholder
				}
			}
			lines[i] = strings.Join(words, " ")
		}
		return lines
	}
}

// packetID hides the 40 hex digits that follow start.
func packetID(start, placeholder string) func([]string) []string {
	return func(lines []string) []string {
		for i, line := range lines {
			if id, ok := strings.CutPrefix(line, start); ok && isHexID(id) {
				lines[i] = start + placeholder
			}
		}
		return lines
	}
}
