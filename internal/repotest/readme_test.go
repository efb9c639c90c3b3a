package repotest

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tools are the commands of ours, by the words that start them in a README.
var tools = map[string]string{
	"go run ./cmd/slotdiff": "cmd/slotdiff", "slotdiff": "cmd/slotdiff",
	"go run ./cmd/slotnode": "cmd/slotnode",
}

// documents are what people copy commands from.
var documents = []string{"README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"}

var (
	fence  = regexp.MustCompile("(?ms)^```[a-z]*\n(.*?)^```")
	inline = regexp.MustCompile("`([^`\n]+)`")
)

// commandsOf finds the lines of fenced blocks and the inline code that begin with
// a command of ours, or with just or go.
func commandsOf(text string) []string {
	var out []string
	add := func(l string) {
		l = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(l), "$ "))
		l, _, _ = strings.Cut(l, " #")
		out = append(out, l)
	}
	for _, block := range fence.FindAllStringSubmatch(text, -1) {
		for l := range strings.Lines(block[1]) {
			add(l)
		}
	}
	for _, code := range inline.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		add(code[1])
	}
	return out
}

// What a document tells people to type exists: subcommands, their flags, recipes
// of the Justfile, folders given to go.
func TestDocumentedCommandsExist(t *testing.T) {
	help := helpOf(t)
	for _, doc := range documents {
		if !exists(doc) {
			continue
		}
		for _, line := range commandsOf(read(t, doc)) {
			words := strings.Fields(line)
			switch {
			case len(words) > 1 && words[0] == "just":
				if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(words[1]) + `( [^:\n]*)?:`).MatchString(read(t, "Justfile")) {
					t.Errorf("%s: %q: the Justfile has no recipe %q", doc, line, words[1])
				}
			case len(words) > 1 && words[0] == "go" && !slices.Contains(words, "install"):
				for _, w := range words[1:] {
					if dir := strings.TrimSuffix(w, "/..."); strings.HasPrefix(w, "./") && dir != "." && !exists(dir) {
						t.Errorf("%s: %q: there is no %s", doc, line, w)
					}
				}
			}
			for start, pkg := range tools {
				rest, ok := strings.CutPrefix(line, start+" ")
				if ok && exists(pkg) {
					checkCommand(t, doc, line, help(pkg), strings.Fields(rest))
				}
			}
		}
	}
}

// checkCommand holds the words of a command against the help texts.
func checkCommand(t *testing.T, doc, line string, help func(args ...string) (string, bool), words []string) {
	t.Helper()
	if len(words) == 0 || strings.HasPrefix(words[0], "-") || !regexp.MustCompile(`^[a-z]+$`).MatchString(words[0]) {
		return
	}
	path := words[:1]
	text, ok := help(path...)
	if !ok {
		t.Errorf("%s: %q: there is no subcommand %q", doc, line, words[0])
		return
	}
	if len(words) > 1 && regexp.MustCompile(`^[a-z]+$`).MatchString(words[1]) && strings.Contains(text, "COMMANDS") {
		if text, ok = help(words[:2]...); !ok {
			t.Errorf("%s: %q: there is no subcommand %q of %q", doc, line, words[1], words[0])
			return
		}
	}
	for _, w := range words {
		flag, _, _ := strings.Cut(w, "=")
		if !regexp.MustCompile(`^--[a-z][a-z-]*$`).MatchString(flag) {
			continue
		}
		if !regexp.MustCompile(regexp.QuoteMeta(flag) + `\b`).MatchString(text) {
			t.Errorf("%s: %q: the command has no flag %s", doc, line, flag)
		}
	}
}

// helpOf builds each tool once and returns its help texts. ok is false for a
// subcommand that the tool does not have.
func helpOf(t *testing.T) func(pkg string) func(args ...string) (string, bool) {
	t.Helper()
	built := map[string]string{}
	return func(pkg string) func(args ...string) (string, bool) {
		bin := built[pkg]
		if bin == "" {
			bin = filepath.Join(t.TempDir(), filepath.Base(pkg))
			cmd := exec.Command("go", "build", "-o", bin, "./"+pkg)
			cmd.Dir = root
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("go build ./%s: %v\n%s", pkg, err, out)
			}
			built[pkg] = bin
		}
		return func(args ...string) (string, bool) {
			cmd := exec.Command(bin, append(slices.Clone(args), "--help")...)
			cmd.Env = append(cmd.Environ(), "NO_COLOR=1", "TERM=dumb")
			out, err := cmd.CombinedOutput()
			return string(out), err == nil && strings.Contains(string(out), args[len(args)-1])
		}
	}
}

func TestCommandsOf(t *testing.T) {
	const text = "Run `slotdiff run E003` or `not ours`.\n\n```sh\n$ just test   # all\ngo run ./cmd/slotdiff list\n```\n"
	want := []string{"just test", "go run ./cmd/slotdiff list", "slotdiff run E003", "not ours"}
	got := commandsOf(text)
	for i := range got {
		got[i] = strings.TrimSpace(got[i])
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// A document that is wrong is caught.
func TestDocumentedCommandsBite(t *testing.T) {
	help := helpOf(t)("cmd/slotdiff")
	if text, ok := help("run"); !ok || !strings.Contains(text, "--seed") {
		t.Errorf("help of run: %v\n%s", ok, text)
	}
	if _, ok := help("frobnicate"); ok {
		t.Error("help of a subcommand that is not there")
	}
}
