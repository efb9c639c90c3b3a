package oracle

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
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
	"dir": true, "logfile": true, "daemonize": true, "unixsocket": true, "include": true, "pidfile": true,
}

// FreePort is the value of cluster-port that stands for a port which the driver reserves.
const FreePort = "free"

// CheckDirectives refuses directives that only a driver may set, text that would become
// more than one line, and addresses and ports by which a server could leave its place: it
// must listen on loopback, where the driver looks for it, or not at all.
func CheckDirectives(ds [][2]string) error {
	for _, d := range ds {
		name := strings.ToLower(d[0])
		switch {
		case owned[name]:
			return fmt.Errorf("directive %s: set by the driver, not by a case", d[0])
		case d[0] == "" || strings.ContainsAny(d[0], " \t\r\n") || strings.ContainsAny(d[1], "\r\n"):
			return fmt.Errorf("directive %q %q: want a name without blanks and a value of one line", d[0], d[1])
		case name == "bind":
			if err := checkBind(d[1]); err != nil {
				return fmt.Errorf("directive bind: %w", err)
			}
		case name == "port" && !refusedPort(d[1]):
			return fmt.Errorf("directive port %s: set by the driver; a case gives one that a server refuses, or that of another node", d[1])
		case name == "cluster-port" && d[1] != FreePort && !refusedPort(d[1]):
			return fmt.Errorf("directive cluster-port %s: want %s, one that a server refuses, or that of another node", d[1], FreePort)
		}
	}
	return nil
}

// SetsPlace reports whether directives say where a node listens, so that another port
// would not help a server that cannot.
func SetsPlace(ds [][2]string) bool {
	return slices.ContainsFunc(ds, func(d [2]string) bool {
		name := strings.ToLower(d[0])
		return name == "port" || name == "bind" || name == "cluster-port" && d[1] != FreePort
	})
}

// refusedPort reports whether no server of a case listens on a port: it is none, has no bus port
// above it, or it is one that AcquirePort gave to another.
func refusedPort(s string) bool {
	n, err := strconv.Atoi(s)
	return err != nil || n <= 0 || n > 65535-BusOffset || n >= PortMin && n <= PortMax+BusOffset
}

// checkBind demands loopback addresses, and as the first one that by which the driver
// finds its node. An address of 192.0.2.0/24, which no machine has, is for the refusal;
// so is no address at all.
func checkBind(value string) error {
	words := strings.Fields(strings.Trim(value, `"`))
	for i, w := range words {
		addr, err := netip.ParseAddr(strings.TrimPrefix(w, "-"))
		switch {
		case err != nil:
			return fmt.Errorf("%q is no address", w)
		case !addr.IsLoopback() && !netip.MustParsePrefix("192.0.2.0/24").Contains(addr):
			return fmt.Errorf("%s is not on loopback", w)
		case i == 0 && addr.IsLoopback() && addr != netip.AddrFrom4([4]byte{127, 0, 0, 1}):
			return fmt.Errorf("%s: want 127.0.0.1 first", w)
		}
	}
	return nil
}

// PlaceBus returns directives with a reserved port in place of FreePort; spare is nil
// where there is none, else to be released with the node.
func PlaceBus(ds [][2]string) (placed [][2]string, spare *Port, err error) {
	i := slices.IndexFunc(ds, func(d [2]string) bool { return strings.EqualFold(d[0], "cluster-port") && d[1] == FreePort })
	if i < 0 {
		return ds, nil, nil
	}
	if spare, err = AcquirePort(); err != nil {
		return nil, nil, err
	}
	placed = slices.Clone(ds)
	placed[i][1] = strconv.Itoa(int(spare.Client()))
	return placed, spare, nil
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
