package bus

import (
	"bytes"
	"testing"

	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// What a case says makes the bytes that the episode sent.
func TestSpellLosesNothing(t *testing.T) {
	patched := 0
	for seed := range uint64(20) {
		e := Generate(seed, seed%3 == 0, nil)
		for i := range e.Ops {
			op := &e.Ops[i]
			if op.Do != DoSend || len(op.Frame) == 0 {
				continue
			}
			words, lines := Spell(op.Link.Actor, op.Frame)
			var args []string
			for _, w := range words {
				parsed, _, err := scenario.ParseWords(w)
				if err != nil || len(parsed) != 1 {
					t.Fatalf("seed %d op %d: %q is not one word: %v", seed, i, w, err)
				}
				arg, err := parsed[0].Expand(canonicalRef)
				if err != nil {
					t.Fatal(err)
				}
				args = append(args, arg)
			}
			for j := range lines {
				text, err := scenario.ExpandText(lines[j], canonicalRef)
				if err != nil {
					t.Fatal(err)
				}
				lines[j] = text
			}
			got, err := bus.Build(template(op.Link.Actor), args, lines)
			if err != nil {
				t.Fatalf("seed %d op %d: %q %q: %v", seed, i, args, lines, err)
			}
			if !bytes.Equal(got, op.Frame) {
				t.Fatalf("seed %d op %d: %q %q makes\n%swant\n%s", seed, i, args, lines, bus.FrameText(got), bus.FrameText(op.Frame))
			}
			if len(words) > 12 {
				patched++
			}
		}
	}
	t.Logf("%d frames are mostly patches", patched)
}

// An episode's case is one that the runner takes.
func TestCaseIsSound(t *testing.T) {
	for seed := range uint64(10) {
		c := Case(Generate(seed, seed%3 == 0, nil), nil)
		text := scenario.Format(c)
		again, err := scenario.Parse("x.case", text)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if err := runner.Check(again); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}
