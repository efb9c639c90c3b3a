package cluster

import "github.com/slotdiff/slotdiff/wire/bus"

// manualFailover is a failover that an operator asked for, seen by the replica that does it or by
// the master that gives way (mf_*).
type manualFailover struct {
	end          Time  // time limit; 0: none is going on
	replica      *peer // for the master: who does it
	masterOffset int64 // for the replica: how far it must read first; -1: not yet known
	canStart     bool  // for the replica: votes may be asked for
}

// resetManualFailover mirrors resetManualFailover.
func (n *Node) resetManualFailover() {
	if n.manual.replica != nil {
		n.ready.Data = append(n.ready.Data, ResumeWrites{})
	}
	n.manual = manualFailover{masterOffset: -1}
}

// checkManualFailover mirrors manualFailoverCheckTimeout.
func (n *Node) checkManualFailover() {
	if n.manual.end != 0 && n.manual.end < n.now {
		n.logf(LevelWarning, "Manual failover timed out.")
		n.resetManualFailover()
	}
}

// handleManualFailover starts the election once all that the paused master wrote was read.
// Mirrors clusterHandleManualFailover, but for one thing: Redis looks again before every sleep
// until then, this node at the next Report or Tick, so that a Ready is not due for ever.
func (n *Node) handleManualFailover() {
	if n.manual.end == 0 || n.manual.canStart || n.manual.masterOffset == -1 {
		return
	}
	if n.manual.masterOffset == n.report.ReplOffset {
		n.manual.canStart = true
		n.logf(LevelNotice, "All master replication stream processed, manual failover can start.")
		n.later(todoFailover)
	}
}

// learnPausedOffset takes from the paused master how far this replica must read.
func (n *Node) learnPausedOffset(sender *peer, pkt *bus.Packet) {
	if n.manual.end == 0 || n.manual.masterOffset != -1 || !n.myself.isReplica() ||
		n.myself.master != sender || !pkt.MFlags.Has(bus.MFlagPaused) {
		return
	}
	n.manual.masterOffset = sender.replOffset
	n.later(todoManualFailover)
	n.logf(LevelNotice, "Received replication offset for paused master manual failover: %d", sender.replOffset)
}

// FailoverDue reports whether this replica knows how far it must read before it asks for votes in a manual failover: when it does so is
// up to its clock and its replication.
func (n *Node) FailoverDue() bool {
	return n.manual.end != 0 && n.manual.masterOffset != -1 && n.myself.isReplica()
}

// handleMFStart pauses this master for one of its replicas and tells it the offset.
func (n *Node) handleMFStart(l *link, sender *peer) {
	if sender.master != n.myself {
		return
	}
	n.resetManualFailover()
	n.manual.end = n.now + manualFailoverTimeout
	n.manual.replica = sender
	n.ready.Data = append(n.ready.Data, PauseWrites{Until: n.now + manualFailoverTimeout*manualFailoverPause})
	n.logf(LevelNotice, "Manual failover requested by replica %s.", sender.name())
	n.sendPing(l, bus.TypePing)
}

// handleFailoverRequest is CLUSTER FAILOVER.
func (n *Node) handleFailoverRequest(r Failover) Answer {
	master := n.myself.master
	switch {
	case n.myself.isMaster():
		return refuse("You should send CLUSTER FAILOVER to a replica")
	case master == nil:
		return refuse("I'm a replica but my master is unknown to me")
	case r.Option == FailoverDefault && (master.failed() || master.out == nil):
		return refuse("Master is down or failed, please use CLUSTER FAILOVER FORCE")
	}
	n.resetManualFailover()
	n.manual.end = n.now + manualFailoverTimeout
	switch r.Option {
	case FailoverTakeover:
		n.logf(LevelNotice, "Taking over the master (user request).")
		n.bumpEpoch()
		n.replaceMaster()
	case FailoverForce:
		n.logf(LevelNotice, "Forced failover user request accepted.")
		n.manual.canStart = true
	default:
		n.logf(LevelNotice, "Manual failover user request accepted.")
		n.send(master.out, bus.TypeMFStart, n.build(bus.TypeMFStart, &n.empty))
	}
	return ok
}
