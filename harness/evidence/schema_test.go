package evidence

import (
	"encoding/json"
	"testing"

	"github.com/slotdiff/slotdiff/harness/verdict"
)

// The schema is worth its name: a good line passes, and each line that lacks a
// field or lies in one is refused.
func TestLogSchemaRefuses(t *testing.T) {
	schema := compile(t, LogSchema())
	good := func() map[string]any {
		var m map[string]any
		l := NewLine(result(verdict.Fail, "x/y"), "redis 8.6.3", "go run ./cmd/slotdiff replay x/y", []string{"cases/x/y/strict/diff.txt"})
		if err := json.Unmarshal(l.Append(nil), &m); err != nil {
			t.Fatal(err)
		}
		m["seed"] = 7
		return m
	}
	check := func(m map[string]any) error {
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return validate(t, schema, b)
	}
	if err := check(good()); err != nil {
		t.Fatalf("a good line is refused: %v", err)
	}
	fields := []string{
		"ts_utc", "suite_id", "test_or_scenario_id", "packet_id", "mode", "seed", "input_digest",
		"output_digest", "duration_ms", "outcome", "reason_code", "replay_cmd", "artifact_refs",
	}
	for _, f := range fields {
		m := good()
		delete(m, f)
		if check(m) == nil {
			t.Errorf("a line without %s passes", f)
		}
	}
	for f, v := range map[string]any{
		"ts_utc": "2026-11-23 18:04:05", "suite_id": "x", "test_or_scenario_id": "E003", "packet_id": "FR-P2C-008",
		"mode": "lenient", "seed": -1, "input_digest": "00", "output_digest": "", "duration_ms": -1, "outcome": "ok",
		"reason_code": "", "replay_cmd": "a\nb", "artifact_refs": []string{"/abs"}, "case": "", "witness": "", "more": 1,
	} {
		m := good()
		m[f] = v
		if check(m) == nil {
			t.Errorf("a line with %s = %v passes", f, v)
		}
	}
	m := good()
	m["outcome"] = "pass"
	if check(m) == nil {
		t.Error("a pass with a reason code passes")
	}
}
