package mask

import (
	"slices"
	"strconv"
	"strings"
)

// The columns of a line of CLUSTER NODES and nodes.conf
// (cluster_legacy.c:clusterGenNodeDescription).
const (
	colID = iota
	colAddr
	colFlags
	colMaster
	colPingSent
	colPongReceived
	colEpoch
	colLink
	colSlots
)

var nodeLineKinds = []string{"CLUSTER NODES", "CLUSTER REPLICAS", "CLUSTER SLAVES", "nodes.conf"}

var nodesMasks = []Mask{
	{
		Name: "nodes-ping-sent", Field: "the time of the ping without an answer, column 5",
		Reason: "Unix time in milliseconds, or 0 when the pong has come in between.",
		Kinds:  nodeLineKinds,
		Before: "$p.id $p.addr@$p.cport master - 1795458150119 0 1 connected 8192-16383",
		After:  "$p.id $p.addr@$p.cport master - <ms> 0 1 connected 8192-16383",
		Leaves: "vars currentEpoch 1795458150119 lastVoteEpoch 0",
		apply:  nodeColumn(colPingSent, stamp),
	},
	{
		Name: "nodes-pong-received", Field: "the time of the last pong, column 6",
		Reason: "Unix time in milliseconds.",
		Kinds:  nodeLineKinds,
		Before: "$p.id $p.addr@$p.cport master - 0 1795458150119 1 connected 8192-16383",
		After:  "$p.id $p.addr@$p.cport master - 0 <ms> 1 connected 8192-16383",
		Leaves: "vars currentEpoch 1795458150119 lastVoteEpoch 0",
		apply:  nodeColumn(colPongReceived, stamp),
	},
	{
		Name: "nodes-handshake-id", Field: "the id of a node in handshake",
		Reason: "The server makes up a random id until the node's first pong tells the real one (cluster_legacy.c:clusterStartHandshake).",
		Kinds:  nodeLineKinds,
		Before: "67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 127.0.0.1:1@10001 handshake - 0 0 0 disconnected",
		After:  "<random> 127.0.0.1:1@10001 handshake - 0 0 0 disconnected",
		Leaves: "67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 127.0.0.1:1@10001 master - 0 0 0 disconnected",
		apply: eachNodeLine(func(col []string) {
			if isHexID(col[colID]) && slices.Contains(strings.Split(col[colFlags], ","), "handshake") {
				col[colID] = "<random>"
			}
		}),
	},
}

// nodesOrder stands apart: orders come after all values.
var nodesOrder = Mask{
	Name: "nodes-order", Field: "the order of lines",
	Reason: "A server lists its nodes in the order of a hash table with a random seed. Here myself comes first, then the others by id.",
	Kinds:  nodeLineKinds,
	Before: "$p.id $p.addr@$p.cport master - 0 0 1 connected\n$b.id $b.addr@$b.cport slave $a.id 0 0 0 connected\n$a.id $a.addr@$a.cport myself,master - 0 0 0 connected 0-5",
	After:  "$a.id $a.addr@$a.cport myself,master - 0 0 0 connected 0-5\n$b.id $b.addr@$b.cport slave $a.id 0 0 0 connected\n$p.id $p.addr@$p.cport master - 0 0 1 connected",
	Leaves: "vars currentEpoch 5 lastVoteEpoch 0\n$a.id comes last here, and is no node's line",
	apply:  sortNodeLines,
}

// nodesShardID runs after nodesOrder: it numbers shards in the order of the lines.
var nodesShardID = Mask{
	Name: "nodes-shard-id", Field: "shard ids",
	Reason: "A master makes up a random shard id. Shards are numbered as they come, so that it still shows which nodes share one.",
	Kinds:  []string{"nodes.conf"},
	Before: "$a.id $a.addr@$a.cport,,tls-port=0,shard-id=b163fce296d71a41200493dd63889602e6fde57a myself,master - 0 0 1 connected\n$b.id $b.addr@$b.cport,,tls-port=0,shard-id=b163fce296d71a41200493dd63889602e6fde57a slave $a.id 0 0 1 connected\n$c.id $c.addr@$c.cport,,tls-port=0,shard-id=559ff132addccf805b5bbd238da1782e292fc6e9 master - 0 0 2 connected",
	After:  "$a.id $a.addr@$a.cport,,tls-port=0,shard-id=<shard1> myself,master - 0 0 1 connected\n$b.id $b.addr@$b.cport,,tls-port=0,shard-id=<shard1> slave $a.id 0 0 1 connected\n$c.id $c.addr@$c.cport,,tls-port=0,shard-id=<shard2> master - 0 0 2 connected",
	Leaves: "$a.id $a.addr@$a.cport,h.example,tls-port=0,shard-id=short myself,master - 0 0 1 connected",
	apply: func(lines []string) []string {
		numbers := map[string]int{}
		return eachNodeLine(func(col []string) {
			aux := strings.Split(col[colAddr], ",")
			for i, field := range aux {
				id, ok := strings.CutPrefix(field, "shard-id=")
				if !ok || !isHexID(id) {
					continue
				}
				if numbers[id] == 0 {
					numbers[id] = len(numbers) + 1
				}
				aux[i] = "shard-id=<shard" + strconv.Itoa(numbers[id]) + ">"
			}
			col[colAddr] = strings.Join(aux, ",")
		})(lines)
	},
}

// stamp hides a time or its absence.
func stamp(value string) string {
	if isNumber(value) {
		return "<ms>"
	}
	return value
}

func nodeColumn(n int, f func(string) string) func([]string) []string {
	return eachNodeLine(func(col []string) { col[n] = f(col[n]) })
}

// eachNodeLine gives the columns of every node's line to f, which may change them.
func eachNodeLine(f func(col []string)) func([]string) []string {
	return eachText(func(text string) string {
		col, ok := nodeColumns(text)
		if !ok {
			return text
		}
		f(col)
		return strings.Join(col, " ")
	})
}

// nodeColumns splits a node's line; ok is false when text is something else.
func nodeColumns(text string) (col []string, ok bool) {
	col = strings.Split(text, " ")
	if len(col) < colSlots || (col[colLink] != "connected" && col[colLink] != "disconnected") {
		return nil, false
	}
	for _, n := range []int{colPingSent, colPongReceived} {
		if col[n] != "<ms>" && !isNumber(col[n]) {
			return nil, false
		}
	}
	return col, isNumber(col[colEpoch])
}

// sortNodeLines sorts each unbroken run of nodes' lines: myself first, then by text.
func sortNodeLines(lines []string) []string {
	for i := 0; i < len(lines); i++ {
		var keys []string
		from := i
		for ; i < len(lines); i++ {
			key, ok := nodeLineKey(lines[i])
			if !ok {
				break
			}
			keys = append(keys, key+"\x00"+lines[i])
		}
		slices.Sort(keys)
		for k, key := range keys {
			_, lines[from+k], _ = strings.Cut(key, "\x00")
		}
	}
	return lines
}

// nodeLineKey is what a node's line is sorted by; ok is false for any other line.
func nodeLineKey(line string) (key string, ok bool) {
	_, text, _ := unwrap(line)
	col, ok := nodeColumns(text)
	if !ok {
		return "", false
	}
	if slices.Contains(strings.Split(col[colFlags], ","), "myself") {
		return "0 " + text, true
	}
	return "1 " + text, true
}
