package evidence

import (
	"bytes"
	"fmt"
	"net/netip"

	"github.com/slotdiff/slotdiff/harness/capture"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// Capture writes the traffic of the sides as a pcapng file, an interface a side;
// see package capture. Without any frame it returns nil.
func Capture(sides map[verdict.Witness]*verdict.Side) ([]byte, error) {
	var names []string
	for _, witness := range []verdict.Witness{verdict.Oracle, verdict.Target} {
		if side := sides[witness]; side != nil && len(side.Frames) > 0 {
			names = append(names, string(witness))
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	var buf bytes.Buffer
	w, err := capture.NewWriter(&buf, "", names...)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		for _, f := range sides[verdict.Witness(name)].Frames {
			src, err := netip.ParseAddrPort(f.Src)
			if err != nil {
				return nil, fmt.Errorf("capture: %s: %w", name, err)
			}
			dst, err := netip.ParseAddrPort(f.Dst)
			if err != nil {
				return nil, fmt.Errorf("capture: %s: %w", name, err)
			}
			if err := w.Write(capture.Event{Kind: capture.Data, At: f.At, Side: name, From: src, To: dst, Bytes: f.Data}); err != nil {
				return nil, err
			}
		}
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
