package commands

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/campaign"
	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/oracletest"
	"github.com/slotdiff/slotdiff/oracle/process"
)

// plantsEnv chooses the planted faults to look for: "all", or names separated by commas. Without it a few
// are looked for; all of them take minutes.
const plantsEnv = "SLOTDIFF_PLANTS"

// usualPlants are quick to find, and each is of another kind.
var usualPlants = []string{"incr-has-no-key", "no-tryagain", "multi-not-aborted"}

// maxEpisodes is within how many episodes a fault is found, and medianSteps to how many commands faults are reduced.
const (
	maxEpisodes = 120
	medianSteps = 5
)

// Every fault of a build with the tag "plant" is found and reduced.
func TestPlantsAreFound(t *testing.T) {
	redis := oracletest.Redis(t)
	exe := filepath.Join(t.TempDir(), "slotnode")
	if out, err := exec.Command("go", "build", "-tags", "plant", "-o", exe, "github.com/slotdiff/slotdiff/cmd/slotnode").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	list := exec.Command(exe)
	list.Env = append(os.Environ(), "SLOTNODE_PLANT=?")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	sound := open(t, exe, "")
	healthy := New(Options{Oracle: redis, Target: sound, ShrinkBudget: -1})
	defer healthy.Close()
	wanted := usualPlants
	if env := os.Getenv(plantsEnv); env != "" {
		wanted = strings.Split(env, ",")
	}
	var steps []int
	for line := range strings.Lines(string(out)) {
		name, doc, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if !slices.Contains(wanted, name) && !slices.Contains(wanted, "all") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			n := findPlant(t, redis, exe, name, healthy)
			t.Logf("%s: %d commands", doc, n)
			steps = append(steps, n)
		})
	}
	if len(steps) < min(len(wanted), len(usualPlants)) {
		t.Fatalf("%d of the wanted faults were found", len(steps))
	}
	slices.Sort(steps)
	if most := steps[len(steps)-1]; most >= unshown {
		t.Errorf("a fault was found and did not show again when its stream was played once more")
	}
	if m := steps[len(steps)/2]; m > medianSteps {
		t.Errorf("reduced to %v commands, median %d, want at most %d", steps, m, medianSteps)
	}
}

// open makes a driver of the node with a fault, or with none.
func open(t testing.TB, exe, fault string) oracle.Driver {
	t.Helper()
	d, err := process.Open(context.Background(), process.Options{
		Binary: process.Binary{Argv: []string{exe}, Env: append(os.Environ(), "SLOTNODE_PLANT="+fault)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// findPlant plays episodes until one shows the fault, and returns to how many commands that was reduced. What the
// node without the fault shows as well is not it.
func findPlant(t *testing.T, redis oracle.Driver, exe, name string, healthy *Engine) int {
	ctx := context.Background()
	e := New(Options{Oracle: redis, Target: open(t, exe, name), ShrinkBudget: 30 * time.Second})
	defer e.Close()
	for i := range uint64(maxEpisodes) {
		seed := campaign.EpisodeSeed(1, i)
		_, found, err := e.Episode(ctx, seed)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 || e.last == nil {
			continue
		}
		ops := e.last
		e.last = nil
		also, err := healthy.replay(ctx, e.lastTopo, ops, &difference{})
		if err != nil {
			t.Fatal(err)
		}
		if also != nil {
			t.Logf("episode %d: not the fault: %s", i, found[0].Note)
			continue
		}
		t.Logf("episode %d: %s", i, found[0].Note)
		return len(ops)
	}
	t.Fatalf("not found in %d episodes", maxEpisodes)
	return 0
}
