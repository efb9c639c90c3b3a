package repotest

import (
	"bytes"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// machinePath matches folders that only exist on somebody's machine.
var machinePath = regexp.MustCompile(`(?:^|[^\w.\-/])(/(?:home|Users)/[a-z][\w.-]*|/(?:root|work)/[\w.-]+|/tmp/[a-z][\w-]*/[\w.-]+|[A-Z]:\\Users\\)`)

// publicHosts may be named although a configuration has them: import paths begin with
// the one, tests run on the other. No registry is among them.
var publicHosts = []string{"github.com", "localhost"}

// A clone must work on another machine: no file names a folder of this one, nor a
// mirror that only this one can reach. Which mirrors those are is read from the
// machine's own configuration, so that they are named nowhere, not even here.
func TestNoMachinePaths(t *testing.T) {
	hosts := mirrorHosts(t)
	own := ownFolders(t)
	for _, name := range allFiles(t) {
		b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(b, 0) >= 0 {
			continue // captured packets
		}
		for i, l := range strings.Split(string(b), "\n") {
			if m := machinePath.FindStringSubmatch(l); m != nil && !below(name, "internal/repotest") {
				t.Errorf("%s:%d: %s: a path of one machine", name, i+1, m[1])
			}
			for _, o := range own {
				if strings.Contains(l, o) && !below(name, "internal/repotest") {
					t.Errorf("%s:%d: %s: a folder of this machine", name, i+1, o)
				}
			}
			for _, h := range hosts {
				if strings.Contains(l, h) {
					t.Errorf("%s:%d: names a host from this machine's configuration", name, i+1)
				}
			}
		}
	}
}

// ownFolders are the user's home and the checkout.
func ownFolders(t *testing.T) []string {
	t.Helper()
	abs, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{abs}
	if home, err := os.UserHomeDir(); err == nil {
		list = append(list, home+string(filepath.Separator))
	}
	return slices.DeleteFunc(list, func(s string) bool { return len(s) < 6 })
}

// mirrorHosts are the hosts that this machine takes modules, packages and images
// from, without those that are public.
func mirrorHosts(t *testing.T) []string {
	t.Helper()
	var urls []string
	out, err := exec.Command("go", "env", "GOPROXY", "GOSUMDB").Output()
	if err != nil {
		t.Fatal(err)
	}
	urls = append(urls, strings.FieldsFunc(string(out), func(r rune) bool { return strings.ContainsRune(",|\n ", r) })...)
	sources, err := filepath.Glob("/etc/apt/sources.list*")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("/etc/apt/sources.list.d/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(append(sources, more...), "/etc/docker/daemon.json") {
		if b, err := os.ReadFile(f); err == nil {
			urls = append(urls, regexp.MustCompile(`https?://[^\s"',]+`).FindAllString(string(b), -1)...)
		}
	}
	var hosts []string
	for _, u := range urls {
		parsed, err := url.Parse(u)
		if err != nil || parsed.Hostname() == "" || len(parsed.Hostname()) < 6 {
			continue
		}
		if h := parsed.Hostname(); !slices.Contains(publicHosts, h) && !slices.Contains(hosts, h) && !loopback(h) {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

func loopback(h string) bool { return strings.HasPrefix(h, "127.") || h == "::1" }
