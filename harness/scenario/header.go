package scenario

import (
	"slices"
	"strings"
	"time"

	"github.com/slotdiff/slotdiff/harness/contract"
)

// headerKey is one key of the header: how it is read and written. The order of
// the table is the canonical order of the keys.
type headerKey struct {
	name     string
	required bool
	set      func(p *parser, h *Header, value string, col int)
	get      func(h *Header) string
}

var headerKeys = []headerKey{
	{"scenario", true, setScenario, func(h *Header) string { return h.Scenario }},
	{"contract", false, setContract, func(h *Header) string { return h.Contract }},
	{"anchors", true, setAnchors, func(h *Header) string { return strings.Join(h.Anchors, " ") }},
	{"class", true, setClass, func(h *Header) string { return string(h.Class) }},
	{"reason", true, setReason, func(h *Header) string { return h.Reason }},
	{
		"source", true,
		func(_ *parser, h *Header, v string, _ int) { h.Source = v },
		func(h *Header) string { return h.Source },
	},
	{"needs", false, setNeeds, func(h *Header) string { return strings.Join(h.Needs, " ") }},
	{"rules", false, setRules, func(h *Header) string { return strings.Join(h.Rules, " ") }},
	{"mixes", false, setMixes, func(h *Header) string { return formatMixes(h.Mixes) }},
	{
		"omit", false,
		func(_ *parser, h *Header, v string, _ int) { h.Omit = v },
		func(h *Header) string { return h.Omit },
	},
	{
		"recorded", false,
		func(_ *parser, h *Header, v string, _ int) { h.Recorded = v },
		func(h *Header) string { return h.Recorded },
	},
	{"deadline", false, setDeadline, func(h *Header) string {
		if h.Deadline == 0 {
			return ""
		}
		return formatDuration(h.Deadline)
	}},
}

// HeaderKeys returns the keys of a header in canonical order.
func HeaderKeys() []string {
	out := make([]string, len(headerKeys))
	for i, k := range headerKeys {
		out[i] = k.name
	}
	return out
}

// header reads the key: value lines up to the blank line that ends them.
func (p *parser) header() {
	first := p.at + 1
	seen := map[string]int{} // key -> line
	for ; p.more() && p.cur() != ""; p.at++ {
		line := p.cur()
		key, rest, ok := strings.Cut(line, ":")
		if !ok || strings.ContainsAny(key, " \t") {
			p.fail(1, "the header ends with a blank line", "not a \"key: value\" line")
			continue
		}
		value := strings.TrimLeft(rest, " \t")
		col := len(line) - len(value) + 1
		i := slices.IndexFunc(headerKeys, func(k headerKey) bool { return k.name == key })
		switch {
		case i < 0:
			hint := didYouMean(key, HeaderKeys())
			if hint == "" {
				hint = "keys: " + strings.Join(HeaderKeys(), " ")
			}
			p.fail(1, hint, "unknown header key %q", key)
		case seen[key] > 0:
			p.fail(1, "", "header key %q stands on line %d already", key, seen[key])
		case value == "":
			p.fail(1, "leave the key out if it has no value", "header key %q has no value", key)
			seen[key] = p.at + 1
		default:
			seen[key] = p.at + 1
			headerKeys[i].set(p, &p.c.Header, value, col)
		}
	}
	for _, k := range headerKeys {
		if k.required && seen[k.name] == 0 {
			p.failAt(first, 0, "", "header key %q is missing", k.name)
		}
	}
	p.checkContract(seen)
}

// checkContract holds scenario, row and reason against each other.
func (p *parser) checkContract(seen map[string]int) {
	h := &p.c.Header
	s, ok := contract.ScenarioByID(h.Scenario)
	if !ok {
		return
	}
	switch {
	case s.Row != "" && seen["contract"] == 0:
		p.failAt(seen["scenario"], 0, "contract: "+s.Row, "header key \"contract\" is missing")
	case s.Row != h.Contract && h.Contract != "":
		hint := "leave contract out"
		if s.Row != "" {
			hint = "contract: " + s.Row
		}
		p.failAt(seen["contract"], 0, hint, "scenario %s does not belong to row %s", h.Scenario, h.Contract)
	}
	if h.Reason == "" || h.Reason == s.Reason || s.Row == "B12" && h.Reason == contract.ReasonBudgetExhausted {
		return
	}
	p.failAt(seen["reason"], 0, "reason: "+s.Reason, "reason %q is not that of scenario %s", h.Reason, h.Scenario)
}

func setScenario(p *parser, h *Header, v string, col int) {
	s, ok := contract.ScenarioByID(v)
	if !ok || v != contract.Full(s.ID) {
		p.fail(col, didYouMean(v, scenarioIDs()), "unknown scenario %q", v)
		return
	}
	h.Scenario = v
}

func scenarioIDs() []string {
	var ids []string
	for _, s := range contract.Scenarios() {
		ids = append(ids, contract.Full(s.ID))
	}
	return ids
}

func setContract(p *parser, h *Header, v string, col int) {
	if r, ok := contract.RowByID(v); !ok || v != r.ID {
		p.fail(col, "rows: B01 to B12", "unknown contract row %q", v)
		return
	}
	h.Contract = v
}

func setAnchors(p *parser, h *Header, v string, col int) {
	for id := range strings.FieldsSeq(v) {
		switch a, ok := contract.AnchorByID(id); {
		case !ok || a.ID != id:
			p.fail(col, "anchors: A01 to A30, separated by blanks", "unknown anchor %q", id)
		case slices.Contains(h.Anchors, id):
			p.fail(col, "", "anchor %s stands twice", id)
		default:
			h.Anchors = append(h.Anchors, id)
		}
	}
}

func setClass(p *parser, h *Header, v string, col int) {
	if h.Class = contract.Class(v); !h.Class.Valid() {
		p.fail(col, "classes: normal edge adversarial", "unknown class %q", v)
	}
}

func setReason(p *parser, h *Header, v string, col int) {
	if !slices.Contains(contract.Reasons(), v) {
		p.fail(col, didYouMean(v, contract.Reasons()), "unknown reason code %q", v)
		return
	}
	h.Reason = v
}

func setNeeds(p *parser, h *Header, v string, col int) {
	h.Needs = p.nameList(v, col, "need")
}

func setRules(p *parser, h *Header, v string, col int) {
	h.Rules = p.nameList(v, col, "rule")
}

// nameList splits a list of condition-like names and refuses doubles.
func (p *parser) nameList(v string, col int, what string) []string {
	var out []string
	for n := range strings.FieldsSeq(v) {
		switch {
		case !isCondName(n):
			p.fail(col, "", "bad %s %q", what, n)
		case slices.Contains(out, n):
			p.fail(col, "", "%s %s stands twice", what, n)
		default:
			out = append(out, n)
		}
	}
	return out
}

func setDeadline(p *parser, h *Header, v string, col int) {
	d, err := time.ParseDuration(v)
	if err != nil || d <= 0 {
		p.fail(col, "a duration like 30s or 1m30s", "bad deadline %q", v)
		return
	}
	h.Deadline = d
}

// formatDuration writes a duration without the zero units that String adds: 1m, not 1m0s.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
