// Package corpus keeps cases that reached something new, one file each with the coverage tokens that it reached, and
// merges and minimises such folders by token.
//
// It refuses to run a case, and to say what a token means.
package corpus

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/harness/scenario"
)

// Entry is one case of a corpus.
type Entry struct {
	Name   string // of the file, without its extension: a digest of the steps
	Case   *scenario.Case
	Tokens []string // sorted
	Size   int      // bytes of the text
}

// mark begins the comment lines that hold an entry's tokens.
const mark = "tokens:"

// New makes an entry. The case's own comments give way to the tokens.
func New(c *scenario.Case, tokens []string) (*Entry, error) {
	own := *c
	tokens = slices.Compact(slices.Sorted(slices.Values(tokens)))
	own.Comments = []string{"An entry of a corpus.", ""}
	for chunk := range slices.Chunk(tokens, 6) {
		own.Comments = append(own.Comments, mark+" "+strings.Join(chunk, " "))
	}
	h := sha256.New()
	for _, st := range own.Steps() {
		fmt.Fprintln(h, st.Text())
	}
	name := hex.EncodeToString(h.Sum(nil)[:8])
	text := scenario.Format(&own)
	parsed, err := scenario.Parse(name+scenario.Ext, text)
	if err != nil {
		return nil, fmt.Errorf("corpus: %w", err)
	}
	parsed.Loose = true
	return &Entry{Name: name, Case: parsed, Tokens: tokens, Size: len(text)}, nil
}

// Read reads a folder, in the order of names. A folder that is not there is an empty corpus.
func Read(dir string) ([]*Entry, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"+scenario.Ext))
	if err != nil {
		return nil, fmt.Errorf("corpus: %w", err)
	}
	if _, err := os.Stat(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("corpus: %w", err)
	}
	slices.Sort(files)
	var out []*Entry
	for _, file := range files {
		c, err := scenario.LoadFile(file)
		if err != nil {
			return nil, fmt.Errorf("corpus: %w", err)
		}
		c.Loose = true
		e := &Entry{Name: strings.TrimSuffix(filepath.Base(file), scenario.Ext), Case: c, Size: len(scenario.Format(c))}
		for _, l := range c.Comments {
			if rest, ok := strings.CutPrefix(l, mark); ok {
				e.Tokens = append(e.Tokens, strings.Fields(rest)...)
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// Write puts an entry into a folder. An entry with the same steps is replaced.
func Write(dir string, e *Entry) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("corpus: %w", err)
	}
	file := filepath.Join(dir, e.Name+scenario.Ext)
	if err := os.WriteFile(file+".partial", scenario.Format(e.Case), 0o644); err != nil {
		return fmt.Errorf("corpus: %w", err)
	}
	if err := os.Rename(file+".partial", file); err != nil {
		return fmt.Errorf("corpus: %w", err)
	}
	return nil
}

// Merge adds the entries of the folders to dir and says how many are new there.
func Merge(dir string, folders ...string) (added int, err error) {
	have, err := Read(dir)
	if err != nil {
		return 0, err
	}
	names := map[string]bool{}
	for _, e := range have {
		names[e.Name] = true
	}
	for _, folder := range folders {
		if _, err := os.Stat(folder); err != nil {
			return added, fmt.Errorf("corpus: %w", err)
		}
		entries, err := Read(folder)
		if err != nil {
			return added, err
		}
		for _, e := range entries {
			if names[e.Name] {
				continue
			}
			if err := Write(dir, e); err != nil {
				return added, err
			}
			names[e.Name] = true
			added++
		}
	}
	return added, nil
}

// Cover chooses entries that together reach every token that all do: again and again the one that adds the most, of
// these the smallest. The rest is redundant.
func Cover(entries []*Entry) (keep, rest []*Entry) {
	left := slices.Clone(entries)
	reached := map[string]bool{}
	gain := func(e *Entry) int {
		n := 0
		for _, token := range e.Tokens {
			if !reached[token] {
				n++
			}
		}
		return n
	}
	for len(left) > 0 {
		best := slices.MinFunc(left, func(a, b *Entry) int {
			return cmp.Or(cmp.Compare(gain(b), gain(a)), cmp.Compare(a.Size, b.Size), cmp.Compare(a.Name, b.Name))
		})
		if gain(best) == 0 {
			break
		}
		for _, token := range best.Tokens {
			reached[token] = true
		}
		keep = append(keep, best)
		left = slices.DeleteFunc(left, func(e *Entry) bool { return e == best })
	}
	return keep, left
}

// Minimise deletes from a folder what Cover does not choose.
func Minimise(dir string) (kept, deleted int, err error) {
	entries, err := Read(dir)
	if err != nil {
		return 0, 0, err
	}
	keep, rest := Cover(entries)
	for _, e := range rest {
		if err := os.Remove(filepath.Join(dir, e.Name+scenario.Ext)); err != nil {
			return len(keep), deleted, fmt.Errorf("corpus: %w", err)
		}
		deleted++
	}
	return len(keep), deleted, nil
}

// Digest identifies the cases that an engine is seeded with. Their order matters.
func Digest(cases []*scenario.Case) string {
	h := sha256.New()
	for _, c := range cases {
		fmt.Fprintf(h, "%s\n%s\n", c.Name(), scenario.Format(c))
	}
	return hex.EncodeToString(h.Sum(nil))
}
