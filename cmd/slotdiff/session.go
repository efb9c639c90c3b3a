package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/process"
)

// sides are the drivers of a run.
type sides struct {
	oracle oracle.Driver // nil: the recording stands in
	target oracle.Driver
	why    string // how the oracle was chosen
}

// open starts what the flags name. In a control run the target is the oracle's
// driver once more: its nodes are other instances of the same server.
func (s *suite) open(ctx context.Context) (*sides, error) {
	progress := lineWriter(s.stderr)
	var out sides
	var err error
	if out.oracle, out.why, err = openOracle(ctx, s.oracle, progress); err != nil {
		return nil, fmt.Errorf("--oracle %s: %w", s.oracle, err)
	}
	switch {
	case s.control && out.oracle == nil:
		return nil, errors.New("control: needs a live oracle, and there is none: " + out.why)
	case s.control:
		out.target = out.oracle
	default:
		if out.target, err = openTarget(ctx, s.target, progress); err != nil {
			return nil, errors.Join(fmt.Errorf("--target %s: %w", s.target, err), out.close())
		}
	}
	return &out, nil
}

func (s *sides) close() error {
	var errs []error
	if s.oracle != nil {
		errs = append(errs, s.oracle.Close())
	}
	if s.target != nil && s.target != s.oracle {
		errs = append(errs, s.target.Close())
	}
	return errors.Join(errs...)
}

// headline says what is compared with what.
func (s *sides) headline() string {
	who := "the recording: " + s.why
	if s.oracle != nil {
		who = s.oracle.Identity().String()
	}
	return fmt.Sprintf("oracle %s\ntarget %s", who, s.target.Identity())
}

func openOracle(ctx context.Context, spec string, progress func(string)) (oracle.Driver, string, error) {
	s, err := oracle.ParseSpec(spec)
	if err != nil {
		return nil, "", err
	}
	if s.Kind == oracle.SpecRecorded {
		return nil, "asked for", nil
	}
	d, err := openRedis(ctx, spec, progress)
	return d, "", err
}

func openTarget(ctx context.Context, spec string, progress func(string)) (oracle.Driver, error) {
	s, err := oracle.ParseSpec(spec)
	if err != nil {
		return nil, err
	}
	if s.Kind == oracle.SpecBundled {
		exe, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return process.Open(ctx, process.Options{Binary: process.Binary{Argv: []string{exe, "node", "{conf}"}}, How: oracle.Bundled, Progress: progress})
	}
	return openRedis(ctx, spec, progress)
}

// openRedis opens real Redis.
func openRedis(ctx context.Context, spec string, progress func(string)) (oracle.Driver, error) {
	s, err := oracle.ParseSpec(spec)
	if err != nil {
		return nil, err
	}
	if s.Kind != oracle.SpecProcess || s.Path == "" {
		return nil, fmt.Errorf("--oracle %s: cannot be opened yet", spec)
	}
	return process.Open(ctx, process.Options{Binary: process.Binary{Argv: []string{s.Path}}, Progress: progress})
}
