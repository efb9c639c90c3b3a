package contract

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Tags is what the matrix needs to know of a case.
type Tags struct {
	Name     string   // "redirect/moved_after_claim"
	Scenario string   // full or short id
	Row      string   // full or short id; empty: none
	Anchors  []string // full or short ids
	Class    Class
	Mixes    int // mixed clusters it is played in; 0 for a case that is no mix
}

// Matrix is the contract against the cases that exercise it.
type Matrix struct {
	SchemaVersion int     `json:"schema_version"`
	Packet        string  `json:"packet_id"`
	Cases         int     `json:"cases"`
	Mixed         int     `json:"mixed"` // cases that are played in mixed clusters,
	Mixes         int     `json:"mixes"` // and the number of those
	Rows          []Line  `json:"rows"`
	Scenarios     []Line  `json:"scenarios"`
	Anchors       []Line  `json:"anchors"`
	Summary       Summary `json:"summary"`
}

// Line is one row, scenario or anchor of the matrix.
type Line struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	// Testable is false where the contract describes no behaviour (A30).
	Testable bool     `json:"testable"`
	Cases    []string `json:"cases"`
	// ByClass counts the cases by path class.
	ByClass map[Class]int `json:"by_class"`
}

// Summary counts covered against testable lines.
type Summary struct {
	Rows      Share `json:"rows"`
	Scenarios Share `json:"scenarios"`
	Anchors   Share `json:"anchors"`
}

// Share is a part of a whole.
type Share struct {
	Covered int `json:"covered"`
	Of      int `json:"of"`
}

// untestable are anchors that describe no behaviour of a cluster node.
var untestable = []string{"A30"}

// Coverage sets the contract against cases. Ids that the contract does not have
// are ignored: the case parser has refused them already.
func Coverage(cases []Tags) Matrix {
	m := Matrix{SchemaVersion: 1, Packet: Packet, Cases: len(cases)}
	for _, t := range cases {
		if t.Mixes > 0 {
			m.Mixed++
			m.Mixes += t.Mixes
		}
	}
	for _, r := range rows {
		m.Rows = append(m.Rows, line(r.ID, r.Trigger, cases, func(t Tags) bool { return Short(t.Row) == r.ID }))
	}
	for _, s := range scenarios {
		m.Scenarios = append(m.Scenarios, line(s.ID, s.Title, cases, func(t Tags) bool { return Short(t.Scenario) == s.ID }))
	}
	for _, a := range anchors {
		m.Anchors = append(m.Anchors, line(a.ID, a.Contract, cases, func(t Tags) bool {
			return slices.ContainsFunc(t.Anchors, func(id string) bool { return Short(id) == a.ID })
		}))
	}
	m.Summary = Summary{Rows: share(m.Rows), Scenarios: share(m.Scenarios), Anchors: share(m.Anchors)}
	return m
}

// Uncovered returns the ids of testable lines that no case exercises: rows,
// then scenarios, then anchors.
func (m Matrix) Uncovered() []string {
	var out []string
	for _, l := range slices.Concat(m.Rows, m.Scenarios, m.Anchors) {
		if l.Testable && len(l.Cases) == 0 {
			out = append(out, l.ID)
		}
	}
	return out
}

// WriteText writes the matrix for people: a line for each id with its count of
// cases by class; with verbose the names of the cases below it.
func (m Matrix) WriteText(w io.Writer, verbose bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d cases", m.Packet, m.Cases)
	if m.Mixed > 0 {
		fmt.Fprintf(&b, ", %d of them in %d mixed clusters", m.Mixed, m.Mixes)
	}
	b.WriteByte('\n')
	part := func(title string, lines []Line, s Share) {
		fmt.Fprintf(&b, "\n%-9s  cases  normal  edge  adversarial  (%d of %d covered)\n", title, s.Covered, s.Of)
		for _, l := range lines {
			mark := ""
			switch {
			case !l.Testable:
				mark = "  no behaviour to check"
			case len(l.Cases) == 0:
				mark = "  NOT COVERED"
			}
			fmt.Fprintf(&b, "%-9s  %5d  %6d  %4d  %11d  %s%s\n", l.ID, len(l.Cases),
				l.ByClass[Normal], l.ByClass[Edge], l.ByClass[Adversarial], clip(l.Text, 70), mark)
			if verbose {
				for _, c := range l.Cases {
					fmt.Fprintf(&b, "             %s\n", c)
				}
			}
		}
	}
	part("row", m.Rows, m.Summary.Rows)
	part("scenario", m.Scenarios, m.Summary.Scenarios)
	part("anchor", m.Anchors, m.Summary.Anchors)
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteJSON writes the matrix as indented JSON.
func (m Matrix) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(m)
}

func line(id, text string, cases []Tags, match func(Tags) bool) Line {
	l := Line{
		ID: id, Text: text, Testable: !slices.Contains(untestable, id),
		Cases: []string{}, ByClass: map[Class]int{Normal: 0, Edge: 0, Adversarial: 0},
	}
	for _, t := range cases {
		if match(t) {
			l.Cases = append(l.Cases, t.Name)
			l.ByClass[t.Class]++
		}
	}
	slices.Sort(l.Cases)
	return l
}

func share(lines []Line) Share {
	var s Share
	for _, l := range lines {
		if !l.Testable {
			continue
		}
		s.Of++
		if len(l.Cases) > 0 {
			s.Covered++
		}
	}
	return s
}

// clip cuts text to n runes, with an ellipsis where something was cut.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
