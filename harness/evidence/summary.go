package evidence

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/harness/contract"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

// SchemaVersion is that of summary.json, env.json, manifest.json and repro.lock.
// It rises when a field changes its meaning or goes away.
const SchemaVersion = 1

// Summary is a whole run, the content of summary.json. Reports are made from it
// and from nothing else.
type Summary struct {
	SchemaVersion int    `json:"schema_version"`
	PacketID      string `json:"packet_id"`
	SuiteID       string `json:"suite_id"`
	RunID         string `json:"run_id"`  // the name of the run directory
	Command       string `json:"command"` // run, control, replay, fuzz ...
	// Meaning says in one sentence what the run compares.
	Meaning    string `json:"meaning"`
	StartedUTC string `json:"started_utc"`
	DurationMS int64  `json:"duration_ms"`
	// Interrupted is true if not every selected case was run.
	Interrupted bool `json:"interrupted"`
	// Live is false if the recording stood in for the oracle.
	Live bool `json:"live"`
	// Pace is how many times as fast as the wall's the clock of the target's nodes ran at
	// most; left out where it was the wall's. Durations are the wall's.
	Pace     int                     `json:"pace,omitempty"`
	Witness  string                  `json:"witness"`
	Oracle   *oracle.Identity        `json:"oracle"`
	Target   *oracle.Identity        `json:"target"`
	Counts   map[verdict.Verdict]int `json:"counts"`
	ExitCode int                     `json:"exit_code"`
	Cases    []CaseEntry             `json:"cases"`
	// IdleMasks are the masks that changed nothing in a run of every case: they can
	// be deleted, or lack a case.
	IdleMasks []string `json:"idle_masks,omitempty"`
	// Hurried are the cases that did not pass while the clock ran fast and were played
	// again with the wall's, with what came of them then.
	Hurried map[string]string `json:"hurried,omitempty"`
}

// CaseEntry is one case in one mode.
type CaseEntry struct {
	Case         string          `json:"case"`
	Scenario     string          `json:"scenario"`
	Contract     string          `json:"contract,omitempty"`
	Mode         string          `json:"mode"`
	Seed         uint64          `json:"seed"`
	Verdict      verdict.Verdict `json:"verdict"`
	Reason       string          `json:"reason_code,omitempty"`
	Cause        string          `json:"cause,omitempty"`
	DurationMS   int64           `json:"duration_ms"`
	InputDigest  string          `json:"input_digest"`
	OutputDigest string          `json:"output_digest"`
	ReplayCmd    string          `json:"replay_cmd"`
	Artifacts    []string        `json:"artifacts"` // relative to the run directory
	// Makes says which server played each node of the target side; absent unless the
	// oracle's played one.
	Makes  map[string]string `json:"makes,omitempty"`
	Phases []Phase           `json:"phases"`
}

// Phase is a section of a case. The steps that passed are only counted.
type Phase struct {
	Title      string          `json:"title"`
	Verdict    verdict.Verdict `json:"verdict"` // of its gravest step
	Steps      int             `json:"steps"`
	DurationMS int64           `json:"duration_ms"`
	Bad        []StepEntry     `json:"bad,omitempty"`
}

// StepEntry is a step that did not pass, with what every witness said.
type StepEntry struct {
	Line    int             `json:"line"` // in the case file; 0 for what is checked after the last step
	Text    string          `json:"text"`
	Verdict verdict.Verdict `json:"verdict"`
	Want    []string        `json:"want"` // the recording
	Oracle  *AnswerEntry    `json:"oracle,omitempty"`
	Target  *AnswerEntry    `json:"target,omitempty"`
}

// AnswerEntry is what one side said.
type AnswerEntry struct {
	Lines []string `json:"lines"`
	Masks []string `json:"masks,omitempty"`
	Fault string   `json:"fault,omitempty"` // "crash of a: ..."
}

// Sides returns the two texts that decide the step, each with its name: what was
// expected and what came. Where the oracle disagrees with its own recording they
// are the recording and the oracle; else the oracle, or the recording in its
// stead, and the target.
func (s *StepEntry) Sides() (wantName, gotName string, want, got []string) {
	if s.Oracle == nil && s.Target != nil {
		return "recorded", "target", s.Want, s.Target.text()
	}
	harnessFailedOnTarget := s.Oracle != nil && s.Oracle.Fault == "" && s.Target != nil && s.Target.Fault != ""
	if (s.Verdict == verdict.Unknown || s.Verdict == verdict.OracleFault || s.Target == nil) && !harnessFailedOnTarget {
		return "recorded", "oracle", s.Want, s.Oracle.text()
	}
	return "oracle", "target", s.Oracle.text(), s.Target.text()
}

// text is the lines of an answer, with its fault as the last.
func (a *AnswerEntry) text() []string {
	if a == nil {
		return []string{"(no answer)"}
	}
	if a.Fault == "" {
		return a.Lines
	}
	return append(slices.Clone(a.Lines), strings.Split("("+a.Fault+")", "\n")...)
}

// FirstBad returns the phase and the step that decided the case, or nil: the
// first step with the verdict of the case (an unknown may come before a fail), else
// the first that did not pass.
func (c *CaseEntry) FirstBad() (*Phase, *StepEntry) {
	decides := c.Verdict
	if decides == verdict.Known {
		decides = verdict.Fail
	}
	var phase *Phase
	var step *StepEntry
	for i := range c.Phases {
		p := &c.Phases[i]
		for j := range p.Bad {
			if p.Bad[j].Verdict == decides {
				return p, &p.Bad[j]
			}
			if step == nil {
				phase, step = p, &p.Bad[j]
			}
		}
	}
	return phase, step
}

// Bad reports whether the case needs someone's attention.
func (c *CaseEntry) Bad() bool {
	return c.Verdict == verdict.Fail || c.Verdict == verdict.Unknown || c.Verdict == verdict.OracleFault
}

// Entry makes the summary's entry of a result.
func Entry(res *verdict.Result, replay string, artifacts []string) CaseEntry {
	if artifacts == nil {
		artifacts = []string{}
	}
	var makes map[string]string
	if side := res.Sides[verdict.Target]; side != nil {
		makes = side.Makes
	}
	return CaseEntry{
		Case: res.Case, Scenario: res.Scenario, Contract: res.Contract, Mode: res.Mode, Seed: res.Seed,
		Verdict: res.Verdict, Reason: res.Reason, Cause: res.Cause, DurationMS: millis(res.Duration),
		InputDigest: res.InputDigest, OutputDigest: res.OutputDigest,
		ReplayCmd: replay, Artifacts: artifacts, Makes: makes, Phases: phases(res.Steps),
	}
}

// phases folds consecutive steps of one title.
func phases(steps []verdict.Step) []Phase {
	out := []Phase{}
	for i := range steps {
		s := &steps[i]
		if n := len(out); n == 0 || out[n-1].Title != s.Phase {
			out = append(out, Phase{Title: s.Phase, Verdict: verdict.Pass})
		}
		p := &out[len(out)-1]
		p.Steps++
		p.DurationMS += millis(stepDuration(s))
		if gravity(s.Verdict) > gravity(p.Verdict) {
			p.Verdict = s.Verdict
		}
		if s.Verdict != verdict.Pass && s.Verdict != "" {
			p.Bad = append(p.Bad, StepEntry{
				Line: s.Line, Text: s.Text, Verdict: s.Verdict, Want: nonNil(s.Want),
				Oracle: answer(s.Oracle), Target: answer(s.Target),
			})
		}
	}
	return out
}

func answer(a *verdict.Answer) *AnswerEntry {
	if a == nil {
		return nil
	}
	e := &AnswerEntry{Lines: nonNil(a.Lines), Masks: a.Masks}
	if f := a.Fault; f != nil {
		e.Fault = fmt.Sprintf("%s: %s", f.Subject(), f.Detail)
	}
	return e
}

// gravity ranks verdicts as package verdict declares them.
func gravity(v verdict.Verdict) int {
	return slices.Index([]verdict.Verdict{verdict.Pass, verdict.Known, verdict.Skip, verdict.Fail, verdict.Unknown, verdict.OracleFault}, v)
}

// count fills in the counts and the exit code. Every verdict has a count.
func (s *Summary) count() {
	s.Counts = map[verdict.Verdict]int{}
	for _, v := range verdict.All() {
		s.Counts[v] = 0
	}
	for i := range s.Cases {
		s.Counts[s.Cases[i].Verdict]++
	}
	s.ExitCode = verdict.ExitCode(s.Counts)
}

// sort puts the cases into the order of their names and modes, whatever order
// they ended in.
func (s *Summary) sort() {
	slices.SortFunc(s.Cases, func(a, b CaseEntry) int {
		if c := strings.Compare(a.Case, b.Case); c != 0 {
			return c
		}
		return strings.Compare(a.Mode, b.Mode)
	})
}

// ReadSummary reads the summary of a run directory.
func ReadSummary(dir string) (*Summary, error) {
	b, err := os.ReadFile(filepath.Join(dir, "summary.json"))
	if err != nil {
		return nil, fmt.Errorf("run directory %s: %w", dir, err)
	}
	var s Summary
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("run directory %s: summary.json: %w", dir, err)
	}
	if s.SchemaVersion != SchemaVersion || s.PacketID != contract.Packet {
		return nil, fmt.Errorf("run directory %s: summary.json: packet %q, schema version %d; this tool reads %s, %d",
			dir, s.PacketID, s.SchemaVersion, contract.Packet, SchemaVersion)
	}
	return &s, nil
}

func nonNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
