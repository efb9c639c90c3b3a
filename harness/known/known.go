// Package known reads the list of divergences that are known and accepted, and
// holds a run against it. It refuses to grow stale: an entry that matches no case,
// whose case passes, or whose date is past is an error of the run.
package known

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// Entry is one accepted divergence.
type Entry struct {
	Line    int    // in the file, 1-based
	Pattern string // path glob of cases: "redirect/*"
	Product string // of the target: "redis", "valkey", "slotnode"
	Version string // prefix of the target's version in whole numbers, "8.0"; "*" is any
	Mode    string // strict, hardened or "*"
	Expires time.Time
	Link    string // where the decision is recorded
	Reason  string
}

// List is a parsed file.
type List struct {
	File    string
	Entries []Entry
}

// Parse reads a list: one entry a line, of six blank-separated fields and the
// reason, which is the rest of the line; a line that begins with # is a comment.
//
//	PATTERN PRODUCT VERSION MODE EXPIRES LINK REASON...
//
// Every mistake is reported, with file and line.
func Parse(file string, text []byte) (*List, error) {
	l := &List{File: file}
	var errs []error
	sc := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; sc.Scan(); n++ {
		line := strings.TrimSpace(sc.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		e, err := parseEntry(line)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", file, n, err))
			continue
		}
		e.Line = n
		l.Entries = append(l.Entries, e)
	}
	if err := sc.Err(); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", file, err))
	}
	return l, errors.Join(errs...)
}

func parseEntry(line string) (Entry, error) {
	f := strings.Fields(line)
	if len(f) < 7 {
		return Entry{}, fmt.Errorf("%d fields, want PATTERN PRODUCT VERSION MODE EXPIRES LINK REASON", len(f))
	}
	e := Entry{Pattern: f[0], Product: f[1], Version: f[2], Mode: f[3], Link: f[5], Reason: strings.Join(f[6:], " ")}
	if _, err := path.Match(e.Pattern, ""); err != nil {
		return e, fmt.Errorf("pattern %q: %w", e.Pattern, err)
	}
	if e.Mode != "strict" && e.Mode != "hardened" && e.Mode != "*" {
		return e, fmt.Errorf("mode %q: want strict, hardened or *", e.Mode)
	}
	t, err := time.Parse(time.DateOnly, f[4])
	if err != nil {
		return e, fmt.Errorf("expiry %q: want a date such as 2027-01-31", f[4])
	}
	e.Expires = t
	return e, nil
}

// Match returns the first entry for a case, a target and a mode, or nil.
func (l *List) Match(name, product, version, mode string) *Entry {
	for i := range l.Entries {
		e := &l.Entries[i]
		if e.applies(product, version, mode) && e.covers(name) {
			return e
		}
	}
	return nil
}

// applies reports whether e is about such a target at all.
func (e *Entry) applies(product, version, mode string) bool {
	return e.Product == product && (e.Version == "*" || version == e.Version || strings.HasPrefix(version, e.Version+".")) &&
		(e.Mode == "*" || e.Mode == mode)
}

func (e *Entry) covers(name string) bool {
	ok, _ := path.Match(e.Pattern, name) // Parse has checked the pattern
	return ok
}

// Outcome is what a case came to, as far as the list is concerned.
type Outcome struct {
	Name     string
	Diverged bool // it failed, known or not
}

// Stale returns one error an entry of the list that the run has proved wrong.
// whole says that the run had every case: only then can an entry be said to match
// nothing. now is compared with the expiry.
func (l *List) Stale(outcomes []Outcome, product, version, mode string, whole bool, now time.Time) []error {
	var errs []error
	for i := range l.Entries {
		e := &l.Entries[i]
		if !e.applies(product, version, mode) {
			continue
		}
		at := fmt.Sprintf("%s:%d: %s", l.File, e.Line, e.Pattern)
		if now.After(e.Expires) {
			errs = append(errs, fmt.Errorf("%s: expired on %s", at, e.Expires.Format(time.DateOnly)))
		}
		matched, diverged := 0, 0
		for _, o := range outcomes {
			if e.covers(o.Name) {
				matched++
				if o.Diverged {
					diverged++
				}
			}
		}
		switch {
		case matched == 0 && whole:
			errs = append(errs, fmt.Errorf("%s: matches no case", at))
		case matched > 0 && diverged == 0:
			errs = append(errs, fmt.Errorf("%s: every case it matches passes now: delete the entry", at))
		}
	}
	return errs
}
