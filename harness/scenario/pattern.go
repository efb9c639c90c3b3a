package scenario

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/harness/contract"
)

// idPattern matches a short or full id of the contract, in any case of letters.
var idPattern = regexp.MustCompile(`^(?i:` + contract.Packet + `-)?([abeuABEU][0-9]{2,3})$`)

// Select returns the cases that any of the patterns matches, in their order. No
// pattern selects every case. An argument may hold several patterns separated
// by blanks. A pattern is
//
//	E003, FR-P2C-007-E003   a scenario      U003   the scenario of a row's unit test
//	B03                     a row           A03    an anchor
//	redirect/moved          a path, with or without .case, or a folder
//	redirect/*  **/moved*   a path glob: * does not cross "/", ** does
//	moved_after_claim       a file name, if no folder is given
//
// and what selects a case selects all its variants, of which a name with a mix,
// mixed/meet@oracle=a, selects one.
//
// A pattern that matches nothing is an error that proposes near names.
func Select(cases []*Case, patterns []string) ([]*Case, error) {
	var all []string
	for _, p := range patterns {
		all = append(all, strings.Fields(p)...)
	}
	if len(all) == 0 {
		return slices.Clone(cases), nil
	}
	hit := make([]bool, len(cases))
	var misses []string
	for _, p := range all {
		match, err := matcher(p)
		if err != nil {
			return nil, err
		}
		found := false
		for i, c := range cases {
			if match(c) {
				hit[i], found = true, true
			}
		}
		if !found {
			misses = append(misses, missing(p, cases))
		}
	}
	if len(misses) > 0 {
		return nil, fmt.Errorf("pattern: %s", strings.Join(misses, "; "))
	}
	var out []*Case
	for i, c := range cases {
		if hit[i] {
			out = append(out, c)
		}
	}
	return out, nil
}

func matcher(pattern string) (func(*Case) bool, error) {
	if m := idPattern.FindStringSubmatch(pattern); m != nil {
		id := strings.ToUpper(m[1])
		switch id[0] {
		case 'A':
			return func(c *Case) bool { return slices.Contains(c.Header.Anchors, id) }, nil
		case 'B':
			return func(c *Case) bool { return c.Header.Contract == id }, nil
		case 'U':
			id = "E" + id[1:]
		}
		return func(c *Case) bool { return contract.Short(c.Header.Scenario) == id }, nil
	}
	p := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(pattern, "./"), "cases/"), Ext)
	p = strings.TrimSuffix(p, "/")
	if !strings.ContainsAny(p, "*?[") {
		return func(c *Case) bool {
			n, file := c.Name(), c.fileName()
			return n == p || file == p || strings.HasPrefix(n, p+"/") || !strings.Contains(p, "/") && (path.Base(n) == p || path.Base(file) == p)
		}, nil
	}
	re, err := globRegexp(p)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	return func(c *Case) bool { return re.MatchString(c.Name()) || re.MatchString(c.fileName()) }, nil
}

// globRegexp translates a glob: ** any text, * any text without "/", ? one
// character, [abc] one of a set.
func globRegexp(glob string) (*regexp.Regexp, error) {
	if _, err := path.Match(glob, ""); err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString("^")
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case strings.HasPrefix(glob[i:], "**/"):
			b.WriteString("(?:.*/)?")
			i += 2
		case strings.HasPrefix(glob[i:], "**"):
			b.WriteString(".*")
			i++
		case c == '*':
			b.WriteString("[^/]*")
		case c == '?':
			b.WriteString("[^/]")
		case c == '[':
			end := strings.IndexByte(glob[i+1:], ']')
			if end < 0 {
				return nil, path.ErrBadPattern
			}
			b.WriteString("[" + strings.ReplaceAll(glob[i+1:i+1+end], `\`, `\\`) + "]")
			i += end + 1
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return regexp.Compile(b.String() + "$")
}

// missing says that a pattern matches nothing, and what is near it.
func missing(pattern string, cases []*Case) string {
	var names []string
	seen := map[string]bool{}
	add := func(n string) {
		if n != "" && !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	isID := idPattern.MatchString(pattern)
	for _, c := range cases {
		if isID {
			add(contract.Short(c.Header.Scenario))
			add(c.Header.Contract)
			for _, a := range c.Header.Anchors {
				add(a)
			}
			continue
		}
		add(c.Name())
		add(path.Base(c.Name()))
		add(path.Dir(c.Name()) + "/*")
	}
	got := pattern
	if isID {
		got = strings.ToUpper(contract.Short(strings.ToUpper(pattern)))
	}
	msg := fmt.Sprintf("%q matches no case", pattern)
	if near := nearest(strings.TrimSuffix(got, Ext), names, 3); len(near) > 0 {
		msg += ", near: " + strings.Join(near, " ")
	} else {
		msg += fmt.Sprintf(" of %d (slotdiff list shows them)", len(cases))
	}
	return msg
}
