package runner

import (
	"fmt"

	"github.com/slotdiff/slotdiff/harness/verdict"
)

// cause says in one line why a step is not a pass.
func cause(step *verdict.Step) string {
	where := fmt.Sprintf("line %d", step.Line)
	if step.Phase != "" {
		where = fmt.Sprintf("%s, %s", step.Phase, where)
	}
	if step.Verdict == verdict.Skip {
		return "needs " + lacking(step)
	}
	for _, w := range []struct {
		who string
		a   *verdict.Answer
	}{{"oracle", step.Oracle}, {"target", step.Target}} {
		if w.a != nil && w.a.Fault != nil {
			return fmt.Sprintf("%s: %s: %s %s: %s", where, w.who, w.a.Fault.Kind, w.a.Fault.Node, w.a.Fault.Detail)
		}
	}
	want, got, who := step.Want, step.Target, "target"
	if step.Oracle != nil {
		want = step.Oracle.Lines
		if step.Verdict == verdict.Unknown {
			want, got, who = step.Want, step.Oracle, "oracle, against the recording,"
		}
	}
	if got == nil {
		return where
	}
	return fmt.Sprintf("%s: %s %s", where, who, firstDifference(want, got.Lines))
}

// firstDifference says where two answers part.
func firstDifference(want, got []string) string {
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("ends where %q is wanted", want[i])
		case i >= len(want):
			return fmt.Sprintf("goes on with %q", got[i])
		case want[i] != got[i]:
			return fmt.Sprintf("says %q, not %q", got[i], want[i])
		}
	}
	return "agrees"
}
