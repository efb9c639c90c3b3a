package provision

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/oracle"
)

func TestCompareDeb(t *testing.T) {
	// In rising order; equal neighbours are joined by "=".
	rising := []string{
		"1.0~~", "1.0~rc1", "1.0 = 1.0-0 = 0:1.0 = 1.00", "1.0-1~deb12u1", "1.0-1", "1.0-1+b1", "1.0-2", "1.0-10",
		"1.0a", "1.0+dfsg-1", "1.0.1", "1.2", "1.10", "2.43-7", "1:0.1", "5:7.0.15-1~deb12u7", "5:8.0.6-3", "5:8.6.3-1",
	}
	type entry struct {
		rank int
		v    string
	}
	var all []entry
	for i, group := range rising {
		for v := range strings.SplitSeq(group, " = ") {
			all = append(all, entry{i, v})
		}
	}
	dpkg, _ := exec.LookPath("dpkg")
	for _, a := range all {
		for _, b := range all {
			want := sign(a.rank - b.rank)
			if got := compareDeb(a.v, b.v); got != want {
				t.Errorf("%s against %s: %d, want %d", a.v, b.v, got, want)
			}
			if dpkg == "" || a.rank > b.rank {
				continue
			}
			op := map[int]string{0: "eq", -1: "lt"}[want]
			if err := exec.Command(dpkg, "--compare-versions", a.v, op, b.v).Run(); err != nil {
				t.Errorf("dpkg does not say that %s is %s %s", a.v, op, b.v)
			}
		}
	}
}

func TestUpstreamVersion(t *testing.T) {
	for v, want := range map[string]string{
		"5:8.6.3-1": "8.6.3", "5:7.0.15-1~deb12u7": "7.0.15", "8.1.1+dfsg1-3+deb13u3": "8.1.1", "9.1.2-1": "9.1.2", "5:8.8~rc1-1": "8.8",
	} {
		if got := upstreamVersion(v); got != want {
			t.Errorf("%s: %s, want %s", v, got, want)
		}
	}
}

func TestFindMirror(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string // empty for an error
	}{
		{"one line", map[string]string{"sources.list": "# deb http://old/debian x main\ndeb http://sec/debian-security bookworm-security main\ndeb [arch=amd64 signed-by=/k.gpg] http://m/debian/ bookworm main # c\n"}, "http://m/debian"},
		{"source only", map[string]string{"sources.list": "deb-src http://m/debian bookworm main\n"}, ""},
		{"paragraphs", map[string]string{"sources.list.d/debian.sources": "Types: deb\n# a comment\nURIs: http://m/debian\nSuites: a b\n\nTypes: deb\nURIs: http://n/debian\n"}, "http://m/debian"},
		{"disabled", map[string]string{"sources.list.d/x.sources": "Enabled: no\nTypes: deb\nURIs: http://m/debian\n\nTypes: deb-src deb\nURIs:\n http://other/ubuntu\n http://n/debian\n"}, "http://n/debian"},
		{"others only", map[string]string{"sources.list": "deb http://m/ubuntu noble main\n", "sources.list.d/y.list": "deb http://m/debian-security x main\n"}, ""},
		{"none", nil, ""},
	} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "sources.list.d"), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range c.files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		m, err := findMirror(dir)
		if m.uri != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v; want %q", c.name, m.uri, err, c.want)
		}
	}
}

const sidPackages = `Package: redis-server
Version: 5:8.0.6-3
Pre-Depends: init-system-helpers (>= 1.54~)
Depends: redis-tools (= 5:8.0.6-3)
Section: database

Package: redis-tools
Version: 5:8.0.6-3
Depends: adduser, libc6 (>= 2.38), libold (>= 1) | libnew, libvirtual
Description: has
 Package: not-a-field

Package: libc6
Version: 2.43-7
Depends: libgcc-s1, libc-gconv-modules-extra (= 2.43-7)

Package: libgcc-s1
Version: 16.2.0-4
Depends: gcc-16-base (= 16.2.0-4), libc6 (>= 2.35)

Package: libnew
Version: 2

Package: libprovider
Version: 1
Provides: libvirtual (= 1), other
`

const experimentalPackages = `Package: redis-server
Version: 5:8.6.3-1
Depends: redis-tools (= 5:8.6.3-1)

Package: redis-tools
Version: 5:8.6.3-1
Depends: libc6 (>= 2.38), libnew:any, libonly (<< 3)

Package: libc6
Version: 2.44-0experimental1

Package: libonly
Version: 2
`

func TestClosure(t *testing.T) {
	x := newIndex()
	for suite, text := range map[string]string{"sid": sidPackages, "experimental": experimentalPackages} {
		if err := x.read(strings.NewReader(text), suite); err != nil {
			t.Fatal(err)
		}
	}
	for version, want := range map[string]string{
		"8.0": "libc6=2.43-7 libgcc-s1=16.2.0-4 libnew=2 libprovider=1 redis-server=5:8.0.6-3 redis-tools=5:8.0.6-3",
		"8.6": "libc6=2.43-7 libgcc-s1=16.2.0-4 libnew=2 libonly=2 redis-server=5:8.6.3-1 redis-tools=5:8.6.3-1",
	} {
		root := x.newest("redis-server", version, oracle.MatchVersion)
		if root == nil {
			t.Fatalf("no redis-server %s", version)
		}
		pkgs, err := x.closure(root, "sid")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range pkgs {
			got = append(got, p.Name+"="+p.Version)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s:\ngot  %s\nwant %s", version, strings.Join(got, " "), want)
		}
	}
	if p := x.newest("redis-server", "", oracle.MatchVersion); p == nil || p.Version != "5:8.6.3-1" {
		t.Errorf("newest: %v", p)
	}
	if p := x.newest("redis-server", "9", oracle.MatchVersion); p != nil {
		t.Errorf("9 is %v", p)
	}
	broken := &pkg{Name: "redis-server", Version: "1", Depends: []string{"libabsent (>= 2)"}}
	if _, err := x.closure(broken, "sid"); err == nil || !strings.Contains(err.Error(), "libabsent") {
		t.Errorf("broken: %v", err)
	}
}

func TestTryOrder(t *testing.T) {
	for w, want := range map[Want]string{
		{"redis", "8.6"}:   "experimental",
		{"redis", "8.6.3"}: "experimental",
		{"redis", "8"}:     "experimental",
		{"redis", "8.0"}:   "sid",
		{"redis", "7.0"}:   "bookworm",
		{"redis", ""}:      "experimental",
		{"valkey", "8.1"}:  "trixie",
		{"valkey", "9"}:    "experimental",
		{"redis", "99"}:    "experimental",
	} {
		got := tryOrder(w)
		if got[0].name != want || len(got) != len(suites) {
			t.Errorf("%s: first %s of %d, want %s", w, got[0].name, len(got), want)
		}
	}
}

func TestMergeUsr(t *testing.T) {
	root := t.TempDir()
	files := map[string]string{
		"lib/x86_64-linux-gnu/libc.so.6":       "c",
		"lib/x86_64-linux-gnu/ld-1.so":         "ld",
		"usr/lib/x86_64-linux-gnu/libssl.so.3": "ssl",
		"usr/bin/redis-check-rdb":              "redis",
	}
	links := map[string]string{
		"lib64/ld-linux-x86-64.so.2":         "/lib/x86_64-linux-gnu/ld-1.so",
		"lib/x86_64-linux-gnu/libc.so":       "libc.so.6",
		"usr/lib/x86_64-linux-gnu/libz.so":   "../../../lib/x86_64-linux-gnu/libc.so.6",
		"usr/bin/redis-server":               "redis-check-rdb",
		"usr/lib/x86_64-linux-gnu/dangling":  "/etc/nothing",
		"lib/x86_64-linux-gnu/libabs.so":     "/usr/lib/x86_64-linux-gnu/libssl.so.3",
		"usr/lib/x86_64-linux-gnu/libold.so": "/lib/x86_64-linux-gnu/libc.so",
	}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(files)), slices.Collect(maps.Keys(links))) {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := mergeUsr(root); err != nil {
		t.Fatal(err)
	}
	// The tree is whole wherever it stands.
	moved := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Rename(root, moved); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"lib64/ld-linux-x86-64.so.2":           "ld",
		"usr/lib64/ld-linux-x86-64.so.2":       "ld",
		"lib/x86_64-linux-gnu/libc.so":         "c",
		"usr/lib/x86_64-linux-gnu/libz.so":     "c",
		"usr/lib/x86_64-linux-gnu/libold.so":   "c",
		"usr/lib/x86_64-linux-gnu/libabs.so":   "ssl",
		"usr/lib/x86_64-linux-gnu/libssl.so.3": "ssl",
		"bin/redis-server":                     "redis",
	} {
		real, err := filepath.EvalSymlinks(filepath.Join(moved, name))
		if err != nil || !strings.HasPrefix(real, moved) {
			t.Errorf("%s leads to %q, %v", name, real, err)
			continue
		}
		if b, err := os.ReadFile(real); err != nil || string(b) != want {
			t.Errorf("%s holds %q, %v; want %q", name, b, err, want)
		}
	}
}

// fakeTool puts an executable script on a PATH of its own.
func fakeTool(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	return path
}

func TestOnPath(t *testing.T) {
	path := fakeTool(t, "redis-server", "echo 'Redis server v=8.6.1 sha=0:0 malloc=libc bits=64 build=1'\n")
	s, err := OnPath(t.Context(), Baseline)
	if err != nil || s.Version != "8.6.1" || s.Argv[0] != path || s.Source != "PATH "+path {
		t.Errorf("%+v %v", s, err)
	}
	if _, err := OnPath(t.Context(), Want{"redis", "7.0"}); err == nil || !strings.Contains(err.Error(), "is redis 8.6.1") {
		t.Errorf("another version: %v", err)
	}
	if _, err := OnPath(t.Context(), Want{"valkey", ""}); err == nil || !strings.Contains(err.Error(), "no valkey-server") {
		t.Errorf("another product: %v", err)
	}
	fakeTool(t, "redis-server", "echo broken >&2; exit 127\n")
	if _, err := OnPath(t.Context(), Baseline); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("broken: %v", err)
	}
	fakeTool(t, "redis-server", "echo hello\n")
	if _, err := OnPath(t.Context(), Baseline); err == nil || !strings.Contains(err.Error(), "no server version") {
		t.Errorf("no version: %v", err)
	}
}

func TestNoApt(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("PATH", t.TempDir())
	_, err := Find(t.Context(), Baseline, nil)
	for _, want := range []string{"no redis-server", "has no apt-get", "process:PATH"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	dir, err := CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "tmp-*")); err != nil || len(left) > 0 {
		t.Errorf("left: %q %v", left, err)
	}
	if _, err := CanFetch(); err == nil {
		t.Error("packages can be fetched without apt")
	}
}

func TestAptFails(t *testing.T) {
	for _, tool := range []string{"apt-config", "dpkg"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	if _, err := findMirror("/etc/apt"); err != nil {
		t.Skip(err)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	path := os.Getenv("PATH")
	dir := filepath.Dir(fakeTool(t, "apt-get", "echo \"E: Failed to fetch the list, no network\" >&2; exit 100\n"))
	t.Setenv("PATH", dir+":"+path)
	var said []string
	_, err := Debian(t.Context(), Want{"redis", "8.6"}, func(s string) { said = append(said, s) })
	for _, s := range suites {
		if err == nil || !strings.Contains(err.Error(), s.name+": ") {
			t.Errorf("suite %s is not in: %v", s.name, err)
		}
	}
	if !strings.Contains(err.Error(), "no network") || len(said) != len(suites) {
		t.Errorf("said %q, error %v", said, err)
	}
}

func TestDamagedRoot(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "redis-server_5_8.6.3-1_x")
	if err := os.MkdirAll(bad, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bad, manifestName), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := cached(dir, Baseline)
	var e *badRootError
	if !errors.As(err, &e) || e.dir != bad {
		t.Errorf("error: %v", err)
	}
}

// Who has no home keeps servers in a directory of his own among the temporary ones.
func TestCacheDirWithoutHome(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	t.Setenv("TMPDIR", t.TempDir())
	dir, err := CacheDir()
	if err != nil || !strings.HasPrefix(dir, os.Getenv("TMPDIR")) {
		t.Errorf("cache directory is %q, %v", dir, err)
	}
}
