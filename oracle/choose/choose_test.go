package choose_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/choose"
	"github.com/slotdiff/slotdiff/oracle/oracletest"
)

func spec(t *testing.T, s string) oracle.Spec {
	t.Helper()
	sp, err := oracle.ParseSpec(s)
	if err != nil {
		t.Fatal(err)
	}
	return sp
}

// bare is a machine that can reach no server.
func bare(t *testing.T) {
	t.Helper()
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "dead.sock"))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("PATH", t.TempDir())
}

func TestAutoOnABareMachine(t *testing.T) {
	bare(t)
	c, err := choose.Open(t.Context(), oracle.Spec{Kind: oracle.SpecAuto}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Recorded() || c.Identity.How != oracle.Recorded {
		t.Errorf("chose %s", c.Identity)
	}
	why := strings.Join(c.Why, "\n")
	for _, want := range []string{"NO SERVER RUNS", "no container: ", "dead.sock", "no process: ", "no redis-server", "no apt-get"} {
		if !strings.Contains(why, want) {
			t.Errorf("%q is not in:\n%s", want, why)
		}
	}
	// What is asked for by name is not replaced.
	for _, s := range []string{"container", "process", "debian:valkey@9", "process:/absent"} {
		if _, err := choose.Open(t.Context(), spec(t, s), nil); err == nil || !strings.HasPrefix(err.Error(), s+": ") {
			t.Errorf("%s: %v", s, err)
		}
		if _, err := choose.Get(t.Context(), spec(t, s), nil); err == nil {
			t.Errorf("get %s succeeded", s)
		}
	}
	for _, o := range choose.List(t.Context()) {
		switch o.Spec {
		case "recorded":
			if !o.Auto || o.State != choose.Ready {
				t.Errorf("%+v", o)
			}
		case "bundled":
		default:
			if o.Auto || o.State != choose.No || o.Detail == "" {
				t.Errorf("%+v", o)
			}
		}
	}
}

func TestNamed(t *testing.T) {
	bin := oracletest.Binary(t)
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "dead.sock"))
	for _, s := range []string{"auto", "process", "debian:redis@8.6", "cmd:" + strings.Join(bin.Argv, " ")} {
		c, err := choose.Open(t.Context(), spec(t, s), nil)
		if err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		if c.Recorded() || !oracle.MatchVersion(c.Identity.Version, "8.6") || !strings.Contains(c.Why[0], c.Identity.String()) {
			t.Errorf("%s: %s\n%s", s, c.Identity, strings.Join(c.Why, "\n"))
		}
		if s == "auto" && !strings.Contains(strings.Join(c.Why, "\n"), "no container: ") {
			t.Errorf("auto does not say why it has no container: %q", c.Why)
		}
		if c.Driver != nil {
			if err := c.Driver.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	c, err := choose.Open(t.Context(), spec(t, "recorded"), nil)
	if err != nil || !c.Recorded() {
		t.Errorf("recorded: %+v %v", c, err)
	}
	got, err := choose.Get(t.Context(), spec(t, "debian:redis@8.6"), nil)
	if err != nil || !strings.Contains(got, "redis 8.6") {
		t.Errorf("get: %q %v", got, err)
	}
	if _, err := choose.Get(t.Context(), spec(t, "recorded"), nil); err == nil {
		t.Error("a recording was provisioned")
	}
	auto := 0
	for _, o := range choose.List(t.Context()) {
		if o.Auto {
			auto++
			if o.Spec != "process" {
				t.Errorf("auto would pick %+v", o)
			}
		}
	}
	if auto != 1 {
		t.Errorf("auto picks %d", auto)
	}
}
