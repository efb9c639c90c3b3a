package runner

import (
	"context"
	"fmt"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

// Record plays the case in src on real Redis alone and returns src with every
// expected block replaced by the answer it gave. It refuses a driver that is not
// real Redis: nothing is ever recorded from our own node. An answer that came with
// a fault is an error, and so is a step that was not reached.
func Record(ctx context.Context, path string, src []byte, redis oracle.Driver, seed uint64) ([]byte, *verdict.Result, error) {
	id := redis.Identity()
	if id.Product != "redis" || id.How == oracle.Recorded {
		return nil, nil, fmt.Errorf("%s: cases are recorded from real Redis, not from %s", path, id)
	}
	c, err := scenario.Parse(path, src)
	if err != nil {
		return nil, nil, err
	}
	res := Run(ctx, c, Config{Oracle: redis, Seed: seed, Mode: "strict"})
	answers := map[int][]string{}
	for _, st := range res.Steps {
		if st.Oracle == nil {
			continue
		}
		if f := st.Oracle.Fault; f != nil {
			return nil, res, fmt.Errorf("%s:%d: %s: %s %s: %s", path, st.Line, st.Phase, f.Kind, f.Node, f.Detail)
		}
		if st.Line > 0 {
			answers[st.Line] = st.Oracle.Lines
		}
	}
	for _, st := range c.Steps() {
		if _, reached := answers[st.Line]; !reached && len(st.Conds) == 0 {
			return nil, res, fmt.Errorf("%s:%d: the step was not reached: %s", path, st.Line, res.Cause)
		}
	}
	out, err := scenario.Rewrite(path, src, answers)
	if err != nil || c.Header.Recorded == id.Short() {
		return out, res, err
	}
	if c, err = scenario.Parse(path, out); err != nil {
		return nil, res, err
	}
	c.Header.Recorded = id.Short()
	return scenario.Format(c), res, nil
}
