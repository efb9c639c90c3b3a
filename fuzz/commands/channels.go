package commands

import (
	"bytes"
	"slices"

	"github.com/slotdiff/slotdiff/wire/resp"
)

// inChannelOrder sorts the channels of every run of sunsubscribe messages: when a node loses a slot it tells of the slot's channels in
// the order of a hash table. The counts in the messages stay where they are.
func inChannelOrder(raw []byte, ends []int) (sorted []byte, sortedEnds []int) {
	var run []resp.Value
	flush := func() {
		channels := make([][]byte, len(run))
		for i := range run {
			channels[i] = run[i].Elems[1].Str
		}
		slices.SortFunc(channels, bytes.Compare)
		for i := range run {
			run[i].Elems[1].Str = channels[i]
			sorted = run[i].Append(sorted)
			sortedEnds = append(sortedEnds, len(sorted))
		}
		run = run[:0]
	}
	from := 0
	for _, end := range ends {
		frame := raw[from:end]
		from = end
		if bytes.Contains(frame, sunsubscribe) {
			if v, _, err := resp.Parse(frame); err == nil && len(v.Elems) == 3 && v.Elems[1].Kind == resp.Bulk && !v.Elems[1].Nil {
				run = append(run, v)
				continue
			}
		}
		flush()
		sorted = append(sorted, frame...)
		sortedEnds = append(sortedEnds, len(sorted))
	}
	flush()
	return sorted, sortedEnds
}

var sunsubscribe = []byte("\r\n$12\r\nsunsubscribe\r\n")
