package scenario

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzScenario holds parser and formatter against each other: a generated case
// reads back as it was written, and whatever text parses has one canonical form.
func FuzzScenario(f *testing.F) {
	f.Add(uint64(1), example(f))
	for seed := range uint64(50) {
		f.Add(seed, []byte(head))
	}
	f.Fuzz(func(t *testing.T, seed uint64, src []byte) {
		c := Generate(rand.New(rand.NewPCG(seed, seed)))
		text := Format(c)
		back, err := Parse("generated.case", text)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if d := sameCase(c, back); d != "" {
			t.Fatalf("seed %d: parse(format(c)) differs:\n%s\n%s", seed, d, text)
		}

		c, err = Parse("fuzzed.case", src)
		if err != nil {
			return
		}
		text = Format(c)
		back, err = Parse("fuzzed.case", text)
		if err != nil {
			t.Fatalf("canonical form does not parse: %v\n%s", err, text)
		}
		if d := sameCase(c, back); d != "" {
			t.Fatalf("canonical form is another case:\n%s\n%s", d, text)
		}
		if again := Format(back); string(again) != string(text) {
			t.Fatalf("format is not idempotent:\n%s", cmp.Diff(string(text), string(again)))
		}
	})
}

func BenchmarkParse(b *testing.B) {
	src := example(b)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, err := Parse(examplePath, src); err != nil {
			b.Fatal(err)
		}
	}
}
