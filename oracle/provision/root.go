package provision

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/slotdiff/slotdiff/oracle"
)

const (
	rootName     = "root"
	manifestName = "manifest.json"
)

// Root is an unpacked set of packages.
type Root struct {
	Dir            string   // the directory that stands for /
	Program        string   // path of the server inside, "/usr/bin/redis-server"
	Argv0          string   // "redis-server"
	Package        string   // "redis-server"
	PackageVersion string   // "5:8.6.3-1"
	Suite          string   // "experimental"
	Packages       []string // "name=version", all that was unpacked
	Digest         string   // "sha256:..." over every file of the root
}

// manifest is written into a finished root's directory: what is in it, and the sum
// of every file.
type manifest struct {
	Product        string            `json:"product"`
	Version        string            `json:"version"`
	Package        string            `json:"package"`
	PackageVersion string            `json:"package_version"`
	Suite          string            `json:"suite"`
	Arch           string            `json:"arch"`
	Packages       []string          `json:"packages"`
	Program        string            `json:"program"`      // below the root
	Loader         string            `json:"loader"`       // below the root
	LibraryPath    []string          `json:"library_path"` // below the root
	Files          map[string]string `json:"files"`        // path below the root to sha256, or to "-> target"
}

// badRootError says that what stands in the cache is not what was put there.
type badRootError struct {
	dir   string
	cause error
}

func (e *badRootError) Error() string { return fmt.Sprintf("%s: %v", e.dir, e.cause) }
func (e *badRootError) Unwrap() error { return e.cause }

func (m *manifest) dirName() string {
	return strings.NewReplacer(":", "_", "~", "_").Replace(fmt.Sprintf("%s_%s_%s", m.Package, m.PackageVersion, m.Arch))
}

// complete fills in what only the unpacked files can tell, tries the server and
// writes the manifest. dir holds the root.
func (m *manifest) complete(ctx context.Context, dir string) error {
	root := filepath.Join(dir, rootName)
	m.Arch = runtime.GOARCH
	m.Program = "usr/bin/" + m.Product + "-server"
	if err := m.resolveLibraries(root); err != nil {
		return err
	}
	product, version, err := askVersion(ctx, m.argv(root))
	if err != nil {
		return err
	}
	if product != m.Product || version != upstreamVersion(m.PackageVersion) {
		return fmt.Errorf("package %s %s holds %s %s", m.Package, m.PackageVersion, product, version)
	}
	m.Version = version
	if m.Files, err = sums(root); err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, manifestName), text, 0o644)
}

// resolveLibraries finds the program's loader and checks that every library that it
// and its libraries name is in the root.
func (m *manifest) resolveLibraries(root string) error {
	f, err := elf.Open(filepath.Join(root, m.Program))
	if err != nil {
		return fmt.Errorf("%s: %w", m.Program, err)
	}
	for _, prog := range f.Progs {
		if prog.Type == elf.PT_INTERP {
			b, err := io.ReadAll(prog.Open())
			if err != nil {
				return err
			}
			m.Loader = strings.TrimPrefix(string(bytes.TrimRight(b, "\x00")), "/")
		}
	}
	f.Close()
	loader, err := filepath.EvalSymlinks(filepath.Join(root, m.Loader))
	if m.Loader == "" || err != nil || !strings.HasPrefix(loader, root) {
		return fmt.Errorf("%s: its loader %q is not among the packages", m.Program, m.Loader)
	}
	m.LibraryPath = nil
	dirs, err := filepath.Glob(filepath.Join(root, "usr/lib/*-linux-gnu*"))
	if err != nil {
		return err
	}
	for _, d := range append(dirs, filepath.Join(root, "usr/lib")) {
		rel, err := filepath.Rel(root, d)
		if err != nil {
			return err
		}
		m.LibraryPath = append(m.LibraryPath, rel)
	}
	seen := map[string]bool{}
	for queue := []string{m.Program}; len(queue) > 0; queue = queue[1:] {
		f, err := elf.Open(filepath.Join(root, queue[0]))
		if err != nil {
			return fmt.Errorf("%s: %w", queue[0], err)
		}
		libs, err := f.ImportedLibraries()
		f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", queue[0], err)
		}
		for _, lib := range libs {
			if seen[lib] {
				continue
			}
			seen[lib] = true
			path := ""
			for _, d := range m.LibraryPath {
				if _, err := os.Stat(filepath.Join(root, d, lib)); err == nil {
					path = filepath.Join(d, lib)
					break
				}
			}
			if path == "" {
				return fmt.Errorf("%s needs %s, which no package of %s brings", queue[0], lib, strings.Join(m.Packages, " "))
			}
			queue = append(queue, path)
		}
	}
	return nil
}

// argv runs the program through its own loader: the host's C library does not matter.
func (m *manifest) argv(root string) []string {
	var libs []string
	for _, d := range m.LibraryPath {
		libs = append(libs, filepath.Join(root, d))
	}
	return []string{
		filepath.Join(root, m.Loader), "--library-path", strings.Join(libs, ":"),
		"--argv0", filepath.Base(m.Program), filepath.Join(root, m.Program),
	}
}

// cached returns the newest root of the cache that is the one wanted and unchanged.
func cached(dir string, w Want) (*Server, error) {
	found, err := filepath.Glob(filepath.Join(dir, w.Product+"-server_*", manifestName))
	if err != nil {
		return nil, err
	}
	var best *manifest
	var bestDir string
	for _, path := range found {
		m, err := readManifest(filepath.Dir(path))
		if err != nil {
			return nil, &badRootError{filepath.Dir(path), err}
		}
		if m.Arch == runtime.GOARCH && oracle.MatchVersion(m.Version, w.Version) &&
			(best == nil || compareDeb(m.PackageVersion, best.PackageVersion) > 0) {
			best, bestDir = m, filepath.Dir(path)
		}
	}
	if best == nil {
		return nil, fmt.Errorf("%s: not in %s", w, dir)
	}
	return load(bestDir)
}

func readManifest(dir string) (*manifest, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return nil, err
	}
	m := new(manifest)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestName, err)
	}
	return m, nil
}

// load checks every file of a root against the manifest.
func load(dir string) (*Server, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, &badRootError{dir, err}
	}
	root := filepath.Join(dir, rootName)
	have, err := sums(root)
	if err != nil {
		return nil, &badRootError{dir, err}
	}
	all := sha256.New()
	for _, path := range sortedKeys(m.Files) {
		if have[path] != m.Files[path] {
			return nil, &badRootError{dir, fmt.Errorf("%s is not what was unpacked", path)}
		}
		fmt.Fprintf(all, "%s %s\n", m.Files[path], path)
	}
	if len(have) != len(m.Files) {
		return nil, &badRootError{dir, errors.New("it holds files that were not unpacked")}
	}
	exe, err := filepath.EvalSymlinks(filepath.Join(root, m.Program))
	if err != nil {
		return nil, &badRootError{dir, err}
	}
	rel, err := filepath.Rel(root, exe)
	if err != nil {
		return nil, &badRootError{dir, err}
	}
	return &Server{
		Product: m.Product,
		Version: m.Version,
		Argv:    m.argv(root),
		Source:  fmt.Sprintf("debian %s %s", m.Package, m.PackageVersion),
		Digest:  "sha256:" + have[rel],
		Root: &Root{
			Dir: root, Program: "/" + m.Program, Argv0: filepath.Base(m.Program),
			Package: m.Package, PackageVersion: m.PackageVersion, Suite: m.Suite,
			Packages: m.Packages, Digest: "sha256:" + hex.EncodeToString(all.Sum(nil)),
		},
	}, nil
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// sums is the sum of every file below root, and the target of every link.
func sums(root string) (map[string]string, error) {
	out := map[string]string{}
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			out[rel] = "-> " + target
			return err
		}
		files = append(files, rel)
		return nil
	})
	if err != nil {
		return nil, err
	}
	results := make([]string, len(files))
	errs := make([]error, len(files))
	var wg sync.WaitGroup
	gate := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, rel := range files {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			results[i], errs[i] = fileSum(filepath.Join(root, rel))
		})
	}
	wg.Wait()
	for i, rel := range files {
		out[rel] = results[i]
	}
	return out, errors.Join(errs...)
}

func fileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func fileDigest(path string) (string, error) {
	s, err := fileSum(path)
	return "sha256:" + s, err
}
