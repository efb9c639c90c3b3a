package verdict

import "time"

// Witness names one of the three sources of an answer.
type Witness string

// The witnesses of a step.
const (
	Recorded Witness = "recorded" // the expected block of the case file
	Oracle   Witness = "oracle"   // real Redis, live
	Target   Witness = "target"   // the server under test
)

// Answer is what one side said to one step, in canonical text: values folded to
// names ($a.id), masks applied. Raw is the same text before masks.
type Answer struct {
	Lines []string
	Raw   []string
	// Masks names the masks that changed a line.
	Masks []string
	// Fault is set when the side could not answer: the server died, hung or broke
	// an invariant. Lines is then what was seen until then.
	Fault *Fault
	// Lacks says what the server does not have that the step needs; empty if nothing.
	// The case is then skipped, unless the refusal is the answer that it wants.
	Lacks string
	// Duration is how long the side took for the step.
	Duration time.Duration
}

// FaultKind says how a server failed.
type FaultKind string

// The kinds of fault.
const (
	FaultCrash     FaultKind = "crash"     // the process ended, or its log shows an assertion
	FaultHang      FaultKind = "hang"      // no answer to PING within a second
	FaultInvariant FaultKind = "invariant" // an invariant of DESIGN §3 is broken
	FaultHarness   FaultKind = "harness"   // the harness itself could not do the step
)

// Fault is a failure of a server under test, as opposed to a different answer.
type Fault struct {
	Kind   FaultKind
	Node   string // the actor's name in the case
	Detail string // one paragraph, folded
}

// Subject says what failed: "crash of a", or "the harness".
func (f *Fault) Subject() string {
	if f.Kind == FaultHarness {
		return "the harness"
	}
	return string(f.Kind) + " of " + f.Node
}

// Step is one step of a case with the answers of all witnesses. A nil answer
// means that the witness was not asked (no live oracle, or the step was not reached).
type Step struct {
	Line    int    // 1-based line in the case file
	Phase   string // title of the section
	Text    string // first line and input lines, as written
	Verdict Verdict
	Want    []string // recorded lines
	Oracle  *Answer
	Target  *Answer
}

// Result is what a case came to on one pair of sides.
type Result struct {
	Case     string // path inside cases/ without the suffix, e.g. "redirect/moved_after_claim"
	Scenario string // FR-P2C-007-E003
	Contract string // B03
	Mode     string // strict or hardened
	Seed     uint64
	Verdict  Verdict
	// Reason is the reason_code of the seed; empty unless the verdict is fail or known.
	Reason string
	// Cause is one line for a person: the need that was not met, the known
	// divergence's reason, the first difference.
	Cause string
	// Hurried is what came of the case while the clock ran fast, where that was no pass
	// and did not count; empty where it was played once.
	Hurried string
	// Steps lists every step reached, in order.
	Steps    []Step
	Started  time.Time
	Duration time.Duration
	// InputDigest and OutputDigest are hex SHA-256 of the canonical input and output.
	InputDigest, OutputDigest string
	// CaseText is the case in canonical form, the content of repro.case.
	CaseText []byte
	// Sides holds what each live side leaves as evidence.
	Sides map[Witness]*Side
}

// Side is the evidence of one side: a transcript, the bus traffic and the files of its nodes.
type Side struct {
	Transcript []byte // text: every step, with what was sent and what came back
	Frames     []Frame
	// NodeLogs and NodesConf, the files as they were at the end, go by node name. Where
	// the node's server was not the side's own, ".redis-8.6.3" follows the name.
	NodeLogs  map[string]string
	NodesConf map[string][]byte
	// Makes says which server played each node; nil where all were the side's own.
	Makes map[string]string
}

// Frame is one chunk of traffic between the harness and a node.
type Frame struct {
	At       time.Time
	Src, Dst string // "127.0.0.1:port" pairs
	Bus      bool   // cluster bus, else client protocol
	Data     []byte
}
