package runner

import (
	"maps"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/harness/scenario"
)

func TestNodeFiles(t *testing.T) {
	lookup := func(r scenario.Ref) (string, error) { return "<" + r.Name + "." + r.Field + ">", nil }
	for _, tc := range []struct {
		lines string
		want  map[string]string
	}{
		{"", nil},
		{"$p.id x\nvars", map[string]string{"nodes.conf": "<p.id> x\nvars\n"}},
		{"file nodes.conf torn\none\ntwo", map[string]string{"nodes.conf": "one\ntwo"}},
		{"vars\nfile a.aof commands\nSET \"a b\" $p.port\nGET k\nfile x\ny", map[string]string{
			"nodes.conf": "vars\n", "x": "y\n",
			"a.aof": "*3\r\n$3\r\nSET\r\n$3\r\na b\r\n$8\r\n<p.port>\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
		}},
	} {
		var lines []string
		if tc.lines != "" {
			lines = strings.Split(tc.lines, "\n")
		}
		files, err := nodeFiles(lines, lookup)
		if err != nil {
			t.Errorf("%q: %v", tc.lines, err)
		}
		got := map[string]string{}
		for name, b := range files {
			got[name] = string(b)
		}
		if !maps.Equal(got, tc.want) {
			t.Errorf("%q: %q, want %q", tc.lines, got, tc.want)
		}
	}
	for lines, want := range map[string]string{
		"file x":                     "file x has no line",
		"vars\nfile x\nfile y\nz":    "file x has no line",
		"file x gzip\ny":             "want file NAME [commands|torn]",
		"file x\ny\nfile x torn\nz":  "file x stands twice",
		"file x commands\nSET \"a b": "unterminated",
	} {
		if _, err := nodeFiles(strings.Split(lines, "\n"), lookup); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", lines, err, want)
		}
	}
}

func TestSections(t *testing.T) {
	for text, want := range map[string]string{
		"PONG sender=x\n  ver=1\n  flags=master":                                                         "PONG gossip=0 ext=-",
		"PING sender=x\n  ver=1\n  gossip a\n  gossip b\n  ext shardid q\n  ext hostname \"ext secret\"": "PING gossip=2 ext=shardid,hostname",
	} {
		if got := sections(strings.Split(text, "\n")); len(got) != 1 || got[0] != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
