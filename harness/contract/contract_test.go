package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTablesAreWhole(t *testing.T) {
	if n := len(Anchors()); n != 30 {
		t.Errorf("%d anchors", n)
	}
	for i, a := range Anchors() {
		if want := fmt.Sprintf("A%02d", i+1); a.ID != want || a.Contract == "" || len(a.Sources) == 0 {
			t.Errorf("anchor %d: %+v", i, a)
		}
	}
	if n := len(Rows()); n != 12 {
		t.Errorf("%d rows", n)
	}
	for i, r := range Rows() {
		id := fmt.Sprintf("B%02d", i+1)
		if r.ID != id || r.Unit != fmt.Sprintf("U%03d", i+1) || r.Scenario != fmt.Sprintf("E%03d", i+1) || !r.Class.Valid() {
			t.Errorf("row %d: %+v", i, r)
		}
		s, ok := ScenarioByID(r.Scenario)
		if !ok || s.Row != r.ID || s.Reason != r.Reason {
			t.Errorf("scenario of %s does not agree with its row: %+v", r.ID, s)
		}
	}
	code := regexp.MustCompile(`^cluster\.[a-z_]+$`)
	seen := map[string]bool{}
	for i, s := range Scenarios() {
		if want := fmt.Sprintf("E%03d", i+1); s.ID != want || s.Title == "" || len(s.Anchors) == 0 {
			t.Errorf("scenario %d: %+v", i, s)
		}
		if !code.MatchString(s.Reason) || seen[s.Reason] {
			t.Errorf("%s: bad or doubled reason code %q", s.ID, s.Reason)
		}
		seen[s.Reason] = true
		if (i >= 12) != (s.Row == "") {
			t.Errorf("%s: row %q", s.ID, s.Row)
		}
		for _, a := range s.Anchors {
			if _, ok := AnchorByID(a); !ok {
				t.Errorf("%s names unknown anchor %s", s.ID, a)
			}
		}
	}
	if !slices.Contains(Reasons(), ReasonBudgetExhausted) || len(Reasons()) != len(Scenarios())+1 {
		t.Errorf("reasons: %v", Reasons())
	}
}

// Every anchor with a behaviour belongs to some scenario, so that no anchor is
// without a place for its cases.
func TestEveryAnchorHasAScenario(t *testing.T) {
	for _, a := range Anchors() {
		has := slices.ContainsFunc(Scenarios(), func(s Scenario) bool { return slices.Contains(s.Anchors, a.ID) })
		if has == slices.Contains(untestable, a.ID) {
			t.Errorf("%s: in a scenario: %v", a.ID, has)
		}
	}
}

func TestIDs(t *testing.T) {
	for in, short := range map[string]string{"FR-P2C-007-E003": "E003", "E003": "E003", "": ""} {
		if Short(in) != short {
			t.Errorf("Short(%q) = %q", in, Short(in))
		}
	}
	if Full("E003") != "FR-P2C-007-E003" || Full("FR-P2C-007-E003") != "FR-P2C-007-E003" || Full("") != "" {
		t.Error("Full")
	}
	if r, ok := RowByID("FR-P2C-007-B09"); !ok || r.Class != Adversarial {
		t.Errorf("row by full id: %+v", r)
	}
	if _, ok := AnchorByID("A31"); ok {
		t.Error("A31 exists")
	}
}

func TestCoverage(t *testing.T) {
	m := Coverage([]Tags{
		{Name: "z/two", Scenario: "FR-P2C-007-E003", Row: "B03", Anchors: []string{"A03", "A04"}, Class: Edge},
		{Name: "a/one", Scenario: "E003", Row: "FR-P2C-007-B03", Anchors: []string{"A03"}, Class: Normal},
		{Name: "s/slots", Scenario: "E013", Anchors: []string{"A06"}, Class: Normal},
	})
	if m.Summary.Rows != (Share{1, 12}) || m.Summary.Scenarios != (Share{2, 24}) || m.Summary.Anchors != (Share{3, 29}) {
		t.Errorf("summary %+v", m.Summary)
	}
	row := m.Rows[2]
	if !slices.Equal(row.Cases, []string{"a/one", "z/two"}) || row.ByClass[Edge] != 1 || row.ByClass[Normal] != 1 {
		t.Errorf("B03: %+v", row)
	}
	missing := m.Uncovered()
	if slices.Contains(missing, "A30") || slices.Contains(missing, "A06") || !slices.Contains(missing, "B01") || len(missing) != 11+22+26 {
		t.Errorf("uncovered (%d): %v", len(missing), missing)
	}

	var text, again bytes.Buffer
	if err := m.WriteText(&text, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"3 cases", "row        cases", "(1 of 12 covered)", "a/one\n", "NOT COVERED", "no behaviour to check"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("text lacks %q:\n%s", want, text.String())
		}
	}
	if err := m.WriteJSON(&again); err != nil {
		t.Fatal(err)
	}
	var back Matrix
	if err := json.Unmarshal(again.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if back.Cases != 3 || len(back.Anchors) != 30 || back.Anchors[29].Testable {
		t.Errorf("JSON: %d cases, %d anchors", back.Cases, len(back.Anchors))
	}
}
