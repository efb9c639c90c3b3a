package provision_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/slotdiff/slotdiff/oracle/oracletest"
	"github.com/slotdiff/slotdiff/oracle/process"
	"github.com/slotdiff/slotdiff/oracle/provision"
)

// Provisioning from nothing, by several at once; then again from a damaged cache;
// then without a network.
func TestDebian(t *testing.T) {
	if testing.Short() {
		t.Skip("downloads a server twice")
	}
	if _, err := provision.CanFetch(); err != nil {
		oracletest.Unavailable(t, err)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	var mu sync.Mutex
	var said []string
	progress := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, s)
	}
	downloads := func() int { return strings.Count(strings.Join(said, "\n"), "downloading") }

	servers := make([]*provision.Server, 3)
	errs := make([]error, len(servers))
	var wg sync.WaitGroup
	for i := range servers {
		wg.Go(func() { servers[i], errs[i] = provision.Debian(t.Context(), provision.Baseline, progress) })
	}
	wg.Wait()
	for i := range servers {
		if errs[i] != nil {
			oracletest.Unavailable(t, errs[i])
		}
		if servers[i].Digest != servers[0].Digest || servers[i].Root.Dir != servers[0].Root.Dir {
			t.Errorf("callers got %v and %v", servers[0], servers[i])
		}
	}
	if downloads() != 1 {
		t.Errorf("%d downloads for three callers: %q", downloads(), said)
	}
	srv := servers[0]
	d, err := process.Open(t.Context(), process.Options{
		Binary:  process.Binary{Argv: srv.Argv, Source: srv.Source},
		Product: srv.Product, Version: srv.Version,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}

	// One byte of a library is changed.
	libs, err := filepath.Glob(filepath.Join(srv.Root.Dir, "usr/lib/*/libssl.so.*"))
	if err != nil || len(libs) != 1 {
		t.Fatalf("libssl: %q %v", libs, err)
	}
	text, err := os.ReadFile(libs[0])
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2]++
	if err := os.WriteFile(libs[0], text, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := provision.Cached(provision.Baseline); err == nil || !strings.Contains(err.Error(), "libssl") {
		t.Errorf("the damage was not seen: %v", err)
	}
	again, err := provision.Debian(t.Context(), provision.Baseline, progress)
	if err != nil {
		t.Fatal(err)
	}
	if downloads() != 2 || again.Root.Digest != srv.Root.Digest {
		t.Errorf("%d downloads, %v", downloads(), again)
	}

	// What is there needs no tools and no network.
	t.Setenv("PATH", t.TempDir())
	if _, err := provision.Debian(t.Context(), provision.Baseline, progress); err != nil || downloads() != 2 {
		t.Errorf("from the cache: %v, %d downloads", err, downloads())
	}
}

func TestDebianIsCancelled(t *testing.T) {
	if _, err := provision.CanFetch(); err != nil {
		oracletest.Unavailable(t, err)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	_, err := provision.Debian(ctx, provision.Baseline, func(string) { cancel() })
	if err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("error: %v", err)
	}
	dir, err := provision.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if e.Name() != "lock" {
			t.Errorf("left: %s", e.Name())
		}
	}
}
