package runner

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/oracle"
)

// unmetNeed returns what the case needs and a side lacks, in words, or "". What a
// verb implies (kill needs a process of our own) need not stand in the header.
func (r *run) unmetNeed() string {
	needs, err := Needs(r.c)
	if err != nil {
		return err.Error()
	}
	if many := tooMany(r.c, r.cfg); many != "" {
		return many
	}
	if r.cfg.Oracle == nil && mixed(r.c) {
		return "real Redis beside the target: the cluster is a mixed one, and no live oracle is there"
	}
	for _, s := range r.sides {
		if missing := s.driver.Capabilities().Missing(needs); missing != 0 {
			return fmt.Sprintf("%s, which %s (%s) does not have", missing, s.driver.Identity().Short(), s.driver.Identity().How)
		}
	}
	return ""
}

// Needs are the capabilities that a case asks of a driver: those of its header and
// those that its verbs imply.
func Needs(c *scenario.Case) (oracle.Capabilities, error) {
	var needs oracle.Capabilities
	for _, name := range c.Header.Needs {
		n, err := oracle.ParseCapability(name)
		if err != nil {
			return 0, fmt.Errorf("needs: %w", err)
		}
		needs |= n
	}
	nodes := 0
	for _, st := range c.Steps() {
		switch st.Actor {
		case "node":
			nodes++
			if len(st.Words) > 1 {
				needs |= oracle.CapConf
			}
			if len(st.Input) > 0 {
				needs |= oracle.CapFiles
			}
		case "kill":
			needs |= oracle.CapKill
		case "restart":
			needs |= oracle.CapRestart
			if givesPlace(st) {
				needs |= oracle.CapFiles | oracle.CapConf | oracle.CapFresh
			}
		case "cut", "heal", "delay":
			needs |= oracle.CapConf
		case "pause", "resume":
			needs |= oracle.CapPause
		case "snapshot":
			if len(st.Words) == 2 && ofFile(st.Words[1].String()) {
				needs |= oracle.CapFiles
			}
		case "wait", "hold", "agree":
			if f := strings.Fields(strings.Join(st.Input, " ")); len(f) == 2 && f[0] == "snapshot" && ofFile(f[1]) {
				needs |= oracle.CapFiles
			}
		}
		if slices.ContainsFunc(st.Expect, neverExtended.MatchString) {
			needs |= oracle.CapFresh
		}
		if !strings.Contains(st.Actor, "/") && len(st.Words) > 0 && strings.EqualFold(st.Words[0].String(), "DEBUG") {
			needs |= oracle.CapDebug
		}
	}
	if nodes > 1 {
		needs |= oracle.CapMany
	}
	return needs, nil
}

// ofFile reports whether a view is taken from a file of the node's.
func ofFile(view string) bool { return view == "conf" || view == "shardids" }

// holds reports whether every condition of a step is true of every side. A
// condition is the name of a capability.
func (r *run) holds(conds []scenario.Cond) bool {
	for _, c := range conds {
		need, err := oracle.ParseCapability(c.Name)
		if err != nil {
			return false // Check has refused the case before
		}
		all := true
		for _, s := range r.sides {
			all = all && s.driver.Capabilities().Has(need)
		}
		if all == c.Not {
			return false
		}
	}
	return true
}

// neverExtended matches the flags of a packet whose sender has never met a peer that
// knows extensions. Once it has, Redis sets the flag until it ends; CLUSTER RESET does
// not clear it (cluster_legacy.c:clusterProcessPingExtensions).
var neverExtended = regexp.MustCompile(`^  flags=master,myself state=`)
