package table

import (
	"os"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/fixtures/commands"
)

// getKeysAndFlags answers COMMAND GETKEYSANDFLAGS in the fixture's notation.
func getKeysAndFlags(words []string) string {
	argv := make([][]byte, len(words))
	for i, w := range words {
		argv[i] = []byte(w)
	}
	c := Lookup(argv)
	if c == nil {
		return "-ERR Invalid command specified"
	}
	keys, err := c.GetKeys(argv)
	switch {
	case err != "":
		return "-ERR " + err
	case len(keys) == 0:
		return "(none)"
	}
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = commands.JoinArgs([]string{words[k.Pos]}) + ":" + strings.Join(k.Flags.Names(), "+")
	}
	return strings.Join(out, " ")
}

// TestGetKeysAsRecorded compares key extraction of the whole table with what
// real Redis answered.
func TestGetKeysAsRecorded(t *testing.T) {
	text, err := os.ReadFile("../../../fixtures/commands/getkeys.txt")
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := commands.ParseGetKeys(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(recorded) < 5000 {
		t.Fatalf("only %d recorded answers", len(recorded))
	}
	seen := map[*Command]bool{}
	bad := 0
	for _, r := range recorded {
		if got := getKeysAndFlags(r.Argv); got != r.Reply && bad < 30 {
			bad++
			t.Errorf("%s\n got %s\nwant %s", commands.JoinArgs(r.Argv), got, r.Reply)
		}
		argv := [][]byte{[]byte(r.Argv[0])}
		seen[Lookup(argv)] = true
	}
	for _, c := range All() {
		if !seen[c] {
			t.Errorf("no recorded answer for %s", c.Name)
		}
	}
}

func TestParseInt(t *testing.T) {
	for in, want := range map[string]int64{"0": 0, "1": 1, "-1": -1, "9223372036854775807": 1<<63 - 1, "-9223372036854775808": -1 << 63} {
		if got, ok := ParseInt([]byte(in)); !ok || got != want {
			t.Errorf("ParseInt(%q) = %d, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "-", "+1", "01", "-0", " 1", "1 ", "1.0", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "0x1"} {
		if got, ok := ParseInt([]byte(in)); ok {
			t.Errorf("ParseInt(%q) = %d, want refusal", in, got)
		}
	}
}

func TestUnknown(t *testing.T) {
	for in, want := range map[string]string{
		"nosuch":                "unknown command 'nosuch'",
		"nosuch a b":            "unknown command 'nosuch', with args beginning with: 'a' 'b' ",
		"CLUSTER x":             "unknown subcommand 'x'. Try CLUSTER HELP.",
		"no\r\nsuch":            "unknown command 'no  such'",
		"config a b":            "unknown subcommand 'a'. Try CONFIG HELP.",
		"n " + long:             "unknown command 'n', with args beginning with: '" + long[:128] + "' ",
		"n x " + long + " tail": "unknown command 'n', with args beginning with: 'x' '" + long[:124] + "' ",
	} {
		var argv [][]byte
		for w := range strings.SplitSeq(in, " ") {
			argv = append(argv, []byte(w))
		}
		if c := Lookup(argv); c != nil {
			t.Errorf("Lookup(%q) found %s", in, c.Name)
		} else if got := Unknown(argv); got != want {
			t.Errorf("Unknown(%q)\n got %q\nwant %q", in, got, want)
		}
	}
}

var long = strings.Repeat("0123456789", 20)

func BenchmarkKeys(b *testing.B) {
	argv := [][]byte{[]byte("MGET"), []byte("{a}1"), []byte("{a}2"), []byte("{a}3")}
	var buf [8]Key
	b.ReportAllocs()
	for b.Loop() {
		if n := len(Lookup(argv).RoutingKeys(argv, buf[:])); n != 3 {
			b.Fatal(n)
		}
	}
}
