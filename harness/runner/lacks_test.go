package runner

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

// refuser is a driver whose servers never come up.
type refuser struct {
	*fakeDriver
	how oracle.How
	err error
}

func (d refuser) Identity() oracle.Identity {
	return oracle.Identity{Product: "redis", Version: "7.0.15", How: d.how}
}

func (d refuser) Start(context.Context, oracle.NodeSpec) (oracle.Node, error) { return nil, d.err }

func exited(log string) error {
	return &oracle.StartError{Node: "a", Stage: "wait for readiness", Cause: oracle.NewExitError("a", "exit status 1", log), Addr: netip.MustParseAddrPort("127.0.0.1:16400")}
}

// A server that lacks what a step needs is skipped with the need; a server that
// refuses for another reason has answered, and says at which directive.
func TestRefusals(t *testing.T) {
	const (
		unknown7 = "*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nReading the configuration file, at line 9\n>>> 'cluster-slot-stats-enabled yes'\nBad directive or wrong number of arguments\n"
		unknown8 = "12:M 23 Nov 2026 19:49:15.684 # Unresolved Configuration(s) Detected:\n12:M 23 Nov 2026 19:49:15.684 # >>> 'cluster-slot-stats-enabled yes'\n12:M 23 Nov 2026 19:49:15.684 # Module Configuration detected without loadmodule directive or no ApplyConfig call: aborting\n"
		badValue = ">>> 'cluster-slot-stats-enabled yes'\nargument must be 'yes' or 'no'\n"
	)
	need := &oracle.NeedError{Need: oracle.CapConf, Driver: "redis 7.0.15 (address)", Detail: "the server has no directive cluster-slot-stats-enabled"}
	for _, tc := range []struct {
		name    string
		how     oracle.How
		err     error
		want    string // the recording
		verdict verdict.Verdict
		cause   string
	}{
		{"7 does not know the directive", oracle.Process, exited(unknown7), "ok", verdict.Skip, "needs the directive cluster-slot-stats-enabled, which redis 7.0.15 (process) does not have"},
		{"8 does not know the directive", oracle.Container, exited(unknown8), "ok", verdict.Skip, "needs the directive cluster-slot-stats-enabled, which redis 7.0.15 (container) does not have"},
		{"our own node has no excuse", oracle.Bundled, exited(unknown7), "ok", verdict.Fail, "refused to start at cluster-slot-stats-enabled yes"},
		{"the refusal is wanted", oracle.Process, exited(unknown7), "refused to start at cluster-slot-stats-enabled yes", verdict.Pass, ""},
		{"the value is refused", oracle.Process, exited(badValue), "ok", verdict.Fail, "refused to start at cluster-slot-stats-enabled yes"},
		{"no directive is named", oracle.Process, exited("12:M 23 Nov 2026 19:49:15.684 # no memory\n"), "ok", verdict.Fail, `says "refused to start"`},
		{"no server was started", oracle.Process, &oracle.StartError{Node: "a", Stage: "reserve ports", Cause: errors.New("no free pair")}, "ok", verdict.Unknown, "reserve ports: no free pair"},
		{"the driver cannot", oracle.Address, need, "ok", verdict.Skip, "needs conf, which redis 7.0.15 (address) does not have: the server has no directive"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := refuser{newFake(t, nil), tc.how, tc.err}
			c := parseCase(t, "node a cluster-slot-stats-enabled=yes\n----\n"+tc.want+"\n")
			res := Run(t.Context(), c, Config{Target: d, Seed: 1, Mode: "strict"})
			if res.Verdict != tc.verdict || !strings.Contains(res.Cause, tc.cause) {
				t.Errorf("%s %q, want %s %q", res.Verdict, res.Cause, tc.verdict, tc.cause)
			}
		})
	}
}

// few is a driver that has only so many nodes, and counts how many are in use.
type few struct {
	*fakeDriver
	limit      int
	used, most atomic.Int32
}

func (d *few) Limit() int { return d.limit }

func (d *few) Start(ctx context.Context, spec oracle.NodeSpec) (oracle.Node, error) {
	n, err := d.fakeDriver.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	used := d.used.Add(1)
	for most := d.most.Load(); used > most && !d.most.CompareAndSwap(most, used); most = d.most.Load() {
	}
	return &counted{n, d}, nil
}

type counted struct {
	oracle.Node
	d *few
}

func (n *counted) Stop() error {
	n.d.used.Add(-1)
	return n.Node.Stop()
}

// A driver with few nodes serves all cases in turn, and those that want more than it
// has are skipped with the need.
func TestLimitedDriver(t *testing.T) {
	d := &few{fakeDriver: newFake(t, nil), limit: 3}
	d.Caps &^= oracle.CapFresh // no further start at the end of a case
	one := parseCase(t, "node a\n----\nok\n\na PING\n----\n+PONG\n")
	two := parseCase(t, "node a\n----\nok\n\nnode b\n----\nok\n\nb PING\n----\n+PONG\n")
	four := parseCase(t, "node a\n----\nok\n\nnode b\n----\nok\n\nnode c\n----\nok\n\nnode d\n----\nok\n")
	cases := []*scenario.Case{two, one, two, four, one, two, one, two, two}
	// Both sides take their nodes from the same driver in a control run.
	for _, cfg := range []Config{{Target: d, Mode: "strict"}, {Oracle: d, Target: d, Mode: "strict"}} {
		for i, r := range RunAll(t.Context(), cases, cfg, 16, Events{}) {
			want, cause := verdict.Pass, ""
			switch {
			case cases[i] == four && cfg.Oracle == nil:
				want, cause = verdict.Skip, "needs 4 nodes at once, of which redis 8.6.3 (process) has 3"
			case cases[i] == four:
				want, cause = verdict.Skip, "needs 8 nodes at once"
			case cases[i] == two && cfg.Oracle != nil:
				want, cause = verdict.Skip, "needs 4 nodes at once"
			}
			if r.Verdict != want || !strings.Contains(r.Cause, cause) {
				t.Errorf("case %d: %s %q, want %s %q", i, r.Verdict, r.Cause, want, cause)
			}
		}
	}
	if most := d.most.Load(); int(most) > d.limit {
		t.Errorf("%d nodes were in use at once, there are %d", most, d.limit)
	}
}
