// Package provision finds the executable of a wanted server: on PATH, or in
// Debian's packages, which it unpacks into the user's cache directory without root
// and runs through their own dynamic loader, so that the host's libraries do not
// matter.
//
// It refuses to touch the host's package state: apt works on lists, caches and a
// configuration of its own. It starts no server beyond asking one for its version.
package provision

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/slotdiff/slotdiff/oracle"
)

// Want names a server. An empty Version is the newest that can be had.
type Want struct{ Product, Version string }

// Baseline is the server of the legacy contract.
var Baseline = Want{oracle.BaselineProduct, oracle.BaselineVersion}

func (w Want) String() string {
	if w.Version == "" {
		return w.Product
	}
	return w.Product + " " + w.Version
}

// Server is an executable that can be run.
type Server struct {
	Product string
	Version string   // "8.6.3"
	Argv    []string // the program and its leading arguments; a configuration file is to be appended
	Source  string   // "PATH /usr/bin/redis-server", "debian redis-server 5:8.6.3-1 experimental"
	Digest  string   // "sha256:..." of the executable
	Root    *Root    // the unpacked packages, nil for a server found on PATH
}

// Progress is given lines that tell a user what happens. It may be nil.
type Progress func(string)

func (p Progress) say(format string, args ...any) {
	if p != nil {
		p(fmt.Sprintf(format, args...))
	}
}

// Find returns the server from PATH, else from the cache, else from Debian's
// packages. The error tells all that was tried.
func Find(ctx context.Context, w Want, p Progress) (*Server, error) {
	s, pathErr := OnPath(ctx, w)
	if pathErr == nil {
		return s, nil
	}
	s, debErr := Debian(ctx, w, p)
	if debErr == nil {
		return s, nil
	}
	return nil, fmt.Errorf("%w\n%w", pathErr, debErr)
}

// OnPath returns the server that PATH leads to, if it is the one wanted.
func OnPath(ctx context.Context, w Want) (*Server, error) {
	path, err := exec.LookPath(w.Product + "-server")
	if err != nil {
		return nil, fmt.Errorf("%s on PATH: no %s-server", w, w.Product)
	}
	s, err := At(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("%s on PATH: %w", w, err)
	}
	if s.Product != w.Product || !oracle.MatchVersion(s.Version, w.Version) {
		return nil, fmt.Errorf("%s on PATH: %s is %s %s", w, path, s.Product, s.Version)
	}
	s.Source = "PATH " + path
	return s, nil
}

// At describes the executable at path by asking it for its version.
func At(ctx context.Context, path string) (*Server, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	product, version, err := askVersion(ctx, []string{abs})
	if err != nil {
		return nil, err
	}
	sum, err := fileDigest(abs)
	if err != nil {
		return nil, err
	}
	return &Server{Product: product, Version: version, Argv: []string{abs}, Source: "file " + abs, Digest: sum}, nil
}

// versionLine matches what --version prints: "Redis server v=8.6.3 sha=...",
// "Valkey server v=9.1.2 sha=...".
var versionLine = regexp.MustCompile(`(?m)^(\w+) server v=(\d+(?:\.\d+)+)`)

func askVersion(ctx context.Context, argv []string) (product, version string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], append(argv[1:len(argv):len(argv)], "--version")...)
	cmd.Env = []string{"LC_ALL=C"}
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return "", "", fmt.Errorf("%s --version: %w", argv[0], ctx.Err())
	}
	if err != nil {
		return "", "", fmt.Errorf("%s --version: %w%s", argv[0], err, lastLines(out))
	}
	m := versionLine.FindSubmatch(out)
	if m == nil {
		return "", "", fmt.Errorf("%s --version: no server version in %.80q", argv[0], out)
	}
	return strings.ToLower(string(m[1])), string(m[2]), nil
}

// CacheDir is where servers are kept: $XDG_CACHE_HOME/slotdiff/debian or the like, and
// for who has no home a directory of his own among the temporary ones.
func CacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil { // neither $XDG_CACHE_HOME nor $HOME
		if base, err = oracle.UserTempDir(); err != nil {
			return "", fmt.Errorf("cache directory: %w: set XDG_CACHE_HOME", err)
		}
	}
	return filepath.Join(base, "slotdiff", "debian"), nil
}

// lastLines is the end of a program's output, for an error, on lines of its own.
func lastLines(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	lines = lines[max(0, len(lines)-4):]
	if len(lines) == 1 && lines[0] == "" {
		return ""
	}
	return "\n  " + strings.Join(lines, "\n  ")
}
