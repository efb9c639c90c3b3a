package commands

import (
	"bytes"
	"slices"

	"github.com/slotdiff/slotdiff/wire/resp"
)

// inChannelOrder sorts the channels of every run of sunsubscribe messages, and the patterns of every run of pmessages: when a node
// loses a slot it tells of the slot's channels in the order of a hash table, and a message that fits several patterns comes in such
// an order. The counts and texts in the messages stay where they are.
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
		if v, ok := channelMessage(frame); ok {
			if len(run) > 0 && !sameRun(run[0], v) {
				flush()
			}
			run = append(run, v)
			continue
		}
		flush()
		sorted = append(sorted, frame...)
		sortedEnds = append(sortedEnds, len(sorted))
	}
	flush()
	return sorted, sortedEnds
}

var (
	sunsubscribe = []byte("\r\n$12\r\nsunsubscribe\r\n")
	pmessage     = []byte("\r\n$8\r\npmessage\r\n")
)

// channelMessage parses a message whose place in a run means nothing.
func channelMessage(frame []byte) (resp.Value, bool) {
	if !bytes.Contains(frame, sunsubscribe) && !bytes.Contains(frame, pmessage) {
		return resp.Value{}, false
	}
	v, _, err := resp.Parse(frame)
	return v, err == nil && (len(v.Elems) == 3 || len(v.Elems) == 4) && v.Elems[1].Kind == resp.Bulk && !v.Elems[1].Nil
}

// sameRun reports whether two messages are of one run: both of a lost slot, or both of one published message.
func sameRun(a, b resp.Value) bool {
	if len(a.Elems) != len(b.Elems) || !a.Elems[0].Equal(b.Elems[0]) {
		return false
	}
	return len(a.Elems) == 3 || a.Elems[2].Equal(b.Elems[2]) && a.Elems[3].Equal(b.Elems[3])
}
