package runner

import (
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/harness/scenario"
)

func TestPaceOf(t *testing.T) {
	t.Parallel()
	const header = "scenario: FR-P2C-007-E003\ncontract: B03\nanchors: A03\nclass: normal\nreason: cluster.redirect_reply_contract_violation\nsource: none\nrecorded: redis 8.6.3\n\n# one\n\n"
	for _, tc := range []struct {
		steps string
		limit int
		want  time.Duration
	}{
		{"node a\n----\nok\n", 8, 8},
		{"node a\n----\nok\n", 0, 1},
		{"node a cluster-node-timeout=15000\n----\nok\n\nnode b cluster-node-timeout=9000\n----\nok\n", 8, 3},
		{"node a cluster-node-timeout=1000\n----\nok\n", 8, 1},
		{"node a\n----\nok\n\na CONFIG SET cluster-node-timeout 6500\n----\n+OK\n", 8, 2},
		{"node a\n----\nok\n\na SET k v px 100\n----\n+OK\n", 8, 1},
		{"node a\n----\nok\n\na SET px 1\n----\n+OK\n", 8, 1},
	} {
		c, err := scenario.Parse("x", []byte(header+tc.steps))
		if err != nil {
			t.Fatal(err)
		}
		if got := paceOf(c, tc.limit); got != tc.want {
			t.Errorf("limit %d: pace %d, want %d of\n%s", tc.limit, got, tc.want, tc.steps)
		}
	}
}
