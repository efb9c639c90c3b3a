package main

import (
	"context"
	"errors"

	"github.com/slotdiff/slotdiff/fuzz/bus"
	"github.com/slotdiff/slotdiff/fuzz/campaign"
	"github.com/slotdiff/slotdiff/fuzz/quirks"
)

// benchEpisodes is how many episodes each pair of nodes plays in a round of the benchmark of the bus.
const benchEpisodes = 6

func init() {
	benchmarks = append(benchmarks, benchmark{
		name: "bus",
		doc:  "packets of fuzz bus to both sides, made, fenced and compared with state checks, against the same episodes with their fences alone",
		run: func(ctx context.Context, s *sides, rounds int) ([]reading, error) {
			list, err := quirks.Load()
			if err != nil {
				return nil, err
			}
			e, err := bus.New(campaign.Env{Oracle: s.oracle, Target: s.target, Quirks: list}, 0)
			if err != nil {
				return nil, err
			}
			speed, err := e.Bench(ctx, 1, rounds, benchEpisodes)
			if err := errors.Join(err, e.Close()); err != nil {
				return nil, err
			}
			return []reading{{"fenced", speed.Packets, speed.Ceiling, "packets/s", 0.7}}, nil
		},
	})
}
