package choose

import (
	"context"
	"fmt"
	"time"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/container"
	"github.com/slotdiff/slotdiff/oracle/provision"
)

// State says how far away a server is.
type State string

// The states of an offer.
const (
	Ready State = "ready" // can be started at once
	Fetch State = "fetch" // would have to be downloaded or built first
	No    State = "no"    // cannot be had here
)

// Offer is one way to get a server on this machine.
type Offer struct {
	Spec   string `json:"spec"` // what to write after --oracle
	State  State  `json:"state"`
	Detail string `json:"detail"`
	Auto   bool   `json:"auto"` // what auto picks
}

// List says what can be had here. It downloads and starts nothing and takes some
// seconds at most, when an engine hangs.
func List(ctx context.Context) []Offer {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	mirror, mirrorErr := provision.CanFetch()
	debian := func(w provision.Want) Offer {
		o := Offer{Spec: "debian:" + w.Product + "@" + w.Version}
		switch srv, err := provision.Cached(w); {
		case err == nil:
			o.State, o.Detail = Ready, fmt.Sprintf("%s %s in the cache, %s", srv.Product, srv.Version, srv.Source)
		case mirrorErr == nil:
			o.State, o.Detail = Fetch, "from "+mirror
		default:
			o.State, o.Detail = No, oneLine(mirrorErr)
		}
		return o
	}
	base := debian(provision.Baseline)

	box := Offer{Spec: string(oracle.SpecContainer)}
	switch s, err := container.Look(ctx, ""); {
	case err != nil:
		box.State, box.Detail = No, oneLine(err)
	case s.Digest != "":
		box.State, box.Detail = Ready, fmt.Sprintf("%s, image %s", s.Engine, s.Image)
	default:
		box.State, box.Detail = Fetch, fmt.Sprintf("%s; image %s would be pulled, else built of Debian's packages", s.Engine, s.Image)
	}

	proc := Offer{Spec: string(oracle.SpecProcess)}
	if srv, err := provision.OnPath(ctx, provision.Baseline); err == nil {
		proc.State, proc.Detail = Ready, fmt.Sprintf("%s %s, %s", srv.Product, srv.Version, srv.Source)
	} else {
		proc.State, proc.Detail = base.State, oneLine(err)+"; "+base.Spec+": "+base.Detail
	}

	offers := []Offer{box, proc}
	for _, w := range provision.Known() {
		offers = append(offers, debian(w))
	}
	offers = append(offers,
		Offer{Spec: string(oracle.SpecBundled), State: Ready, Detail: "slotdiff's own node"},
		Offer{Spec: string(oracle.SpecRecorded), State: Ready, Detail: "the answers in the case files, no server"},
	)
	for _, i := range []int{0, 1, len(offers) - 1} {
		if offers[i].State != No {
			offers[i].Auto = true
			break
		}
	}
	return offers
}
