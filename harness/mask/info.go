package mask

import "strings"

// varying is a field of an INFO-like text: "name:value" on a line of its own.
type varying struct {
	name   string // a * at its end stands for any rest
	hidden string // what is put in place of the value
	sample string // a value
	reason string
}

const (
	ofProcess = "It belongs to the process."
	ofMachine = "It belongs to the machine and the build, not to the server's behaviour."
	ofTime    = "It follows the clock."
	ofCPU     = "It measures time spent."
	ofMemory  = "It measures memory, down to the allocator."
	ofTraffic = "It counts traffic, and how much there has been is a matter of time."
	ofHarness = "It counts the harness's own connections and questions too."
)

// infoFields are the fields of INFO that differ between two runs of one server.
var infoFields = []varying{
	{"redis_build_id", "<build>", "8cac74f158079657", ofMachine},
	{"redis_git_sha1", "<build>", "00000000", ofMachine},
	{"os", "<machine>", "Linux 6.18 x86_64", ofMachine},
	{"monotonic_clock", "<machine>", "POSIX clock_gettime", ofMachine},
	{"multiplexing_api", "<machine>", "epoll", ofMachine},
	{"atomicvar_api", "<build>", "c11-builtin", ofMachine},
	{"gcc_version", "<build>", "15.2.0", ofMachine},
	{"process_id", "<pid>", "13278", ofProcess},
	{"run_id", "<run>", "51911da9513244fa17ca1893f191250b97b3b385", ofProcess},
	{"executable", "<path>", "/usr/bin/redis-server", ofProcess},
	{"config_file", "<path>", "/etc/redis.conf", ofProcess},
	{"server_time_usec", "<us>", "1795458150905835", ofTime},
	{"uptime_in_seconds", "<s>", "437", ofTime},
	{"lru_clock", "<s>", "296038", ofTime},
	{"connected_clients", "<n>", "3", ofHarness},
	{"cluster_connections", "<n>", "2", ofTraffic},
	{"client_recent_max_input_buffer", "<bytes>", "20480", ofMemory},
	{"client_recent_max_output_buffer", "<bytes>", "0", ofMemory},
	{"used_memory*", "<bytes>", "3763600", ofMemory},
	{"allocator_*", "<bytes>", "4026368", ofMemory},
	{"mem_*", "<bytes>", "2180464", ofMemory},
	{"rss_overhead_*", "<bytes>", "0.99", ofMemory},
	{"total_system_memory*", "<bytes>", "8201441280", ofMachine},
	{"used_cpu_*", "<s>", "1.922333", ofCPU},
	{"rdb_changes_since_last_save", "<n>", "21", ofHarness},
	{"rdb_last_save_time", "<s>", "1795457713", ofTime},
	{"total_connections_received", "<n>", "10837", ofHarness},
	{"total_commands_processed", "<n>", "10755", ofHarness},
	{"total_net_*", "<bytes>", "3773894", ofTraffic},
	{"instantaneous_*", "<rate>", "0.00", ofCPU},
	{"expire_cycle_cpu_milliseconds", "<ms>", "4", ofCPU},
	{"latest_fork_usec", "<us>", "312", ofCPU},
	{"total_reads_processed", "<n>", "22247", ofTraffic},
	{"total_writes_processed", "<n>", "11491", ofTraffic},
	{"reply_buffer_*", "<n>", "8639", ofTime},
	{"eventloop_*", "<n>", "36715", ofCPU},
	{"io_threaded_*", "<n>", "0", ofTraffic},
	{"master_replid", "<replid>", "03023dad229f8a55b686347c527f29e992064078", "A master makes up a random replication id."},
	{"master_last_io_seconds_ago", "<s>", "1", ofTime},
	{"io_thread_*", "<n>", "clients=2,reads=63485,writes=52591", ofTraffic},
	{"rdb_last_cow_size", "<bytes>", "942080", ofMemory},
	{"latency_percentiles_usec_*", "<us>", "p50=1.003,p99=9.023,p99.9=9.023", ofCPU},
}

// infoWords are words inside a field whose value is a list, "name:key=value,key=value".
var infoWords = []struct {
	field string // how the field's name begins
	varying
}{
	{"cmdstat_", varying{"usec", "<us>", "49", ofCPU}},
	{"cmdstat_", varying{"usec_per_call", "<us>", "24.50", ofCPU}},
	{"slave", varying{"offset", "<offset>", "14", "A master pings its replicas every ten seconds through the replication stream."}},
	{"slave", varying{"lag", "<s>", "1", ofTime}},
}

// offsetFields are replication offsets; see the mask packet-offset. A 0 stays.
var offsetFields = []string{"master_repl_offset", "slave_repl_offset", "slave_read_repl_offset", "second_repl_offset", "repl_backlog_first_byte_offset", "repl_backlog_histlen"}

var infoMasks = func() (masks []Mask) {
	info, clusterInfo := []string{"INFO"}, []string{"CLUSTER INFO"}
	for _, f := range infoFields {
		masks = append(masks, fieldMask("info-", f, info))
	}
	for _, w := range infoWords {
		masks = append(masks, wordMask(w.field, w.varying, info))
	}
	for _, name := range offsetFields {
		masks = append(masks, Mask{
			Name: "info-" + kebab(name), Field: "INFO's " + name + ", where it is above 0",
			Reason: "A master with a replica pings it every ten seconds through the replication stream.",
			Kinds:  info,
			Before: name + ":140", After: name + ":<offset>", Leaves: name + ":0",
			apply: eachText(func(text string) string {
				if value, ok := strings.CutPrefix(text, name+":"); ok && isNumber(value) && value != "0" {
					return name + ":<offset>"
				}
				return text
			}),
		})
	}
	return append(masks, fieldMask("", varying{"cluster_stats_messages_*", "<n>", "7", ofTraffic}, clusterInfo))
}()

// fieldMask hides the value of one field of an INFO-like text.
func fieldMask(prefix string, f varying, kinds []string) Mask {
	start, family := strings.CutSuffix(f.name, "*")
	name := start
	if family {
		name += "sample"
	}
	return Mask{
		Name: prefix + kebab(strings.TrimSuffix(start, "_")), Field: kinds[0] + "'s " + f.name, Reason: f.reason, Kinds: kinds,
		Before: name + ":" + f.sample, After: name + ":" + f.hidden, Leaves: "other_" + name + ":" + f.sample,
		apply: eachText(func(text string) string {
			field, _, ok := strings.Cut(text, ":")
			if !ok || (field != start && !(family && strings.HasPrefix(field, start))) {
				return text
			}
			return field + ":" + f.hidden
		}),
	}
}

// wordMask hides one word of the fields of an INFO-like text whose name begins with field.
func wordMask(field string, w varying, kinds []string) Mask {
	sample := func(value string) string { return field + "0:calls=2," + w.name + "=" + value + ",rejected_calls=0" }
	return Mask{
		Name: "info-" + kebab(field+"-"+w.name), Field: "INFO's " + w.name + " in " + field + "*", Reason: w.reason, Kinds: kinds,
		Before: sample(w.sample), After: sample(w.hidden), Leaves: "other_" + sample(w.sample),
		apply: eachText(func(text string) string {
			name, list, ok := strings.Cut(text, ":")
			if !ok || !strings.HasPrefix(name, field) {
				return text
			}
			words := strings.Split(list, ",")
			for i, word := range words {
				if strings.HasPrefix(word, w.name+"=") {
					words[i] = w.name + "=" + w.hidden
				}
			}
			return name + ":" + strings.Join(words, ",")
		}),
	}
}

func kebab(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "_", "-"), "--", "-")
}
