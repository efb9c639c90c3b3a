package bundled_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/oracletest"
	"github.com/slotdiff/slotdiff/oracle/probe"
)

// world is a nodes.conf with every field that can be kept without a peer that answers.
const world = `1111111111111111111111111111111111111111 127.0.0.1:1@2,a.example,tls-port=3,nodename=alpha,shard-id=2222222222222222222222222222222222222222 myself,master - 0 0 7 connected 0 2-4 866 16383 [0->-3333333333333333333333333333333333333333] [9-<-4444444444444444444444444444444444444444]
3333333333333333333333333333333333333333 192.0.2.1:4000@14000,b.example,tls-port=5000,nodename=beta,shard-id=5555555555555555555555555555555555555555 master,noaddr,nofailover - 0 0 8 disconnected 5-8
4444444444444444444444444444444444444444 2001:db8::1:4001@14001,,tls-port=0,shard-id=6666666666666666666666666666666666666666 master,fail,noaddr - 0 0 9 disconnected 9 100-200
7777777777777777777777777777777777777777 :0@0,,tls-port=0,shard-id=5555555555555555555555555555555555555555 slave,noaddr 3333333333333333333333333333333333333333 0 0 8 disconnected
vars currentEpoch 12 lastVoteEpoch 11
`

// lines are the sorted lines of a nodes.conf, without the ports of myself, which differ.
func lines(t *testing.T, text []byte) []string {
	t.Helper()
	out := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i, l := range out {
		if strings.Contains(l, "myself") {
			id, rest, _ := strings.Cut(l, " ")
			_, aux, _ := strings.Cut(rest, ",")
			out[i] = id + " " + aux
		}
	}
	slices.Sort(out)
	return out
}

func saved(t *testing.T, n oracle.Node) []byte {
	t.Helper()
	c := probe.Client(n.Addr())
	defer c.Close()
	if err := c.Do(t.Context(), "CLUSTER", "SAVECONFIG").Err(); err != nil {
		t.Fatal(err)
	}
	text, err := n.ReadFile("nodes.conf")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The node writes what Redis writes, and each starts from what the other wrote.
func TestNodesConfBothWays(t *testing.T) {
	real, ours := oracletest.Redis(t), oracletest.Bundled(t)
	start := func(d oracle.Driver, name string, conf []byte) []byte {
		return saved(t, oracletest.Start(t, d, oracle.NodeSpec{
			Name:       name,
			Directives: [][2]string{{"cluster-announce-hostname", "a.example"}, {"cluster-announce-human-nodename", "alpha"}},
			Files:      map[string][]byte{"nodes.conf": conf},
		}))
	}
	byRedis := start(real, "a", []byte(world))
	byOurs := start(ours, "b", []byte(world))
	want := lines(t, byRedis)
	for what, text := range map[string][]byte{
		"slotnode":                 byOurs,
		"slotnode, from Redis":     start(ours, "c", byRedis),
		"Redis, from slotnode":     start(real, "d", byOurs),
		"Redis, from its own file": start(real, "e", byRedis),
	} {
		if got := lines(t, text); !slices.Equal(got, want) {
			t.Errorf("%s wrote\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// content is every key with its value and expiry.
func content(t *testing.T, c *redis.Client) map[string]string {
	t.Helper()
	out := map[string]string{}
	keys, err := c.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	read := map[string][]any{
		"string": {"GET"}, "list": {"LRANGE", 0, -1}, "hash": {"HGETALL"}, "set": {"SMEMBERS"}, "zset": {"ZRANGE", 0, -1, "WITHSCORES"},
	}
	for _, k := range keys {
		kind, err := c.Type(t.Context(), k).Result()
		if err != nil {
			t.Fatal(err)
		}
		how := read[kind]
		v, err := c.Do(t.Context(), append([]any{how[0], k}, how[1:]...)...).Text()
		if err != nil {
			raw, err := c.Do(t.Context(), append([]any{how[0], k}, how[1:]...)...).StringSlice()
			if err != nil {
				t.Fatal(err)
			}
			if kind == "set" {
				slices.Sort(raw)
			}
			v = strings.Join(raw, " ")
		}
		out[k] = kind + " " + v + " " + c.PExpireTime(t.Context(), k).Val().String()
	}
	return out
}

// Each loads the append-only file that the other left when it was killed.
func TestAppendOnlyFileBothWays(t *testing.T) {
	real, ours := oracletest.Redis(t), oracletest.Bundled(t)
	conf := []byte("1111111111111111111111111111111111111111 :0@0,,tls-port=0,shard-id=2222222222222222222222222222222222222222 myself,master - 0 0 7 connected 0-16383\nvars currentEpoch 7 lastVoteEpoch 0\n")
	spec := func(name string, files map[string][]byte) oracle.NodeSpec {
		return oracle.NodeSpec{
			Name: name,
			Directives: [][2]string{
				{"appendonly", "yes"},
				{"appendfsync", "always"},
				{"appenddirname", "."},
				{"aof-use-rdb-preamble", "no"},
				{"protected-mode", "no"},
			},
			Files: files,
		}
	}
	files := []string{"appendonly.aof.manifest", "appendonly.aof.1.base.aof", "appendonly.aof.1.incr.aof"}
	ready := func(n oracle.Node) *redis.Client {
		c := probe.Client(n.Addr())
		t.Cleanup(func() { c.Close() })
		poll := time.NewTicker(20 * time.Millisecond)
		defer poll.Stop()
		for deadline := time.Now().Add(20 * time.Second); ; <-poll.C {
			info, err := c.ClusterInfo(t.Context()).Result()
			if err != nil || time.Now().After(deadline) {
				t.Fatalf("the cluster is not up: %v\n%s", err, info)
			}
			if strings.Contains(info, "cluster_state:ok") {
				return c
			}
		}
	}
	for name, tc := range map[string]struct{ writer, reader oracle.Driver }{"ours": {ours, real}, "redis": {real, ours}} {
		w := oracletest.Start(t, tc.writer, spec(name+"w", map[string][]byte{"nodes.conf": conf}))
		c := ready(w)
		for _, line := range []string{
			"SET s 1", "APPEND s x", "INCRBY n 5", "RPUSH l a b c", "LPOP l", "SADD set x y", "SREM set x", "HSET h f 1 g 2", "HDEL h g",
			"ZADD z 1.5 a -inf b", "SET gone 1", "DEL gone", "SET t 1", "PEXPIREAT t 4102444800000",
		} {
			var args []any
			for w := range strings.FieldsSeq(line) {
				args = append(args, w)
			}
			if err := c.Do(t.Context(), args...).Err(); err != nil && err != redis.Nil {
				t.Fatalf("%s: %s: %v", name, line, err)
			}
		}
		want := content(t, c)
		if err := w.Kill(); err != nil {
			t.Fatal(err)
		}
		left := map[string][]byte{"nodes.conf": conf}
		for _, f := range files {
			b, err := w.ReadFile(f)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			left[f] = b
		}
		got := content(t, ready(oracletest.Start(t, tc.reader, spec(name+"r", left))))
		if len(got) != len(want) || len(want) < 6 {
			t.Errorf("%s: read %q, want %q", name, got, want)
		}
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%s: key %s is %q, want %q", name, k, got[k], v)
			}
		}
	}
}
