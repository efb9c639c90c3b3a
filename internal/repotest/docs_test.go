package repotest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// byHand are pages that people write, because they explain what no registry knows.
var byHand = map[string]bool{"simulation.md": true, "fuzzing.md": true, "findings.md": true}

// The pages of docs are what their generator writes today: a registry that
// changed without its page is caught here, and again by CI.
func TestDocsAreFresh(t *testing.T) {
	if !exists("internal/gendocs") || !exists("docs") {
		t.Log("no generated pages yet")
		return
	}
	tmp := t.TempDir()
	bin := filepath.Join(tmp, "gendocs")
	build := exec.Command("go", "build", "-o", bin, "./internal/gendocs")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build ./internal/gendocs: %v\n%s", err, out)
	}
	// The generator writes below the folder it is started in.
	if err := os.Mkdir(filepath.Join(tmp, "docs"), 0o755); err != nil {
		t.Fatal(err)
	}
	run := exec.Command(bin)
	run.Dir = tmp
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("gendocs: %v\n%s", err, out)
	}
	pages, err := os.ReadDir(filepath.Join(tmp, "docs"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, p := range pages {
		want[p.Name()] = true
		made, err := os.ReadFile(filepath.Join(tmp, "docs", p.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if name := "docs/" + p.Name(); !exists(name) || read(t, name) != string(made) {
			t.Errorf("%s is stale: go generate ./internal/gendocs", name)
		}
	}
	have, err := os.ReadDir(filepath.Join(root, "docs"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range have {
		if !want[p.Name()] && !byHand[p.Name()] {
			t.Errorf("docs/%s is made by no generator", p.Name())
		}
	}
}
