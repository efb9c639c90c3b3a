package nodesconf

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// sample has the lines of a file that redis-server 8.6.3 wrote, with ids made short to read, and all
// that a line can have.
var sample = strings.Join([]string{
	id('a') + " 127.0.0.1:7001@17001,host.a,tls-port=0,nodename=human-a,shard-id=" + id('s') +
		" myself,master - 0 0 3 connected 0-5460 5462 [5462->-" + id('b') + "] [5463-<-" + id('b') + "]",
	id('b') + " 127.0.0.1:7002@17002,,tls-port=0,shard-id=" + id('t') + " master,fail? - 1795456789012 1795456789013 2 connected 5463-10922",
	id('c') + " :0@0,,tls-port=0,shard-id=" + id('t') + " slave,fail,noaddr,nofailover " + id('b') + " 0 1795456789013 2 disconnected",
	"vars currentEpoch 18446744073709551615 lastVoteEpoch 2",
	"",
}, "\n")

func id(c byte) string { return strings.Repeat(string(c), bus.IDLen) }

// sameSlots stands in for Set.Equal, which takes no nil.
var sameSlots = cmp.Comparer(func(a, b *slot.Set) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) })

func TestParse(t *testing.T) {
	got, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	bid := bus.IDFrom(id('b'))
	want := &File{
		Nodes: []Node{{
			ID: bus.IDFrom(id('a')), IP: "127.0.0.1", Port: 7001, CPort: 17001, Hostname: "host.a", Nodename: "human-a",
			ShardID: bus.IDFrom(id('s')), Flags: bus.FlagMyself | bus.FlagMaster, ConfigEpoch: 3, Connected: true,
			Slots: slots(t, "0-5460,5462"),
			Open:  []Open{{Slot: 5462, Node: bid}, {Slot: 5463, Importing: true, Node: bid}},
		}, {
			ID: bid, IP: "127.0.0.1", Port: 7002, CPort: 17002, ShardID: bus.IDFrom(id('t')),
			Flags: bus.FlagMaster | bus.FlagPFail, PingSent: 1795456789012, PongReceived: 1795456789013,
			ConfigEpoch: 2, Connected: true, Slots: slots(t, "5463-10922"),
		}, {
			ID: bus.IDFrom(id('c')), ShardID: bus.IDFrom(id('t')), Master: bid,
			Flags:        bus.FlagReplica | bus.FlagFail | bus.FlagNoAddr | bus.FlagNoFailover,
			PongReceived: 1795456789013, ConfigEpoch: 2,
		}},
		CurrentEpoch: 1<<64 - 1, VoteEpoch: 2,
	}
	if diff := cmp.Diff(want, got, sameSlots); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(sample, string(got.Append(nil))); diff != "" {
		t.Errorf("Append(Parse(x)) (-want +got):\n%s", diff)
	}
}

func slots(t *testing.T, text string) *slot.Set {
	t.Helper()
	s, err := slot.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return &s
}

func TestRealFile(t *testing.T) {
	text, err := os.ReadFile("testdata/redis-8.6.3.conf")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Nodes) != 3 || f.CurrentEpoch != 2 {
		t.Errorf("%d nodes, current epoch %d; want 3, 2", len(f.Nodes), f.CurrentEpoch)
	}
	if diff := cmp.Diff(string(text), string(f.Append(nil))); diff != "" {
		t.Errorf("Append(Parse(x)) (-want +got):\n%s", diff)
	}
}

// Older versions wrote less.
func TestParseOldForms(t *testing.T) {
	for _, c := range []struct {
		address string
		want    Node
	}{
		{"10.1.2.3:7000", Node{IP: "10.1.2.3", Port: 7000, CPort: 17000}},
		{"10.1.2.3:7000@7777", Node{IP: "10.1.2.3", Port: 7000, CPort: 7777}},
		{"10.1.2.3:7000@7777,host", Node{IP: "10.1.2.3", Port: 7000, CPort: 7777, Hostname: "host"}},
		{"::1:7000@17000", Node{IP: "::1", Port: 7000, CPort: 17000}},
		{":0@0", Node{}},
		{"::1:7000@17000,,tcp-port=7001", Node{IP: "::1", Port: 7001, TLSPort: 7000, CPort: 17000}},
	} {
		got, err := Parse([]byte(id('a') + " " + c.address + " myself,master - 0 0 0 connected\nvars currentEpoch 0 lastVoteEpoch 0\n"))
		if err != nil {
			t.Errorf("%s: %v", c.address, err)
			continue
		}
		c.want.ID, c.want.Flags, c.want.Connected = bus.IDFrom(id('a')), bus.FlagMyself|bus.FlagMaster, true
		if diff := cmp.Diff(c.want, got.Nodes[0], sameSlots); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.address, diff)
		}
	}
}

func TestEveryTruncationFails(t *testing.T) {
	for n := range len(sample) {
		f, err := Parse([]byte(sample[:n]))
		if err == nil || f != nil {
			t.Fatalf("the first %d bytes are taken for a whole file: %v", n, f)
		}
		if place := new(Error); n > 0 && !errors.As(err, &place) {
			t.Fatalf("the first %d bytes: error %v names no place", n, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		line           int
		at             string // text at the column, "$": behind the line
		cause          string
	}{
		{
			"short line", " - 0 0 3 connected 0-5460 5462 [5462->-" + id('b') + "] [5463-<-" + id('b') + "]", "",
			1, "$", "3 fields, a node has at least 8",
		},
		{"short id", id('a'), "abc", 1, "abc", `a node id has 40 characters, "abc" has 3`},
		{"bad id", id('a'), strings.Repeat("A", 40), 1, "AAA", `"` + strings.Repeat("A", 40) + `" is no node id`},
		{"twice", id('c') + " :0", id('b') + " :0", 3, "bbb", "node " + id('b') + " stands in line 2 already"},
		{"no port", "127.0.0.1:7002@17002,", "nowhere,", 2, "nowhere", `"nowhere" has no port`},
		{"port", ":7002@", ":70020@", 2, "70020", `"70020" is no number in 0..65535`},
		{"bus port", "@17002", "@x", 2, "x,", `"x" is no number in 0..65535`},
		{"aux", "tls-port=0,nodename", "tls-port,nodename", 1, "tls-port", `"tls-port" is not key=value`},
		{"aux key", "nodename=", "surname=", 1, "surname", `"surname" is no auxiliary field`},
		{"aux value", "human-a", "human*a", 1, "*", `unexpected character '*'`},
		{"flag", "master,fail?", "master,sick", 2, "sick", `"sick" is no flag`},
		{"two selves", "master,fail?", "myself,master", 2, "myself", "line 1 is myself already"},
		{"no self", "myself,", "", 4, "vars", "no node is myself"},
		{"no role", "myself,master", "myself", 1, "aaa", "myself is neither master nor replica"},
		{"orphan self", "myself,master", "myself,slave", 1, "aaa", "myself is a replica of nobody"},
		{"own replica", "nofailover " + id('b'), "nofailover " + id('c'), 3, id('c') + " 0", "a replica of itself"},
		{"slot", "0-5460", "0-16384", 1, "0-16384", `"0-16384" is neither a slot nor a range of slots`},
		{"half a range", "0-5460", "9-", 1, "9- ", `"9-" is neither a slot nor a range of slots`},
		{"open slot", "5462->-", "99999->-", 1, "99999", `"99999" is no number in 0..16383`},
		{"open direction", "5462->-", "5462-=-", 1, "[5462", `"[5462-=-` + id('b') + `]" is no open slot`},
		{"open node", "5462->-b", "5462->-B", 1, "Bbbb", `"B` + id('b')[1:] + `" is no node id`},
		{"link", "2 connected", "2 perhaps", 2, "perhaps", `"perhaps" is no state of a link`},
		{"epoch", "3 connected", "-3 connected", 1, "-3 c", `"-3" is no number in 0..18446744073709551615`},
		{"control", "host.a", "host\x01a", 1, "\x01", `unexpected character '\x01'`},
		{"host name", "host.a", "host=a", 1, "=a", `unexpected character '=' in a host name`},
		{"vars", "lastVoteEpoch 2", "lastVoteEpoch", 4, "lastVoteEpoch", "variable lastVoteEpoch has no value"},
		{"vars number", "lastVoteEpoch 2", "lastVoteEpoch two", 4, "two", `"two" is no number in 0..18446744073709551615`},
		{
			"no vars", "vars currentEpoch 18446744073709551615 lastVoteEpoch 2\n", "",
			3, "ccc", "no line of variables follows: the file is torn",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(sample, c.old, c.new, 1)
			if text == sample {
				t.Fatal("nothing replaced")
			}
			line := strings.Split(text, "\n")[c.line-1]
			column := strings.Index(line, c.at) + 1
			if c.at == "$" {
				column = len(line) + 1
			}
			f, err := Parse([]byte(text))
			if err == nil {
				t.Fatalf("taken: %v", f)
			}
			want := &Error{Line: c.line, Column: column, Cause: c.cause}
			if err.Error() != want.Error() {
				t.Errorf("got  %s\nwant %s", err, want)
			}
		})
	}
	if _, err := Parse(nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("an empty file: %v", err)
	}
}

// A range that runs backwards is empty, as it is for Redis.
func TestBackwardRange(t *testing.T) {
	f, err := Parse([]byte(strings.Replace(sample, "0-5460", "9-5", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Nodes[0].Slots.String(); got != "5462" {
		t.Errorf("slots %s, want 5462", got)
	}
}

// Redis shows the line that it read last, be the damage in it or in the file as a whole.
func TestErrorsShowWhatWasRead(t *testing.T) {
	lines := strings.SplitAfter(sample, "\n")
	for text, want := range map[string]string{
		strings.Replace(sample, "3 connected", "x connected", 1): strings.Replace(lines[0], "3 connected", "x connected", 1),
		strings.Replace(sample, "myself,", "", 1):                lines[3],
		sample[:len(sample)-4]:                                   lines[3][:len(lines[3])-4],
	} {
		_, err := Parse([]byte(text))
		if damage := new(Error); !errors.As(err, &damage) || damage.Read != want {
			t.Errorf("%v: read %q, want %q", err, damage.Read, want)
		}
	}
}

func TestAppendForms(t *testing.T) {
	n := Node{ID: bus.IDFrom(id('a')), IP: "::1", Port: 7000, TLSPort: 7443, CPort: 17443}
	for _, c := range []struct {
		form Form
		want string
	}{
		{Form{}, "::1:7000@17443 noflags - 0 0 0 disconnected"},
		{Form{TLS: true}, "::1:7443@17443 noflags - 0 0 0 disconnected"},
		{Form{Saved: true}, "::1:7000@17443,,tls-port=7443 noflags - 0 0 0 disconnected"},
		{Form{Saved: true, TLS: true}, "::1:7443@17443,,tcp-port=7000 noflags - 0 0 0 disconnected"},
	} {
		if got := string(n.Append(nil, c.form)); got != id('a')+" "+c.want {
			t.Errorf("%+v: got %s, want %s", c.form, got[bus.IDLen+1:], c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(strings.ReplaceAll(sample, ",host.a", "")))
	f.Add([]byte("vars currentEpoch 1 lastVoteEpoch 0\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Parse(text)
		if err != nil {
			if file != nil {
				t.Fatal("a file with an error")
			}
			return
		}
		written := file.Append(nil)
		again, err := Parse(written)
		if err != nil {
			t.Fatalf("what Append writes does not parse: %v\n%s", err, written)
		}
		if diff := cmp.Diff(file, again, sameSlots); diff != "" {
			t.Fatalf("Parse(Append(f)) (-want +got):\n%s", diff)
		}
	})
}
