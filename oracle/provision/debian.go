package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/slotdiff/slotdiff/oracle"
)

// suite is a Debian suite and what it was seen to hold, which decides only the
// order of trying.
type suite struct {
	name  string
	lists []string          // what to fetch: experimental is no suite of its own
	holds map[string]string // product to version
}

// suites, newest first, as of late 2026.
var suites = []suite{
	{"experimental", []string{"experimental", "sid"}, map[string]string{"redis": "8.6", "valkey": "9"}},
	{"sid", []string{"sid"}, map[string]string{"redis": "8.0", "valkey": "9"}},
	{"trixie", []string{"trixie"}, map[string]string{"redis": "8.0", "valkey": "8.1"}},
	{"bookworm", []string{"bookworm"}, map[string]string{"redis": "7.0"}},
}

// Known lists the products and versions Debian was seen to hold, for help texts.
func Known() []Want {
	var out []Want
	for _, s := range suites {
		for _, p := range []string{"redis", "valkey"} {
			if w := (Want{p, s.holds[p]}); w.Version != "" && !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}

// tryOrder puts the suites first that were seen to hold what is wanted.
func tryOrder(w Want) []suite {
	likely := func(s suite) bool {
		has := s.holds[w.Product]
		return has != "" && (oracle.MatchVersion(has, w.Version) || oracle.MatchVersion(w.Version, has))
	}
	out := slices.Clone(suites)
	slices.SortStableFunc(out, func(a, b suite) int {
		switch {
		case likely(a) == likely(b):
			return 0
		case likely(a):
			return -1
		}
		return 1
	})
	return out
}

// Debian returns the server from Debian's packages: from the cache, else
// downloaded and unpacked into it. Concurrent callers, also of other processes,
// wait for one another.
func Debian(ctx context.Context, w Want, p Progress) (*Server, error) {
	dir, err := CacheDir()
	if err != nil {
		return nil, err
	}
	if s, err := cached(dir, w); err == nil {
		return s, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("debian %s: %w", w, err)
	}
	unlock, err := lockDir(ctx, dir, func() { p.say("waiting for another slotdiff that provisions a server") })
	if err != nil {
		return nil, fmt.Errorf("debian %s: %w", w, err)
	}
	defer unlock()
	s, cacheErr := cached(dir, w)
	if cacheErr == nil {
		return s, nil
	}
	if bad, ok := errors.AsType[*badRootError](cacheErr); ok {
		p.say("the unpacked packages in %s are damaged (%v); fetching them again", bad.dir, bad.cause)
		if err := os.RemoveAll(bad.dir); err != nil {
			return nil, fmt.Errorf("debian %s: %w", w, err)
		}
	}
	s, err = fetch(ctx, dir, w, p)
	if err != nil {
		return nil, fmt.Errorf("debian %s: %w\ninstall %s %s yourself and name it with process:PATH, or use a container or the recording", w, err, w.Product, w.Version)
	}
	return s, nil
}

// Cached returns the server from the cache without looking any further.
func Cached(w Want) (*Server, error) {
	dir, err := CacheDir()
	if err != nil {
		return nil, err
	}
	return cached(dir, w)
}

// fetch tries one suite after the other. The caller holds the lock.
func fetch(ctx context.Context, dir string, w Want, p Progress) (_ *Server, err error) {
	// Left by a run that was killed while it held the lock.
	stale, err := filepath.Glob(filepath.Join(dir, "tmp-*"))
	if err != nil {
		return nil, err
	}
	for _, d := range stale {
		if err := os.RemoveAll(d); err != nil {
			return nil, err
		}
	}
	tmp, err := os.MkdirTemp(dir, "tmp-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	a, err := newApt(ctx, tmp)
	if err != nil {
		return nil, err
	}
	var tried []string
	for _, s := range tryOrder(w) {
		p.say("reading the package lists of Debian %s", s.name)
		x, err := a.update(ctx, s.lists)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			tried = append(tried, fmt.Sprintf("%s: %v", s.name, err))
			continue
		}
		root := x.newest(w.Product+"-server", w.Version, oracle.MatchVersion)
		if root == nil {
			tried = append(tried, s.name+": "+holdings(x, w.Product))
			continue
		}
		pkgs, err := x.closure(root, s.lists[len(s.lists)-1])
		if err != nil {
			tried = append(tried, fmt.Sprintf("%s: %v", s.name, err))
			continue
		}
		p.say("downloading %s %s and %d packages it needs", root.Name, root.Version, len(pkgs)-1)
		return install(ctx, a, dir, w, root, pkgs)
	}
	return nil, fmt.Errorf("the mirror in %s does not have it\n  %s", a.mirror.from, strings.Join(tried, "\n  "))
}

func holdings(x *index, product string) string {
	var have []string
	for _, p := range x.byName[product+"-server"] {
		have = append(have, p.Version)
	}
	if len(have) == 0 {
		return "no " + product + "-server"
	}
	return "only " + product + " " + strings.Join(have, ", ")
}

// install makes the root in a temporary directory and renames it when it is whole.
func install(ctx context.Context, a *apt, dir string, w Want, root *pkg, pkgs []*pkg) (*Server, error) {
	debs, err := a.download(ctx, pkgs)
	if err != nil {
		return nil, err
	}
	build := filepath.Join(a.dir, "build")
	if err := a.unpack(ctx, debs, filepath.Join(build, rootName)); err != nil {
		return nil, err
	}
	m := &manifest{Product: w.Product, Package: root.Name, PackageVersion: root.Version, Suite: root.Suite}
	for _, p := range pkgs {
		m.Packages = append(m.Packages, p.Name+"="+p.Version)
	}
	if err := m.complete(ctx, build); err != nil {
		return nil, err
	}
	final := filepath.Join(dir, m.dirName())
	if err := os.RemoveAll(final); err != nil {
		return nil, err
	}
	if err := os.Rename(build, final); err != nil {
		return nil, err
	}
	return load(final)
}

// lockDir takes the lock on the cache, telling once when it has to wait.
func lockDir(ctx context.Context, dir string, waiting func()) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for told := false; ; told = true {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { f.Close() }, nil
		case err != syscall.EWOULDBLOCK && err != syscall.EINTR:
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		case !told:
			waiting()
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// CanFetch says from where Debian's packages would be fetched, or why they cannot
// be. It does not try the network.
func CanFetch() (mirror string, err error) {
	if err := haveTools(); err != nil {
		return "", err
	}
	m, err := findMirror("/etc/apt")
	return m.uri, err
}
