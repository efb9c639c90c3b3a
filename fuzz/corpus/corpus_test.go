package corpus_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/slotdiff/slotdiff/fuzz/corpus"
	"github.com/slotdiff/slotdiff/harness/scenario"
)

func entry(t *testing.T, command string, tokens ...string) *corpus.Entry {
	t.Helper()
	c, err := scenario.Parse("x.case", []byte(`# A case.

scenario: FR-P2C-007-E003
contract: B03
anchors:  A03
class:    normal
reason:   cluster.redirect_reply_contract_violation
source:   a test

node a
----

a `+command+`
----
`))
	if err != nil {
		t.Fatal(err)
	}
	e, err := corpus.New(c, tokens)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// What is written is read back, and equal steps are one entry.
func TestWriteAndRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "corpus")
	if got, err := corpus.Read(dir); err != nil || len(got) != 0 {
		t.Fatalf("a folder that is not there: %v, %v", got, err)
	}
	many := []string{"a:1", "a:2", "a:3", "a:4", "a:5", "a:6", "b:7", "b:8"}
	for _, e := range []*corpus.Entry{entry(t, "GET k", many...), entry(t, "GET k", many...), entry(t, "PING", "c:1")} {
		if err := corpus.Write(dir, e); err != nil {
			t.Fatal(err)
		}
	}
	got, err := corpus.Read(dir)
	if err != nil || len(got) != 2 {
		t.Fatalf("%d entries, %v", len(got), err)
	}
	i := slices.IndexFunc(got, func(e *corpus.Entry) bool { return len(e.Tokens) > 1 })
	if i < 0 || !slices.Equal(got[i].Tokens, many) || got[i].Name != entry(t, "GET k").Name {
		t.Errorf("%+v", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "broken.case"), []byte("no case"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := corpus.Read(dir); err == nil {
		t.Error("a broken entry is read")
	}
}

// Merging adds what is new; minimising keeps every token with few and small entries.
func TestMergeAndMinimise(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	for dir, entries := range map[string][]*corpus.Entry{
		one: {entry(t, "GET k", "a", "b"), entry(t, "PING", "b")},
		two: {entry(t, "GET k", "a", "b"), entry(t, "SET k v", "b", "c"), entry(t, "SET longer value", "c", "b"), entry(t, "DBSIZE")},
	} {
		for _, e := range entries {
			if err := corpus.Write(dir, e); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n, err := corpus.Merge(one, two); n != 3 || err != nil {
		t.Errorf("merged %d, %v", n, err)
	}
	if _, err := corpus.Merge(one, filepath.Join(two, "none")); err == nil {
		t.Error("a folder that is not there is merged")
	}
	kept, deleted, err := corpus.Minimise(one)
	if kept != 2 || deleted != 3 || err != nil {
		t.Errorf("kept %d, deleted %d, %v", kept, deleted, err)
	}
	left, err := corpus.Read(one)
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string]bool{}
	for _, e := range left {
		for _, token := range e.Tokens {
			tokens[token] = true
		}
	}
	if len(tokens) != 3 || len(left) != 2 {
		t.Errorf("%d tokens in %d entries", len(tokens), len(left))
	}
}
