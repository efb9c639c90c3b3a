package server

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What was written while appendonly was on is there after a restart, what was written
// before it was switched on too, and nothing that was written after it was switched off.
func TestAppendOnlyFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, dir)
	own(t, n)
	n.do("SET", "before", "1")
	if got := n.do("INFO", "persistence"); !strings.Contains(got, "aof_enabled:0") {
		t.Error(got)
	}
	n.do("CONFIG", "SET", "appendonly", "yes")
	n.do("RPUSH", "while", "a", "b")
	n.do("LPOP", "while")
	if got := n.do("INFO", "persistence"); !strings.Contains(got, "aof_enabled:1") {
		t.Error(got)
	}
	n.do("CONFIG", "SET", "appendonly", "no")
	n.do("SET", "after", "1")
	n.stop()

	n = start(t, dir, "--appendonly", "yes", "--appendfsync", "always")
	eventually(t, "the cluster is up", func() bool { return strings.Contains(n.do("CLUSTER", "INFO"), "cluster_state:ok") })
	for key, want := range map[string]string{"before": `+string`, "while": `+list`, "after": `+none`} {
		if got := strings.TrimSpace(n.do("TYPE", key)); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if got := n.do("LRANGE", "while", "0", "-1"); got != "*1\r\n$1\r\nb\r\n" {
		t.Errorf("while is %q", got)
	}
	n.do("DEL", "before")
	n.stop()

	n = start(t, dir, "--appendonly", "yes")
	if got := strings.TrimSpace(n.do("DBSIZE")); got != ":1" {
		t.Errorf("%s keys, want 1", got)
	}
}

// A log that cannot be read is refused in the words of Redis, and left as it is.
func TestAppendOnlyFileRefused(t *testing.T) {
	t.Parallel()
	const whole = "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n1\r\n"
	for _, tc := range []struct{ text, args, want string }{
		{whole + "nonsense\r\n", "", "Bad file format reading the append only file appendonlydir/appendonly.aof at offset 27. "},
		{whole + whole[:9], "--aof-load-truncated no", "Unexpected end of file reading the append only file appendonly.aof. You can: "},
		{"*1\r\n$6\r\nNOSUCH\r\n", "", "Unknown command 'NOSUCH' reading the append only file appendonly.aof"},
		{"*3\r\n$5\r\nBLPOP\r\n$1\r\nb\r\n$1\r\n0\r\n", "", "slotnode does not execute 'blpop' of an append-only file"},
		{"REDIS0013", "", "an RDB file, which slotnode does not read"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "appendonly.aof"), []byte(tc.text), 0o644); err != nil {
			t.Fatal(err)
		}
		out := &syncBuffer{}
		args := append([]string{
			"--port", strconv.Itoa(freePort(t)), "--bind", "127.0.0.1", "--cluster-enabled", "yes", "--dir", dir, "--appendonly", "yes",
		}, strings.Fields(tc.args)...)
		if code := Main(context.Background(), args, out, out); code != 1 || !strings.Contains(out.String(), tc.want) {
			t.Errorf("%q: exit %d: %s\nwant %s", tc.text, code, out, tc.want)
		}
		if left, err := os.ReadFile(filepath.Join(dir, "appendonlydir", "appendonly.aof")); err != nil || string(left) != tc.text {
			t.Errorf("%q: left %q %v", tc.text, left, err)
		}
	}
}
