package bus

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// proven remembers from which shapes of nodes.conf a server has started again. A file is read field by field, so it is
// proven when each of its shapes is. It is safe for concurrent use.
type proven struct {
	mu   sync.Mutex
	seen map[string]bool
}

// first reports whether a line of the file has a shape that no earlier one had.
func (p *proven) first(side string, conf string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = map[string]bool{}
	}
	fresh := false
	for _, shape := range shapes(conf) {
		if key := side + shape; !p.seen[key] {
			p.seen[key], fresh = true, true
		}
	}
	return fresh
}

var (
	hexID  = regexp.MustCompile(`[0-9a-z]{40}`)
	number = regexp.MustCompile(`\d+`)
	word   = regexp.MustCompile(`[a-z-]{2,}\.[a-z]+`)
)

// shapes are what a file consists of, without the numbers and ids that a server reads all alike: the forms of addresses, each
// flag by itself, and for each line how its role, its master, its slots and its uniqueness go together.
func shapes(conf string) []string {
	lines := strings.Split(strings.TrimSpace(conf), "\n")
	ids := map[string]int{}
	for _, l := range lines {
		id, _, _ := strings.Cut(l, " ")
		ids[id]++
	}
	set := map[string]bool{}
	for _, l := range lines {
		f := strings.Split(l, " ")
		if len(f) < 8 || f[0] == "vars" {
			set["line "+plainShape(l)] = true
			continue
		}
		set["id "+plainShape(f[0])] = true
		addr, aux, _ := strings.Cut(f[1], ",")
		set["addr "+plainShape(addr)] = true
		for a := range strings.SplitSeq(aux, ",") {
			set["aux "+plainShape(a)] = true
		}
		for flag := range strings.SplitSeq(f[2], ",") {
			set["flag "+flag] = true
		}
		master := f[3]
		switch {
		case ids[master] > 0:
			master = "known"
		case master != "-":
			master = "unknown " + plainShape(master)
		}
		set[fmt.Sprintf("node myself=%t master=%t slave=%t of %s slots=%t again=%t", strings.Contains(f[2], "myself"),
			strings.Contains(f[2], "master"), strings.Contains(f[2], "slave"), master, len(f) > 8, ids[f[0]] > 1)] = true
		for _, s := range f[8:] {
			set["slots "+plainShape(s)] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func plainShape(s string) string {
	s = hexID.ReplaceAllString(s, "<id>")
	return number.ReplaceAllString(word.ReplaceAllString(s, "<name>"), "0")
}

// restarts starts a server from the nodes.conf of either side, unless its shape has been proven.
func (ln *lane) restarts(ctx context.Context, op int) (*found, error) {
	for i, kind := range []triage.Kind{triage.OracleCorrupt, triage.Invariant} {
		s := ln.sides[i]
		if !s.driver.Capabilities().Has(oracle.CapFiles | oracle.CapConf | oracle.CapFresh) {
			continue
		}
		conf, err := s.node.ReadFile("nodes.conf")
		if err != nil {
			return nil, fmt.Errorf("fuzz bus: %s: %w", s.name, err)
		}
		if !ln.proven.first(s.name, string(conf)) {
			continue
		}
		n, err := s.driver.Start(ctx, oracle.NodeSpec{Name: "again", Directives: directives(), Files: map[string][]byte{"nodes.conf": conf}})
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return &found{kind, fmt.Sprintf("%s does not start from its nodes.conf: %s\n%s", s.name, refusal(err), s.fold(string(conf))), op}, nil
		}
		again := &side{name: s.name, driver: s.driver, node: n, came: make(chan struct{})}
		id, err := again.myID()
		again.stop()
		if err == nil && id != s.id {
			return &found{kind, fmt.Sprintf("%s starts from its nodes.conf as another node", s.name), op}, nil
		}
	}
	return nil, nil
}

// myID asks a node that was just started who it is.
func (s *side) myID() (bus.ID, error) {
	if err := s.connect(); err != nil {
		return bus.ID{}, err
	}
	r, err := s.ask([]string{"CLUSTER", "MYID"})
	if err != nil || len(r[0].Str) != bus.IDLen {
		return bus.ID{}, fmt.Errorf("%s: CLUSTER MYID: %w", s.name, err)
	}
	return bus.ID(r[0].Str), nil
}

// refusal is why a server did not start, in one line.
func refusal(err error) string {
	for line := range strings.Lines(err.Error()) {
		if strings.Contains(line, "ASSERTION FAILED") || strings.Contains(line, "corrupted") || strings.Contains(line, "==>") || strings.Contains(line, "Unrecoverable") {
			return strings.TrimSpace(line)
		}
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}
