package oracle

import "strings"

// Defaults are the directives every cluster node gets, in the order they are
// written. NodeSpec.Directives displace those of the same name. bind, port, dir and
// the like come from the driver and are not among them.
//
// knows reports whether the server knows a directive; a server refuses to start on
// one that it does not. A nil knows means that it knows all.
func Defaults(knows func(directive string) bool) [][2]string {
	all := [][2]string{
		{"cluster-enabled", "yes"},
		{"cluster-config-file", "nodes.conf"},
		{"daemonize", "no"},
		{"loglevel", "notice"},
		{"save", ""},
		{"appendonly", "no"},
		// A latency spike of the machine must not show in a transcript.
		{"latency-monitor-threshold", "0"},
		{"slowlog-log-slower-than", "-1"},
		{"crash-memcheck-enabled", "no"},
		{"set-proc-title", "no"},
		{"always-show-logo", "no"},
		{"enable-debug-command", "yes"},
		{"enable-protected-configs", "yes"},
		// Redis after 8.6 starts no cluster node without TLS on its bus
		// unless this is off; 8.6 does not know it.
		{"cluster-bus-port-protected-mode", "no"},
	}
	var out [][2]string
	for _, d := range all {
		if knows == nil || knows(d[0]) {
			out = append(out, d)
		}
	}
	return out
}

// ConfText writes a configuration file: base, then extra, where a directive of extra
// displaces all of its name in base. Names are compared without case.
func ConfText(base, extra [][2]string) string {
	displaced := map[string]bool{}
	for _, d := range extra {
		displaced[strings.ToLower(d[0])] = true
	}
	var b strings.Builder
	line := func(d [2]string) {
		v := d[1]
		if v == "" {
			v = `""`
		}
		b.WriteString(d[0] + " " + v + "\n")
	}
	for _, d := range base {
		if !displaced[strings.ToLower(d[0])] {
			line(d)
		}
	}
	for _, d := range extra {
		line(d)
	}
	return b.String()
}
