package command

import (
	"strings"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/command/config"
)

func init() {
	register(map[string]handler{
		"config|get":       configGet,
		"config|set":       configSet,
		"config|resetstat": func(e *Engine, c *Client) { e.resetStats(); c.ok() },
		"config|rewrite":   configRewrite,
	})
}

func configGet(e *Engine, c *Client) {
	var patterns []string
	for _, a := range c.argv[2:] {
		patterns = append(patterns, string(a))
	}
	entries := e.Config.Get(patterns...)
	c.mapOf(len(entries))
	for _, en := range entries {
		c.text(en.Name)
		c.text(en.Value)
	}
}

func configSet(e *Engine, c *Client) {
	if len(c.argv)%2 == 1 {
		c.syntax()
		return
	}
	var pairs []string
	for _, a := range c.argv[2:] {
		pairs = append(pairs, string(a))
	}
	protected := e.Config.Text("enable-protected-configs")
	protectedOK := protected == "yes" || protected == "local" && strings.HasPrefix(c.Peer, "127.")
	if text := e.Config.Set(pairs, protectedOK, e.apply); text != "" {
		c.err("ERR " + text)
		return
	}
	c.ok()
}

// apply puts changed directives into effect.
func (e *Engine) apply(changed []string) (name, reason string) {
	reconfigure := false
	for _, n := range changed {
		switch {
		case n == "port" || n == "tls-port":
			return n, "Unable to listen on this port. Check server logs."
		case n == "bind":
			return n, "Failed to bind to specified addresses."
		case strings.HasPrefix(n, "cluster-"):
			reconfigure = true
		case n == "requirepass":
			e.setRequirePass()
		case n == "repl-ping-replica-period":
			reconfigure = true
		default:
			if err := e.host.Apply(n); err != nil {
				return n, err.Error()
			}
		}
	}
	if reconfigure {
		e.configure()
	}
	return "", ""
}

// configure hands the cluster directives to the core.
func (e *Engine) configure() {
	set := Settings(e.Config)
	set.DropPacketFilter = e.dropFilter
	if _, err := e.Cluster.Do(e.now, cluster.Configure{Settings: set}); err != nil {
		panic(err) // the driver's time went backwards: our bug
	}
}

// Settings are the directives that the cluster core obeys.
func Settings(c *config.Config) cluster.Settings {
	endpoint := cluster.EndpointIP
	switch c.Text("cluster-preferred-endpoint-type") {
	case "hostname":
		endpoint = cluster.EndpointHostname
	case "unknown-endpoint":
		endpoint = cluster.EndpointUnknown
	}
	n := func(name string) int { return int(c.Int(name)) }
	return cluster.Settings{
		NodeTimeout:              c.Int("cluster-node-timeout"),
		PingInterval:             c.Int("cluster-ping-interval"),
		Port:                     n("port"),
		TLSPort:                  n("tls-port"),
		BusPort:                  n("cluster-port"),
		TLSCluster:               c.Bool("tls-cluster"),
		AnnounceIP:               c.Text("cluster-announce-ip"),
		AnnouncePort:             n("cluster-announce-port"),
		AnnounceTLSPort:          n("cluster-announce-tls-port"),
		AnnounceBusPort:          n("cluster-announce-bus-port"),
		AnnounceHostname:         c.Text("cluster-announce-hostname"),
		AnnounceNodename:         c.Text("cluster-announce-human-nodename"),
		TLSReplication:           c.Bool("tls-replication"),
		Endpoint:                 endpoint,
		RequireFullCoverage:      c.Bool("cluster-require-full-coverage"),
		AllowReadsWhenDown:       c.Bool("cluster-allow-reads-when-down"),
		AllowPubSubShardWhenDown: c.Bool("cluster-allow-pubsubshard-when-down"),
		AllowReplicaMigration:    c.Bool("cluster-allow-replica-migration"),
		ReplicaNoFailover:        c.Bool("cluster-replica-no-failover"),
		ReplicaValidityFactor:    n("cluster-replica-validity-factor"),
		MigrationBarrier:         n("cluster-migration-barrier"),
		ReplPingPeriod:           n("repl-ping-replica-period"),
		LinkSendbufLimit:         c.Int("cluster-link-sendbuf-limit"),
		DropPacketFilter:         -1,
	}
}

func configRewrite(e *Engine, c *Client) {
	if e.Facts.ConfigFile == "" {
		c.err("ERR The server is running without a config file")
		return
	}
	if err := e.host.Rewrite(e.Config); err != nil {
		c.err("ERR Rewriting config file: " + err.Error())
		return
	}
	c.ok()
}
