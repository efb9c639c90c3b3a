package runner

import (
	"regexp"
	"strconv"
	"time"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/oracle"
)

// leastTimeout is what a cluster-node-timeout may come to by the wall's clock when the
// nodes' is faster: a machine that is busy with many cases is late, and must not be taken
// for a failed node.
const leastTimeout = 3 * time.Second

var (
	nodeTimeout = regexp.MustCompile(`(?i)cluster-node-timeout[= ](\d+)`)
	// ownTime are words of cases that must come before something has passed that the nodes
	// count: an expiry, a pause, an election, a manual failover.
	ownTime = regexp.MustCompile(`(?i)\b(EX|PX|EXPIRE|PEXPIRE|SETEX|PSETEX|PAUSE|SLEEP|FAILOVER|MFSTART|AUTH_REQUEST|AUTH_ACK|FAILOVER_AUTH_REQUEST|FAILOVER_AUTH_ACK)\b`)
)

// paceOf is how many times as fast as the wall's the clock of a case's nodes may run, at
// most limit.
func paceOf(c *scenario.Case, limit int) time.Duration {
	pace := max(1, limit)
	for _, st := range c.Steps() {
		text := st.Text()
		if ownTime.MatchString(text) {
			return 1
		}
		for _, m := range nodeTimeout.FindAllStringSubmatch(text, -1) {
			if ms, err := strconv.ParseInt(m[1], 10, 64); err == nil {
				pace = min(pace, int(time.Duration(ms)*time.Millisecond/leastTimeout))
			}
		}
	}
	return time.Duration(max(1, pace))
}

// clock is the pace that the side's nodes are started with.
func (s *side) clock() oracle.Pace {
	if s.pace <= 1 {
		return oracle.Pace{}
	}
	return oracle.Pace{Times: int(s.pace), From: s.began}
}
