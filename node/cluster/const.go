package cluster

import "github.com/slotdiff/slotdiff/wire/bus"

// Constants of the protocol's behaviour. Source: cluster_legacy.h and cluster_legacy.c of Redis
// 8.6.3. Spans are milliseconds unless said otherwise.
const (
	cronPeriod       = 100
	minHandshakeTime = 1000 // a handshake lasts no less than this, or the node timeout
	pingEveryTicks   = 10   // one node is picked for a ping every so many ticks,
	pingCandidates   = 5    // the one longest silent among so many

	failReportValidityMult = 2 // CLUSTER_FAIL_REPORT_VALIDITY_MULT, times the node timeout
	failUndoTimeMult       = 2 // CLUSTER_FAIL_UNDO_TIME_MULT, times the node timeout

	maxRejoinDelay = 5000 // CLUSTER_MAX_REJOIN_DELAY
	minRejoinDelay = 500  // CLUSTER_MIN_REJOIN_DELAY
	writableDelay  = 2000 // CLUSTER_WRITABLE_DELAY

	manualFailoverTimeout = 5000 // CLUSTER_MF_TIMEOUT
	manualFailoverPause   = 2    // CLUSTER_MF_PAUSE_MULT, times the timeout

	blacklistTTL = 60 // CLUSTER_BLACKLIST_TTL, seconds

	emptySendQueue = 48 // sizeof(list): what a link's queue takes up when nothing waits, bytes

	gossipMin       = 3   // gossip entries wanted at least,
	gossipFraction  = 10  // and one in so many of the known nodes
	gossipFuture    = 500 // a pong seen by others may lie so far ahead of this clock
	gossipTriesMult = 3

	busPortIncrement = bus.PortIncrement
)

// todo is work put off to the end of a batch of events (CLUSTER_TODO_*).
type todo uint8

const (
	todoFailover todo = 1 << iota
	todoUpdateState
	todoSave
	todoSync // has no effect without todoSave
	todoManualFailover
	todoBroadcastPong
)
