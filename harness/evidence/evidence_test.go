package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

var at = time.Date(2026, 11, 23, 18, 4, 5, 678_000_000, time.UTC)

func options(t *testing.T) Options {
	return Options{
		Dir: filepath.Join(t.TempDir(), "runs"), Command: "run", Args: []string{"run", "E003"}, Seed: 7,
		Oracle: &oracle.Identity{Product: "redis", Version: "8.6.3", How: "process", Source: "debian redis-server 8.6.3-1", Digest: "sha256:00"},
		Target: &oracle.Identity{Product: "slotnode", Version: "0.1", How: "process"},
		Now:    func() time.Time { return at },
	}
}

// result makes a result of each verdict with everything a case can leave.
func result(v verdict.Verdict, name string) *verdict.Result {
	res := &verdict.Result{
		Case: name, Scenario: "FR-P2C-007-E003", Contract: "B03", Mode: "strict", Seed: 1<<64 - 1, Verdict: v,
		Started: at, Duration: 1500 * time.Microsecond, CaseText: []byte("# " + name + "\n"),
		InputDigest: digest([]byte("in")), OutputDigest: digest([]byte("out " + name)),
		Steps: []verdict.Step{
			{
				Line: 9, Phase: "one", Text: "a GET x", Verdict: verdict.Pass, Want: []string{"+OK"},
				Oracle: &verdict.Answer{Lines: []string{"+OK"}, Duration: time.Millisecond},
				Target: &verdict.Answer{Lines: []string{"+OK"}, Duration: 2 * time.Millisecond},
			},
			{Line: 12, Phase: "one", Text: "a GET y", Verdict: verdict.Pass},
		},
		Sides: map[verdict.Witness]*verdict.Side{},
	}
	if v == verdict.Pass {
		return res
	}
	res.Cause = "line 15: <x>"
	if v == verdict.Skip {
		res.Steps = nil
		return res
	}
	bad := verdict.Step{
		Line: 15, Phase: "two", Text: "wait a within=1s\nGET z", Verdict: v, Want: []string{"-MOVED 1 $p.addr"},
		Oracle: &verdict.Answer{Lines: []string{"-MOVED 1 $p.addr"}, Masks: []string{"ms"}},
		Target: &verdict.Answer{Lines: []string{"-ASK 1 $p.addr"}},
	}
	if v == verdict.Known {
		bad.Verdict = verdict.Fail
	}
	if v == verdict.OracleFault {
		bad.Oracle.Fault = &verdict.Fault{Kind: verdict.FaultCrash, Node: "a", Detail: "signal 11"}
	}
	if v == verdict.Fail || v == verdict.Known {
		res.Reason = "cluster.redirect_reply_contract_violation"
	}
	res.Steps = append(res.Steps, bad)
	for _, w := range []verdict.Witness{verdict.Oracle, verdict.Target} {
		res.Sides[w] = &verdict.Side{
			Transcript: []byte("transcript of " + w),
			Frames: []verdict.Frame{
				{At: at, Src: "127.0.0.1:30000", Dst: "127.0.0.1:26384", Bus: true, Data: bytes.Repeat([]byte("x"), 60000+10)},
				{At: at, Src: "127.0.0.1:26384", Dst: "127.0.0.1:30000", Bus: true, Data: []byte("pong")},
			},
			NodeLogs:  map[string]string{"a": "log of a", "../b": "log of b"},
			NodesConf: map[string][]byte{"a": []byte("vars currentEpoch 0 lastVoteEpoch 0\n")},
		}
	}
	return res
}

// finished runs one case of every verdict through a run directory.
func finished(t *testing.T, opts Options) (string, *Summary) {
	t.Helper()
	r, err := Create(opts)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, v := range verdict.All() {
		wg.Go(func() {
			if _, err := r.Add(result(v, "redirect/"+string(v))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	dir, s, err := r.Finish(func(sum *Summary) { // all that a summary may leave out
		sum.Pace = 10
		sum.IdleMasks = []string{"ms"}
		sum.Hurried = map[string]string{"redirect/pass": "fail: it was late"}
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir, s
}

func compile(t *testing.T, schema []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("urn:test", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("urn:test")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, doc []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func read(t *testing.T, parts ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRunDirectory(t *testing.T) {
	opts := options(t)
	opts.Render = func(s *Summary) ([]byte, error) { return []byte("<html>" + s.RunID), nil }
	dir, s := finished(t, opts)

	if got, want := filepath.Base(dir), "20261123T180405Z-run"; got != want {
		t.Errorf("directory %s, want %s", got, want)
	}
	if link, err := os.Readlink(filepath.Join(opts.Dir, "latest")); err != nil || link != filepath.Base(dir) {
		t.Errorf("latest -> %q, %v", link, err)
	}
	entries, err := os.ReadDir(opts.Dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("something is left behind: %v %v", entries, err)
	}

	schema := compile(t, LogSchema())
	lines := strings.Split(strings.TrimSuffix(string(read(t, dir, "log.jsonl")), "\n"), "\n")
	if len(lines) != len(verdict.All()) {
		t.Errorf("%d log lines", len(lines))
	}
	for _, l := range lines {
		if err := validate(t, schema, []byte(l)); err != nil {
			t.Errorf("%v\n%s", err, l)
		}
		var rec Line
		if err := json.Unmarshal([]byte(l), &rec); err != nil {
			t.Fatal(err)
		}
		if rec.DurationMS != 2 || rec.Seed != 1<<64-1 || rec.Witness != "redis 8.6.3" || rec.TSUTC != "2026-11-23T18:04:05.678Z" {
			t.Errorf("line %+v", rec)
		}
		for _, ref := range rec.ArtifactRefs {
			read(t, dir, ref)
		}
	}
	if err := validate(t, compile(t, SummarySchema()), read(t, dir, "summary.json")); err != nil {
		t.Errorf("summary.json: %v", err)
	}
	back, err := ReadSummary(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(s, back); d != "" {
		t.Errorf("summary.json reads back differently:\n%s", d)
	}
	for _, v := range verdict.All() {
		if s.Counts[v] != 1 {
			t.Errorf("counts %v", s.Counts)
		}
	}
	if s.ExitCode != verdict.ExitDivergence {
		t.Errorf("exit code %d", s.ExitCode)
	}

	got := []string{}
	for _, e := range must(os.ReadDir(filepath.Join(dir, "cases", "redirect", "fail", "strict"))) {
		got = append(got, e.Name())
	}
	want := []string{
		"bus.pcapng", "diff.txt", "oracle-.._b.log", "oracle-a.log", "oracle-a.nodes.conf", "oracle.txt", "repro.case",
		"target-.._b.log", "target-a.log", "target-a.nodes.conf", "target.txt",
	}
	if !slices.Equal(got, want) {
		t.Errorf("folder of a failing case:\n%s", cmp.Diff(want, got))
	}
	for _, v := range []string{"pass", "skip"} {
		if _, err := os.Stat(filepath.Join(dir, "cases", "redirect", v)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s left a folder", v)
		}
	}
	if got := string(read(t, dir, "report.html")); got != "<html>20261123T180405Z-run" {
		t.Errorf("report.html: %s", got)
	}

	var m Manifest
	if err := json.Unmarshal(read(t, dir, "manifest.json"), &m); err != nil {
		t.Fatal(err)
	}
	for _, f := range m.Files {
		b := read(t, dir, f.Path)
		if digest(b) != f.SHA256 || int64(len(b)) != f.Size {
			t.Errorf("manifest is wrong about %s", f.Path)
		}
	}
	for _, f := range []string{"log.jsonl", "summary.json", "junit.xml", "report.html", "env.json", "repro.lock", "cases/redirect/fail/strict/diff.txt"} {
		if !slices.ContainsFunc(m.Files, func(i FileInfo) bool { return i.Path == f }) {
			t.Errorf("manifest lacks %s", f)
		}
	}
	junit := string(read(t, dir, "junit.xml"))
	for _, want := range []string{`tests="6"`, `failures="1"`, `errors="2"`, `skipped="1"`, `name="redirect/fail [strict]"`, "-ASK 1 $p.addr"} {
		if !strings.Contains(junit, want) {
			t.Errorf("junit.xml lacks %s:\n%s", want, junit)
		}
	}
	host, err := os.Hostname()
	env := string(read(t, dir, "env.json"))
	if err == nil && len(host) > 3 && strings.Contains(env, host) || strings.Contains(env, opts.Dir) {
		t.Errorf("env.json names the machine or a folder:\n%s", env)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Equal runs have equal logs but for times, equal locks and equal cases.
func TestEqualRunsGiveEqualEvidence(t *testing.T) {
	a, b := options(t), options(t)
	b.Now = func() time.Time { return at.Add(time.Hour) }
	dirA, _ := finished(t, a)
	dirB, _ := finished(t, b)
	for _, f := range []string{"repro.lock", "cases/redirect/fail/strict/diff.txt", "cases/redirect/fail/strict/repro.case", "cases/redirect/fail/strict/bus.pcapng"} {
		if !bytes.Equal(read(t, dirA, f), read(t, dirB, f)) {
			t.Errorf("%s differs between equal runs", f)
		}
	}
}

func TestSameSecond(t *testing.T) {
	opts := options(t)
	first, _ := finished(t, opts)
	second, s := finished(t, opts)
	if filepath.Base(second) != filepath.Base(first)+"-2" || s.RunID != filepath.Base(second) {
		t.Errorf("%s then %s, run id %s", first, second, s.RunID)
	}
	if link := must(os.Readlink(filepath.Join(opts.Dir, "latest"))); link != filepath.Base(second) {
		t.Errorf("latest -> %s", link)
	}
}

// The same case again (--times) does not overwrite what it left before.
func TestRepeatedCase(t *testing.T) {
	r, err := Create(options(t))
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for range 3 {
		e, err := r.Add(result(verdict.Fail, "redirect/x"))
		if err != nil {
			t.Fatal(err)
		}
		folders = append(folders, filepath.Base(filepath.Dir(e.Artifacts[0])))
	}
	if want := []string{"strict", "strict-2", "strict-3"}; !slices.Equal(folders, want) {
		t.Errorf("folders %v, want %v", folders, want)
	}
}

// The step that decided a case is the one with its verdict, not an unknown before it.
func TestFirstBad(t *testing.T) {
	step := func(line int, v verdict.Verdict) verdict.Step {
		return verdict.Step{Line: line, Verdict: v, Phase: "p"}
	}
	for _, tc := range []struct {
		verdict verdict.Verdict
		steps   []verdict.Step
		line    int
	}{
		{verdict.Fail, []verdict.Step{step(1, verdict.Pass), step(2, verdict.Unknown), step(3, verdict.Fail)}, 3},
		{verdict.Known, []verdict.Step{step(2, verdict.Unknown), step(3, verdict.Fail)}, 3},
		{verdict.Unknown, []verdict.Step{step(2, verdict.Unknown), step(3, verdict.Unknown)}, 2},
		{verdict.Fail, []verdict.Step{step(2, verdict.Unknown)}, 2},
		{verdict.Pass, []verdict.Step{step(1, verdict.Pass)}, 0},
	} {
		e := Entry(&verdict.Result{Verdict: tc.verdict, Steps: tc.steps}, "", nil)
		line := 0
		if _, s := e.FirstBad(); s != nil {
			line = s.Line
		}
		if line != tc.line {
			t.Errorf("%s: line %d decided, want %d", tc.verdict, line, tc.line)
		}
	}
}

func TestRecordedAndControl(t *testing.T) {
	opts := options(t)
	opts.Oracle, opts.Recorded = nil, "redis 8.6.3"
	dir, s := finished(t, opts)
	if s.Live || !strings.Contains(s.Meaning, "no live oracle") {
		t.Errorf("live %v, %q", s.Live, s.Meaning)
	}
	for l := range strings.Lines(string(read(t, dir, "log.jsonl"))) {
		if !strings.Contains(l, `"witness":"recorded redis 8.6.3"`) {
			t.Errorf("a line does not say that it was recorded: %s", l)
		}
	}
	opts = options(t)
	opts.Command = "control"
	_, s = finished(t, opts)
	if !strings.Contains(s.Meaning, "harness's own fault") || !strings.Contains(s.Cases[0].ReplayCmd, "slotdiff control ") {
		t.Errorf("control: %q, %q", s.Meaning, s.Cases[0].ReplayCmd)
	}
}

// A disk that is full after some files: what fitted is kept, the run keeps its
// temporary name, and there is one error that names it.
func TestDiskFull(t *testing.T) {
	opts := options(t)
	r, err := Create(opts)
	if err != nil {
		t.Fatal(err)
	}
	disk := r.create
	r.create = func(name string) (io.WriteCloser, error) {
		if strings.HasSuffix(name, "oracle.txt") {
			return nil, &os.PathError{Op: "write", Path: name, Err: syscall.ENOSPC}
		}
		return disk(name)
	}
	if _, err := r.Add(result(verdict.Fail, "redirect/x")); err == nil {
		t.Error("Add says nothing of the full disk")
	}
	if _, err := r.Add(result(verdict.Fail, "redirect/y")); err != nil {
		t.Errorf("the same failure is told twice: %v", err)
	}
	dir, s, err := r.Finish(nil)
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("error %v", err)
	}
	want := "evidence: cases/redirect/x/strict/oracle.txt: no space left on device; what could be written is kept in " + dir +
		" (free some space, or choose another place with --out)"
	if err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if !strings.HasPrefix(filepath.Base(dir), partialPrefix) || len(s.Cases) != 2 {
		t.Errorf("directory %s, %d cases", dir, len(s.Cases))
	}
	for _, f := range []string{"log.jsonl", "summary.json", "cases/redirect/x/strict/target.txt"} {
		if len(read(t, dir, f)) == 0 {
			t.Errorf("%s is empty", f)
		}
	}
	if _, err := os.Lstat(filepath.Join(opts.Dir, "latest")); !errors.Is(err, os.ErrNotExist) {
		t.Error("latest points at a run that is not whole")
	}
}

// A log that cannot take its line (as on a full disk) is an error of Add.
func TestLogFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("needs /dev/full: %v", err)
	}
	r, err := Create(options(t))
	if err != nil {
		t.Fatal(err)
	}
	r.log = full
	if _, err := r.Add(result(verdict.Pass, "x/y")); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "log.jsonl") {
		t.Errorf("error %v", err)
	}
}

func TestNoPlace(t *testing.T) {
	opts := options(t)
	blocker := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	opts.Dir = filepath.Join(blocker, "runs")
	if _, err := Create(opts); err == nil || !strings.HasPrefix(err.Error(), "evidence: ") || !strings.Contains(err.Error(), "--out") {
		t.Errorf("error %v", err)
	}
}

func TestWriteFileStaysInside(t *testing.T) {
	r, err := Create(options(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../x", "/x", ""} {
		if err := r.WriteFile(name, []byte("x")); err == nil {
			t.Errorf("%q was written", name)
		}
	}
	if err := r.WriteFile("extra/noise.txt", []byte("x")); err != nil {
		t.Error(err)
	}
	if got := string(read(t, r.Dir(), "extra", "noise.txt")); got != "x" {
		t.Errorf("content %q", got)
	}
}

// The replay command survives a shell: its words come out as they went in.
func TestReplayCommand(t *testing.T) {
	plain := ReplayCommand(Replay{Case: "redirect/moved_after_claim", Mode: "strict", Seed: 1<<64 - 1})
	if want := "go run ./cmd/slotdiff replay redirect/moved_after_claim --mode strict --seed 18446744073709551615"; plain != want {
		t.Errorf("got  %s\nwant %s", plain, want)
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skipf("needs sh: %v", err)
	}
	odd := Replay{Case: "a b'c\"$(x)`y`\\.case", Mode: "hardened", Seed: 3, Oracle: "debian:redis@8.6", Target: "cmd x; rm *", Times: 5}
	out, err := exec.Command(sh, "-c", strings.Replace(ReplayCommand(odd), "go run ./cmd/slotdiff", `printf '%s\n'`, 1)).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"replay", odd.Case, "--mode", "hardened", "--seed", "3",
		"--oracle", odd.Oracle, "--target", odd.Target, "--times", "5", "",
	}, "\n")
	if string(out) != want {
		t.Errorf("the shell sees\n%s\nwant\n%s", out, want)
	}
}

func TestReadSummaryRefusesOthers(t *testing.T) {
	dir := t.TempDir()
	for content, want := range map[string]string{
		"{":                     "summary.json: unexpected end",
		`{"schema_version":99}`: "schema version 99",
	} {
		if err := os.WriteFile(filepath.Join(dir, "summary.json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadSummary(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", content, err)
		}
	}
	if _, err := ReadSummary(filepath.Join(dir, "no")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}
