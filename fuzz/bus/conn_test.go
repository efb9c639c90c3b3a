package bus

import (
	"net"
	"testing"
	"time"
)

// Whoever interrupts a campaign does not wait for a node that says nothing.
func TestAwaitEndsWithTheCampaign(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	nc, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	quit := make(chan struct{})
	close(quit)
	for gone, want := range map[bool]string{false: "0 answers", true: "stays open"} {
		if err := (&conn{nc: nc}).await(1, gone, time.Hour, quit); err == nil || err.Error() != want {
			t.Errorf("gone %v: %v, want %q", gone, err, want)
		}
	}
	s := &side{came: make(chan struct{}), quit: quit}
	if err := s.awaitDial(actorP, 1); err != errNoDial {
		t.Errorf("a dial: %v", err)
	}
}
