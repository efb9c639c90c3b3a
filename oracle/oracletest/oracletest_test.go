package oracletest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/oracle"
)

// double is a test that is skipped or failed on purpose.
type double struct {
	testing.TB
	said    string
	cleanup []func()
}

type over struct{}

func (d *double) Helper()                      {}
func (d *double) Cleanup(f func())             { d.cleanup = append(d.cleanup, f) }
func (d *double) Fatalf(f string, args ...any) { d.said = "fail: " + f; panic(over{}) }
func (d *double) Skipf(f string, args ...any)  { d.said = "skip: " + f; panic(over{}) }

// run runs f as a test does, with its cleanups.
func (d *double) run(f func()) {
	defer func() {
		for _, v := range slices.Backward(d.cleanup) {
			v()
		}
		if r := recover(); r != nil && r != any(over{}) {
			panic(r)
		}
	}()
	f()
}

func TestUnavailable(t *testing.T) {
	for env, want := range map[string]string{"": "skip", "0": "skip", "1": "fail"} {
		t.Setenv(RequireEnv, env)
		d := new(double)
		d.run(func() { Unavailable(d, errors.New("x")) })
		if !strings.HasPrefix(d.said, want) {
			t.Errorf("%s=%q: %s", RequireEnv, env, d.said)
		}
	}
}

type countingDriver struct {
	oracle.Driver
	closed int
}

func (c *countingDriver) Close() error {
	c.closed++
	return nil
}

func TestShare(t *testing.T) {
	t.Setenv(RequireEnv, "")
	var made []*countingDriver
	open := func(context.Context) (oracle.Driver, error) {
		made = append(made, new(countingDriver))
		return made[len(made)-1], nil
	}
	outer, inner := new(double), new(double)
	outer.run(func() {
		a := share(outer, "k", open)
		inner.run(func() {
			if b := share(inner, "k", open); a != b {
				t.Error("two tests at once have two drivers")
			}
		})
		if made[0].closed != 0 {
			t.Error("closed while in use")
		}
	})
	if len(made) != 1 || made[0].closed != 1 {
		t.Errorf("%d made, closed %d times", len(made), made[0].closed)
	}
	outer = new(double)
	outer.run(func() { share(outer, "k", open) })
	if len(made) != 2 || made[1].closed != 1 {
		t.Error("a later test got a closed driver")
	}
	tries := 0
	for range 2 {
		d := new(double)
		d.run(func() {
			share(d, "bad", func(context.Context) (oracle.Driver, error) { tries++; return nil, errors.New("none") })
		})
		if !strings.HasPrefix(d.said, "skip") {
			t.Errorf("said %q", d.said)
		}
	}
	if tries != 1 {
		t.Errorf("tried %d times", tries)
	}
}
