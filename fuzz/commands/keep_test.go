package commands

import (
	"slices"
	"testing"

	"github.com/slotdiff/slotdiff/fuzz/corpus"
	"github.com/slotdiff/slotdiff/harness/scenario"
)

// What an episode reached first becomes an entry of a corpus, once, that reads back with its tokens.
func TestKeep(t *testing.T) {
	e := New(Options{})
	ep := e.newEpisode(5)
	for range 40 {
		w := &window{}
		ep.gen.next(w)
		ep.p.played = append(ep.p.played, w)
		if w.mode != modeCount {
			continue
		}
		for i, id := range w.ids {
			if frame := []byte("-ERR some text\xff, and more\r\n"); ep.p.tally.note(id, frame) {
				ep.p.fresh(w, i, id, frame)
			}
		}
	}
	build := e.keep(ep)
	if build == nil || e.keep(ep) != nil {
		t.Fatal("an episode is to be kept once")
	}
	c := build()
	entry, err := corpus.New(c, ep.p.tally.tokens())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(entry.Tokens, ep.p.tally.tokens()) {
		t.Errorf("tokens are %q", entry.Tokens)
	}
	dir := t.TempDir()
	if err := corpus.Write(dir, entry); err != nil {
		t.Fatal(err)
	}
	back, err := corpus.Read(dir)
	if err != nil || len(back) != 1 || !slices.Equal(back[0].Tokens, entry.Tokens) {
		t.Fatalf("%v %v", back, err)
	}
	if list := snippets([]*scenario.Case{back[0].Case}); len(list) == 0 {
		t.Error("an entry of a corpus is no seed")
	}
}
