package evidence

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/slotdiff/slotdiff/harness/contract"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// Line is one line of log.jsonl. The first thirteen fields are those of packet
// FR-P2C-007; the last two say which of several cases of a scenario it was and
// what stood in for the right answer.
type Line struct {
	TSUTC            string          `json:"ts_utc"`
	SuiteID          string          `json:"suite_id"`
	TestOrScenarioID string          `json:"test_or_scenario_id"`
	PacketID         string          `json:"packet_id"`
	Mode             string          `json:"mode"`
	Seed             uint64          `json:"seed"`
	InputDigest      string          `json:"input_digest"`
	OutputDigest     string          `json:"output_digest"`
	DurationMS       int64           `json:"duration_ms"`
	Outcome          verdict.Verdict `json:"outcome"`
	ReasonCode       string          `json:"reason_code"` // empty unless outcome is fail or known
	ReplayCmd        string          `json:"replay_cmd"`
	ArtifactRefs     []string        `json:"artifact_refs"` // relative to the run directory
	Case             string          `json:"case"`
	Witness          string          `json:"witness"` // "redis 8.6.3", or "recorded redis 8.6.3"
}

// timeFormat is RFC 3339 in UTC with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z"

// NewLine makes the log line of a result. witness is what the right answers came from, as "redis 8.6.3".
func NewLine(res *verdict.Result, witness, replay string, refs []string) Line {
	if refs == nil {
		refs = []string{}
	}
	return Line{
		TSUTC:            res.Started.UTC().Format(timeFormat),
		SuiteID:          contract.SuiteE2E,
		TestOrScenarioID: res.Scenario,
		PacketID:         contract.Packet,
		Mode:             res.Mode,
		Seed:             res.Seed,
		InputDigest:      res.InputDigest,
		OutputDigest:     res.OutputDigest,
		DurationMS:       millis(res.Duration),
		Outcome:          res.Verdict,
		ReasonCode:       res.Reason,
		ReplayCmd:        replay,
		ArtifactRefs:     refs,
		Case:             res.Case,
		Witness:          witness,
	}
}

// Append adds the line as JSON with a line end.
func (l Line) Append(b []byte) []byte {
	return append(b, marshal(l, "")...)
}

// marshal writes JSON with a line end and with <, > and & as they are: these
// files are read by people and contain masks like <ms>.
func marshal(v any, indent string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		panic(err) // our own types always marshal
	}
	return buf.Bytes()
}

// millis rounds up, so that nothing that took time shows as zero.
func millis(d time.Duration) int64 {
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}
