package aof

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/wire/resp"
)

func commands(lines ...string) []byte {
	var b []byte
	for _, l := range lines {
		b = resp.AppendCommandStrings(b, strings.Fields(l)...)
	}
	return b
}

// load runs a log and returns its commands, one a line.
func load(t *testing.T, dir string, truncate bool) (*Log, string, Loaded, error) {
	t.Helper()
	l, err := Open(dir, "ad", "x.aof")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	done, err := l.Load(truncate, func(argv [][]byte) error {
		got = append(got, string(bytes.Join(argv, []byte(" "))))
		return nil
	})
	return l, strings.Join(got, "\n"), done, err
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLife(t *testing.T) {
	dir := t.TempDir()
	l, got, done, err := load(t, dir, false)
	if err != nil || got != "" || done.Files != nil {
		t.Fatal(got, done, err)
	}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{"SET a 1", "SET b 2"} {
		if err := l.Append(commands(c)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, got, done, err = load(t, dir, false)
	if err != nil || got != "SET a 1\nSET b 2" || len(done.Files) != 2 {
		t.Fatalf("%q %+v %v", got, done, err)
	}
	// A second life appends to the same increment.
	if err := errors.Join(l.Start(), l.Append(commands("DEL a")), l.Close()); err != nil {
		t.Fatal(err)
	}
	l, got, _, err = load(t, dir, false)
	if err != nil || got != "SET a 1\nSET b 2\nDEL a" {
		t.Fatalf("%q %v", got, err)
	}
	// A new base replaces all of it, and the old files are gone.
	if err := errors.Join(l.Renew(commands("SET b 2")), l.Append(commands("SET c 3")), l.Close()); err != nil {
		t.Fatal(err)
	}
	if _, got, _, err = load(t, dir, false); err != nil || got != "SET b 2\nSET c 3" {
		t.Fatalf("%q %v", got, err)
	}
	files, err := os.ReadDir(filepath.Join(dir, "ad"))
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	if want := "x.aof.2.base.aof x.aof.2.incr.aof x.aof.manifest"; err != nil || strings.Join(names, " ") != want {
		t.Errorf("%q, want %q", names, want)
	}
	text, err := os.ReadFile(filepath.Join(dir, "ad", "x.aof.manifest"))
	if want := "file x.aof.2.base.aof seq 2 type b\nfile x.aof.2.incr.aof seq 2 type i\n"; err != nil || string(text) != want {
		t.Errorf("%q, want %q", text, want)
	}
}

func TestOldFileBecomesTheBase(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "x.aof"), commands("SET a 1"))
	l, got, done, err := load(t, dir, false)
	if err != nil || got != "SET a 1" || !done.Adopted {
		t.Fatalf("%q %+v %v", got, done, err)
	}
	if err := errors.Join(l.Start(), l.Append(commands("SET b 2")), l.Close()); err != nil {
		t.Fatal(err)
	}
	if _, got, done, err = load(t, dir, false); err != nil || got != "SET a 1\nSET b 2" || done.Adopted {
		t.Fatalf("%q %+v %v", got, done, err)
	}
}

// Every truncation of a log is cut back to whole commands and transactions, or refused.
func TestEveryTruncation(t *testing.T) {
	parts := []string{"SET a 1", "MULTI", "SET b 2", "DEL a", "EXEC", "SET c 3"}
	whole := commands(parts...)
	ends := map[int]string{ // what a log of that length holds
		0:                           "",
		len(commands(parts[:1]...)): "SET a 1",
		len(commands(parts[:5]...)): "SET a 1\nSET b 2\nDEL a",
		len(commands(parts...)):     "SET a 1\nSET b 2\nDEL a\nSET c 3",
	}
	for n := 0; n <= len(whole); n++ {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "x.aof"), whole[:n])
		at := n
		for ends[at] == "" && at > 0 {
			at--
		}
		_, isEnd := ends[n]
		if _, _, _, err := load(t, dir, false); isEnd != (err == nil) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		_, got, done, err := load(t, dir, true)
		if err != nil || got != ends[at] {
			t.Fatalf("%d bytes: %q %v, want %q", n, got, err, ends[at])
		}
		if fi, err := os.Stat(filepath.Join(dir, "ad", "x.aof")); err != nil || fi.Size() != int64(at) {
			t.Fatalf("%d bytes: cut to %v %v, want %d", n, fi.Size(), err, at)
		}
		if (done.Cut != nil) == isEnd {
			t.Fatalf("%d bytes: %+v", n, done)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, tc := range []struct{ manifest, file, want string }{
		{"", "nonsense", "x.aof:0: no command follows"},
		{"", string(commands("SET a 1")) + "*1\r\n+x\r\n", "x.aof:27: no command follows"},
		{"", "*0\r\n", "x.aof:0: no command follows"},
		{"", "REDIS0013", "x.aof: an RDB file"},
		{"file x seq 1\n", "", "x.aof.manifest:1: want file NAME seq N type"},
		{"file a/b seq 1 type b\n", "", "x.aof.manifest:1: a file is named without directories"},
		{"# ok\nfile a seq 1 type b\nfile b seq 2 type b\n", "", "x.aof.manifest:3: a second base"},
		{"file a seq 1 type q\n", "", `x.aof.manifest:1: "q" is no type of a file`},
		{"file a seq x type b\n", "", `x.aof.manifest:1: "x" is no sequence number`},
		{"file nowhere seq 1 type b\n", "", "nowhere: no such file"},
	} {
		dir := t.TempDir()
		if tc.manifest != "" {
			if err := os.Mkdir(filepath.Join(dir, "ad"), 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "ad", "x.aof.manifest"), []byte(tc.manifest))
		} else {
			write(t, filepath.Join(dir, "x.aof"), []byte(tc.file))
		}
		l, err := Open(dir, "ad", "x.aof")
		if err == nil {
			_, err = l.Load(true, func([][]byte) error { return nil })
		}
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q %q: %v, want %q", tc.manifest, tc.file, err, tc.want)
		}
	}
}

// Redis itself writes annotations, and fields of later versions in the manifest.
func TestWhatRedisWrites(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "ad"), 0o755); err != nil {
		t.Fatal(err)
	}
	manifest := "file x.aof.1.base.aof seq 1 type b\nfile x.aof.1.incr.aof seq 1 type h\nfile x.aof.2.incr.aof seq 2 type i startoffset 14\n"
	write(t, filepath.Join(dir, "ad", "x.aof.manifest"), []byte(manifest))
	write(t, filepath.Join(dir, "ad", "x.aof.1.base.aof"), nil)
	write(t, filepath.Join(dir, "ad", "x.aof.2.incr.aof"), append([]byte("#TS:1795457713\r\n"), commands("SELECT 0", "SET a 1")...))
	l, got, _, err := load(t, dir, false)
	if err != nil || got != "SELECT 0\nSET a 1" {
		t.Fatalf("%q %v", got, err)
	}
	if err := errors.Join(l.Start(), l.Close()); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "ad", "x.aof.manifest")); err != nil || string(text) != manifest {
		t.Errorf("%q %v, want it as it was", text, err)
	}
}
