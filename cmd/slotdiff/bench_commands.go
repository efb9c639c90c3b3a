package main

import (
	"context"
	"errors"

	"github.com/slotdiff/slotdiff/fuzz/commands"
)

func init() {
	benchmarks = append(benchmarks, benchmark{
		name: "commands",
		doc:  "command pairs of fuzz commands with state checks, against the same bytes over plain sockets",
		run: func(ctx context.Context, s *sides, rounds int) (out []reading, err error) {
			for _, m := range []struct {
				what     string
				commands int
				lockstep bool
				goal     float64
			}{{"windowed", 100_000, false, 0.7}, {"lockstep", 20_000, true, 0.9}} {
				e := commands.New(commands.Options{Oracle: s.oracle, Target: s.target, Commands: m.commands, Lockstep: m.lockstep, ShrinkBudget: -1})
				speed, err := e.Bench(ctx, 1, rounds)
				if err := errors.Join(err, e.Close()); err != nil {
					return nil, err
				}
				out = append(out, reading{m.what, speed.Pairs, speed.Ceiling, "pairs/s", m.goal})
			}
			return out, nil
		},
	})
}
