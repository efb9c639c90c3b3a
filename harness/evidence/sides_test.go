package evidence

import (
	"slices"
	"testing"

	"github.com/slotdiff/slotdiff/harness/verdict"
)

// The two texts that are shown are those that decided the step.
func TestSides(t *testing.T) {
	yes, no := &AnswerEntry{Lines: []string{"yes"}}, &AnswerEntry{Lines: []string{"no"}}
	broken := &AnswerEntry{Lines: []string{"no"}, Fault: "crash of a: ended\nlast words"}
	text := []string{"no", "(crash of a: ended", "last words)"}
	for _, tc := range []struct {
		name           string
		v              verdict.Verdict
		oracle, target *AnswerEntry
		wantName, got  string
		gotText        []string
	}{
		{"divergence", verdict.Fail, yes, no, "oracle", "target", []string{"no"}},
		{"divergence from the recording", verdict.Fail, nil, no, "recorded", "target", []string{"no"}},
		{"the target dies", verdict.Fail, yes, broken, "oracle", "target", text},
		{"the oracle dies", verdict.OracleFault, broken, yes, "recorded", "oracle", text},
		{"another recording", verdict.Unknown, no, no, "recorded", "oracle", []string{"no"}},
		{"the harness fails on the target", verdict.Unknown, yes, broken, "oracle", "target", text},
		{"the harness fails on both", verdict.Unknown, broken, broken, "recorded", "oracle", text},
		{"the harness fails, no oracle", verdict.Unknown, nil, broken, "recorded", "target", text},
		{"recording", verdict.Unknown, no, nil, "recorded", "oracle", []string{"no"}},
	} {
		s := StepEntry{Verdict: tc.v, Want: []string{"yes"}, Oracle: tc.oracle, Target: tc.target}
		wantName, gotName, _, got := s.Sides()
		if wantName != tc.wantName || gotName != tc.got || !slices.Equal(got, tc.gotText) {
			t.Errorf("%s: %s, %s %q; want %s, %s %q", tc.name, wantName, gotName, got, tc.wantName, tc.got, tc.gotText)
		}
	}
}
