// Package evidence writes what a run leaves behind: the run directory with its
// JSONL log, summary, JUnit file, provenance (env.json, manifest.json, repro.lock)
// and, for each case that did not pass, the case, the diff, the transcripts, the
// traffic and the files of every node.
//
// A run directory is written whole or not at all: under a temporary name, which
// is given up for the real one as the last act. What a run could not finish
// stays under the temporary name, and the error says so.
//
// It refuses to judge: verdicts come in, files go out.
package evidence

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/slotdiff/slotdiff/harness/contract"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

// DefaultDir is where run directories go, relative to the root of the checkout.
const DefaultDir = "artifacts/runs"

// partialPrefix marks a run directory that is not finished.
const partialPrefix = ".partial-"

// Options describe a run before it starts.
type Options struct {
	// Dir holds the run directories. Empty: [DefaultDir].
	Dir string
	// Command is the subcommand that runs: run, control, replay, fuzz-bus ...
	Command string
	// Args are the arguments of the tool, for env.json.
	Args []string
	// Oracle is nil if the recording stands in for real Redis; Recorded is then
	// what the recording was made from ("redis 8.6.3").
	Oracle   *oracle.Identity
	Target   *oracle.Identity
	Recorded string
	// OracleFlag and TargetFlag are repeated in replay commands; empty for defaults.
	OracleFlag, TargetFlag string
	Seed                   uint64
	// Render makes report.html from the summary. Nil: there is no report.
	Render func(*Summary) ([]byte, error)
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// Run is a run directory that is being written. It is safe for concurrent use.
type Run struct {
	opts    Options
	dir     string // the temporary directory
	id      string // the name it will have
	started time.Time

	mu      sync.Mutex
	summary Summary
	inputs  map[string]string // case -> SHA-256 of its text
	folders map[string]int    // how often a case's folder was written
	log     io.WriteCloser
	create  func(name string) (io.WriteCloser, error) // below dir; replaced by tests
	failed  error                                     // the first failure
}

// Create makes the temporary directory of a run and opens its log.
func Create(opts Options) (*Run, error) {
	if opts.Dir == "" {
		opts.Dir = DefaultDir
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if err := os.MkdirAll(opts.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("evidence: %w (choose another place with --out)", err)
	}
	started := opts.Now().UTC()
	id := started.Format("20060102T150405Z") + "-" + opts.Command
	dir, err := os.MkdirTemp(opts.Dir, partialPrefix+id+"-")
	if err != nil {
		return nil, fmt.Errorf("evidence: %w (choose another place with --out)", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	r := &Run{opts: opts, dir: dir, id: id, started: started, inputs: map[string]string{}, folders: map[string]int{}}
	r.create = r.createFile
	r.summary = Summary{
		SchemaVersion: SchemaVersion, PacketID: contract.Packet, SuiteID: contract.SuiteE2E,
		RunID: id, Command: opts.Command, Meaning: meaning(opts), StartedUTC: started.Format(timeFormat),
		Live: opts.Oracle != nil, Witness: witness(opts),
		Oracle: opts.Oracle, Target: opts.Target, Cases: []CaseEntry{},
	}
	if r.log, err = r.create("log.jsonl"); err != nil {
		return nil, r.explain("log.jsonl", err)
	}
	return r, nil
}

// witness is what every log line says of where the right answers came from.
func witness(o Options) string {
	switch {
	case o.Oracle != nil:
		return o.Oracle.Short()
	case o.Recorded != "":
		return "recorded " + o.Recorded
	default:
		return "recorded"
	}
}

func meaning(o Options) string {
	target := "the target"
	if o.Target != nil {
		target = o.Target.Short()
	}
	switch {
	case o.Command == "control":
		return "A second oracle plays the target: whatever differs is the harness's own fault, not a divergence."
	case o.Oracle == nil:
		return fmt.Sprintf("%s against recorded answers (%s): no live oracle could be had.", target, witness(o))
	default:
		return fmt.Sprintf("%s against %s, live, and the recording.", target, o.Oracle.Short())
	}
}

// Dir is the directory that is being written, still under its temporary name.
func (r *Run) Dir() string { return r.dir }

// ID is the name that the run directory will have.
func (r *Run) ID() string { return r.id }

// Replay returns the command that replays a case of this run.
func (r *Run) Replay(name, mode string, seed uint64) string {
	cmd := "replay"
	if r.opts.Command == "control" {
		cmd = "control"
	}
	return ReplayCommand(Replay{
		Command: cmd, Case: name, Mode: mode, Seed: seed, Oracle: r.opts.OracleFlag, Target: r.opts.TargetFlag,
	})
}

// Add writes what a case left: its log line and, unless it passed or was
// skipped, its folder. A failure to write is returned once, by the call that met
// it, and again by [Run.Finish]; the entry counts in the summary either way.
func (r *Run) Add(res *verdict.Result) (CaseEntry, error) {
	entry := Entry(res, r.Replay(res.Case, res.Mode, res.Seed), nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.failed
	if res.Verdict != verdict.Pass && res.Verdict != verdict.Skip {
		entry.Artifacts = r.writeCase(res, &entry)
	}
	l := NewLine(res, r.summary.Witness, entry.ReplayCmd, entry.Artifacts)
	if _, err := r.log.Write(l.Append(nil)); err != nil {
		r.fail("log.jsonl", err)
	}
	r.summary.Cases = append(r.summary.Cases, entry)
	r.inputs[res.Case] = digest(res.CaseText)
	if before == nil {
		return entry, r.failed
	}
	return entry, nil
}

// writeCase writes the folder of a case and returns the files in it.
func (r *Run) writeCase(res *verdict.Result, entry *CaseEntry) []string {
	folder := path.Join("cases", safePath(res.Case), safeName(res.Mode))
	if r.folders[folder]++; r.folders[folder] > 1 { // --times
		folder = fmt.Sprintf("%s-%d", folder, r.folders[folder])
	}
	refs := []string{}
	files, err := CaseFiles(res, entry)
	if err != nil {
		r.fail(path.Join(folder, "bus.pcapng"), err)
	}
	for _, f := range files {
		name := path.Join(folder, f.Name)
		if r.write(name, f.Data) {
			refs = append(refs, name)
		}
	}
	return refs
}

// File is a piece of evidence.
type File struct {
	Name string // without a folder
	Data []byte
}

// CaseFiles returns the files that a case leaves: the case, the diff, the transcripts, the logs and nodes.conf of
// every node, and the traffic. Empty ones are left out. The error is of the traffic alone; the others are there.
func CaseFiles(res *verdict.Result, entry *CaseEntry) ([]File, error) {
	var out []File
	add := func(name string, data []byte) {
		if len(data) > 0 {
			out = append(out, File{name, data})
		}
	}
	add("repro.case", res.CaseText)
	add("diff.txt", []byte(DiffText(entry)))
	for _, w := range []verdict.Witness{verdict.Oracle, verdict.Target} {
		side := res.Sides[w]
		if side == nil {
			continue
		}
		add(string(w)+".txt", side.Transcript)
		for _, n := range sortedKeys(side.NodeLogs) {
			add(fmt.Sprintf("%s-%s.log", w, safeName(n)), []byte(side.NodeLogs[n]))
		}
		for _, n := range sortedKeys(side.NodesConf) {
			add(fmt.Sprintf("%s-%s.nodes.conf", w, safeName(n)), side.NodesConf[n])
		}
	}
	pcap, err := Capture(res.Sides)
	add("bus.pcapng", pcap)
	return out, err
}

// WriteFile adds a file to the run directory. name has slashes and stays inside.
func (r *Run) WriteFile(name string, data []byte) error {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return fmt.Errorf("evidence: %q is no name inside of a run directory", name)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.write(name, data) {
		return r.failed
	}
	return nil
}

// Finish writes the run-level files, gives the directory its name and points
// "latest" at it. It returns the final directory and the summary. On an error
// the directory is the temporary one, which is kept; the summary is complete.
//
// extra, if not nil, may alter the summary before it is written (the exit code of
// a run that failed for another reason, Interrupted).
func (r *Run) Finish(extra func(*Summary)) (dir string, s *Summary, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s = &r.summary
	s.DurationMS = millis(r.opts.Now().Sub(r.started))
	s.sort()
	s.count()
	if extra != nil {
		extra(s)
	}
	if err := r.log.Close(); err != nil {
		r.fail("log.jsonl", err)
	}
	id, err := r.finalName()
	if err != nil {
		r.fail(r.id, err)
	} else {
		r.id, s.RunID = id, id
	}
	r.writeJSON("summary.json", s)
	var junit strings.Builder
	if err := WriteJUnit(&junit, s); err != nil {
		r.fail("junit.xml", err)
	} else {
		r.write("junit.xml", []byte(junit.String()))
	}
	if r.opts.Render != nil {
		if html, err := r.opts.Render(s); err != nil {
			r.fail("report.html", err)
		} else {
			r.write("report.html", html)
		}
	}
	r.writeJSON("env.json", environment(r.opts))
	r.writeJSON("repro.lock", r.lock())
	r.writeManifest()
	if r.failed != nil {
		return r.dir, s, r.failed
	}
	final := filepath.Join(r.opts.Dir, r.id)
	if err := os.Rename(r.dir, final); err != nil {
		r.fail("", err)
		return r.dir, s, r.failed
	}
	r.dir = final
	if err := pointLatest(r.opts.Dir, r.id); err != nil {
		return final, s, fmt.Errorf("evidence: %s is complete, but: %w", final, err)
	}
	return final, s, nil
}

// finalName is the id, or the id with a number if a run of the same second has it.
func (r *Run) finalName() (string, error) {
	for n := 1; ; n++ {
		id := r.id
		if n > 1 {
			id = fmt.Sprintf("%s-%d", r.id, n)
		}
		_, err := os.Lstat(filepath.Join(r.opts.Dir, id))
		switch {
		case errors.Is(err, os.ErrNotExist):
			return id, nil
		case err != nil:
			return "", err
		}
	}
}

// pointLatest replaces the link in one step.
func pointLatest(dir, id string) error {
	tmp := filepath.Join(dir, ".latest-"+id)
	if err := os.Symlink(id, tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dir, "latest")); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return nil
}

// write writes one file and reports whether that worked. It goes on after a
// failure: a file that is smaller than the one that did not fit may still fit.
func (r *Run) write(name string, data []byte) bool {
	f, err := r.create(name)
	if err == nil {
		_, err = f.Write(data)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		r.fail(name, err)
		return false
	}
	return true
}

func (r *Run) createFile(name string) (io.WriteCloser, error) {
	file := filepath.Join(r.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	return os.Create(file)
}

func (r *Run) writeJSON(name string, v any) {
	r.write(name, marshal(v, "  "))
}

// fail keeps the first failure. Those that follow are mostly the same one again.
func (r *Run) fail(name string, err error) {
	if r.failed == nil {
		r.failed = r.explain(name, err)
	}
}

func (r *Run) explain(name string, err error) error {
	hint := "choose another place with --out"
	if errors.Is(err, syscall.ENOSPC) {
		hint = "free some space, or " + hint
	}
	return fmt.Errorf("evidence: %s: %w; what could be written is kept in %s (%s)", name, cause(err), r.dir, hint)
}

// cause strips the operation and the path from an error of package os: the text
// around it has both.
func cause(err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err
	}
	if le, ok := errors.AsType[*os.LinkError](err); ok {
		return le.Err
	}
	return err
}

// safePath keeps a case name inside of the run directory, whatever it was loaded from.
func safePath(name string) string {
	name = strings.TrimSuffix(name, ".case")
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' || r == '\\' })
	for i, p := range parts {
		parts[i] = safeName(p)
	}
	if len(parts) == 0 {
		return "unnamed"
	}
	return path.Join(parts...)
}

func safeName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == ':' || r < 0x20 {
			return '_'
		}
		return r
	}, s)
	if strings.Trim(s, ".") == "" {
		return "_"
	}
	return s
}
