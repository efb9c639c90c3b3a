package campaign

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/harness/contract"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// Summary is what a campaign came to, the content of summary.json.
type Summary struct {
	SchemaVersion int             `json:"schema_version"`
	PacketID      string          `json:"packet_id"`
	Command       string          `json:"command"`
	Dir           string          `json:"dir"`
	Engine        string          `json:"engine"`
	Seed          uint64          `json:"seed"`
	Shard         Shard           `json:"shard"`
	Corpus        string          `json:"corpus_digest"`
	Oracle        string          `json:"oracle"`
	Target        string          `json:"target"`
	TookMS        int64           `json:"took_ms"`
	Lives         int             `json:"lives"`
	Interrupted   bool            `json:"interrupted"`
	Totals        Totals          `json:"totals"`  // with what was done of an episode that was cut off
	Partial       Partial         `json:"partial"` // that alone; it is played again when the campaign is resumed
	Stream        string          `json:"stream_digest"`
	Coverage      []Coverage      `json:"coverage"`
	Kept          int             `json:"corpus_kept"` // cases of this life that reached something new, below Dir/corpus
	Findings      []*triage.Group `json:"findings"`
	// ByKind counts groups, not hits.
	ByKind   map[cause.Kind]int `json:"groups_by_kind"`
	ExitCode int                `json:"exit_code"`
}

// Partial is what was done of an episode that the end of a campaign cut off.
type Partial struct {
	Commands uint64 `json:"commands"`
	Packets  uint64 `json:"packets"`
}

// Coverage says which tokens of one class were reached.
type Coverage struct {
	Class   string   `json:"class"`
	Reached int      `json:"reached"`
	Total   int      `json:"total"`             // zero: the engine does not know how many there are
	Missing []string `json:"missing,omitempty"` // sorted
}

func (r *runner) summary(interrupted bool) *Summary {
	groups := r.tri.Groups()
	r.mu.Lock()
	defer r.mu.Unlock()
	totals := r.sofar()
	s := &Summary{
		SchemaVersion: stateVersion, PacketID: contract.Packet, Command: r.opts.Command, Dir: r.dir,
		Engine: r.state.Engine, Seed: r.state.Seed, Shard: r.state.Shard, Corpus: r.state.Corpus,
		Oracle: r.state.Oracle, Target: r.state.Target, TookMS: r.state.TookMS, Lives: r.state.Lives,
		Interrupted: interrupted, Totals: totals, Partial: Partial{r.partial.Commands, r.partial.Packets}, Stream: r.state.Stream, Kept: r.kept,
		Coverage: coverage(r.eng, totals.Tokens), Findings: groups, ByKind: map[cause.Kind]int{},
	}
	// The gravest first, then the most frequent.
	slices.SortStableFunc(s.Findings, func(a, b *triage.Group) int {
		return cmp.Or(cmp.Compare(gravity(a), gravity(b)), cmp.Compare(b.Count, a.Count))
	})
	for _, g := range s.Findings {
		s.ByKind[g.Kind]++
	}
	s.ExitCode = exitCode(s)
	return s
}

// gravity ranks groups: what is said against the target, then what the oracle suffers, what did not come again, what is known.
func gravity(g *triage.Group) int {
	switch {
	case isFinding(g):
		return 0
	case g.Known != "" || g.Noise > 0:
		return 3
	case !g.Steady():
		return 2
	}
	return 1
}

// exitCode is that of the campaign: 1 for a finding against the target, 2 for faults of the oracle and what did not come
// again, 3 for a campaign that compared nothing.
func exitCode(s *Summary) int {
	code := verdict.ExitOK
	for _, g := range s.Findings {
		switch gravity(g) {
		case 0:
			return verdict.ExitDivergence
		case 1, 2:
			code = verdict.ExitUnknown
		}
	}
	if code == verdict.ExitOK && s.Totals.Episodes == 0 && s.Totals.Commands == 0 && s.Totals.Packets == 0 {
		return verdict.ExitUsage
	}
	return code
}

func coverage(eng Engine, reached map[string]uint64) []Coverage {
	byClass := map[string]*Coverage{}
	get := func(token string) *Coverage {
		c := byClass[class(token)]
		if c == nil {
			c = &Coverage{Class: class(token)}
			byClass[class(token)] = c
		}
		return c
	}
	for token := range reached {
		get(token).Reached++
	}
	if total, ok := eng.(Total); ok {
		for _, token := range total.AllTokens() {
			c := get(token)
			c.Total++
			if reached[token] == 0 {
				c.Missing = append(c.Missing, token)
			}
		}
	}
	out := []Coverage{}
	for _, name := range slices.Sorted(maps.Keys(byClass)) {
		slices.Sort(byClass[name].Missing)
		out = append(out, *byClass[name])
	}
	return out
}

// missingShown is how many tokens that were not reached are printed of each class. All are in summary.json.
const missingShown = 12

// WriteText prints the summary for people. The last thing it says is what was found and how to see it again.
func (s *Summary) WriteText(w io.Writer) error {
	var b strings.Builder
	took := time.Duration(s.TookMS) * time.Millisecond
	t := &s.Totals
	fmt.Fprintf(&b, "\n%s of %s: seed %d, shard %s, %d episodes, %d commands, %d packets, %d windows in %s\n",
		s.Engine, s.Target, s.Seed, s.Shard, t.Episodes, t.Commands, t.Packets, t.Windows, took.Round(10*time.Millisecond))
	if p := s.Partial; p.Commands+p.Packets > 0 {
		fmt.Fprintf(&b, "of these, %d commands and %d packets are of an episode that was cut off\n", p.Commands, p.Packets)
	}
	if t.Restarts > 0 {
		fmt.Fprintf(&b, "%d sides were started again\n", t.Restarts)
	}
	if t.Cut > 0 {
		fmt.Fprintf(&b, "%d streams ended early: both sides alike did what was not foreseen\n", t.Cut)
	}
	if t.Flaky > 0 {
		fmt.Fprintf(&b, "%d differences did not come a second time and count for nothing\n", t.Flaky)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Held)) {
		fmt.Fprintf(&b, "held back %d inputs: %s\n", t.Held[name], name)
	}
	for _, c := range s.Coverage {
		if c.Total == 0 {
			fmt.Fprintf(&b, "covered %d %s\n", c.Reached, c.Class)
			continue
		}
		fmt.Fprintf(&b, "covered %d of %d %s", c.Total-len(c.Missing), c.Total, c.Class)
		if n := len(c.Missing); n > 0 {
			fmt.Fprintf(&b, ", not %s", strings.Join(c.Missing[:min(n, missingShown)], " "))
			if n > missingShown {
				fmt.Fprintf(&b, " and %d more", n-missingShown)
			}
		}
		b.WriteByte('\n')
	}
	if s.Kept > 0 {
		fmt.Fprintf(&b, "kept %d cases that reached something new in %s/corpus (--corpus takes it; fuzz corpus merges)\n", s.Kept, s.Dir)
	}
	if s.Interrupted {
		b.WriteString("interrupted: what was not played and filed to its end is played again when it is resumed\n")
	}
	fmt.Fprintf(&b, "evidence: %s (--resume %s goes on with it)\n", s.Dir, s.Dir)
	if len(s.Findings) == 0 {
		b.WriteString("nothing was found\n")
	}
	for _, g := range s.Findings {
		b.WriteByte('\n')
		writeGroup(&b, g)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeGroup(b *strings.Builder, g *triage.Group) {
	fmt.Fprintf(b, "%s, %d times: %s\n", strings.ToUpper(string(g.Kind)), g.Count, g.Title)
	fmt.Fprintf(b, "  cause   %s\n", g.Cause)
	if g.Known != "" {
		fmt.Fprintf(b, "  known   %s\n", g.Known)
	}
	if g.Noise > 0 {
		fmt.Fprintf(b, "  noise   two instances of the oracle differ in it as well, %d of %d times\n", g.Noise, g.Times)
	}
	if g.Survival != "" {
		fmt.Fprintf(b, "  target  %s\n", g.Survival)
	}
	if g.Confirmed > 0 {
		fmt.Fprintf(b, "  case    %d steps, reproduced %d of %d\n", g.Steps, g.Confirmed, g.Times)
		if !g.Steady() {
			b.WriteString("  unsteady  a difference that comes and goes is up to time, on either side; it accuses nobody\n")
		}
	} else {
		fmt.Fprintf(b, "  case    %d steps, did not come again in %d plays\n", g.Steps, g.Times)
	}
	fmt.Fprintf(b, "  replay  %s\n", g.Replay)
}
