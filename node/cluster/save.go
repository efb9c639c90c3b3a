package cluster

import (
	"strconv"

	"github.com/slotdiff/slotdiff/node/nodesconf"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// AppendConfig appends the text of nodes.conf. Nodes in handshake are not saved.
// Mirrors clusterSaveConfig.
func (n *Node) AppendConfig(b []byte) []byte {
	for _, p := range n.peers {
		if !p.inHandshake() {
			b = n.appendLine(b, p, nodesconf.Form{Saved: true})
			b = append(b, '\n')
		}
	}
	return nodesconf.AppendVars(b, n.currentEpoch, n.lastVoteEpoch)
}

// AppendNodes appends the text of CLUSTER NODES. tls asks for the TLS ports, as clients that
// came over TLS are told. Mirrors clusterGenNodesDescription.
func (n *Node) AppendNodes(b []byte, tls bool) []byte {
	for _, p := range n.peers {
		b = n.appendLine(b, p, nodesconf.Form{TLS: tls})
		b = append(b, '\n')
	}
	return b
}

// AppendNode appends the line of one node, as CLUSTER REPLICAS gives it. An unknown id appends nothing.
func (n *Node) AppendNode(b []byte, id bus.ID, tls bool) []byte {
	if p := n.byID[id]; p != nil {
		b = n.appendLine(b, p, nodesconf.Form{TLS: tls})
	}
	return b
}

func (n *Node) appendLine(b []byte, p *peer, form nodesconf.Form) []byte {
	line := nodesconf.Node{
		ID: p.id, IP: p.ip, Port: p.port, TLSPort: p.tlsPort, CPort: p.cport,
		Hostname: p.hostname, Nodename: p.nodename, ShardID: p.shardID,
		Flags: p.flags, PingSent: p.pingSent, PongReceived: p.pongReceived,
		ConfigEpoch: p.configEpoch, Connected: p.out != nil || p == n.myself, Slots: p.slots,
	}
	if p.master != nil {
		line.Master = p.master.id
		if p.isReplica() {
			line.ConfigEpoch = p.master.configEpoch
		}
	}
	if p == n.myself {
		line.Open = n.openSlots()
	}
	return line.Append(b, form)
}

func (n *Node) openSlots() (open []nodesconf.Open) {
	for s := range n.open.All() {
		if to := n.migrating[s]; to != nil {
			open = append(open, nodesconf.Open{Slot: s, Node: to.id})
		} else {
			open = append(open, nodesconf.Open{Slot: s, Importing: true, Node: n.importing[s].id})
		}
	}
	return open
}

// statNames are the message types as CLUSTER INFO calls them (clusterGetMessageTypeString).
var statNames = [bus.TypeCount]string{
	bus.TypePing: "ping", bus.TypePong: "pong", bus.TypeMeet: "meet", bus.TypeFail: "fail",
	bus.TypePublish: "publish", bus.TypeAuthRequest: "auth-req", bus.TypeAuthAck: "auth-ack",
	bus.TypeUpdate: "update", bus.TypeMFStart: "mfstart", bus.TypeModule: "module",
	bus.TypePublishShard: "publishshard",
}

// AppendInfo appends the text of CLUSTER INFO. Atomic slot migration, whose lines stand last, is
// never running here. Mirrors genClusterInfoString and asmCatInfoString.
func (n *Node) AppendInfo(b []byte) []byte {
	assigned, pfail, fail := 0, 0, 0
	for _, p := range n.peers {
		assigned += p.numSlots
		switch {
		case p.failed():
			fail += p.numSlots
		case p.timedOut():
			pfail += p.numSlots
		}
	}
	state := "ok"
	if n.state != bus.StateOK {
		state = "fail"
	}
	myEpoch := n.myself.configEpoch
	if n.myself.isReplica() && n.myself.master != nil {
		myEpoch = n.myself.master.configEpoch
	}
	b = append(b, "cluster_state:"...)
	b = append(append(b, state...), "\r\n"...)
	b = appendInfo(b, "cluster_slots_assigned", uint64(assigned))
	b = appendInfo(b, "cluster_slots_ok", uint64(assigned-pfail-fail))
	b = appendInfo(b, "cluster_slots_pfail", uint64(pfail))
	b = appendInfo(b, "cluster_slots_fail", uint64(fail))
	b = appendInfo(b, "cluster_known_nodes", uint64(len(n.peers)))
	b = appendInfo(b, "cluster_size", uint64(n.size))
	b = appendInfo(b, "cluster_current_epoch", n.currentEpoch)
	b = appendInfo(b, "cluster_my_epoch", myEpoch)
	b = appendStats(b, &n.stats.Sent, "sent")
	b = appendStats(b, &n.stats.Received, "received")
	b = appendInfo(b, "total_cluster_links_buffer_limit_exceeded", n.stats.LinksOverLimit)
	for _, name := range migrationInfo {
		b = appendInfo(b, "cluster_slot_migration_"+name, 0)
	}
	return b
}

var migrationInfo = [...]string{
	"active_tasks", "active_trim_running", "active_trim_current_job_keys", "active_trim_current_job_trimmed",
	"stats_active_trim_started", "stats_active_trim_completed", "stats_active_trim_cancelled",
}

func appendStats(b []byte, counts *[bus.TypeCount]uint64, direction string) []byte {
	total := uint64(0)
	for t, count := range counts {
		if count > 0 {
			total += count
			b = appendInfo(b, "cluster_stats_messages_"+statNames[t]+"_"+direction, count)
		}
	}
	return appendInfo(b, "cluster_stats_messages_"+direction, total)
}

func appendInfo(b []byte, name string, value uint64) []byte {
	b = append(append(b, name...), ':')
	b = strconv.AppendUint(b, value, 10)
	return append(b, "\r\n"...)
}
