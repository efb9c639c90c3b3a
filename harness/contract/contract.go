// Package contract holds packet FR-P2C-007 as data: its anchors A01-A30, its
// rows B01-B12 with their test ids and reason codes, the scenarios that this
// project adds for anchors no row covers, and the matrix of all of these
// against the cases that exercise them.
//
// It decides nothing and knows neither files nor execution.
package contract

import (
	"slices"
	"strings"
)

// Packet is the id of the contract. Full ids are Packet + "-" + short id.
const Packet = "FR-P2C-007"

// The suites that log lines belong to.
const (
	// SuiteUnit is the suite of unit and property tests.
	SuiteUnit = "fr_cluster_phase2c_packet_007"
	// SuiteE2E is the suite of scenarios.
	SuiteE2E = "fr_runtime_phase2c_packet_007"
)

// ReasonBudgetExhausted is emitted when a hardened budget is used up. It belongs
// to no row: the recommendation card of the packet demands it.
const ReasonBudgetExhausted = "cluster.hardened_budget_exhausted_failclosed"

// Class is the path class of a row or a case.
type Class string

// The path classes.
const (
	Normal      Class = "normal"
	Edge        Class = "edge"
	Adversarial Class = "adversarial"
)

// Classes lists the path classes in the order of the packet.
func Classes() []Class { return []Class{Normal, Edge, Adversarial} }

// Valid reports whether c is one of [Classes].
func (c Class) Valid() bool { return slices.Contains(Classes(), c) }

// Anchors returns A01-A30 in order. The caller owns the slice.
func Anchors() []Anchor { return slices.Clone(anchors) }

// Rows returns B01-B12 in order. The caller owns the slice.
func Rows() []Row { return slices.Clone(rows) }

// Scenarios returns every scenario in order: E001-E012 of the rows, then ours.
func Scenarios() []Scenario { return slices.Clone(scenarios) }

// AnchorByID looks up "A03" or its full id.
func AnchorByID(id string) (Anchor, bool) {
	return find(anchors, id, func(a Anchor) string { return a.ID })
}

// RowByID looks up "B03" or its full id.
func RowByID(id string) (Row, bool) {
	return find(rows, id, func(r Row) string { return r.ID })
}

// ScenarioByID looks up "E003" or its full id.
func ScenarioByID(id string) (Scenario, bool) {
	return find(scenarios, id, func(s Scenario) string { return s.ID })
}

// Short strips the packet from a full id: "FR-P2C-007-E003" becomes "E003". Any
// other text is returned as it is.
func Short(id string) string { return strings.TrimPrefix(id, Packet+"-") }

// Full is the inverse of [Short]. An id that is full already stays.
func Full(id string) string {
	if id == "" || strings.HasPrefix(id, Packet+"-") {
		return id
	}
	return Packet + "-" + id
}

// Reasons returns every reason code of the contract, sorted.
func Reasons() []string {
	out := []string{ReasonBudgetExhausted}
	for _, s := range scenarios {
		out = append(out, s.Reason)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func find[T any](list []T, id string, key func(T) string) (T, bool) {
	id = Short(id)
	for _, x := range list {
		if key(x) == id {
			return x, true
		}
	}
	var zero T
	return zero, false
}
