package bus

import (
	"strings"
	"testing"
)

func TestHidden(t *testing.T) {
	views := func(shards, conf string) []view {
		return []view{{"nodes", []string{"n"}}, {"shards", []string{shards}}, {"conf", []string{conf, "vars currentEpoch 1"}}}
	}
	o, v := views("a", "id 127.0.0.1:1@2,,tls-port=0 master"), views("b", "id 127.0.0.1:1@2 master")
	for _, tc := range []struct {
		hide []string
		want string
	}{
		{nil, "shards shows"},
		{[]string{"shards"}, "conf shows"},
		{[]string{"shards", "conf"}, ""},
		{[]string{"shards", confAddress}, ""},
		{[]string{confAddress}, "shards shows"},
	} {
		h, err := hide(tc.hide)
		if err != nil {
			t.Fatal(err)
		}
		if got := difference(h.apply(o), h.apply(v)); !strings.HasPrefix(got, tc.want) || (got == "") != (tc.want == "") {
			t.Errorf("%v: %q, want %q", tc.hide, got, tc.want)
		}
	}
	h, _ := hide([]string{confAddress})
	if got := difference(h.apply(views("a", "id x master")), h.apply(views("a", "id y slave"))); got == "" {
		t.Error("more is hidden than the address")
	}
	if o[1].lines[0] != "a" || !strings.Contains(o[2].lines[0], "tls-port") {
		t.Errorf("what was hidden is lost: %v", o)
	}
	if _, err := hide([]string{"nodes"}); err == nil {
		t.Error("nodes can be hidden")
	}
}
