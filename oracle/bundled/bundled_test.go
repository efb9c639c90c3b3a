package bundled_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/bundled"
	"github.com/slotdiff/slotdiff/oracle/oracletest"
	"github.com/slotdiff/slotdiff/oracle/probe"
)

// realEnv names the server that stands in for the node when the test binary is
// started as one.
const realEnv = "SLOTDIFF_TEST_REAL"

func TestMain(m *testing.M) {
	if os.Getenv(realEnv) != "" {
		bundled.Main(func(args []string) int {
			argv := append(strings.Fields(os.Getenv(realEnv)), args...)
			err := syscall.Exec(argv[0], argv, os.Environ())
			fmt.Fprintln(os.Stderr, err)
			return 1
		})
	}
	os.Exit(m.Run())
}

// The program built of cmd/slotnode.
func TestBuilt(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	d := oracletest.Bundled(t)
	if id := d.Identity(); id.Product != bundled.Product || id.How != oracle.Bundled || id.Digest == "" {
		t.Errorf("identity: %+v", id)
	}
	n := oracletest.Start(t, d, oracle.NodeSpec{Directives: [][2]string{{"cluster-node-timeout", "2000"}}})
	info, err := probe.Ask(t.Context(), n.Addr())
	if err != nil || !info.Cluster || info.Port != n.Addr().Port() {
		t.Errorf("%+v %v", info, err)
	}
	if err := n.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := n.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}
