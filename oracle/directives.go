package oracle

import (
	"fmt"
	"strings"
)

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

// owned are the directives a driver sets itself: by them it finds its node again.
var owned = map[string]bool{
	"port": true, "bind": true, "dir": true, "logfile": true, "daemonize": true,
	"cluster-port": true, "unixsocket": true, "include": true, "pidfile": true,
}

// CheckDirectives refuses directives that only a driver may set, and text that
// would become more than one line.
func CheckDirectives(ds [][2]string) error {
	for _, d := range ds {
		switch {
		case owned[strings.ToLower(d[0])]:
			return fmt.Errorf("directive %s: set by the driver, not by a case", d[0])
		case d[0] == "" || strings.ContainsAny(d[0], " \t\r\n") || strings.ContainsAny(d[1], "\r\n"):
			return fmt.Errorf("directive %q %q: want a name without blanks and a value of one line", d[0], d[1])
		}
	}
	return nil
}

// QuoteConf quotes a value of any content as one argument of redis.conf.
func QuoteConf(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
