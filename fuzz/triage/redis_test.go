package triage_test

import (
	"testing"

	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/oracle/oracletest"
)

// Real Redis dies of a packet: the crash is confirmed, reduced to the packet, named by the function that crashed, known as
// the quirk that it is, and the bundled node lives.
func TestRealCrash(t *testing.T) {
	list, err := quirks.Load()
	if err != nil {
		t.Fatal(err)
	}
	c, err := scenario.Parse("x.case", []byte(`# A crash among other things.

scenario: FR-P2C-007-E009
contract: B09
anchors:  A12
class:    adversarial
reason:   cluster.packet_parse_failclosed_violation
source:   a test

node a cluster-node-timeout=5000
----

puppet p
----

puppet q
----

p dial a
----

a CLUSTER INFO
----

p send PING currentEpoch=3
ext hostname x
ext 9 payload=- len=4278190088
ext shardid 1111111111111111111111111111111111111111
----

p recv PONG within=2s link=out
----
`))
	if err != nil {
		t.Fatal(err)
	}
	tri := triage.New(triage.Options{
		Oracle: oracletest.Redis(t), Target: oracletest.Bundled(t), Dir: t.TempDir(), Times: 2, Quirks: list,
	})
	g := add(t, tri, triage.Candidate{Case: c, Kind: triage.OracleCrash})
	if g.Cause != "oracle-crash signal 11 in clusterProcessPacket < clusterReadHandler" || g.Confirmed != 2 || g.Steps != 4 ||
		g.Survival != "lives" || g.Known == "" {
		t.Errorf("%+v", g)
	}
}
