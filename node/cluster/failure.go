package cluster

import (
	"slices"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// addFailReport notes that a master sees p failing; it reports whether that is new.
// Mirrors clusterNodeAddFailureReport.
func (n *Node) addFailReport(p, from *peer) bool {
	for i := range p.reports {
		if p.reports[i].from == from {
			p.reports[i].time = n.now
			return false
		}
	}
	p.reports = append(p.reports, failReport{from: from, time: n.now})
	return true
}

// delFailReport takes a report back; it reports whether there was one.
// Mirrors clusterNodeDelFailureReport.
func (n *Node) delFailReport(p, from *peer) bool {
	i := slices.IndexFunc(p.reports, func(r failReport) bool { return r.from == from })
	if i < 0 {
		return false
	}
	p.reports = slices.Delete(p.reports, i, i+1)
	n.cleanFailReports(p)
	return true
}

// cleanFailReports mirrors clusterNodeCleanupFailureReports.
func (n *Node) cleanFailReports(p *peer) {
	if len(p.reports) == 0 {
		return
	}
	validity := n.set.NodeTimeout * failReportValidityMult
	p.reports = slices.DeleteFunc(p.reports, func(r failReport) bool { return n.now-r.time > validity })
}

// countFailReports mirrors clusterNodeFailureReportsCount.
func (n *Node) countFailReports(p *peer) int {
	n.cleanFailReports(p)
	return len(p.reports)
}

// markFailing turns PFAIL into FAIL once a majority of masters agrees, and tells everyone.
// Mirrors markNodeAsFailingIfNeeded.
func (n *Node) markFailing(p *peer) {
	if !p.timedOut() || p.failed() {
		return
	}
	failures := n.countFailReports(p)
	if n.myself.isMaster() {
		failures++
	}
	if failures < n.quorum() {
		return
	}
	n.logf(LevelNotice, "Marking node %s as failing (quorum reached).", p.name())
	n.setFlags(p, bus.FlagFail, bus.FlagPFail)
	p.failTime = n.now
	n.fail.About = p.id
	n.broadcast(bus.TypeFail, n.build(bus.TypeFail, &n.fail))
	n.later(todoUpdateState | todoSave)
}

// clearFailure takes FAIL from a node that is reachable again: at once if it owns no slots, and
// otherwise after a time in which nobody took them. Mirrors clearNodeFailureIfNeeded.
func (n *Node) clearFailure(p *peer) {
	var why string
	switch {
	case p.isReplica():
		why = "replica is reachable again."
	case p.numSlots == 0:
		why = "master without slots is reachable again."
	case p.isMaster() && n.now-p.failTime > n.set.NodeTimeout*failUndoTimeMult:
		why = "is reachable again and nobody is serving its slots after some time."
	default:
		return
	}
	n.logf(LevelNotice, "Clear FAIL state for node %s: %s", p.name(), why)
	n.setFlags(p, 0, bus.FlagFail)
	n.later(todoUpdateState | todoSave)
}

// handleFail takes the word of any known node that another one failed.
func (n *Node) handleFail(sender *peer, pkt *bus.Packet, body *bus.Fail) {
	if sender == nil && !planted("fail-of-stranger") {
		n.logf(LevelNotice, "Ignoring FAIL message from unknown node %q about %q", pkt.Sender, body.About)
		return
	}
	p := n.lookup(body.About)
	if p == nil || p.flags.Any(bus.FlagFail|bus.FlagMyself) {
		return
	}
	if sender != nil {
		n.logf(LevelNotice, "FAIL message received from %s about %s", sender.name(), p.name())
	}
	n.setFlags(p, bus.FlagFail, bus.FlagPFail)
	p.failTime = n.now
	n.later(todoSave | todoUpdateState)
}
