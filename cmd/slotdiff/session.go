package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/choose"
)

// sides are the drivers of a run.
type sides struct {
	oracle oracle.Driver // nil: the recording stands in
	target oracle.Driver
	why    []string // how the oracle was chosen
	pace   int      // of the target's clock while a step waits
}

// open starts what the flags name. In a control run the target is the oracle's
// driver once more: its nodes are other instances of the same server.
func (s *suite) open(ctx context.Context) (*sides, error) {
	progress := lineWriter(s.stderr)
	chosen, err := openSpec(ctx, "--oracle", s.oracle, progress)
	if err != nil {
		return nil, err
	}
	out := &sides{oracle: chosen.Driver, why: chosen.Why}
	switch {
	case s.control && out.oracle == nil:
		return nil, errors.New("control: needs a live oracle. " + strings.Join(out.why, "\n"))
	case s.control:
		out.target = out.oracle
		return out, nil
	}
	out.pace = 1
	switch {
	case s.pace == 0 && out.oracle == nil && s.target == defaultTarget:
		out.pace = defaultPace
	case s.pace > 1:
		if out.oracle != nil || s.target != defaultTarget {
			return nil, errors.Join(fmt.Errorf("--pace %d: only the bundled node's clock can be another than the wall's, and real Redis beside it would fall behind: want --oracle recorded and --target %s", s.pace, defaultTarget), out.close())
		}
		out.pace = s.pace
	}
	target, err := openSpec(ctx, "--target", s.target, progress)
	if err == nil && target.Recorded() {
		err = errors.New("--target recorded: a recording cannot be tested; name a server")
	}
	if err != nil {
		return nil, errors.Join(err, out.close())
	}
	out.target = target.Driver
	return out, nil
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

// headline says what is compared with what; its first line says where the right
// answers come from.
func (s *sides) headline() string {
	text := fmt.Sprintf("oracle %s\ntarget %s", strings.Join(s.why, "\n       "), s.target.Identity())
	if s.pace > 1 {
		text += fmt.Sprintf("\nclock  of the target up to %d times as fast as the wall's while a step waits", s.pace)
	}
	return text
}

// openSpec opens the server that a flag names.
func openSpec(ctx context.Context, flag, spec string, progress func(string)) (*choose.Choice, error) {
	parsed, err := oracle.ParseSpec(spec)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	c, err := choose.Open(ctx, parsed, progress)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return c, nil
}

// openRedis opens a live server for recording.
func openRedis(ctx context.Context, spec string, progress func(string)) (oracle.Driver, error) {
	c, err := openSpec(ctx, "--oracle", spec, progress)
	if err != nil {
		return nil, err
	}
	if c.Recorded() {
		return nil, errors.New("record: needs real Redis. " + strings.Join(c.Why, "\n"))
	}
	return c.Driver, nil
}
