package verdict

import "testing"

func TestExitCode(t *testing.T) {
	for _, tc := range []struct {
		what   string
		counts map[Verdict]int
		want   int
	}{
		{"all pass", map[Verdict]int{Pass: 3}, ExitOK},
		{"pass, known and skip", map[Verdict]int{Pass: 1, Known: 1, Skip: 1}, ExitOK},
		{"only known", map[Verdict]int{Known: 1}, ExitOK},
		{"a fail", map[Verdict]int{Pass: 9, Fail: 1}, ExitDivergence},
		{"a fail among faults", map[Verdict]int{Fail: 1, Unknown: 1, OracleFault: 1}, ExitDivergence},
		{"unknown", map[Verdict]int{Pass: 9, Unknown: 1}, ExitUnknown},
		{"oracle-fault", map[Verdict]int{Pass: 9, OracleFault: 1}, ExitUnknown},
		{"everything skipped", map[Verdict]int{Skip: 9}, ExitUsage},
		{"nothing ran", nil, ExitUsage},
	} {
		if got := ExitCode(tc.counts); got != tc.want {
			t.Errorf("%s: exit code %d, want %d", tc.what, got, tc.want)
		}
	}
}
