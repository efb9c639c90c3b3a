package evidence

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slotdiff/slotdiff/harness/capture"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// What goes into a capture comes out of it: bytes, addresses and sides. That the file
// is sound is package capture's concern.
func TestCapture(t *testing.T) {
	res := result(verdict.Fail, "x/y")
	data, err := Capture(res.Sides)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := capture.Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]byte{} // by side and direction
	for _, m := range messages {
		if !m.At.Equal(at) {
			t.Errorf("time %v", m.At)
		}
		key := m.Side + " " + m.From.String() + " " + m.To.String()
		got[key] = append(got[key], m.Bytes...)
	}
	want := map[string][]byte{}
	for w, side := range res.Sides {
		for _, f := range side.Frames {
			key := string(w) + " " + f.Src + " " + f.Dst
			want[key] = append(want[key], f.Data...)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}

	if none, err := Capture(nil); none != nil || err != nil {
		t.Errorf("a capture of nothing: %d bytes, %v", len(none), err)
	}
	v6 := map[verdict.Witness]*verdict.Side{verdict.Target: {Frames: []verdict.Frame{{At: at, Src: "[::1]:1", Dst: "[::1]:2", Data: []byte("x")}}}}
	if data, err := Capture(v6); err != nil || len(data) == 0 {
		t.Errorf("IPv6: %v", err)
	}
	bad := map[verdict.Witness]*verdict.Side{verdict.Target: {Frames: []verdict.Frame{{Src: "p", Dst: "a", Data: []byte("x")}}}}
	if _, err := Capture(bad); err == nil {
		t.Error("addresses that are none were accepted")
	}
}
