// Package choose turns the user's word for a server into a driver of it, and tells
// in plain lines what was chosen and why the rest was not.
//
// It refuses to fall back from what was asked for by name: only "auto" has a second
// choice.
package choose

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/bundled"
	"github.com/slotdiff/slotdiff/oracle/container"
	"github.com/slotdiff/slotdiff/oracle/external"
	"github.com/slotdiff/slotdiff/oracle/process"
	"github.com/slotdiff/slotdiff/oracle/provision"
)

// Choice is what a spec came to.
type Choice struct {
	Spec     oracle.Spec     // what was asked for
	Driver   oracle.Driver   // nil when the recording stands in for a server
	Identity oracle.Identity // of the driver, or of the recording
	Why      []string        // lines that say what was chosen and why
}

// Recorded reports that no server runs.
func (c *Choice) Recorded() bool { return c.Driver == nil }

// Open opens the driver that spec asks for. progress is given lines while it takes
// time; it may be nil. The caller closes Choice.Driver.
func Open(ctx context.Context, spec oracle.Spec, progress func(string)) (*Choice, error) {
	c := &Choice{Spec: spec}
	if spec.Kind == oracle.SpecAuto {
		return c, c.auto(ctx, progress)
	}
	if spec.Kind == oracle.SpecRecorded {
		c.record("asked for")
		return c, nil
	}
	d, err := open(ctx, spec, progress)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", spec, err)
	}
	c.take(d, "asked for as "+spec.String())
	return c, nil
}

// auto takes the first that can be had: a container, a process, the recording.
func (c *Choice) auto(ctx context.Context, progress func(string)) error {
	var not []string
	for _, kind := range []oracle.SpecKind{oracle.SpecContainer, oracle.SpecProcess} {
		d, err := open(ctx, oracle.Spec{Kind: kind}, progress)
		if err == nil {
			c.take(d, "the first of container, process and recording that can be had here")
			c.Why = append(c.Why, not...)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		not = append(not, fmt.Sprintf("no %s: %s", kind, oneLine(err)))
	}
	c.record("no server can be had here")
	c.Why = append(c.Why, not...)
	return nil
}

func (c *Choice) take(d oracle.Driver, why string) {
	c.Driver = d
	c.Identity = d.Identity()
	c.Why = append([]string{fmt.Sprintf("%s: %s", c.Identity, why)}, c.Why...)
}

func (c *Choice) record(why string) {
	c.Identity = oracle.Identity{Product: oracle.BaselineProduct, Version: oracle.BaselineVersion, How: oracle.Recorded, Source: "case files"}
	c.Why = append(c.Why, "NO SERVER RUNS, the answers recorded in the case files stand in for it: "+why)
}

func oneLine(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "; ")
}

func open(ctx context.Context, spec oracle.Spec, progress func(string)) (oracle.Driver, error) {
	switch spec.Kind {
	case oracle.SpecContainer:
		opt := container.Options{Image: spec.Image, Progress: progress}
		if spec.Image == "" {
			opt.Product, opt.Version = oracle.BaselineProduct, oracle.BaselineVersion
		}
		return container.Open(ctx, opt)
	case oracle.SpecProcess, oracle.SpecDebian:
		srv, err := find(ctx, spec, progress)
		if err != nil {
			return nil, err
		}
		return process.Open(ctx, process.Options{
			Binary:   process.Binary{Argv: srv.Argv, Source: srv.Source, Digest: srv.Digest},
			Product:  srv.Product,
			Version:  srv.Version,
			Progress: progress,
		})
	case oracle.SpecAddr:
		return external.Open(ctx, spec.Addrs)
	case oracle.SpecCmd:
		return external.Command(ctx, spec.Command, progress)
	case oracle.SpecBundled:
		return bundled.Open(ctx, progress)
	}
	return nil, fmt.Errorf("choose: no driver of kind %q", spec.Kind)
}

func find(ctx context.Context, spec oracle.Spec, progress func(string)) (*provision.Server, error) {
	switch {
	case spec.Kind == oracle.SpecDebian:
		return provision.Debian(ctx, provision.Want{Product: spec.Product, Version: spec.Version}, progress)
	case spec.Path != "":
		return provision.At(ctx, spec.Path)
	}
	return provision.Find(ctx, provision.Baseline, progress)
}

// Get makes what spec asks for ready to be used, downloading what is missing, and
// says what is ready now.
func Get(ctx context.Context, spec oracle.Spec, progress func(string)) (string, error) {
	switch spec.Kind {
	case oracle.SpecAuto:
		s, err := Get(ctx, oracle.Spec{Kind: oracle.SpecContainer}, progress)
		if err == nil {
			return s, nil
		}
		s, err2 := Get(ctx, oracle.Spec{Kind: oracle.SpecProcess}, progress)
		if err2 == nil {
			return s, nil
		}
		return "", errors.Join(err, err2)
	case oracle.SpecContainer:
		s, err := container.Fetch(ctx, container.Options{Image: spec.Image, Progress: progress})
		if err != nil {
			return "", fmt.Errorf("%s: %w", spec, err)
		}
		return fmt.Sprintf("%s has image %s %s", s.Engine, s.Image, s.Digest), nil
	case oracle.SpecProcess, oracle.SpecDebian:
		srv, err := find(ctx, spec, progress)
		if err != nil {
			return "", fmt.Errorf("%s: %w", spec, err)
		}
		return fmt.Sprintf("%s %s, %s\n%s", srv.Product, srv.Version, srv.Source, strings.Join(srv.Argv, " ")), nil
	}
	return "", fmt.Errorf("%s: nothing to get; want auto, container[:IMAGE], process or debian:PRODUCT[@VERSION]", spec)
}
