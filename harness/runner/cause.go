package runner

import (
	"fmt"
	"strings"

	"github.com/slotdiff/slotdiff/harness/verdict"
)

// cause says in one line why a step is not a pass.
func cause(step *verdict.Step) string {
	var place []string
	if step.Phase != "" {
		place = append(place, step.Phase)
	}
	if step.Line > 0 {
		place = append(place, fmt.Sprintf("line %d", step.Line))
	}
	where := strings.Join(place, ", ")
	if step.Verdict == verdict.Skip {
		return "needs " + lacking(step)
	}
	for _, w := range []struct {
		who string
		a   *verdict.Answer
	}{{"oracle", step.Oracle}, {"target", step.Target}} {
		if w.a != nil && w.a.Fault != nil {
			// The rest of the detail, often the end of a log, stands with the answer.
			detail, _, _ := strings.Cut(w.a.Fault.Detail, "\n")
			detail = strings.TrimPrefix(detail, fmt.Sprintf("line %d: ", step.Line))
			return fmt.Sprintf("%s: %s: %s: %s", where, w.who, w.a.Fault.Subject(), detail)
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
