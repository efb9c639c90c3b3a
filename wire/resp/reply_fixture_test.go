package resp

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// replyProbes are commands whose replies show every type that 8.6.3 can write. Each is
// asked on one connection per protocol version, in this order.
var replyProbes = [][]string{
	{"PING"},
	{"ECHO", "a\x00b\r\n\xff"},
	{"SET", "foo", "bar"},
	{"GET", "foo"},
	{"GET", "absent"},
	{"DEL", "absent"},
	{"NOSUCH", "a", "b"},
	{"GET"},
	{"CLUSTER", "NOSUCH"},
	{"CLUSTER", "KEYSLOT", "foo"},
	{"LRANGE", "absent", "0", "-1"},
	{"MGET", "foo", "foo"},
	{"BLPOP", "{foo}l", "0.01"},
	{"EXEC"},
	{"HELLO", "4"},
	{"MULTI"},
	{"PING"},
	{"GET", "foo"},
	{"EXEC"},
	{"SADD", "{foo}s", "a"},
	{"SMEMBERS", "{foo}s"},
	{"HSET", "{foo}h", "f", "v"},
	{"HGETALL", "{foo}h"},
	{"ZADD", "{foo}z", "1.5", "a", "inf", "b", "-inf", "c", "1e-7", "d"},
	{"ZRANGE", "{foo}z", "0", "-1", "WITHSCORES"},
	{"ZSCORE", "{foo}z", "a"},
	{"XADD", "{foo}x", "1-1", "f", "v"},
	{"XRANGE", "{foo}x", "-", "+"},
	{"XREAD", "COUNT", "1", "STREAMS", "{foo}x", "0"},
	{"DEBUG", "PROTOCOL", "string"},
	{"DEBUG", "PROTOCOL", "integer"},
	{"DEBUG", "PROTOCOL", "double"},
	{"DEBUG", "PROTOCOL", "null"},
	{"DEBUG", "PROTOCOL", "array"},
	{"DEBUG", "PROTOCOL", "set"},
	{"DEBUG", "PROTOCOL", "map"},
	{"DEBUG", "PROTOCOL", "attrib"},
	{"DEBUG", "PROTOCOL", "verbatim"},
	{"DEBUG", "PROTOCOL", "true"},
	{"DEBUG", "PROTOCOL", "false"},
	{"DEBUG", "PROTOCOL", "bignum"},
	{"EVAL", "return {1,2,{3,'four',{ok='OK'},{err='MY error'}},false}", "0"},
	{"EVAL", "return {double=3.25}", "0"},
	{"EVAL", "redis.setresp(3) return {map={a={set={x=true}}}}", "0"},
	{"COMMAND", "DOCS", "GET", "CLUSTER|SLOTS"},
	{"COMMAND", "INFO", "GET", "NOSUCH", "BITFIELD"},
	{"COMMAND", "GETKEYS", "MSET", "a", "1", "b", "2"},
	{"CLUSTER", "INFO"},
	{"CLUSTER", "NODES"},
	{"CLUSTER", "SLOTS"},
	{"CLUSTER", "SHARDS"},
	{"CLUSTER", "LINKS"},
	{"CLUSTER", "HELP"},
	{"ROLE"},
	{"ACL", "WHOAMI"},
	{"CLIENT", "TRACKINGINFO"},
	{"MEMORY", "USAGE", "foo"},
	{"SUBSCRIBE", "ch"},
}

// doubleProbes are numbers whose printed form is decided by more than their digits.
var doubleProbes = []string{
	"0", "-0", "1", "-1", "1.5", "0.1", "0.2", "0.3", "1e5", "1e15", "1e16", "1e17", "1e18", "4611686018427387904", "4611686018427387905",
	"9223372036854775807", "1e19", "1e20", "1e21", "1e22", "1e23", "1.5e19", "1.5e20", "1.2345678901234567e19", "1.2345678901234567e25", "123456789012345680000000",
	"1e-1", "1e-2", "1e-3", "1e-4", "1e-5", "1e-6", "1e-7", "1e-8", "1e-9", "1.5e-3", "1.5e-4", "1.5e-5", "1.5e-6", "1.5e-7", "1.23456e-5", "1.2345678e-2", "0.000123456789",
	"0.00001234567", "123456.789e-3", "1e100", "1.5e100", "1e308", "1.7976931348623157e308", "5e-324", "2.2250738585072014e-308", "3.141592653589793", "2.718281828459045",
	"1e-10", "1.1e-10", "1e-99", "1e-100", "1e-300", "12345678.9", "1234567890.123", "0.1234567890123456789", "99999999999999990000", "-1.5e-9", "-1e30", "inf", "-inf", "nan",
	"5e-7", "1.7e19", "123e21", "1e24", "1e25", "1e26", "1e27", "1e28", "123456789e20", "0.30000000000000004", "100.00000000000001", "4.35", "0.000001", "0.0000001", "9007199254740993",
}

func TestRepliesOfRedis(t *testing.T) {
	_, all := readFixture(t, "replies.txt")
	seen := map[Kind]bool{}
	for _, x := range all {
		raw := []byte(x.answer)
		v, n, err := Parse(raw)
		if err != nil || n != len(raw) {
			t.Errorf("%s: Parse = %d bytes of %d, %v", x.ask, n, len(raw), err)
			continue
		}
		markKinds(v, seen)
		if got := v.Append(nil); !bytes.Equal(got, raw) {
			t.Errorf("%s: Append gives %q, redis sent %q", x.ask, got, raw)
		}
		back, err := ParseText(Text(v))
		if err != nil || !back.Equal(v) {
			t.Errorf("%s: the text form reads back as %v, %v:\n%s", x.ask, back, err, Text(v))
		}
		if testing.Short() || len(raw) < 3000 {
			wantTruncationsToFail(t, raw)
		}
	}
	for k := range kindNames {
		// No command of 8.6.3 replies with a blob error.
		if !seen[k] && k != BlobError {
			t.Errorf("no recorded reply holds a %v", k)
		}
	}
	if !seen[attribute] {
		t.Error("no recorded reply holds an attribute")
	}
}

func markKinds(v Value, seen map[Kind]bool) {
	seen[v.Kind] = true
	if v.Attr != nil {
		seen[attribute] = true
	}
	for _, e := range v.Elems {
		markKinds(e, seen)
	}
}

func wantTruncationsToFail(t *testing.T, raw []byte) {
	t.Helper()
	for n := range raw {
		v, m, err := Parse(raw[:n])
		if err != ErrIncomplete || m != 0 || !v.Equal(Value{}) {
			t.Fatalf("%.60q cut to %d bytes: Parse = %v, %d, %v", raw, n, v, m, err)
		}
	}
}

func TestFormatDouble(t *testing.T) {
	_, all := readFixture(t, "doubles.txt")
	for _, x := range all {
		f, err := strconv.ParseFloat(x.ask, 64)
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendDouble(nil, f); string(got) != x.answer {
			t.Errorf("AppendDouble(%s) = %q, redis writes %q", x.ask, got, x.answer)
		}
		back, n, err := Parse([]byte(x.answer))
		if err != nil || n != len(x.answer) || back.Kind != Double {
			t.Errorf("Parse(%q) = %v, %d, %v", x.answer, back, n, err)
		}
	}
}

// TestFixturesReplies asks the server of -redis what replies.txt and doubles.txt say.
// Replies that hold the time or an address differ by nature: only with -record is
// this more than a check that all of them parse.
func TestFixturesReplies(t *testing.T) {
	if *live == "" {
		t.Skip("needs -redis ADDR of a redis-server 8.6.3")
	}
	admin := dial(t)
	ask(t, admin, "CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	ask(t, admin, "CONFIG", "SET", "cluster-announce-hostname", "h.example")
	deadline := time.Now().Add(10 * time.Second)
	for !bytes.Contains(ask(t, admin, "CLUSTER", "INFO"), []byte("cluster_state:ok")) {
		if time.Now().After(deadline) {
			t.Fatal("the cluster is not ok after 10 seconds")
		}
	}
	var replies []exchange
	for _, version := range []string{"2", "3"} {
		c := dial(t)
		ask(t, c, "FLUSHALL")
		hello := []string{"HELLO", version}
		replies = append(replies, exchange{ask: "2 " + quoteAll(hello), answer: string(ask(t, c, hello...))})
		for _, words := range replyProbes {
			raw := ask(t, c, words...)
			if _, _, err := Parse(raw); err != nil {
				t.Errorf("%q: %v", words, err)
			}
			replies = append(replies, exchange{ask: version + " " + quoteAll(words), answer: string(raw)})
		}
	}
	probes := slices.Clone(doubleProbes)
	rng := rand.New(rand.NewPCG(8, 63))
	for range 400 {
		probes = append(probes, strconv.FormatFloat(math.Float64frombits(rng.Uint64()&^(1<<63)), 'g', -1, 64))
	}
	var doubles []exchange
	c := dial(t)
	ask(t, c, "HELLO", "3")
	for _, number := range probes {
		raw := ask(t, c, "EVAL", "redis.setresp(3) return {double=tonumber(ARGV[1])}", "0", number)
		doubles = append(doubles, exchange{ask: number, answer: string(raw)})
	}
	if *record {
		writeFixture(t, "replies.txt", provenance, replies)
		writeFixture(t, "doubles.txt", provenance, doubles)
		return
	}
	if _, recorded := readFixture(t, "doubles.txt"); !equalExchanges(recorded, doubles) {
		t.Errorf("redis now writes the doubles %q", doubles)
	}
}

func equalExchanges(a, b []exchange) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = Quote([]byte(w))
	}
	return strings.Join(quoted, " ")
}
