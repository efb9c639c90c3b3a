package cluster

import (
	"github.com/slotdiff/slotdiff/wire/bus"
)

// handleRecv takes one frame. Its order is that of cluster_legacy.c:clusterProcessPacket.
func (n *Node) handleRecv(ev Recv) {
	l := n.links[ev.Link]
	if l == nil {
		return // the driver had it in hand when the core closed the link
	}
	verdict := bus.CheckFiltered(ev.Frame, n.set.DropPacketFilter)
	if verdict.Action == bus.CloseLink {
		n.logf(LevelWarning, "Bad message length or signature received on the Cluster bus from %s: %s", l.remote, verdict.Rule)
		n.closeLink(l)
		return
	}
	if len(ev.Frame) < bus.HeaderLen {
		n.logf(LevelWarning, "Frame of %d bytes ignored: %s", len(ev.Frame), verdict.Rule)
		return
	}
	// Counted before it is judged.
	if t := frameType(ev.Frame); t.Known() {
		n.stats.Received[t]++
	}
	if verdict.Action == bus.Ignore && !answeredAllTheSame(verdict.Rule) && !(planted("version-unchecked") && verdict.Rule == bus.RuleVersion) {
		n.logIgnored(l, ev.Frame, verdict.Rule)
		return
	}
	pkt, err := n.dec.Decode(ev.Frame)
	if err != nil {
		n.unsafe(UnsafeLayout, "from %s: %v", l.remote, err)
		return
	}
	if verdict.Action == bus.Ignore {
		if n.senderOf(l, pkt) != nil {
			n.logIgnored(l, ev.Frame, verdict.Rule)
			return
		}
	}
	n.handlePacket(l, pkt)
}

// answeredAllTheSame reports whether Redis never reads what breaks rule r as long as it does not
// know the sender, so that an unknown sender's PING gets its PONG.
func answeredAllTheSame(r bus.Rule) bool {
	return r == bus.RuleExtWithoutFlag || r == bus.RuleExtTextUnterminated || r == bus.RuleExtShort
}

func frameType(frame []byte) bus.Type { return bus.Type(frame[12])<<8 | bus.Type(frame[13]) }

func (n *Node) logIgnored(l *link, frame []byte, r bus.Rule) {
	if r == bus.RuleVersion {
		return // Redis says nothing
	}
	n.logf(LevelWarning, "Received invalid %s packet of length %d from %s: %s", frameType(frame), len(frame), l.remote, r)
}

// senderOf is the node that a packet is from, nil: unknown. A link that belongs to a node makes the
// id in the header meaningless. Mirrors getNodeFromLinkAndMsg without its effect.
func (n *Node) senderOf(l *link, pkt *bus.Packet) *peer {
	if l.peer != nil && !l.peer.inHandshake() {
		return l.peer
	}
	return n.lookup(pkt.Sender)
}

// handlePacket is the part of clusterProcessPacket behind the checks of length.
func (n *Node) handlePacket(l *link, pkt *bus.Packet) {
	sender := n.senderOf(l, pkt)
	if sender != nil && l.peer == nil {
		n.bindInbound(sender, l)
	}
	if sender != nil {
		if pkt.MFlags.Has(bus.MFlagExtData) {
			n.setFlags(sender, bus.FlagExtensions, 0)
		}
		sender.dataReceived = n.now
		if !sender.inHandshake() {
			n.learnEpochs(sender, pkt)
		} else if pkt.Type != bus.TypeAuthRequest {
			// Redis reads the epochs of a sender only once its handshake is over: until then it claims slots with epoch 0.
			pkt.CurrentEpoch, pkt.ConfigEpoch = 0, 0
		}
	}
	switch body := pkt.Body.(type) {
	case *bus.Ping:
		n.handlePing(l, sender, pkt, body)
	case *bus.Fail:
		n.handleFail(sender, pkt, body)
	case *bus.Publish:
		if sender != nil {
			n.deliver(body, pkt.Type == bus.TypePublishShard)
		}
	case *bus.Update:
		if sender != nil {
			n.handleUpdate(body)
		}
	case *bus.Empty:
		if sender == nil {
			return
		}
		switch pkt.Type {
		case bus.TypeAuthRequest:
			n.handleAuthRequest(sender, pkt)
		case bus.TypeAuthAck:
			n.handleAuthAck(sender, pkt)
		case bus.TypeMFStart:
			n.handleMFStart(l, sender)
		}
	case *bus.Unknown:
		n.logf(LevelWarning, "Received unknown packet type: %d", pkt.Type)
	case *bus.Module:
		// There are no modules here to receive it.
	}
}

// learnEpochs believes the epochs and the offset that every packet of a known node carries.
func (n *Node) learnEpochs(sender *peer, pkt *bus.Packet) {
	if !planted("epoch-ignored") {
		n.currentEpoch = max(n.currentEpoch, pkt.CurrentEpoch)
	}
	if pkt.ConfigEpoch > sender.configEpoch && !planted("config-epoch-ignored") {
		sender.configEpoch = pkt.ConfigEpoch
		n.later(todoSave | todoSync)
	}
	sender.replOffset = int64(pkt.Offset)
	sender.replOffsetTime = n.now
	n.learnPausedOffset(sender, pkt)
}

// handlePing takes PING, PONG and MEET.
func (n *Node) handlePing(l *link, sender *peer, pkt *bus.Packet, body *bus.Ping) {
	if pkt.Type != bus.TypePong {
		n.learnMyIP(l, pkt.Type)
		if sender == nil && pkt.Type == bus.TypeMeet {
			if !n.meetBack(l, pkt) {
				return
			}
			n.handleGossip(l, l.peer, body)
		}
		n.sendPing(l, bus.TypePong)
	}
	if !l.inbound() {
		if l.peer.inHandshake() {
			if !n.finishHandshake(l, sender, pkt) {
				return
			}
		} else if l.peer.id != pkt.Sender {
			n.rejectWrongPeer(l)
			return
		}
	}
	if sender != nil {
		if !planted("nofailover-not-copied") {
			n.setFlags(sender, pkt.Flags&bus.FlagNoFailover, bus.FlagNoFailover)
		}
		if pkt.Type == bus.TypePing && !sender.inHandshake() && n.updateAddress(sender, l, pkt) {
			n.later(todoSave | todoUpdateState)
		}
	}
	if !l.inbound() && pkt.Type == bus.TypePong {
		n.handlePong(l.peer)
	}
	if sender == nil {
		return
	}
	n.learnRole(sender, pkt)
	n.learnSlots(sender, pkt)
	if n.myself.isMaster() && sender.isMaster() && pkt.ConfigEpoch == n.myself.configEpoch {
		n.handleEpochCollision(sender)
	}
	// What is said of others, and the names of the sender, count as said by whom the link belongs to, even where that node's handshake,
	// which made the id in the header count for all else, is not over.
	speaker := l.peer
	n.handleGossip(l, speaker, body)
	n.handleExtensions(speaker, body)
}

// handlePong notes that a node answered.
func (n *Node) handlePong(p *peer) {
	if planted("pong-clears-nothing") {
		return
	}
	p.pongReceived = n.now
	n.setPingSent(p, 0)
	if p.timedOut() {
		n.setFlags(p, 0, bus.FlagPFail)
		n.later(todoSave | todoUpdateState)
	} else if p.failed() {
		n.clearFailure(p)
	}
}

// learnRole believes the sender about its own role and master. It does not believe who calls
// himself by this node's own id: Redis lets such a packet turn it into a replica of nobody.
func (n *Node) learnRole(sender *peer, pkt *bus.Packet) {
	if sender == n.myself {
		if n.wouldChangeRole(pkt.ReplicaOf) {
			n.unsafe(UnsafeOwnID, "a packet in my name says that my master is %q", pkt.ReplicaOf)
		}
		return
	}
	if pkt.ReplicaOf.IsZero() {
		n.setAsMaster(sender)
		return
	}
	master := n.lookup(pkt.ReplicaOf)
	if master == sender {
		n.unsafe(UnsafeReplicaOfItself, "node %s", sender.id)
		master = nil
	}
	if sender.isMaster() {
		n.demote(sender, master, pkt.ConfigEpoch)
	}
	if master != nil && sender.master != master {
		if !sender.isReplica() {
			n.unsafe(UnsafeRolelessReplica, "node %s follows %s", sender.id, master.id)
		}
		if sender.master != nil {
			n.removeReplica(sender.master, sender)
		}
		n.addReplica(master, sender)
		n.setMaster(sender, master)
		n.updateShard(sender, master.shardID)
		n.later(todoSave)
	}
}

// wouldChangeRole reports whether this node would be in another role, or have another master, as a replica of id; zero: as a master.
func (n *Node) wouldChangeRole(id bus.ID) bool {
	if id.IsZero() || n.myself.isMaster() {
		return id.IsZero() != n.myself.isMaster()
	}
	master := n.lookup(id)
	return master != nil && master != n.myself.master
}

// demote turns a master that says it is a replica into one. In its own shard its slots pass to the
// new master, unless the packet is older than what is known; otherwise they have no owner.
func (n *Node) demote(sender, master *peer, epoch uint64) {
	switch {
	case master == nil || master.shardID != sender.shardID:
		lost := n.delSlots(sender)
		n.logf(LevelNotice, "Node %s is no longer master of shard %s; removed all %d slot(s) it used to own",
			sender.name(), sender.shardID, lost)
		if master != nil {
			n.logf(LevelNotice, "Node %s is now part of shard %s", sender.name(), master.shardID)
		}
	case sender.configEpoch > epoch:
		n.logf(LevelNotice, "Ignore stale message from %s in shard %s; gossip config epoch: %d, current config epoch: %d",
			sender.name(), sender.shardID, epoch, sender.configEpoch)
	default:
		moved := n.moveSlots(sender, master)
		n.setAsMaster(master)
		if master == n.myself {
			n.mendSplitRole("node %s says that I am its master", sender.id)
			if epoch < n.myself.configEpoch { // one's own epoch never falls
				n.unsafe(UnsafeEpochFalls, "node %s hands me its slots at epoch %d", sender.id, epoch)
				epoch = n.myself.configEpoch
			}
		}
		master.configEpoch = epoch
		n.logf(LevelNotice, "A failover occurred in shard %s; node %s lost %d slot(s) to node %s with a config epoch of %d",
			sender.shardID, sender.name(), moved, master.name(), epoch)
	}
	n.setFlags(sender, flagReplica, flagMaster|flagMigrateTo)
	n.later(todoSave | todoUpdateState)
}
