package command

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/store"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// mirror is an engine that knows another only by its journal.
type mirror struct {
	of   *rig
	copy *rig
}

func newMirror(t testing.TB, of *rig) mirror {
	of.e.SetJournal(true)
	return mirror{of, newRig(t)}
}

// check replays what was journalled and compares the two keyspaces.
func (m mirror) check(t testing.TB, after string) {
	t.Helper()
	log := m.of.e.AppendJournal(nil)
	m.copy.e.SetNow(m.of.now * 1000)
	for rest := log; len(rest) > 0; {
		argv, n := command(t, rest)
		if !table.IsOption(argv[0], "multi") && !table.IsOption(argv[0], "exec") {
			if err := m.copy.e.Replay(argv); err != nil {
				t.Fatalf("after %q: %v", after, err)
			}
		}
		rest = rest[n:]
	}
	if want, got := m.of.e.AppendState(nil), m.copy.e.AppendState(nil); !bytes.Equal(want, got) {
		t.Fatalf("after %q\nstate    %q\nreplayed %q\nfrom     %q", after, want, got, log)
	}
	if crit := slices.IndexFunc(m.copy.host.log, func(l string) bool { return strings.Contains(l, "CRITICAL") }); crit >= 0 {
		t.Fatalf("after %q: %s", after, m.copy.host.log[crit])
	}
}

// command reads one command of a log.
func command(t testing.TB, b []byte) ([][]byte, int) {
	t.Helper()
	v, n, err := resp.Parse(b)
	if err != nil {
		t.Fatalf("%v in %q", err, b)
	}
	var argv [][]byte
	for _, e := range v.Elems {
		argv = append(argv, e.Str)
	}
	return argv, n
}

// Whatever changes a key is in the journal, so that the log makes the same keyspace.
func TestJournalKeepsEverything(t *testing.T) {
	r := newRig(t)
	m := newMirror(t, r)
	for line := range strings.Lines(`SET b 1
SET b 2 PX 100000
INCRBY b 5
APPEND b x
SETRANGE b 3 abc
SETBIT {b}bit 7 1
INCRBYFLOAT {b}f 1.5
GETSET b 9
GETEX b PERSIST
MSET {b}1 x {b}2 y
MSETNX {b}3 x {b}4 y
RENAME {b}1 {b}5
COPY {b}2 {b}6
RPUSH {b}l 1 2 3
LPUSH {b}l 0
LPOP {b}l
LTRIM {b}l 0 1
LSET {b}l 0 z
LMOVE {b}l {b}m LEFT RIGHT
SADD {b}s 1 2 x
SREM {b}s 2
SPOP {b}s
SMOVE {b}s {b}u x
SUNIONSTORE {b}v {b}s {b}u
HSET {b}h f v g w
HDEL {b}h f
HINCRBY {b}h n 3
ZADD {b}z 1 a 2.5 b -inf c
ZINCRBY {b}z 0.1 a
ZREM {b}z b
EXPIRE {b}z 1000
PERSIST {b}z
EXPIRE {b}2 -1
SORT {b}m STORE {b}n
BITOP NOT {b}not b
EVAL "redis.call('set',KEYS[1],'s'); return redis.call('rpush',KEYS[2],'q')" 2 {b}e {b}l
DEL b {b}6
UNLINK {b}m
DEBUG POPULATE 3 {b}p
SET {b}x 1 PX 1
SPOP {b}v
GETDEL {b}5
FLUSHALL
SET b after
`) {
		argv, ok := resp.SplitArgs([]byte(strings.TrimSpace(line)))
		if !ok {
			t.Fatal(line)
		}
		r.e.SetNow(r.now * 1000)
		r.e.Execute(r.client("a"), argv)
		r.settle()
		if out := r.take("a"); strings.HasPrefix(out, "-") && !strings.Contains(out, "does not execute") {
			t.Fatalf("%s: %s", line, out)
		}
		m.check(t, line)
	}
	r.run(`a SET b 1 PX 50 => +OK|`)
	m.check(t, "SET PX")
	r.advance(200)
	m.check(t, "expiry")
	r.run(`a CLUSTER DELSLOTS 3300 => +OK|`)
	m.check(t, "DELSLOTS")
}

func TestReplayRefuses(t *testing.T) {
	r := newRig(t)
	for line, want := range map[string]string{
		"nosuch 1":   "Unknown command 'nosuch'",
		"BLPOP b 0":  "slotnode does not execute 'blpop'",
		"SET b":      "slotnode does not execute 'set'",
		"XADD b * f": "slotnode does not execute 'xadd'",
	} {
		argv, _ := resp.SplitArgs([]byte(line))
		if err := r.e.Replay(argv); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
	// An error of a command that runs is logged; the log goes on, in the only database there is.
	for _, line := range []string{"SELECT 1", "SET b 1"} {
		argv, _ := resp.SplitArgs([]byte(line))
		if err := r.e.Replay(argv); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	if len(r.host.log) == 0 || !strings.Contains(r.host.log[len(r.host.log)-1], "== CRITICAL == This server is sending an error to its AOF-loading-client") {
		t.Errorf("log %q", r.host.log)
	}
	if r.e.DB.Len() != 1 {
		t.Errorf("%d keys", r.e.DB.Len())
	}
}

// Keys in slots of nobody make them ours, keys in slots of others go, importing ones stay.
func TestReconcile(t *testing.T) {
	r := newRig(t)
	for _, key := range []string{"b", "foo", "zzz", "k24"} { // ours, imported, another's, nobody's
		if err := r.e.Replay([][]byte{[]byte("SET"), []byte(key), []byte("1")}); err != nil {
			t.Fatal(err)
		}
	}
	r.e.Reconcile()
	r.settle()
	var left []string
	r.e.DB.Each(0, func(o *store.Object) { left = append(left, o.Key()) })
	if want := []string{"b", "foo", "k24"}; !slices.Equal(left, want) {
		t.Errorf("left %q, want %q", left, want)
	}
	if owned := r.e.Cluster.Owned(); !owned.Has(16058) || owned.Len() != 8193 {
		t.Errorf("owns %s", owned)
	}
}
