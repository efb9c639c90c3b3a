package config

import (
	"fmt"
	"strings"

	"github.com/slotdiff/slotdiff/wire/resp"
)

// LineError is a configuration that cannot be used, with the line to blame.
type LineError struct {
	Line   int // 1-based; 0 where no single line is to blame
	Text   string
	Reason string
}

// Error is the text that redis-server prints (config.c:loadServerConfigFromString).
func (e *LineError) Error() string {
	var b strings.Builder
	if e.Line > 0 {
		fmt.Fprintf(&b, "Reading the configuration file, at line %d\n>>> '%s'\n", e.Line, e.Text)
	}
	b.WriteString(e.Reason)
	return b.String()
}

// ignored directives take effect nowhere in a cluster node of ours: deprecated
// ones, and those that the server handles apart from the table.
var ignored = map[string]bool{
	"list-max-ziplist-entries": true, "list-max-ziplist-value": true,
	"lua-replicate-commands": true, "io-threads-do-reads": true,
}

// Load reads the text of a configuration file, with the directives of the
// command line at its end. include is called for include directives; nil
// refuses them. It returns a *LineError.
func (c *Config) Load(text string, include func(path string) (string, error)) error {
	for i, line := range strings.Split(text, "\n") {
		line = strings.Trim(line, " \t\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		if reason := c.loadLine(line, include); reason != "" {
			return &LineError{i + 1, line, reason}
		}
	}
	if c.Bool("cluster-enabled") && c.Text("replicaof") != "" {
		return &LineError{Reason: "replicaof directive not allowed in cluster mode"}
	}
	return nil
}

func (c *Config) loadLine(line string, include func(string) (string, error)) (reason string) {
	argv, ok := splitArgs(line)
	if !ok {
		return "Unbalanced quotes in configuration line"
	}
	if len(argv) == 0 {
		return ""
	}
	name := lower(argv[0])
	d := byName[name]
	if d == nil {
		switch {
		case ignored[name] && len(argv) == 2:
			return ""
		case name == "include" && len(argv) == 2 && include != nil:
			text, err := include(argv[1])
			if err == nil {
				err = c.Load(text, include)
			}
			if err != nil {
				return err.Error()
			}
			return ""
		case len(argv) < 2:
			return "Bad directive or wrong number of arguments"
		}
		return "Bad directive or wrong number of arguments: '" + argv[0] + "' is not known"
	}
	args := argv[1:]
	if d.is("m") && len(args) == 1 && args[0] != "" {
		if args, ok = splitArgs(args[0]); !ok {
			return "Unbalanced quotes in configuration line"
		}
	}
	v, reason := d.parse(args)
	if reason != "" {
		return reason
	}
	if d.Name == "save" && c.touched["save"] && v != "" && c.values[d] != "" {
		v = c.values[d] + " " + v // several save lines add up
	}
	c.touched[d.Name] = true
	c.values[d] = v
	return ""
}

// Named reports whether a file or the command line set the directive.
func (c *Config) Named(name string) bool { return c.touched[must(name).Name] }

// CommandLine turns "--name value ..." words into lines of configuration text.
// Mirrors server.c:main: a word that starts with "--" opens a directive only
// when the one before has an argument.
func CommandLine(args []string) string {
	var b strings.Builder
	complete := true // the last directive has an argument
	for i, a := range args {
		if !complete || !strings.HasPrefix(a, "--") {
			b.WriteString(quote(a) + " ")
			complete = true
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(a[2:] + " ")
		words, _ := splitArgs(a)
		complete = len(words) != 1
		next := i+1 < len(args)
		if !complete && strings.EqualFold(a, "--save") && (!next || strings.HasPrefix(args[i+1], "--")) {
			b.WriteString(`""`)
			complete = next
		}
	}
	return b.String()
}

// quote writes s so that splitArgs reads it back (sds.c:sdscatrepr).
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch {
		case c == '\\' || c == '"':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + `"`
}

func splitArgs(line string) ([]string, bool) {
	words, ok := resp.SplitArgs([]byte(line))
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out, ok
}
