package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/wire/bus"
)

func init() {
	register(map[string]handler{"info": func(e *Engine, c *Client) {
		var words []string
		for _, a := range c.argv[1:] {
			words = append(words, table.Option(a))
		}
		c.verbatim([]byte(e.info(words)))
	}})
}

// sections are those of INFO in Redis's order; the flag says whether they are
// shown without being asked for.
var sections = []struct {
	name, title string
	byDefault   bool
	fields      func(e *Engine, add func(name string, value any))
}{
	{"server", "Server", true, infoServer},
	{"clients", "Clients", true, infoClients},
	{"memory", "Memory", true, infoMemory},
	{"persistence", "Persistence", true, infoPersistence},
	{"stats", "Stats", true, infoStats},
	{"replication", "Replication", true, infoReplication},
	{"modules", "Modules", true, func(_ *Engine, add func(string, any)) {
		add("module", "name=vectorset,ver=1,api=1,filters=0,usedby=[],using=[],options=[handle-io-errors|handle-repl-async-load]")
	}},
	{"commandstats", "Commandstats", false, infoCommands},
	{"errorstats", "Errorstats", true, infoErrors},
	{"cluster", "Cluster", true, func(_ *Engine, add func(string, any)) { add("cluster_enabled", 1) }},
	{"keyspace", "Keyspace", true, infoKeyspace},
}

// info makes the text of INFO. Mirrors server.c:genRedisInfoString in its
// sections, names and order; facts that this node does not have are left out.
func (e *Engine) info(words []string) string {
	all := slices.Contains(words, "all") || slices.Contains(words, "everything")
	byDefault := len(words) == 0 || slices.Contains(words, "default")
	var b strings.Builder
	for _, s := range sections {
		if !all && !(byDefault && s.byDefault) && !slices.Contains(words, s.name) {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\r\n")
		}
		fmt.Fprintf(&b, "# %s\r\n", s.title)
		s.fields(e, func(name string, value any) { fmt.Fprintf(&b, "%s:%v\r\n", name, value) })
	}
	return b.String()
}

func infoServer(e *Engine, add func(string, any)) {
	up := (e.now - e.Facts.StartTime) / 1000
	add("redis_version", Version)
	add("redis_git_sha1", "00000000")
	add("redis_git_dirty", 0)
	add("redis_build_id", "slotnode")
	add("redis_mode", "cluster")
	add("arch_bits", 64)
	add("process_id", e.Facts.PID)
	add("process_supervised", "no")
	add("run_id", e.Facts.RunID)
	add("tcp_port", e.Facts.TCPPort)
	add("server_time_usec", e.nowUS)
	add("uptime_in_seconds", up)
	add("uptime_in_days", up/86400)
	add("hz", e.Config.Text("hz"))
	add("configured_hz", e.Config.Text("hz"))
	add("executable", e.Facts.Executable)
	add("config_file", e.Facts.ConfigFile)
}

func infoClients(e *Engine, add func(string, any)) {
	blocked, pubsub, watching, inTable := 0, 0, 0, 0
	for _, c := range e.clients {
		blocked += b2i(c.blocked != nil)
		pubsub += b2i(c.subscriptions() > 0)
		watching += b2i(len(c.watched) > 0)
		inTable += b2i(c.blocked != nil && c.blocked.until != 0)
	}
	links := 0
	for _, n := range e.Cluster.View().Nodes {
		links += b2i(n.Out != nil) + b2i(n.In != nil)
	}
	add("connected_clients", len(e.clients))
	add("cluster_connections", links)
	add("maxclients", e.Config.Text("maxclients"))
	add("blocked_clients", blocked)
	add("tracking_clients", 0)
	add("pubsub_clients", pubsub)
	add("watching_clients", watching)
	add("clients_in_timeout_table", inTable)
	add("total_watched_keys", len(e.watchers))
	add("total_blocking_keys", len(e.waiting))
	add("total_blocking_keys_on_nokey", 0)
}

func infoMemory(e *Engine, add func(string, any)) {
	add("maxmemory", e.Config.Text("maxmemory"))
	add("maxmemory_policy", e.Config.Text("maxmemory-policy"))
	add("mem_replication_backlog", 0)
}

func infoPersistence(e *Engine, add func(string, any)) {
	add("loading", 0)
	add("async_loading", 0)
	add("rdb_bgsave_in_progress", 0)
	add("rdb_last_save_time", e.Facts.StartTime/1000)
	add("rdb_last_bgsave_status", "ok")
	aof := 0
	if e.journal.on {
		aof = 1
	}
	add("aof_enabled", aof)
	add("aof_rewrite_in_progress", 0)
}

func infoStats(e *Engine, add func(string, any)) {
	add("total_connections_received", e.stats.connections)
	add("total_commands_processed", e.stats.commands)
	add("instantaneous_ops_per_sec", 0)
	add("rejected_connections", 0)
	add("sync_full", 0)
	add("sync_partial_ok", 0)
	add("sync_partial_err", 0)
	add("expired_keys", e.stats.expired)
	add("evicted_keys", 0)
	add("keyspace_hits", e.stats.hits)
	add("keyspace_misses", e.stats.misses)
	add("pubsub_channels", len(e.channels))
	add("pubsub_patterns", len(e.patterns))
	add("pubsubshard_channels", len(e.shards))
	add("migrate_cached_sockets", 0)
	add("total_error_replies", e.stats.errors)
}

func infoReplication(e *Engine, add func(string, any)) {
	if m := e.following(); m != nil {
		add("role", "slave")
		add("master_host", m.host)
		add("master_port", m.port)
		add("master_link_status", "down")
		add("master_last_io_seconds_ago", -1)
		add("master_sync_in_progress", 0)
		add("slave_read_repl_offset", 0)
		add("slave_repl_offset", 0)
		add("slave_priority", e.Config.Text("replica-priority"))
		add("slave_read_only", b2i(e.Config.Bool("replica-read-only")))
		add("replica_announced", b2i(e.Config.Bool("replica-announced")))
	} else {
		add("role", "master")
	}
	add("connected_slaves", 0)
	add("master_failover_state", "no-failover")
	add("master_replid", e.Facts.RunID)
	add("master_replid2", strings.Repeat("0", bus.IDLen))
	add("master_repl_offset", e.offset)
	add("second_repl_offset", -1)
	add("repl_backlog_active", 0)
	add("repl_backlog_size", e.Config.Text("repl-backlog-size"))
	add("repl_backlog_first_byte_offset", 0)
	add("repl_backlog_histlen", 0)
}

func infoCommands(e *Engine, add func(string, any)) {
	byName := map[string]*calls{}
	for cmd, n := range e.stats.perCommand {
		if *n != (calls{}) {
			byName[cmd.Name] = n
		}
	}
	for _, name := range sortedNames(byName) {
		n := byName[name]
		add("cmdstat_"+name, fmt.Sprintf("calls=%d,usec=0,usec_per_call=0.00,rejected_calls=%d,failed_calls=%d", n.calls, n.rejected, n.failed))
	}
}

func infoErrors(e *Engine, add func(string, any)) {
	for _, code := range sortedNames(e.stats.byError) {
		add("errorstat_"+code, fmt.Sprintf("count=%d", e.stats.byError[code]))
	}
}

func infoKeyspace(e *Engine, add func(string, any)) {
	if n := e.DB.Len(); n > 0 {
		add("db0", fmt.Sprintf("keys=%d,expires=%d,avg_ttl=0,subexpiry=0", n, e.DB.Expires()))
	}
}
