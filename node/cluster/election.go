package cluster

import "github.com/slotdiff/slotdiff/wire/bus"

// election is a replica's attempt to replace its master (failover_auth_*).
type election struct {
	time  Time // when votes are asked for, of this or the last attempt
	count int  // votes received
	sent  bool // votes were asked for
	rank  int  // how many siblings have more data
	epoch uint64

	cannot     cannotFailover // why there is no failover now
	lastLogged Time
}

// Spans of an election. Source: clusterHandleSlaveFailover of 8.6.3.
const (
	minAuthTimeout   = 2000
	electionDelay    = 500 // and as much again at random
	electionRankTime = 1000
	relogPeriod      = 10 // CLUSTER_CANT_FAILOVER_RELOG_PERIOD, seconds
	quietFailTime    = 5000
)

// cannotFailover is why a replica does not fail over now (CLUSTER_CANT_FAILOVER_*).
type cannotFailover uint8

const (
	cannotNone cannotFailover = iota
	cannotDataAge
	cannotWaitingDelay
	cannotExpired
	cannotWaitingVotes
)

var cannotTexts = [...]string{
	cannotNone:    "Unknown reason code.",
	cannotDataAge: "Disconnected from master for longer than allowed. Please check the 'cluster-replica-validity-factor' configuration option.",

	cannotWaitingDelay: "Waiting the delay before I can start a new failover.",
	cannotExpired:      "Failover attempt expired.",
	cannotWaitingVotes: "Waiting for votes, but majority still not reached.",
}

// handleReplicaFailover moves an election on: wait for a turn, ask for votes, take over.
// Mirrors clusterHandleSlaveFailover.
func (n *Node) handleReplicaFailover() {
	n.todo &^= todoFailover
	me, v := n.myself, &n.vote
	manual := n.manual.end != 0 && n.manual.canStart
	if me.isMaster() || me.master == nil || (!me.master.failed() && !manual) ||
		(n.set.ReplicaNoFailover && !manual) || me.master.numSlots == 0 {
		v.cannot = cannotNone
		return
	}
	if !manual && n.dataTooOld() {
		n.logCannotFailover(cannotDataAge)
		return
	}
	authTimeout := max(n.set.NodeTimeout*2, minAuthTimeout)
	age := n.now - v.time
	if age > authTimeout*2 {
		n.scheduleElection()
		return
	}
	if !v.sent && n.manual.end == 0 {
		if rank := n.rank(); rank > v.rank {
			added := Time(rank-v.rank) * electionRankTime
			v.time += added
			v.rank = rank
			n.logf(LevelNotice, "Replica rank updated to #%d, added %d milliseconds of delay.", rank, added)
		}
	}
	switch {
	case n.now < v.time:
		n.logCannotFailover(cannotWaitingDelay)
	case age > authTimeout:
		n.logCannotFailover(cannotExpired)
	case !v.sent:
		n.askForVotes()
	case v.count >= n.quorum():
		n.logf(LevelNotice, "Failover election won: I'm the new master.")
		if me.configEpoch < v.epoch {
			me.configEpoch = v.epoch
			n.logf(LevelNotice, "configEpoch set to %d after successful failover", v.epoch)
		}
		n.replaceMaster()
	default:
		n.logCannotFailover(cannotWaitingVotes)
	}
}

// dataTooOld reports whether the data is older than cluster-replica-validity-factor allows. Redis
// measures in whole seconds.
func (n *Node) dataTooOld() bool {
	timeout := n.set.NodeTimeout
	age := (n.now/1000 - n.report.MasterSeen/1000) * 1000
	if age > timeout {
		age -= timeout
	}
	factor := Time(n.set.ReplicaValidityFactor)
	return factor != 0 && age > Time(n.set.ReplPingPeriod)*1000+timeout*factor
}

func (n *Node) scheduleElection() {
	v := &n.vote
	v.time = n.now + electionDelay + Time(n.chance(electionDelay))
	v.count, v.sent, v.rank = 0, false, n.rank()
	v.time += Time(v.rank) * electionRankTime
	if n.manual.end != 0 {
		v.time, v.rank = n.now, 0
		n.later(todoFailover)
	}
	n.logf(LevelNotice, "Start of election delayed for %d milliseconds (rank #%d, offset %d).",
		v.time-n.now, v.rank, n.report.ReplOffset)
	n.broadcastPong(true)
}

// askForVotes mirrors clusterRequestFailoverAuth.
func (n *Node) askForVotes() {
	if !n.nextEpoch() {
		return
	}
	n.vote.epoch = n.currentEpoch
	n.logf(LevelNotice, "Starting a failover election for epoch %d.", n.currentEpoch)
	var force byte
	if n.manual.end != 0 {
		force = bus.MFlagForceAck
	}
	n.broadcast(bus.TypeAuthRequest, n.build(bus.TypeAuthRequest, &n.empty, force))
	n.vote.sent = true
	n.later(todoSave | todoUpdateState | todoSync)
}

// rank is how many siblings that may fail over have more of the master's data.
// Mirrors clusterGetSlaveRank.
func (n *Node) rank() int {
	rank := 0
	if n.myself.master == nil {
		return 0
	}
	for _, p := range n.myself.master.replicas {
		if p != n.myself && !p.flags.Any(bus.FlagNoFailover) && p.replOffset > n.report.ReplOffset {
			rank++
		}
	}
	return rank
}

// replaceMaster takes the master's slots and tells everyone. Mirrors clusterFailoverReplaceYourMaster.
func (n *Node) replaceMaster() {
	old := n.myself.master
	if n.myself.isMaster() || old == nil {
		return
	}
	n.setAsMaster(n.myself)
	n.unfollow()
	n.moveSlots(old, n.myself)
	n.updateState()
	n.saveNow()
	n.later(todoBroadcastPong)
	n.resetManualFailover()
}

// logCannotFailover says why there is no failover, not too often. Mirrors clusterLogCantFailover.
func (n *Node) logCannotFailover(why cannotFailover) {
	v := &n.vote
	if why == v.cannot && n.now/1000-v.lastLogged/1000 < relogPeriod {
		return
	}
	v.cannot = why
	if m := n.myself.master; m != nil && m.failed() && n.now-m.failTime < n.set.NodeTimeout+quietFailTime {
		return
	}
	v.lastLogged = n.now
	n.logf(LevelNotice, "Currently unable to failover: %s", cannotTexts[why])
	if why == cannotWaitingVotes || why == cannotExpired {
		n.logf(LevelNotice, "Needed quorum: %d. Number of votes received so far: %d", n.quorum(), v.count)
	}
}
