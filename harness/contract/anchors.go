package contract

// Anchor is a place in the legacy source and the behaviour extracted from it.
type Anchor struct {
	// ID is "A01" to "A30".
	ID string
	// Sources are file:line ranges of the legacy tree. A30 alone points into the
	// tree the contract was first written for, which is not legacy Redis.
	Sources []string
	// Contract is the behaviour, one sentence.
	Contract string
}

// Anchors A01-A30 of packet FR-P2C-007, from its table "Legacy anchor map".
var anchors = []Anchor{
	{"A01", []string{"cluster.c:1004-1121"}, "CLUSTER command router enforces subcommand arity/validation and routes NODES, SLOTS, SHARDS, INFO, KEYSLOT, and key-slot introspection paths."},
	{"A02", []string{"cluster.c:1126-1147"}, "extractSlotFromKeysResult enforces single-slot constraint and emits cross-slot classification (CLUSTER_CROSSSLOT)."},
	{"A03", []string{"cluster.c:1183-1435"}, "getNodeByQuery determines slot owner and redirection mode (NONE, MOVED, ASK, TRYAGAIN, CLUSTERDOWN) using slot state, importing/migrating status, read-only flags, and cluster health."},
	{"A04", []string{"cluster.c:1444-1471"}, "clusterRedirectClient maps internal redirect codes to exact user-visible errors (-CROSSSLOT, -TRYAGAIN, -CLUSTERDOWN, -MOVED, -ASK)."},
	{"A05", []string{"cluster.c:1485-1542"}, "clusterRedirectBlockedClientIfNeeded prevents indefinite blocking by redirecting blocked clients when slot ownership/health changes."},
	{"A06", []string{"cluster.c:1638-1676"}, "CLUSTER SLOTS response contract emits slot ranges with master/replica endpoint tuples and availability filtering."},
	{"A07", []string{"cluster.c:1683-1701", "cluster.c:2228-2234"}, "ASKING, READONLY, and READWRITE mutate client mode flags that directly alter redirection/read behavior."},
	{"A08", []string{"cluster.c:2304-2330"}, "verifyClusterConfigWithData enforces DB0-only assumption and repairs data/config drift via claim-unassigned + delete-unowned slot procedures."},
	{"A09", []string{"cluster_legacy.c:959-1042"}, "clusterInit creates cluster state, loads/creates node config, sets node identity/network metadata, and initializes failover/secret state."},
	{"A10", []string{"cluster_legacy.c:1043-1102"}, "clusterInitLast opens cluster bus listener and bind/port safety checks required for runtime cluster transport."},
	{"A11", []string{"cluster_legacy.c:1789-1812"}, "clusterHandleConfigEpochCollision deterministically resolves epoch collisions by lexicographic node-id rule and rebroadcasts PONG/config save."},
	{"A12", []string{"cluster_legacy.c:2778-3530"}, "clusterProcessPacket validates cluster bus packet structure/type/length/version and updates node/failover state-machine paths."},
	{"A13", []string{"cluster_legacy.c:3680-3890"}, "clusterSendPing composes gossip payloads and extension data to preserve liveness/failure-report propagation guarantees."},
	{"A14", []string{"cluster_legacy.c:3891-3905"}, "clusterSendFail broadcasts failing-node transition to converge failure view."},
	{"A15", []string{"cluster_legacy.c:3978-4003"}, "clusterPropagatePublish propagates publish traffic across full cluster or per-shard path (PUBLISH vs PUBLISHSHARD)."},
	{"A16", []string{"cluster_legacy.c:4298-4472"}, "clusterHandleSlaveFailover enforces election preconditions, rank-based delay, quorum vote counting, and takeover epoch updates."},
	{"A17", []string{"cluster_legacy.c:4496-4585"}, "clusterHandleSlaveMigration migrates replicas to orphaned masters using barrier and candidate-selection invariants."},
	{"A18", []string{"cluster_legacy.c:4641-4670"}, "clusterHandleManualFailover gates failover start on master-offset alignment and schedules immediate failover checks."},
	{"A19", []string{"cluster_legacy.c:4731-4940"}, "clusterCron handles reconnects, liveness checks, ping cadence, timeout-to-PFAIL transitions, and failover/migration triggers."},
	{"A20", []string{"cluster_legacy.c:4942-4970"}, "clusterBeforeSleep executes deferred cluster tasks (manual failover, state updates, config save, broadcast) before event-loop sleep."},
	{"A21", []string{"cluster_legacy.c:5071-5095"}, "clusterAddSlot/clusterDelSlot maintain slot-owner map, owner-not-claiming bitmap consistency, and per-slot stats reset."},
	{"A22", []string{"cluster_legacy.c:5151-5261"}, "clusterUpdateState computes CLUSTER_OK/CLUSTER_FAIL using slot coverage, reachable-master quorum, and rejoin-delay safety."},
	{"A23", []string{"cluster_legacy.c:5262-5288"}, "clusterClaimUnassignedSlots claims orphaned populated slots to reconcile runtime data with cluster config."},
	{"A24", []string{"cluster_legacy.c:5966-6429"}, "clusterCommandSpecial handles administrative cluster operations (MEET, FLUSHSLOTS, ADDSLOTS*, SETSLOT*, FAILOVER, epoch controls)."},
	{"A25", []string{"cluster_legacy.c:6524-6536"}, "clusterAllowFailoverCmd/clusterPromoteSelfToMaster enforce command-availability policy and promotion sequencing."},
	{"A26", []string{"server.c:4428-4449"}, "Main command path invokes cluster routing/redirection pre-dispatch; transaction behavior is adjusted on redirect rejection."},
	{"A27", []string{"server.c:1694-1701", "server.c:1892-1901"}, "Server cron and beforeSleep call cluster hooks at deterministic cadence and ordering."},
	{"A28", []string{"blocked.c:42-45", "blocked.c:184-191"}, "Blocking-operation subsystem explicitly depends on cluster redirect handling for key-wait operations including WAIT/WAITAOF class behavior."},
	{"A29", []string{"cluster_asm.c:478-501", "cluster_asm.c:719-779", "cluster_asm.c:2543-2632", "cluster_asm.c:2859-2900"}, "ASM syncslots sidecar publishes migration task state, rejects cross-slot propagation during migration, and advances import/migrate tasks via cron/before-sleep events."},
	{"A30", []string{"crates/fr-command/src/lib.rs:47-133", "crates/fr-runtime/src/lib.rs:53-227", "crates/fr-conformance/src/lib.rs:57-176"}, "Rust baseline currently routes core KV commands only; no cluster routing/redirection/failover/slot ownership/ASM interfaces are present."},
}
