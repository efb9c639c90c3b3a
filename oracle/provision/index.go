package provision

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// pkg is a binary package of one suite.
type pkg struct {
	Name, Version, Section, Suite string
	Depends                       []string // groups of alternatives, as written
	Provides                      []string // names only
}

// index is what the Packages files of some suites list, by name and by provided name.
type index struct {
	byName   map[string][]*pkg
	provides map[string][]*pkg
}

func newIndex() *index {
	return &index{byName: map[string][]*pkg{}, provides: map[string][]*pkg{}}
}

// read adds a Packages file.
func (x *index) read(r io.Reader, suite string) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 64<<10), 16<<20)
	p := &pkg{Suite: suite}
	flush := func() {
		if p.Name != "" && p.Version != "" {
			x.byName[p.Name] = append(x.byName[p.Name], p)
			for _, v := range p.Provides {
				x.provides[v] = append(x.provides[v], p)
			}
		}
		p = &pkg{Suite: suite}
	}
	for sc.Scan() {
		line := sc.Bytes()
		if len(line) == 0 {
			flush()
			continue
		}
		// Only the few fields that matter are worth a string: the file has
		// a million lines.
		switch line[0] {
		case 'P', 'V', 'S', 'D':
		default:
			continue
		}
		key, value, ok := strings.Cut(string(line), ": ")
		if !ok {
			continue
		}
		switch key {
		case "Package":
			p.Name = value
		case "Version":
			p.Version = value
		case "Section":
			p.Section = value
		case "Depends", "Pre-Depends":
			p.Depends = append(p.Depends, strings.Split(value, ", ")...)
		case "Provides":
			for v := range strings.SplitSeq(value, ", ") {
				name, _, _ := strings.Cut(v, " ")
				p.Provides = append(p.Provides, name)
			}
		}
	}
	flush()
	return sc.Err()
}

// newest returns the newest version of a package that matches an upstream version.
func (x *index) newest(name, upstream string, match func(have, want string) bool) *pkg {
	var best *pkg
	for _, p := range x.byName[name] {
		if match(upstreamVersion(p.Version), upstream) && (best == nil || compareDeb(p.Version, best.Version) > 0) {
			best = p
		}
	}
	return best
}

// closure returns the packages whose files are needed to run root's programs: root
// and the libraries it depends on, by way of libraries. What packages need to be
// installed (users, init scripts, configuration dialogues) is left out.
// base is the suite that libraries come from unless another is asked for by version.
func (x *index) closure(root *pkg, base string) ([]*pkg, error) {
	chosen := map[string]*pkg{root.Name: root}
	order := []*pkg{root}
	for i := 0; i < len(order); i++ {
		p := order[i]
		for _, group := range p.Depends {
			dep, err := x.choose(group, base, chosen)
			if err != nil {
				return nil, fmt.Errorf("package %s %s: %w", p.Name, p.Version, err)
			}
			if dep == nil || chosen[dep.Name] != nil {
				continue
			}
			chosen[dep.Name] = dep
			order = append(order, dep)
		}
	}
	slices.SortFunc(order, func(a, b *pkg) int { return strings.Compare(a.Name, b.Name) })
	return order, nil
}

// choose returns the package that satisfies a group of alternatives, or nil where
// its files are not needed.
func (x *index) choose(group, base string, chosen map[string]*pkg) (*pkg, error) {
	for alt := range strings.SplitSeq(group, "|") {
		name, op, version := parseDep(alt)
		if !needed(name) {
			return nil, nil
		}
		if p := chosen[name]; p != nil && satisfies(p.Version, op, version) {
			return p, nil
		}
		var best *pkg
		candidates := x.byName[name]
		if len(candidates) == 0 && op == "" {
			candidates = x.provides[name]
		}
		for _, p := range candidates {
			if !satisfies(p.Version, op, version) {
				continue
			}
			better := best == nil || best.Suite != base && p.Suite == base ||
				best.Suite == p.Suite && compareDeb(p.Version, best.Version) > 0
			if better {
				best = p
			}
		}
		if best != nil {
			return best, nil
		}
	}
	return nil, fmt.Errorf("nothing satisfies %q", strings.TrimSpace(group))
}

// needed says whether a package named as a dependency holds files that a running
// server loads. Names of libraries are a rule of Debian's policy (8.1).
func needed(name string) bool {
	switch {
	case strings.HasPrefix(name, "libc-gconv-"): // character sets, never loaded by a server
		return false
	case strings.HasPrefix(name, "lib"), strings.HasPrefix(name, "lua-"), name == "zlib1g":
		return true
	}
	return strings.HasPrefix(name, "redis-") || strings.HasPrefix(name, "valkey-")
}

// parseDep reads one alternative: "libc6 (>= 2.38)", "libc6:any", "libc6 [amd64]".
func parseDep(s string) (name, op, version string) {
	s = strings.TrimSpace(s)
	name, rest, _ := strings.Cut(s, " ")
	name, _, _ = strings.Cut(name, ":")
	if i, j := strings.IndexByte(rest, '('), strings.IndexByte(rest, ')'); i >= 0 && j > i {
		op, version, _ = strings.Cut(rest[i+1:j], " ")
	}
	return name, op, version
}

func satisfies(have, op, want string) bool {
	c := compareDeb(have, want)
	switch op {
	case "":
		return true
	case "=":
		return c == 0
	case ">=":
		return c >= 0
	case ">>":
		return c > 0
	case "<=":
		return c <= 0
	case "<<":
		return c < 0
	}
	return false
}
