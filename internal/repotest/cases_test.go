package repotest

import (
	"flag"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slotdiff/slotdiff/harness/contract"
	"github.com/slotdiff/slotdiff/harness/mask"
	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/wire/bus"
)

func allCases(t *testing.T) []*scenario.Case {
	t.Helper()
	list, err := scenario.Load(os.DirFS(root + "/cases"))
	if err != nil {
		t.Error(err)
	}
	if len(list) == 0 {
		t.Fatal("no case was found")
	}
	return list
}

// caseName is area + what, in words: no numbers that order or count.
var caseName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*$`)

// recordedFrom is what a committed case must have been recorded from.
var recordedFrom = regexp.MustCompile(`^redis 8\.6(\.\d+)?$`)

func TestCases(t *testing.T) {
	texts := map[string]string{} // steps -> first case that has them
	for _, c := range allCases(t) {
		t.Run(c.Name(), func(t *testing.T) {
			area, what := path.Dir(c.Name()), path.Base(c.Name())
			if !caseName.MatchString(what) || strings.Contains(area, "/") || !caseName.MatchString(area) {
				t.Errorf("%s: a case is named <area>/<what>.case, in words of lower-case letters joined by _, without numbers", c.Path)
			}
			if !recordedFrom.MatchString(c.Header.Recorded) {
				t.Errorf("%s: recorded: %q: expected blocks come from real Redis 8.6 (slotdiff record), never from elsewhere", c.Path, c.Header.Recorded)
			}
			if len(c.Comments) == 0 {
				t.Errorf("%s: no comment: a case states its one point before its header", c.Path)
			}
			if err := runner.Check(c); err != nil {
				t.Error(err)
			}
			checkCanonical(t, c)
			if !proves(c) {
				t.Errorf("%s: every answer is OK: that proves nothing; look at the state that was changed", c.Path)
			}
			var steps strings.Builder
			for _, s := range c.Steps() {
				steps.WriteString(s.Text() + "\n")
			}
			if first := texts[steps.String()]; first != "" {
				t.Errorf("%s has the same steps as %s", c.Path, first)
			}
			texts[steps.String()] = c.Path
		})
	}
}

// fix rewrites cases that are not in canonical form.
var fix = flag.Bool("fix", false, "rewrite cases that are not in canonical form")

func checkCanonical(t *testing.T, c *scenario.Case) {
	t.Helper()
	got, want := string(scenario.Format(c)), read(t, "cases/"+c.Path)
	if got == want {
		return
	}
	if *fix {
		if err := os.WriteFile(filepath.Join(root, "cases", filepath.FromSlash(c.Path)), []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s is not in canonical form (go test ./internal/repotest -run TestCases -fix rewrites it):\n%s",
		c.Path, cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
}

// proves reports whether some answer of the case could be wrong in more than one way.
func proves(c *scenario.Case) bool {
	for _, s := range c.Steps() {
		for _, l := range s.Expect {
			if l != "ok" && l != "+OK" {
				return true
			}
		}
	}
	return false
}

// Names of cases are stable and their last part is unique enough to type.
func TestCaseNamesDifferInMoreThanCase(t *testing.T) {
	seen := map[string]string{}
	for _, c := range allCases(t) {
		low := strings.ToLower(c.Name())
		if seen[low] != "" {
			t.Errorf("%s and %s are one file on some machines", seen[low], c.Path)
		}
		seen[low] = c.Path
	}
}

// Every mask says what it hides and why; an example shows it. The page that
// documents masks, once there is one, names each.
func TestMasksAreDocumented(t *testing.T) {
	page := ""
	if exists("docs/masks.md") {
		page = read(t, "docs/masks.md")
	}
	seen := map[string]bool{}
	for _, m := range mask.All() {
		if m.Name == "" || m.Field == "" || m.Reason == "" || len(m.Kinds) == 0 || m.Before == "" || m.After == "" {
			t.Errorf("mask %q lacks a field of its documentation: %+v", m.Name, m)
		}
		if seen[m.Name] {
			t.Errorf("two masks are named %q", m.Name)
		}
		seen[m.Name] = true
		if page != "" && !strings.Contains(page, m.Name) {
			t.Errorf("docs/masks.md lacks mask %q: run go generate ./...", m.Name)
		}
	}
	if len(seen) == 0 {
		t.Error("no mask is registered")
	}
}

// Every verb of a case is on the page of verbs.
func TestVerbsAreDocumented(t *testing.T) {
	page := ""
	if exists("docs/verbs.md") {
		page = read(t, "docs/verbs.md")
	}
	for _, v := range runner.Verbs() {
		if v.Usage == "" || v.Doc == "" {
			t.Errorf("verb %q has no usage or documentation", v.Name)
		}
		if page != "" && !strings.Contains(page, v.Name) {
			t.Errorf("docs/verbs.md lacks verb %q: run go generate ./...", v.Name)
		}
	}
}

// unreachable are rules that no stream of bytes can hit, with the reason.
var unreachable = map[bus.Rule]string{
	bus.RuleFrameLength: "the announced length is what cuts the stream into frames, so a frame always has it",
}

// Every reject rule of the codec is hit by a case that says so in its header. The
// rules where Redis itself reads beyond the packet are left to cases that want
// them: what happens there is not defined by the packet.
func TestEveryRuleIsHit(t *testing.T) {
	known := map[string]bus.Rule{}
	for _, r := range bus.Rules() {
		if r.String() == "" || r.Doc() == "" && r != bus.RuleNone {
			t.Errorf("rule %d has no name or text", r)
		}
		known[r.String()] = r
	}
	hit := map[string]bool{}
	packets := false
	for _, c := range allCases(t) {
		packets = packets || contract.Short(c.Header.Scenario) == "E009"
		for _, name := range c.Header.Rules {
			if _, ok := known[name]; !ok {
				t.Errorf("%s: rules: %s is no rule of wire/bus", c.Path, name)
			}
			if !sends(c) {
				t.Errorf("%s: rules: %s: the case sends no packet that could hit it", c.Path, name)
			}
			if why := unreachable[known[name]]; why != "" {
				t.Errorf("%s: rules: %s cannot be hit: %s", c.Path, name, why)
			}
			hit[name] = true
		}
	}
	if !packets {
		t.Log("no case of scenario E009 yet: the rules are checked once there is one")
		return
	}
	for _, r := range bus.Rules() {
		if r != bus.RuleNone && !r.Unsafe() && unreachable[r] == "" && !hit[r.String()] {
			t.Errorf("rule %s is hit by no case: a case that hits it names it in its header, \"rules: %s\"", r, r)
		}
	}
}

// sends reports whether a step of the case has a puppet send something.
func sends(c *scenario.Case) bool {
	for _, s := range c.Steps() {
		if len(s.Words) > 0 && (s.Words[0].String() == "send" || s.Words[0].String() == "raw") {
			return true
		}
	}
	return false
}
