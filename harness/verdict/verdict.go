// Package verdict holds what a case comes to: the six verdicts, the exit codes
// they map to, and the result record that the runner produces and that evidence
// and report consume. It refuses to decide anything: it is data.
package verdict

// Verdict is what one case comes to.
type Verdict string

// The verdicts, in rising order of gravity.
const (
	// Pass: target, oracle and recording agree after masks.
	Pass Verdict = "pass"
	// Known: a divergence that fixtures/divergences.txt lists with its reason.
	Known Verdict = "known"
	// Skip: a need of the case is not met; Result.Cause names the need.
	Skip Verdict = "skip"
	// Fail: the target differs from the oracle (or, without one, from the recording).
	Fail Verdict = "fail"
	// Unknown: the oracle differs from the recording, or the harness could not tell.
	Unknown Verdict = "unknown"
	// OracleFault: the oracle died, hung or broke an invariant.
	OracleFault Verdict = "oracle-fault"
)

// All lists every verdict in the order in which reports count them.
func All() []Verdict { return []Verdict{Pass, Fail, Known, Skip, Unknown, OracleFault} }

// Exit codes of the tool.
const (
	ExitOK         = 0 // only pass, known and skip
	ExitDivergence = 1 // at least one fail
	ExitUnknown    = 2 // no fail, but an unknown or an oracle-fault
	ExitUsage      = 3 // usage or internal error, or a run that skipped everything
)

// ExitCode maps the verdicts of a whole run to the tool's exit code. A run of no
// case, or one in which every case was skipped, proves nothing and is ExitUsage.
func ExitCode(counts map[Verdict]int) int {
	total := 0
	for _, v := range All() {
		total += counts[v]
	}
	switch {
	case counts[Fail] > 0:
		return ExitDivergence
	case counts[Unknown]+counts[OracleFault] > 0:
		return ExitUnknown
	case total == counts[Skip]:
		return ExitUsage
	default:
		return ExitOK
	}
}
