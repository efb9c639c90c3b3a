package campaign

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/triage"
)

// DefaultDir is where campaigns go, relative to the root of the checkout.
const DefaultDir = "artifacts/fuzz"

// DefaultDuration is how long a campaign runs that names neither a time nor a number of episodes.
const DefaultDuration = 10 * time.Second

// Options say how long, where and from what a campaign runs.
type Options struct {
	Seed uint64
	// Duration and Execs end the campaign: after that time, or when so many episodes have been played, of all its
	// lives. Zero: no such end; both zero: DefaultDuration.
	Duration time.Duration
	Execs    uint64
	// UntilFinding ends the campaign at the first confirmed finding that is not known.
	UntilFinding bool
	Shard        Shard
	// Dir holds the folders of campaigns. Empty: DefaultDir.
	Dir string
	// Resume is the folder, or the state.json in it, of a campaign to go on with. Its seed and shard hold.
	Resume string
	// Triage says what findings are judged with. Dir and OnGroup are the campaign's to set.
	Triage triage.Options
	// Workers is how many candidates are worked on at once. Zero: 2.
	Workers int
	// Serial files candidates between episodes instead, for servers that can not be started beside those of the engine.
	Serial bool
	// Out takes progress and summary, as text or as JSON lines. Terminal redraws the progress in place.
	Out      io.Writer
	JSON     bool
	Terminal bool
	// Every is the time between two lines of progress. Zero: 5 s, or half a second on a terminal.
	Every time.Duration
	// Command is how the tool was called, for the summary and for how to resume.
	Command string
	// Corpus is the digest of what the engine was seeded with: with the seed it governs what is sent.
	Corpus string
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// Shard is a part of a campaign: the episodes whose index is Index modulo Count. The zero Shard is all.
type Shard struct {
	Index uint64 `json:"index"` // from 0
	Count uint64 `json:"count"` // zero: one
}

// ParseShard reads "i/n", with i from 1 to n.
func ParseShard(s string) (Shard, error) {
	a, b, ok := strings.Cut(s, "/")
	i, err1 := strconv.ParseUint(a, 10, 32)
	n, err2 := strconv.ParseUint(b, 10, 32)
	if !ok || err1 != nil || err2 != nil || i < 1 || i > n {
		return Shard{}, fmt.Errorf("shard %q: want i/n with i from 1 to n, such as 2/4", s)
	}
	return Shard{Index: i - 1, Count: n}, nil
}

// String is the form that ParseShard reads.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index+1, max(1, s.Count)) }

// after is the first index of the shard that is not below i.
func (s Shard) after(i uint64) uint64 {
	n := max(1, s.Count)
	return i + (s.Index+n-i%n)%n
}
