package main

import (
	"context"
	"fmt"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/process"
)

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
