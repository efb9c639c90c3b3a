package cluster

import "github.com/slotdiff/slotdiff/node/nodesconf"

// Time is a moment in milliseconds of Unix time, or a span in milliseconds. Moments given to
// [Node.Step] must be positive and never fall: zero means "never" in the protocol.
type Time = int64

// Random is the source of all chance: node ids, gossip picks, election delays.
// A rand.Source of math/rand/v2 is one.
type Random interface {
	Uint64() uint64
}

// Config is what [New] needs.
type Config struct {
	// Rand must not be nil.
	Rand Random
	// Now is the time of the start. It must be positive.
	Now Time
	// Saved is the configuration from nodes.conf, nil for a node that never ran. It is not kept.
	Saved *nodesconf.File
	// Settings are the cluster-* directives.
	Settings Settings
	// LogLevel is the least important level that is worth its formatting.
	LogLevel Level
}

// Settings are the directives of redis.conf that the core obeys. All but the ports that a node
// listens on may change while it runs, with the request [Configure].
type Settings struct {
	NodeTimeout  Time // cluster-node-timeout
	PingInterval Time // cluster-ping-interval (hidden); 0: half of NodeTimeout

	Port       int  // port; 0: none
	TLSPort    int  // tls-port; 0: none
	BusPort    int  // cluster-port; 0: the client port plus 10000
	TLSCluster bool // tls-cluster: the TLS port is the first port in packets

	AnnounceIP       string // cluster-announce-ip
	AnnouncePort     int    // cluster-announce-port; 0: Port
	AnnounceTLSPort  int    // cluster-announce-tls-port; 0: TLSPort
	AnnounceBusPort  int    // cluster-announce-bus-port; 0: the bus port
	AnnounceHostname string // cluster-announce-hostname
	AnnounceNodename string // cluster-announce-human-nodename
	TLSReplication   bool   // tls-replication: replicas connect to the TLS port

	Endpoint Endpoint // cluster-preferred-endpoint-type

	RequireFullCoverage      bool // cluster-require-full-coverage
	AllowReadsWhenDown       bool // cluster-allow-reads-when-down
	AllowPubSubShardWhenDown bool // cluster-allow-pubsubshard-when-down
	AllowReplicaMigration    bool // cluster-allow-replica-migration
	ReplicaNoFailover        bool // cluster-replica-no-failover

	ReplicaValidityFactor int   // cluster-replica-validity-factor; 0: any age will do
	MigrationBarrier      int   // cluster-migration-barrier
	ReplPingPeriod        int   // repl-ping-replica-period, in seconds
	LinkSendbufLimit      int64 // cluster-link-sendbuf-limit in bytes; 0: none

	DropPacketFilter int // DEBUG CLUSTER-DROP-PACKET-FILTER: a packet type; -1: none
}

// DefaultSettings are those of Redis 8.6.3 for a node that listens on port.
func DefaultSettings(port int) Settings {
	return Settings{
		NodeTimeout:              15000,
		Port:                     port,
		RequireFullCoverage:      true,
		AllowPubSubShardWhenDown: true,
		AllowReplicaMigration:    true,
		ReplicaValidityFactor:    10,
		MigrationBarrier:         1,
		ReplPingPeriod:           10,
		DropPacketFilter:         -1,
	}
}

// Endpoint says how nodes are named in redirections and in CLUSTER SLOTS.
type Endpoint uint8

// The values of cluster-preferred-endpoint-type.
const (
	EndpointIP       Endpoint = iota // ip
	EndpointHostname                 // hostname; "?" where a node has none
	EndpointUnknown                  // unknown-endpoint: empty in redirections, NULL in CLUSTER SLOTS
)

// clientPort mirrors defaultClientPort.
func (s *Settings) clientPort() int {
	if s.TLSCluster {
		return s.TLSPort
	}
	return s.Port
}

// announced mirrors deriveAnnouncedPorts: the ports that other nodes are told.
func (s *Settings) announced() (tcp, tls, bus int) {
	tcp, tls, bus = s.Port, s.TLSPort, s.clientPort()+busPortIncrement
	if s.AnnouncePort != 0 {
		tcp = s.AnnouncePort
	}
	if s.AnnounceTLSPort != 0 {
		tls = s.AnnounceTLSPort
	}
	if s.AnnounceBusPort != 0 {
		bus = s.AnnounceBusPort
	} else if s.BusPort != 0 {
		bus = s.BusPort
	}
	return tcp, tls, bus
}
