package bundled_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/bundled"
	"github.com/slotdiff/slotdiff/oracle/oracletest"
)

// The running executable started again as a node. It needs a process in which Main
// was called from the start, so the test runs itself as one.
func TestReexec(t *testing.T) {
	if os.Getenv(realEnv) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestReexec$", "-test.v")
		cmd.Env = append(os.Environ(), realEnv+"="+oracletest.Bundled(t).Identity().Argv[0], "TMPDIR="+t.TempDir())
		cmd.Dir = t.TempDir() // no module, so cmd/slotnode cannot be built
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestReexec") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	d, err := bundled.Open(t.Context(), func(s string) { t.Errorf("said %q", s) })
	if err != nil {
		t.Fatal(err)
	}
	if id := d.Identity(); id.Source != "this program" || id.Argv[0] != os.Args[0] {
		t.Errorf("identity: %+v", id)
	}
	for _, shared := range []bool{true, false} {
		n := oracletest.Start(t, d, oracle.NodeSpec{Shared: shared})
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
