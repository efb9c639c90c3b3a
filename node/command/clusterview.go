package command

import (
	"slices"
	"strconv"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
	"github.com/slotdiff/slotdiff/wire/resp"
)

func init() {
	register(map[string]handler{
		"cluster|countkeysinslot": clusterCountKeysInSlot,
		"cluster|getkeysinslot":   clusterGetKeysInSlot,
		"cluster|keyslot":         func(_ *Engine, c *Client) { c.int(int64(slot.Of(c.argv[2]))) },
		"cluster|myid":            func(e *Engine, c *Client) { id := e.Cluster.ID(); c.bulk(id[:]) },
		"cluster|myshardid":       func(e *Engine, c *Client) { id := e.Cluster.ShardID(); c.bulk(id[:]) },
		"cluster|info":            func(e *Engine, c *Client) { c.verbatim(e.Cluster.AppendInfo(nil)) },
		"cluster|nodes":           func(e *Engine, c *Client) { c.verbatim(e.Cluster.AppendNodes(nil, false)) },
		"cluster|links":           clusterLinks,
		"cluster|replicas":        clusterReplicas,
		"cluster|slaves":          clusterReplicas,
		"cluster|slots":           clusterSlots,
		"cluster|shards":          clusterShards,
		"cluster|slot-stats":      clusterSlotStats,
	})
}

func itoa(n int) string { return strconv.Itoa(n) }

// accessible mirrors cluster.c:clusterCanAccessKeysInSlot.
func (e *Engine) accessible(s uint16) bool {
	return e.Cluster.Owns(s) || e.Cluster.Importing(s)
}

func clusterCountKeysInSlot(e *Engine, c *Client) {
	n, ok := c.intArg(c.argv[2])
	switch {
	case !ok:
	case n < 0 || n >= slot.Count:
		c.err("ERR Invalid slot")
	case !e.accessible(uint16(n)):
		c.int(0)
	default:
		c.int(int64(e.DB.CountInSlot(uint16(n))))
	}
}

func clusterGetKeysInSlot(e *Engine, c *Client) {
	s, ok := c.intArg(c.argv[2])
	if !ok {
		return
	}
	limit, ok := c.intArg(c.argv[3])
	if !ok {
		return
	}
	if s < 0 || s >= slot.Count || limit < 0 {
		c.err("ERR Invalid slot or number of keys")
		return
	}
	if !e.accessible(uint16(s)) {
		c.array(0)
		return
	}
	// Redis keeps the limit in an unsigned 32-bit integer.
	n := e.DB.CountInSlot(uint16(s))
	if limit <= int64(n) {
		n = int(limit)
	}
	keys := e.DB.KeysInSlot(uint16(s), n)
	c.array(len(keys))
	for _, k := range keys {
		c.text(k)
	}
}

func clusterReplicas(e *Engine, c *Client) {
	v := e.Cluster.View()
	i := slices.IndexFunc(v.Nodes, func(n cluster.NodeView) bool { return string(n.ID[:]) == string(c.argv[2]) })
	switch {
	case i < 0:
		c.err("ERR Unknown node " + cString(c.argv[2]))
	case v.Nodes[i].Replica():
		c.err("ERR The specified node is not a master")
	default:
		c.array(len(v.Nodes[i].Replicas))
		for _, r := range v.Nodes[i].Replicas {
			c.bulk(e.Cluster.AppendNode(nil, v.Nodes[r].ID, false))
		}
	}
}

// available mirrors cluster.c:isReplicaAvailable.
func available(n *cluster.NodeView) bool {
	return !n.Flags.Any(bus.FlagFail) && n.ReplOffset != 0
}

func clusterSlots(e *Engine, c *Client) {
	v := e.Cluster.View()
	c.array(len(v.Ranges))
	for _, r := range v.Ranges {
		nodes := []*cluster.NodeView{&v.Nodes[r.Owner]}
		for _, i := range v.Nodes[r.Owner].Replicas {
			if n := &v.Nodes[i]; available(n) {
				nodes = append(nodes, n)
			}
		}
		c.array(2 + len(nodes))
		c.int(int64(r.Start))
		c.int(int64(r.End))
		for _, n := range nodes {
			slotNode(c, &v, n)
		}
	}
}

// slotNode mirrors cluster.c:addNodeToNodeReply.
func slotNode(c *Client, v *cluster.View, n *cluster.NodeView) {
	c.array(4)
	switch v.Endpoint {
	case cluster.EndpointUnknown:
		c.null()
	default:
		c.text(n.Endpoint)
	}
	c.int(int64(n.Port))
	c.bulk(n.ID[:])
	withIP := v.Endpoint != cluster.EndpointIP
	withHost := v.Endpoint != cluster.EndpointHostname && n.Hostname != ""
	c.mapOf(b2i(withIP) + b2i(withHost))
	if withIP {
		c.text("ip")
		c.text(n.IP)
	}
	if withHost {
		c.text("hostname")
		c.text(n.Hostname)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// clusterShards mirrors cluster.c:clusterCommandShards.
func clusterShards(e *Engine, c *Client) {
	v := e.Cluster.View()
	c.array(len(v.Shards))
	for _, sh := range v.Shards {
		c.mapOf(2)
		c.text("slots")
		var bounds []int64
		if sh.Master >= 0 {
			for lo, hi := range sh.Slots.Ranges() {
				bounds = append(bounds, int64(lo), int64(hi))
			}
		}
		c.array(len(bounds))
		for _, b := range bounds {
			c.int(b)
		}
		c.text("nodes")
		c.array(len(sh.Nodes))
		for _, i := range sh.Nodes {
			shardNode(e, c, &v.Nodes[i])
		}
	}
}

// shardNode mirrors cluster.c:addNodeDetailsToShardReply.
func shardNode(e *Engine, c *Client, n *cluster.NodeView) {
	c.mapOf(6 + b2i(n.Port != 0) + b2i(n.TLSPort != 0) + b2i(n.Hostname != ""))
	c.text("id")
	c.bulk(n.ID[:])
	if n.Port != 0 {
		c.text("port")
		c.int(int64(n.Port))
	}
	if n.TLSPort != 0 {
		c.text("tls-port")
		c.int(int64(n.TLSPort))
	}
	c.text("ip")
	c.text(n.IP)
	c.text("endpoint")
	c.text(n.Endpoint)
	if n.Hostname != "" {
		c.text("hostname")
		c.text(n.Hostname)
	}
	role, health := "master", "online"
	if n.Replica() {
		role = "replica"
		if n.ReplOffset == 0 {
			health = "loading"
		}
	}
	if n.Flags.Any(bus.FlagFail) {
		health = "fail"
	}
	c.text("role")
	c.text(role)
	c.text("replication-offset")
	if n.Flags.Has(bus.FlagMyself) && !n.Replica() {
		n.ReplOffset = e.offset // of now, not of the last report
	}
	c.int(n.ReplOffset)
	c.text("health")
	c.text(health)
}

// clusterLinks mirrors cluster_legacy.c:addReplyClusterLinksDescription.
func clusterLinks(e *Engine, c *Client) {
	v := e.Cluster.View()
	n := 0
	var body []byte
	outer := c.Out
	c.Out = nil
	for i := range v.Nodes {
		node := &v.Nodes[i]
		for _, l := range []struct {
			dir  string
			link *cluster.LinkView
		}{{"to", node.Out}, {"from", node.In}} {
			if l.link == nil {
				continue
			}
			n++
			c.mapOf(6)
			c.text("direction")
			c.text(l.dir)
			c.text("node")
			c.bulk(node.ID[:])
			c.text("create-time")
			c.int(l.link.Created)
			c.text("events")
			events := ""
			if l.link.Up {
				events = "r"
			}
			if l.link.Queued > 0 || !l.link.Up {
				events += "w"
			}
			c.text(events)
			c.text("send-buffer-allocated")
			c.int(l.link.Queued)
			c.text("send-buffer-used")
			c.int(l.link.Queued)
		}
	}
	body, c.Out = c.Out, resp.AppendArray(outer, n)
	c.Out = append(c.Out, body...)
}
