// Package config is the directives of redis.conf: their names, kinds, limits
// and defaults, the reading of a configuration file and of a command line, and
// CONFIG GET and SET. Values are kept as the text that CONFIG GET shows.
//
// It opens no file and has no effect of its own: who changes a directive acts
// on the names that Set returns.
package config

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/node/command/glob"
)

// directives is the table of 8.6.3, one line each: name, alias or "-", kind,
// flags (i immutable, h hidden, m many arguments, p protected, s sensitive,
// v volatile), limits (numbers) or choices (enums), default. Facts of
// config.c:static_configs and of the modules that are built in.
//
//go:embed directives.txt
var directives string

// Directive describes one setting. It is immutable.
type Directive struct {
	Name, Alias string
	kind        string
	flags       string
	limits      []string // enum choices, or the two bounds of a number
	Default     string
}

func (d *Directive) is(flag string) bool { return strings.Contains(d.flags, flag) }

var byName, all = func() (map[string]*Directive, []*Directive) {
	m := map[string]*Directive{}
	var list []*Directive
	for line := range strings.SplitSeq(strings.TrimSuffix(directives, "\n"), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 6 {
			panic("node/command/config: bad line " + line)
		}
		d := &Directive{Name: f[0], kind: f[2], flags: f[3], limits: strings.Fields(f[4]), Default: f[5]}
		m[d.Name] = d
		if f[1] != "-" {
			d.Alias = f[1]
			m[d.Alias] = d
		}
		list = append(list, d)
	}
	return m, list
}()

// Config is a set of values. The zero Config is not usable; use New.
type Config struct {
	values  map[*Directive]string
	touched map[string]bool // directives that a file or command line named
}

// New returns the defaults.
func New() *Config {
	c := &Config{values: make(map[*Directive]string, len(all)), touched: map[string]bool{}}
	for _, d := range all {
		c.values[d] = d.Default
	}
	return c
}

// Text returns a value. It panics on a name that is no directive.
func (c *Config) Text(name string) string { return c.values[must(name)] }

// Bool returns a yes/no value.
func (c *Config) Bool(name string) bool { return c.Text(name) == "yes" }

// Int returns a numeric value.
func (c *Config) Int(name string) int64 {
	n, err := strconv.ParseInt(c.Text(name), 10, 64)
	if err != nil {
		panic(fmt.Sprintf("node/command/config: %s is no number: %v", name, err))
	}
	return n
}

// Force sets a value without any check, for facts that the node itself
// establishes (the absolute dir, one database in cluster mode).
func (c *Config) Force(name, value string) { c.values[must(name)] = value }

func must(name string) *Directive {
	d := byName[name]
	if d == nil {
		panic("node/command/config: no directive " + name)
	}
	return d
}

// Entry is one name and value of CONFIG GET.
type Entry struct{ Name, Value string }

// Get answers CONFIG GET: the directives that match, each once, under the name
// or alias that matched. Mirrors config.c:configGetCommand, except that the
// order, which is a hash table's there, is that of the table here.
func (c *Config) Get(patterns ...string) []Entry {
	var out []Entry
	seen := map[string]bool{}
	add := func(name string, d *Directive) {
		if !seen[name] {
			seen[name] = true
			out = append(out, Entry{name, c.values[d]})
		}
	}
	for _, p := range patterns {
		if !strings.ContainsAny(p, "[*?") {
			p = lower(p)
			if d := byName[p]; d != nil {
				add(p, d)
			}
			continue
		}
		p = cString(p)
		for _, d := range all {
			if d.is("h") {
				continue
			}
			if glob.Match(p, d.Name, true) {
				add(d.Name, d)
			}
			if d.Alias != "" && glob.Match(p, d.Alias, true) {
				add(d.Alias, d)
			}
		}
	}
	return out
}

// Set answers CONFIG SET with name, value pairs: all or nothing. It returns the
// names (never aliases) whose value changed, or the error text without code.
// apply is called after every value is checked and may still refuse, which
// undoes everything; it names the directive that it refuses.
// Mirrors config.c:configSetCommand.
func (c *Config) Set(pairs []string, protectedOK bool, apply func(changed []string) (name, reason string)) (errText string) {
	ds := make([]*Directive, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		d := byName[lower(pairs[i])]
		switch {
		case d == nil:
			return fmt.Sprintf("Unknown option or number of arguments for CONFIG SET - '%s'", cString(pairs[i]))
		case d.is("i"):
			return failed(pairs[i], "can't set immutable config")
		case d.is("p") && !protectedOK:
			return failed(pairs[i], "can't set protected config")
		case slices.Contains(ds, d):
			return failed(pairs[i], "duplicate parameter")
		}
		ds = append(ds, d)
	}
	old := make([]string, len(ds))
	for i, d := range ds {
		old[i] = c.values[d]
	}
	restore := func() {
		for i, d := range ds {
			c.values[d] = old[i]
		}
	}
	var changed []string
	for i, d := range ds {
		args := []string{pairs[2*i+1]}
		if d.is("m") {
			args = strings.Split(args[0], " ") // here quotes mean nothing
		}
		v, err := d.parse(args)
		if err != "" {
			restore()
			return failed(d.Name, err)
		}
		if v != c.values[d] {
			c.values[d] = v
			changed = append(changed, d.Name)
		}
	}
	if name, reason := apply(changed); name != "" {
		restore()
		return failed(name, reason)
	}
	return ""
}

// cString is a text as C reads it: up to a NUL.
func cString(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return s
}

// lower makes the letters A to Z small.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

func failed(name, reason string) string {
	t := fmt.Sprintf("CONFIG SET failed (possibly related to argument '%s')", name)
	if reason != "" {
		t += " - " + reason
	}
	return t
}
