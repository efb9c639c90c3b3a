package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/fixtures/commands"
	"github.com/slotdiff/slotdiff/harness/scenario"
)

const root = "../.."

// TestCasesAreCurrent holds the committed family against the table: generating
// again changes nothing, and no file of it is left over.
func TestCasesAreCurrent(t *testing.T) {
	files, err := generate(root, commands.Table(), commands.Docs())
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range files {
		path := filepath.Join(root, "cases", f.path)
		want = append(want, path)
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, f.text) {
			t.Errorf("%s is not what the table gives: go run ./internal/gencases, then slotdiff record", f.path)
		}
	}
	have, err := filepath.Glob(filepath.Join(root, "cases", "keys", "table_*"+scenario.Ext))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("files on disk %q\nwant %q", have, want)
	}
}

// TestEveryCommandIsInOneFamily would miss a command that no shape takes or that
// two families have.
func TestEveryCommandIsInOneFamily(t *testing.T) {
	seen := map[string]string{}
	for _, f := range families(commands.Table(), commands.Docs()) {
		for _, m := range f.members {
			if other := seen[m.Name]; other != "" {
				t.Errorf("%s is in %s and in %s", m.Name, other, f.name)
			}
			seen[m.Name] = f.name
		}
	}
	for _, in := range commands.Table() {
		left := in.Container && in.Name != "command" || isChannel(in)
		if (seen[in.Name] == "") != left {
			t.Errorf("%s: in a family: %v", in.Name, !left)
		}
	}
}

// TestAnswersProveThePoint reads the recorded answers: GETKEYS names exactly the
// arguments that the documentation calls keys, the invocation is redirected to
// their slot, and every key in another slot is noticed.
func TestAnswersProveThePoint(t *testing.T) {
	for _, f := range families(commands.Table(), commands.Docs()) {
		src, err := os.ReadFile(filepath.Join(root, "cases", "keys", f.name+scenario.Ext))
		if err != nil {
			t.Fatal(err)
		}
		c, err := scenario.Parse(f.name, src)
		if err != nil {
			t.Fatal(err)
		}
		answers := map[string][]string{}
		for _, s := range c.Steps() {
			answers[s.Text()] = s.Expect
		}
		for _, m := range f.members {
			for _, inv := range m.invocations {
				ask := getKeys(inv)
				got := answers[ask.Text()]
				if len(m.KeySpecs) == 0 {
					if !slices.Equal(got, []string{"-ERR The command has no key arguments"}) {
						t.Errorf("%s: %q", ask.Text(), got)
					}
					continue
				}
				if want := keyReply(inv); !slices.Equal(sorted(got), sorted(want)) {
					t.Errorf("%s: %q, want %q", ask.Text(), got, want)
				}
				steps := inv.steps()
				for i, s := range steps[1:] {
					want := "-CROSSSLOT Keys in request don't hash to the same slot"
					if i == 0 {
						want = "-MOVED 12182 $p.addr"
					}
					if got := answers[s.Text()]; !slices.Equal(got, []string{want}) {
						t.Errorf("%s: %q, want %q", s.Text(), got, want)
					}
				}
			}
		}
	}
}

// keyReply is the reply of GETKEYS that names the keys of an invocation.
func keyReply(inv invocation) []string {
	out := []string{"*" + strconv.Itoa(len(inv.keys))}
	for _, at := range inv.keys {
		out = append(out, "  "+strconv.Quote(inv.argv[at]))
	}
	return out
}

func sorted(lines []string) []string { return slices.Sorted(slices.Values(lines)) }

func TestKeepAnswers(t *testing.T) {
	head := "scenario: FR-P2C-007-E002\ncontract: B02\nanchors: A02\nclass: normal\n" +
		"reason: cluster.slot_owner_query_violation\nsource: x\n"
	old := head + "recorded: redis 8.6.3\n\nnode a\n----\nok\n\n# get\n\na GET x\n----\n-ERR one\n\n# set\n\na GET x\n----\n-ERR two\n"
	for _, tt := range []struct{ name, steps, want, recorded string }{
		{"same", "node a\n----\n\n# get\n\na GET x\n----\n", "-ERR one", "redis 8.6.3"},
		{"same step of another section", "node a\n----\n\n# set\n\na GET x\n----\n", "-ERR two", "redis 8.6.3"},
		{"new step", "node a\n----\n\n# get\n\na GET y\n----\n", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := scenario.Parse("new.case", []byte(head+"\n"+tt.steps))
			if err != nil {
				t.Fatal(err)
			}
			if err := keepAnswers(c, []byte(old)); err != nil {
				t.Fatal(err)
			}
			last := c.Sections[len(c.Sections)-1].Steps[0]
			if got := strings.Join(last.Expect, "\n"); got != tt.want || c.Header.Recorded != tt.recorded {
				t.Errorf("answer %q, recorded %q; want %q, %q", got, c.Header.Recorded, tt.want, tt.recorded)
			}
		})
	}
}
