package bus

import (
	"testing"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// What is no whole packet is looked at as often as it is written: it becomes packets with itself.
func TestStream(t *testing.T) {
	l := Link{0, Out}
	c := newConductor(nil)
	c.perform(&Op{Do: DoDial, Link: l})
	whole := appendFence(nil, l, nil)
	for _, tc := range []struct {
		frame       []byte
		times, want int
	}{
		{whole, 0, len(whole)},
		{whole, 7, len(whole)},
		{whole[:928], 1, 928},
		{whole[:928], 7, 7 * 928},
	} {
		if got := len(c.stream(&Op{Do: DoSend, Link: l, Frame: tc.frame, Times: tc.times})); got != tc.want {
			t.Errorf("%d bytes, %d times: %d, want %d", len(tc.frame), tc.times, got, tc.want)
		}
	}
	c.perform(&Op{Do: DoSend, Link: l, Frame: whole[:bus.HeaderLen/2]})
	if got := len(c.stream(&Op{Do: DoSend, Link: l, Frame: whole, Times: 3})); got != 3*len(whole) {
		t.Errorf("behind half a packet: %d", got)
	}
}
