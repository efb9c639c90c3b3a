package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slotdiff/slotdiff/harness/evidence"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

var update = flag.Bool("update", false, "rewrite golden files")

// sample is a run with a case of every verdict.
func sample() *evidence.Summary {
	step := func(v verdict.Verdict, want, oracle, target []string) evidence.StepEntry {
		return evidence.StepEntry{
			Line: 53, Text: "a GET foo", Verdict: v, Want: want,
			Oracle: &evidence.AnswerEntry{Lines: oracle, Masks: []string{"ms"}}, Target: &evidence.AnswerEntry{Lines: target},
		}
	}
	entry := func(v verdict.Verdict, name, cause string, bad ...evidence.StepEntry) evidence.CaseEntry {
		e := evidence.CaseEntry{
			Case: name, Scenario: "FR-P2C-007-E003", Contract: "B03", Mode: "strict", Seed: 7, Verdict: v, Cause: cause,
			DurationMS: 420, ReplayCmd: "go run ./cmd/slotdiff replay " + name + " --mode strict --seed 7",
			Artifacts: []string{},
			Phases: []evidence.Phase{
				{Title: "", Verdict: verdict.Pass, Steps: 2, DurationMS: 12},
				{Title: "MOVED names the owner", Verdict: v, Steps: 1 + len(bad), DurationMS: 3, Bad: bad},
			},
		}
		if v == verdict.Fail || v == verdict.Known {
			e.Reason = "cluster.redirect_reply_contract_violation"
			e.Artifacts = []string{"cases/" + name + "/strict/diff.txt"}
		}
		return e
	}
	long := func(s string) []string {
		out := []string{"cluster_state:ok"}
		for range 8 {
			out = append(out, "same")
		}
		return append(out, "cluster_size:"+s, "<end>")
	}
	fault := step(verdict.OracleFault, []string{"+OK"}, []string{}, []string{"+OK"})
	fault.Oracle.Fault = "crash of a: signal: segmentation fault"
	return &evidence.Summary{
		SchemaVersion: 1, PacketID: "FR-P2C-007", SuiteID: "fr_runtime_phase2c_packet_007", RunID: "20261123T180405Z-run",
		Command: "run", Meaning: "slotnode 0.1 against redis 8.6.3, live, and the recording.", StartedUTC: "2026-11-23T18:04:05.678Z",
		DurationMS: 4200, Live: true, Witness: "redis 8.6.3", ExitCode: 1,
		Oracle: &oracle.Identity{Product: "redis", Version: "8.6.3", How: "process"},
		Target: &oracle.Identity{Product: "slotnode", Version: "0.1", How: "process"},
		Counts: map[verdict.Verdict]int{verdict.Pass: 1, verdict.Fail: 2, verdict.Known: 1, verdict.Skip: 1, verdict.Unknown: 1, verdict.OracleFault: 1},
		Cases: []evidence.CaseEntry{
			entry(verdict.Pass, "redirect/pass", ""),
			entry(verdict.Fail, "redirect/fail", "line 53: target says otherwise",
				step(verdict.Fail, []string{"-MOVED 12182 $p.addr"}, []string{"-MOVED 12182 $p.addr"}, []string{"-ASK 12182 $p.addr"})),
			entry(verdict.Fail, "redirect/long", "line 53: target says otherwise", step(verdict.Fail, long("2"), long("2"), long("1"))),
			entry(verdict.Known, "redirect/known", "listed", step(verdict.Fail, []string{"a"}, []string{"a"}, []string{"b"})),
			entry(verdict.Skip, "redirect/skip", "needs debug"),
			entry(verdict.Unknown, "redirect/unknown", "the oracle is not what was recorded",
				step(verdict.Unknown, []string{"recorded \x1b[31m"}, []string{"live"}, []string{"live"})),
			entry(verdict.OracleFault, "redirect/fault", "crash", fault),
		},
	}
}

func printed(t *testing.T, f Format, opts Options, s *evidence.Summary) string {
	t.Helper()
	var b bytes.Buffer
	if opts.Env == nil {
		opts.Env = []string{}
	}
	p := New(f, &b, opts)
	p.Begin(len(s.Cases), s.Meaning)
	for _, c := range s.Cases {
		p.Running(c.Case, c.Mode)
		p.Done(c)
	}
	if err := p.End(s, "artifacts/runs/"+s.RunID); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The plain text of a run, whole: what people paste into bug reports.
func TestTextGolden(t *testing.T) {
	got := printed(t, Text, Options{}, sample())
	golden := filepath.Join("testdata", "run.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("text (-golden +got), -update rewrites it:\n%s", d)
	}
	if strings.Contains(got, "\x1b") {
		t.Error("an escape sequence went to something that is no terminal")
	}
	lines := strings.Split(strings.TrimSpace(got), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, "replay  go run ./cmd/slotdiff replay redirect/long ") {
		t.Errorf("the last line is no replay command of a divergence: %q", last)
	}
}

func TestColour(t *testing.T) {
	force := []string{"TTY_FORCE=1", "TERM=xterm-256color"}
	if got := printed(t, Text, Options{Env: force}, sample()); !strings.Contains(got, "\x1b[1;31m") {
		t.Error("no colour on a terminal that has it")
	}
	colour := regexp.MustCompile(`\x1b\[[0-9;]*3[0-9]m`)
	if got := printed(t, Text, Options{Env: append(force, "NO_COLOR=1")}, sample()); colour.MatchString(got) {
		t.Error("NO_COLOR is not honoured")
	}
}

func TestLiveProgress(t *testing.T) {
	var b bytes.Buffer
	now := time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)
	term := newTerminal(&b, Options{Live: true, Width: 200, Env: []string{"CLICOLOR_FORCE=1", "TERM=dumb"}, Now: func() time.Time { return now }})
	s := sample()
	term.Begin(10, "headline")
	now = now.Add(2 * time.Second)
	term.Done(s.Cases[0])
	term.Running("bus/x", "strict")
	term.Done(s.Cases[1])
	term.mu.Lock()
	got := term.progress()
	term.mu.Unlock()
	plain := regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(got, "")
	if want := "2/10 done, 1 running, 1/s, 8s left, 1 finding  bus/x [strict]"; plain != want {
		t.Errorf("progress %q, want %q", plain, want)
	}
	if err := term.End(s, ""); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "redirect/pass") {
		t.Error("a pass takes a line although progress is live")
	}

	fuzz := newTerminal(&b, Options{Live: true, Env: []string{}, Now: func() time.Time { return now }, Deadline: now.Add(time.Minute)})
	fuzz.begun = now.Add(-time.Second)
	fuzz.Count(20000)
	if got := fuzz.progress(); !strings.Contains(got, "20000 done, 0 running, 2e+04/s, 1m0s left") {
		t.Errorf("progress of a fuzz run: %q", got)
	}
}

func TestManyFailures(t *testing.T) {
	s := sample()
	fail := s.Cases[1]
	s.Cases = nil
	for range maxShown + 5 {
		s.Cases = append(s.Cases, fail)
	}
	got := printed(t, Text, Options{}, s)
	if n := strings.Count(got, "\nFAIL "); n != maxShown {
		t.Errorf("%d failures shown", n)
	}
	if !strings.Contains(got, "5 more that are not right: see artifacts/runs/20261123T180405Z-run/report.html") {
		t.Error("the rest is not named")
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestBrokenOutput(t *testing.T) {
	for _, f := range Formats() {
		p := New(Format(f), brokenPipe{}, Options{Env: []string{}})
		p.Begin(1, "x")
		if err := p.End(sample(), ""); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: error %v", f, err)
		}
	}
}

func TestJSON(t *testing.T) {
	var back evidence.Summary
	if err := json.Unmarshal([]byte(printed(t, JSON, Options{}, sample())), &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(sample(), &back); d != "" {
		t.Errorf("the summary does not read back:\n%s", d)
	}
}

func TestGitHub(t *testing.T) {
	got := printed(t, GitHub, Options{}, sample())
	want := "::error file=cases/redirect/fail.case,line=53,title=fail%3A redirect/fail [strict]::MOVED names the owner%0Aa GET foo%0A" +
		"want (oracle): -MOVED 12182 $p.addr%0Agot (target): -ASK 12182 $p.addr%0A" +
		"replay: go run ./cmd/slotdiff replay redirect/fail --mode strict --seed 7\n"
	if !strings.Contains(got, want) {
		t.Errorf("annotation missing:\n%s", got)
	}
	for prefix, n := range map[string]int{"\n::error ": 3, "\n::warning ": 1, "\n::notice ": 1} {
		if c := strings.Count(got, prefix); c != n {
			t.Errorf("%d lines begin with %q, want %d", c, prefix[1:], n)
		}
	}
	odd := sample().Cases[1]
	odd.Case, odd.Phases = "a,b:c", nil
	odd.Cause = "100%\nsecond\x1b"
	if got := annotation(&odd); !strings.Contains(got, "file=cases/a%2Cb%3Ac.case,") || !strings.Contains(got, `100%25%0Asecond\x1b`) {
		t.Errorf("escapes: %s", got)
	}
}

func TestParseFormat(t *testing.T) {
	for _, f := range Formats() {
		if got, err := ParseFormat(f); err != nil || string(got) != f {
			t.Errorf("%s: %v", f, err)
		}
	}
	if _, err := ParseFormat("xml"); err == nil || err.Error() != `format "xml": want one of text, json, github` {
		t.Errorf("error %v", err)
	}
}

func TestAlign(t *testing.T) {
	text := func(list []Span) string {
		var b strings.Builder
		for _, s := range list {
			if s.Mark {
				b.WriteString("[" + s.Text + "]")
			} else {
				b.WriteString(s.Text)
			}
		}
		return b.String()
	}
	for _, tc := range []struct {
		name      string
		want, got []string
		rows      []string
	}{
		{"equal", []string{"a"}, []string{"a"}, []string{"same 1 a | 1 a"}},
		{"changed", []string{"-MOVED 1 x"}, []string{"-MOVED 2 x"}, []string{"changed 1 -MOVED [1] x | 1 -MOVED [2] x"}},
		{"missing", []string{"a", "b", "c"}, []string{"a", "c"}, []string{"same 1 a | 1 a", "missing 2 b | 0 ", "same 3 c | 2 c"}},
		{"extra", []string{"a"}, []string{"b", "a"}, []string{"extra 0  | 1 b", "same 1 a | 2 a"}},
		{"invisible", []string{"\xff"}, []string{"\xfe"}, []string{`changed 1 \xf[f] | 1 \xf[e]`}},
		{"nothing", nil, nil, nil},
	} {
		var rows []string
		for _, r := range Align(tc.want, tc.got) {
			rows = append(rows, strings.Join([]string{
				string(r.Kind), digits(r.WantLine), text(r.Want), "|", digits(r.GotLine), text(r.Got),
			}, " "))
		}
		if !slices.Equal(rows, tc.rows) {
			t.Errorf("%s: %q, want %q", tc.name, rows, tc.rows)
		}
	}
	big := make([]string, 3000)
	for i := range big {
		big[i] = digits(i % 10)
	}
	other := slices.Clone(big)
	other[1500] = "x"
	changed := 0
	for _, r := range Align(big, other) {
		if r.Kind != Same {
			changed++
		}
	}
	if changed != 1 {
		t.Errorf("%d rows of a long text changed", changed)
	}
}

// A long line is cut to what changed, on both sides alike.
func TestLongLines(t *testing.T) {
	long := strings.Repeat("x", 100)
	want, got := marks(long+" tot=1 "+long, long+" tot=23 "+long)
	var a, b strings.Builder
	for _, s := range shorten(want) {
		a.WriteString(s.Text)
	}
	for _, s := range shorten(got) {
		b.WriteString(s.Text)
	}
	const x24 = "xxxxxxxxxxxxxxxxxxxxxxxx"
	if w := "…" + x24[5:] + " tot=1 " + x24[1:] + "…"; a.String() != w {
		t.Errorf("want side %q, want %q", a.String(), w)
	}
	if w := "…" + x24[5:] + " tot=23 " + x24[1:] + "…"; b.String() != w {
		t.Errorf("got side %q, want %q", b.String(), w)
	}
	short := []Span{{Text: "a"}, {Text: "b", Mark: true}}
	if !cmp.Equal(shorten(short), short) {
		t.Error("a short line was cut")
	}
}

func digits(n int) string { return string(must(json.Marshal(n))) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
