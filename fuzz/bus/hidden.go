package bus

import (
	"fmt"
	"slices"
	"strings"
)

// hidden are the views of the state that are not compared. A part of one has a name of its own.
type hidden map[string]bool

// confAddress is the second word of a line of nodes.conf: address, ports, host name, and what a version has behind them.
const confAddress = "conf.address"

// hideable are the names that hide takes. CLUSTER NODES is always compared.
var hideable = []string{"info", "slots", "shards", "links", "role", "messages", "conf", confAddress}

func hide(names []string) (hidden, error) {
	h := hidden{}
	for _, name := range names {
		if !slices.Contains(hideable, name) {
			return nil, fmt.Errorf("view %q: want one of %s", name, strings.Join(hideable, " "))
		}
		h[name] = true
	}
	return h, nil
}

// apply are the views without what is hidden.
func (h hidden) apply(views []view) []view {
	if len(h) == 0 {
		return views
	}
	out := slices.Clone(views)
	for i := range out {
		v := &out[i]
		switch {
		case h[v.name]:
			v.lines = nil
		case v.name == "conf" && h[confAddress]:
			v.lines = withoutAddress(v.lines)
		}
	}
	return out
}

func withoutAddress(lines []string) []string {
	out := slices.Clone(lines)
	for i, l := range out {
		if f := strings.SplitN(l, " ", 3); len(f) == 3 && f[0] != "vars" {
			out[i] = f[0] + " - " + f[2]
		}
	}
	return out
}
