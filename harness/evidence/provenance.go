package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/harness/contract"
	"github.com/slotdiff/slotdiff/oracle"
)

// Env is the content of env.json: the machine and the tool, without names of
// people, hosts or folders.
type Env struct {
	SchemaVersion int              `json:"schema_version"`
	PacketID      string           `json:"packet_id"`
	Args          []string         `json:"args"`
	OS            string           `json:"os"`
	Arch          string           `json:"arch"`
	Kernel        string           `json:"kernel,omitempty"`
	CPUs          int              `json:"cpus"`
	Go            string           `json:"go"`
	Revision      string           `json:"vcs_revision,omitempty"`
	Modified      bool             `json:"vcs_modified"`
	Oracle        *oracle.Identity `json:"oracle"`
	Target        *oracle.Identity `json:"target"`
	Witness       string           `json:"witness"`
	// Variables are those of the environment that change what the tool does.
	Variables map[string]string `json:"variables"`
}

// Lock is the content of repro.lock: what has to be the same for a run to give
// the same digests. It holds no times, so equal runs have equal locks.
type Lock struct {
	SchemaVersion int               `json:"schema_version"`
	PacketID      string            `json:"packet_id"`
	Seed          uint64            `json:"seed"`
	Modes         []string          `json:"modes"`
	Oracle        *oracle.Identity  `json:"oracle"`
	Target        *oracle.Identity  `json:"target"`
	Witness       string            `json:"witness"`
	Go            string            `json:"go"`
	Revision      string            `json:"vcs_revision,omitempty"`
	Modules       map[string]string `json:"modules"` // path -> "version sum"
	Cases         map[string]string `json:"cases"`   // name -> SHA-256 of its canonical text
}

// Manifest is the content of manifest.json: every other file of the run directory.
type Manifest struct {
	SchemaVersion int        `json:"schema_version"`
	PacketID      string     `json:"packet_id"`
	RunID         string     `json:"run_id"`
	Files         []FileInfo `json:"files"` // sorted by path
}

// FileInfo is a file of the manifest.
type FileInfo struct {
	Path   string `json:"path"` // relative to the run directory, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// variables that change what the tool does and say nothing of the machine's owner.
var envVariables = []string{"CI", "NO_COLOR", "GOMAXPROCS", "GODEBUG"}

func environment(o Options) Env {
	e := Env{
		SchemaVersion: SchemaVersion, PacketID: contract.Packet, Args: nonNil(o.Args),
		OS: runtime.GOOS, Arch: runtime.GOARCH, Kernel: kernel(), CPUs: runtime.NumCPU(), Go: runtime.Version(),
		Oracle: o.Oracle, Target: o.Target, Witness: witness(o), Variables: map[string]string{},
	}
	e.Revision, e.Modified = revision()
	for _, kv := range os.Environ() {
		k, v, _ := strings.Cut(kv, "=")
		if slices.Contains(envVariables, k) || strings.HasPrefix(k, "SLOTDIFF_") {
			e.Variables[k] = v
		}
	}
	return e
}

// kernel is the kernel's release on Linux, empty elsewhere.
func kernel() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func revision() (rev string, modified bool) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", false
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			rev = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	return rev, modified
}

func (r *Run) lock() Lock {
	l := Lock{
		SchemaVersion: SchemaVersion, PacketID: contract.Packet, Seed: r.opts.Seed, Modes: []string{},
		Oracle: r.opts.Oracle, Target: r.opts.Target, Witness: witness(r.opts), Go: runtime.Version(),
		Modules: map[string]string{}, Cases: maps.Clone(r.inputs),
	}
	for i := range r.summary.Cases {
		l.Modes = append(l.Modes, r.summary.Cases[i].Mode)
	}
	slices.Sort(l.Modes)
	l.Modes = slices.Compact(l.Modes)
	l.Revision, _ = revision()
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			l.Modules[d.Path] = strings.TrimSpace(d.Version + " " + d.Sum)
		}
	}
	return l
}

// writeManifest lists what is on disk, not what was meant to be.
func (r *Run) writeManifest() {
	m := Manifest{SchemaVersion: SchemaVersion, PacketID: contract.Packet, RunID: r.id, Files: []FileInfo{}}
	err := filepath.WalkDir(r.dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := fileInfo(r.dir, file)
		if err != nil {
			return err
		}
		m.Files = append(m.Files, info)
		return nil
	})
	if err != nil {
		r.fail("manifest.json", err)
	}
	r.writeJSON("manifest.json", m)
}

func fileInfo(dir, file string) (info FileInfo, err error) {
	rel, err := filepath.Rel(dir, file)
	if err != nil {
		return FileInfo{}, err
	}
	f, err := os.Open(file)
	if err != nil {
		return FileInfo{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return FileInfo{Path: filepath.ToSlash(rel), Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
