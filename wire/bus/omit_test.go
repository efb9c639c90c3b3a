package bus_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/wire/bus"
)

func TestOmitText(t *testing.T) {
	for _, text := range []string{"", "flags=extensions,0x1800", "mflags=040000", "ext=shardid,6", "flags=0x800 mflags=010000 ext=hostname"} {
		o, err := bus.ParseOmit(text)
		if err != nil || o.String() != text || o.IsZero() != (text == "") {
			t.Errorf("%q: %q, zero %v, %v", text, o, o.IsZero(), err)
		}
	}
	if o, err := bus.ParseOmit("mflags=ext ext=3,hostname,3"); err != nil || o.String() != "mflags=040000 ext=hostname,shardid" {
		t.Errorf("%q, %v", o, err)
	}
	for _, bad := range []string{"flags", "flag=1", "flags=1 flags=2", "flags=x", "mflags=zz", "ext=", "ext=70000"} {
		if o, err := bus.ParseOmit(bad); err == nil {
			t.Errorf("%q: %q, want an error", bad, o)
		}
	}
}

// What is left out is gone, the rest stands, and the packet is one as before.
func TestOmitApply(t *testing.T) {
	text := []string{"gossip r1 addr=127.0.0.1:1@2", `ext hostname "h"`, "ext shardid s1", `ext nodename "n"`, "ext shardid s2"}
	build := func(words string, lines ...string) []byte {
		t.Helper()
		b, err := bus.Build(bus.Header{}, strings.Fields(words), lines)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, c := range []struct {
		omit       string
		have, want []byte
	}{
		{"", build("PING flags=master,0x1800", text...), build("PING flags=master,0x1800", text...)},
		{"flags=0x1800", build("PING flags=master,0x1800", text...), build("PING flags=master", text...)},
		{"flags=0x1800", build("MFSTART flags=master,0x1800"), build("MFSTART flags=master")},
		{"mflags=ext", build("PING mflags=070000"), build("PING mflags=030000")},
		{"mflags=paused,ext", build("PING mflags=070000", text...), build("PING mflags=060000", text...)},
		{"mflags=ext ext=hostname,nodename,shardid", build("PING mflags=070000", text...), build("PING mflags=030000", text[0])},
		{"ext=shardid", build("PONG", text...), build("PONG", text[0], text[1], text[3])},
		{"ext=hostname,nodename,shardid", build("PONG", text...), build("PONG mflags=ext", text[0])},
		{"ext=shardid", build("PONG", text...)[:2000], build("PONG", text...)[:2000]},
	} {
		o, err := bus.ParseOmit(c.omit)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.Apply(bytes.Clone(c.have)); !bytes.Equal(got, c.want) {
			t.Errorf("%s: have\n%swant\n%s", c.omit, bus.FrameText(got), bus.FrameText(c.want))
		}
	}
}

func TestOmitJoin(t *testing.T) {
	a, errA := bus.ParseOmit("flags=0x800 ext=shardid")
	b, errB := bus.ParseOmit("flags=0x1000 mflags=ext ext=hostname,shardid")
	if got := a.Join(b).String(); errA != nil || errB != nil || got != "flags=0x1800 mflags=040000 ext=hostname,shardid" {
		t.Error(got, errA, errB)
	}
}
