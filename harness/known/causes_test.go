package known_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/harness/known"
)

func TestDifferences(t *testing.T) {
	d, err := known.ParseDifferences("x/redis-7.0.txt", []byte("# a comment\n\nok | divergence GET: -MOVED, not nil | since 8.0\nnew | divergence PING: +OK, not +PONG | PING: +OK, not +PONG\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		product, version string
		want             bool
	}{{"redis", "7.0", true}, {"redis", "7.0.15", true}, {"redis", "7.01", false}, {"redis", "7.2.1", false}, {"valkey", "7.0.15", false}} {
		if got := d.Covers(tc.product, tc.version); got != tc.want {
			t.Errorf("%s %s: %v", tc.product, tc.version, got)
		}
	}
	if e := d.Match("divergence GET: -MOVED, not nil"); e == nil || !e.Reviewed || e.Line != 3 || e.Reason != "since 8.0" {
		t.Errorf("%+v", e)
	}
	if e := d.Match("divergence GET: -MOVED"); e != nil {
		t.Errorf("a part of a cause matches %+v", e)
	}
	again, err := known.ParseDifferences("redis-7.0.txt", []byte(d.Entries[0].String()+"\n"+d.Entries[1].String()+"\n"))
	if err != nil || len(again.Entries) != 2 || again.Entries[1].Reviewed || again.Entries[1].Cause != d.Entries[1].Cause {
		t.Errorf("%+v, %v", again, err)
	}
}

// An entry with a * is about one class of answers and yields to one of its own.
func TestDifferencesOfMany(t *testing.T) {
	d, err := known.ParseDifferences("redis-7.0.txt", []byte("ok | divergence *: -A, not -B: c | x\nok | divergence GET: -A, not -B: c | x\nok | divergence XREAD: *, not -MOVED | x\nok | divergence MSET: -A, not -B after PING | x\n"+
		"ok | divergence SET: -ERR a: b, not * | x\nok | divergence *: -D, not * | x\n"))
	if err != nil {
		t.Fatal(err)
	}
	for cause, want := range map[string]int{
		"divergence GET: -A, not -B: c":                            2,
		"divergence GET: -A, not -B: c after MULTI":                2,
		"divergence MGET: -A, not -B: c":                           1,
		"divergence CLUSTER INFO: -A, not -B: c":                   1,
		"divergence MGET: -A, not -B: c after MULTI":               1,
		"divergence MGET: -A, not -B":                              0,
		"divergence MGET: -B: c":                                   0,
		"divergence MGET: -A, not -B: c after PING":                1,
		"divergence MSET: -A, not -B after PONG":                   0,
		"divergence MSET: -A, not -B":                              0,
		"divergence MSET: -A, not -B after PING":                   4,
		"invariant MGET: -A, not -B: c":                            0,
		"divergence XREAD: +QUEUED, not -MOVED":                    3,
		"divergence XREAD: -ERR a: b, not -MOVED":                  3,
		"divergence XREAD: +QUEUED, not -ASK":                      0,
		"divergence XREADGROUP: +QUEUED, not -MOVED":               0,
		"divergence XREAD: -MOVED":                                 0,
		"divergence":                                               0,
		"divergence SET: -ERR a: b, not nil":                       5,
		"divergence SET: -ERR a: b, not -C: d":                     5,
		"divergence SET: -ERR a: b":                                0,
		"divergence SET: -ERR a, not nil":                          0,
		"divergence GET: -ERR a: b, not nil":                       0,
		"divergence GET: -D, not nil after MULTI":                  6,
		"divergence XREAD: -D, not -MOVED":                         3,
		"divergence GET: nil, not -D":                              0,
		"divergence recv of XREAD: -A, not -MOVED":                 3,
		"divergence recv of GET: -A, not -B: c after CLUSTER INFO": 2,
		"divergence recv of XREAD: -A, not -ASK":                   0,
	} {
		line := 0
		if e := d.Match(cause); e != nil {
			line = e.Line
		}
		if line != want {
			t.Errorf("%s: line %d, want %d", cause, line, want)
		}
	}
}

func TestDifferencesErrors(t *testing.T) {
	for _, tc := range []struct{ file, text, want string }{
		{"redis.txt", "", "named <product>-<version>.txt"},
		{"redis-7.0.txt", "ok | x", "redis-7.0.txt:1: want STATUS | CAUSE | REASON"},
		{"redis-7.0.txt", "ok | x | ", "redis-7.0.txt:1: want STATUS"},
		{"redis-7.0.txt", "maybe | x | y", `status "maybe"`},
		{"redis-7.0.txt", "omit | flags=lots | y", `redis-7.0.txt:1: flags=: "lots"`},
		{"redis-7.0.txt", "omit |  | y", "redis-7.0.txt:1: nothing is left out"},
		{"redis-7.0.txt", "ok | x | y\nnew | x | z", "redis-7.0.txt:2: \"x\" stands on line 1 already"},
	} {
		if _, err := known.ParseDifferences(tc.file, []byte(tc.text)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %q: %v, want %s", tc.file, tc.text, err, tc.want)
		}
	}
}

func TestDifferencesOmit(t *testing.T) {
	d, err := known.ParseDifferences("valkey-9.1.txt", []byte("omit | flags=0x1800 | light headers\nok | x | y\nomit | mflags=ext view=shards,info | z\nomit | view=conf | w\nhold | sender=known & ext(type=secret) | v\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Entries) != 1 || len(d.Omits) != 3 || d.Omits[0].String() != "flags=0x1800" || d.Omits[0].Reason != "light headers" || d.Omits[1].Line != 3 {
		t.Errorf("%+v", d)
	}
	if o := d.Omits[1]; !slices.Equal(o.Views, []string{"shards", "info"}) || o.String() != "mflags=040000 view=shards,info" {
		t.Errorf("%+v", o)
	}
	if o := d.Omits[2]; !o.IsZero() || o.String() != "view=conf" {
		t.Errorf("%+v", o)
	}
	if want := (known.Hold{Line: 5, When: "sender=known & ext(type=secret)", Reason: "v"}); len(d.Holds) != 1 || d.Holds[0] != want {
		t.Errorf("%+v", d.Holds)
	}
}
