// Package campaign runs an engine for as long as is asked: it hands out episodes, collects what they
// compared and covered, gives what they found to package triage, shows progress, keeps a state from which
// the campaign resumes, and sums up at the end.
//
// The seed of an episode follows from the campaign's seed and the episode's index alone. So shards of a
// campaign split one sequence between them, and a resumed campaign goes on in it.
//
// It refuses to know what an engine does.
package campaign

import (
	"context"
	"crypto/sha256"

	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// Engine makes episodes. Only one episode of an engine runs at a time.
type Engine interface {
	// Name is the word after "slotdiff fuzz".
	Name() string
	// Episode generates, sends and compares everything of one seed. What it sends may depend on the seed, on what
	// the engine was made with, and on what the servers answered; on nothing else, so not on earlier episodes.
	//
	// Candidates need no Seed and Episode: the campaign fills them in. When ctx ends the episode ends
	// soon, with what it has and ctx's error. Any other error ends the campaign: it is the harness's own.
	Episode(ctx context.Context, seed uint64) (Stats, []triage.Candidate, error)
}

// Stats are what one episode did.
type Stats struct {
	Commands uint64 // command pairs compared
	Packets  uint64 // packets sent to either side and compared
	Windows  uint64 // windows compared
	Restarts uint64 // sides started again after a fault
	Flaky    uint64 // differences that the engine itself did not see a second time
	Cut      uint64 // streams that ended early because both sides did what the engine had not foreseen
	// Held counts inputs that were not sent because the oracle is known not to bear them, by quirk.
	Held map[string]uint64
	// Tokens are the coverage tokens reached, each once: "rule:ext-padding", "route:moved", "command:GET".
	Tokens []string
	// Digest is SHA-256 of the bytes sent, the same for equal seeds. Zero: the engine has none.
	Digest [sha256.Size]byte
	// Case, if not nil, gives the episode as a case for the corpus. It is called for an episode that reached a
	// token that none before had.
	Case func() *scenario.Case
}

// Total is implemented by an engine that knows every token there is, for the summary to say what was
// not covered.
type Total interface{ AllTokens() []string }

// Underway is implemented by an engine whose episodes are long, for the progress to show what the one that is being played has
// compared so far. It is called while Episode runs, and tells zero between episodes.
type Underway interface {
	Underway() (commands, packets uint64)
}

// EpisodeSeed is the seed of the episode with that index: a step of SplitMix64, so that neighbours
// have nothing in common.
func EpisodeSeed(seed, index uint64) uint64 {
	z := seed + (index+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Env is what an engine is made with.
type Env struct {
	// Oracle and Target start nodes. Under --control both are the same driver.
	Oracle, Target oracle.Driver
	// Quirks are the known faults of the oracle, and what the target's version is not to be sent; ask before every packet.
	Quirks *quirks.List
	// Corpus are cases to begin from: those that earlier campaigns kept and those of the suite. Their order is
	// that of their names.
	Corpus []*scenario.Case
	// Omit is what packets are compared without, as the target's version says it in nearly every one. Cases that an
	// engine makes have it in their header.
	Omit bus.Omit
	// Views are those of a node's state that are not compared, as the target's version differs in them nearly always.
	Views []string
}
