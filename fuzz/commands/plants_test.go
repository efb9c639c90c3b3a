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
			n := findPlant(t, redis, exe, name)
			t.Logf("%s: %d commands", doc, n)
			steps = append(steps, n)
		})
	}
	if len(steps) < min(len(wanted), len(usualPlants)) {
		t.Fatalf("%d of the wanted faults were found", len(steps))
	}
	slices.Sort(steps)
	if m := steps[len(steps)/2]; m > medianSteps {
		t.Errorf("reduced to %v commands, median %d, want at most %d", steps, m, medianSteps)
	}
}

// findPlant plays episodes until one shows the fault, and returns to how many commands that was reduced.
func findPlant(t *testing.T, redis oracle.Driver, exe, name string) int {
	ctx := context.Background()
	target, err := process.Open(ctx, process.Options{
		Binary: process.Binary{Argv: []string{exe}, Env: append(os.Environ(), "SLOTNODE_PLANT="+name)},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := target.Close(); err != nil {
			t.Error(err)
		}
	}()
	e := New(Options{Oracle: redis, Target: target, ShrinkBudget: 30 * time.Second, Progress: func(s string) { t.Log(s) }})
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	for i := range uint64(maxEpisodes) {
		_, found, err := e.Episode(ctx, campaign.EpisodeSeed(1, i))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > 0 {
			t.Logf("episode %d: %s", i, found[0].Note)
			return len(found[0].Case.Sections[1].Steps)
		}
	}
	t.Fatalf("not found in %d episodes", maxEpisodes)
	return 0
}
