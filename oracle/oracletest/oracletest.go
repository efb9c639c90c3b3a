// Package oracletest gives tests a real server to ask. Tests that run at the same time
// share a driver, which is closed when the last of them ends, so that nothing is left
// behind.
//
// Where no server can be had a test is skipped with the reason; with
// SLOTDIFF_REQUIRE_ORACLE=1 it fails instead.
package oracletest

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/bundled"
	"github.com/slotdiff/slotdiff/oracle/process"
	"github.com/slotdiff/slotdiff/oracle/provision"
)

// RequireEnv is the environment variable that turns skips into failures.
const RequireEnv = "SLOTDIFF_REQUIRE_ORACLE"

// Unavailable skips the test, or fails it where an oracle is required.
func Unavailable(t testing.TB, err error) {
	t.Helper()
	if os.Getenv(RequireEnv) == "1" {
		t.Fatalf("%s=1, but no server can be had: %v", RequireEnv, err)
	}
	t.Skipf("no server can be had: %v", err)
}

// Redis returns a driver of the baseline, Redis 8.6, as processes. It is closed
// after the test.
func Redis(t testing.TB) oracle.Driver {
	t.Helper()
	return Server(t, oracle.BaselineProduct, oracle.BaselineVersion)
}

// Server returns a driver of another product or version as processes, such as
// "redis" "7.0" or "valkey" "9".
func Server(t testing.TB, product, version string) oracle.Driver {
	t.Helper()
	w := provision.Want{Product: product, Version: version}
	return share(t, w.String(), func(ctx context.Context) (oracle.Driver, error) {
		srv, err := provision.Find(ctx, w, func(line string) { t.Log(line) })
		if err != nil {
			return nil, err
		}
		return process.Open(ctx, process.Options{
			Binary:  process.Binary{Argv: srv.Argv, Source: srv.Source, Digest: srv.Digest},
			Product: srv.Product,
			Version: srv.Version,
		})
	})
}

// Binary returns the baseline's executable, for tests that start it by themselves.
func Binary(t testing.TB) process.Binary {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	srv, err := provision.Find(ctx, provision.Baseline, func(line string) { t.Log(line) })
	if err != nil {
		Unavailable(t, err)
	}
	return process.Binary{Argv: srv.Argv, Source: srv.Source, Digest: srv.Digest}
}

// Bundled returns a driver of slotdiff's own node.
func Bundled(t testing.TB) oracle.Driver {
	t.Helper()
	return share(t, "bundled", func(ctx context.Context) (oracle.Driver, error) {
		return bundled.Open(ctx, func(line string) { t.Log(line) })
	})
}

// Start starts a node and stops it after the test.
func Start(t testing.TB, d oracle.Driver, spec oracle.NodeSpec) oracle.Node {
	t.Helper()
	if spec.Name == "" {
		spec.Name = "a"
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	n, err := d.Start(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// patience covers a download.
const patience = 2 * time.Minute

// shared is a driver in use by some tests.
type shared struct {
	users  int
	driver oracle.Driver
}

var (
	mu     sync.Mutex
	inUse  = map[string]*shared{}
	failed = map[string]error{} // what cannot be had is not tried again
)

func share(t testing.TB, key string, open func(context.Context) (oracle.Driver, error)) oracle.Driver {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	if err := failed[key]; err != nil {
		Unavailable(t, err)
	}
	s := inUse[key]
	if s == nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		d, err := open(ctx)
		if err != nil {
			failed[key] = err
			Unavailable(t, err)
		}
		s = &shared{driver: d}
		inUse[key] = s
	}
	s.users++
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		if s.users--; s.users > 0 {
			return
		}
		delete(inUse, key)
		if err := s.driver.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.driver
}
