package campaign

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/triage"
)

// stateVersion is that of state.json.
const stateVersion = 1

// stateFile holds what a campaign goes on from.
const stateFile = "state.json"

// State is what is known of a campaign. Only whole episodes count, with all their candidates filed: one that
// was cut short is played again.
type State struct {
	SchemaVersion int    `json:"schema_version"`
	Engine        string `json:"engine"`
	Seed          uint64 `json:"seed"`
	Shard         Shard  `json:"shard"`
	Corpus        string `json:"corpus_digest"`
	Oracle        string `json:"oracle"`
	Target        string `json:"target"`
	Next          uint64 `json:"next_episode"` // the first index that does not count yet
	Totals        Totals `json:"totals"`
	TookMS        int64  `json:"took_ms"` // over all lives
	Lives         int    `json:"lives"`   // how often it was started
	// Stream is a digest over the digests of all episodes that count, in order: equal for equal seeds, corpora and lengths.
	Stream string          `json:"stream_digest"`
	Groups []*triage.Group `json:"findings"`
}

// Totals sum up the episodes.
type Totals struct {
	Episodes uint64            `json:"episodes"`
	Commands uint64            `json:"commands"`
	Packets  uint64            `json:"packets"`
	Windows  uint64            `json:"windows"`
	Restarts uint64            `json:"restarts"`
	Flaky    uint64            `json:"flaky"`
	Cut      uint64            `json:"cut"`
	Held     map[string]uint64 `json:"held"`   // inputs not sent because of a quirk, by quirk
	Tokens   map[string]uint64 `json:"tokens"` // episodes that reached each
}

func (t *Totals) add(s *Stats) (fresh bool) {
	t.Episodes++
	t.Commands += s.Commands
	t.Packets += s.Packets
	t.Windows += s.Windows
	t.Restarts += s.Restarts
	t.Flaky += s.Flaky
	t.Cut += s.Cut
	for name, n := range s.Held {
		t.Held[name] += n
	}
	for _, token := range s.Tokens {
		fresh = fresh || t.Tokens[token] == 0
		t.Tokens[token]++
	}
	return fresh
}

// clone copies the totals, whose maps go on being written to.
func (t Totals) clone() Totals {
	t.Held, t.Tokens = maps.Clone(t.Held), maps.Clone(t.Tokens)
	return t
}

// readState reads the state of a campaign by its folder or its state.json.
func readState(path string) (dir string, s *State, err error) {
	dir = path
	if filepath.Base(path) == stateFile {
		dir = filepath.Dir(path)
	}
	// The link "latest" is about to be set anew.
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", nil, fmt.Errorf("resume: %w", err)
	}
	b, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return "", nil, fmt.Errorf("resume: %w", err)
	}
	s = &State{}
	if err := json.Unmarshal(b, s); err != nil {
		return "", nil, fmt.Errorf("resume: %s: %w", filepath.Join(dir, stateFile), err)
	}
	if s.SchemaVersion != stateVersion {
		return "", nil, fmt.Errorf("resume: %s: schema version %d; this tool reads %d", filepath.Join(dir, stateFile), s.SchemaVersion, stateVersion)
	}
	if s.Totals.Held == nil {
		s.Totals.Held = map[string]uint64{}
	}
	if s.Totals.Tokens == nil {
		s.Totals.Tokens = map[string]uint64{}
	}
	return dir, s, nil
}

// writeJSON writes a file whole or not at all.
func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // our own types always marshal
	}
	tmp := path + ".partial"
	if err := os.WriteFile(tmp, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return errors.Join(fmt.Errorf("campaign: %w", err), os.Remove(tmp))
	}
	return nil
}

// newDir makes the folder of a campaign. A campaign that began in the same second has the name without a number.
func newDir(root, engine string, now time.Time) (string, error) {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", fmt.Errorf("campaign: %w (choose another place with --out)", err)
	}
	id := now.UTC().Format("20060102T150405Z") + "-" + engine
	for n := 1; ; n++ {
		dir := filepath.Join(root, id)
		if n > 1 {
			dir = fmt.Sprintf("%s-%d", dir, n)
		}
		err := os.Mkdir(dir, 0o755)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("campaign: %w (choose another place with --out)", err)
		}
		return dir, nil
	}
}

// pointLatest makes root/latest name dir.
func pointLatest(root, dir string) error {
	tmp := filepath.Join(root, ".latest-"+filepath.Base(dir))
	if err := os.Symlink(filepath.Base(dir), tmp); err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	if err := os.Rename(tmp, filepath.Join(root, "latest")); err != nil {
		return errors.Join(fmt.Errorf("campaign: %w", err), os.Remove(tmp))
	}
	return nil
}
