package command

import (
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/wire/resp"
)

// TestDump compares with the payloads of redis 8.6.3 and refuses what it would
// compress.
func TestDump(t *testing.T) {
	r := newRig(t)
	plain := 0
	for _, d := range dumps {
		r.eval("SET", "b", d.value)
		want := string(resp.AppendBulkString(nil, d.payload))
		if len(d.value) > maxPlainDump {
			want = "-ERR slotnode does not execute 'dump'\r\n"
		} else {
			plain++
		}
		if got := r.eval("DUMP", "b"); got != want {
			t.Errorf("%q: got %q, want %q", d.value, got, want)
		}
	}
	if plain < 5 {
		t.Errorf("only %d payloads compared", plain)
	}
	for _, v := range []string{"-128", "127", "128", "-32769", "2147483647", "2147483648", "01", "+1", "-0", strings.Repeat("x", maxPlainDump)} {
		got, ok := rdbString(dumpString([]byte(v))[1:])
		if !ok || string(got) != v {
			t.Errorf("%q comes back as %q", v, got)
		}
	}
	if got := r.eval("DUMP", "{b}none"); got != "$-1\r\n" {
		t.Errorf("an absent key: %q", got)
	}
}
