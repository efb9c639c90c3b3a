package relay_test

import (
	"context"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/harness/puppet"
	"github.com/slotdiff/slotdiff/harness/relay"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// testTime bounds a test; nothing waits that long unless it fails.
const testTime = 20 * time.Second

// pair is two puppets that reach each other through relays.
type pair struct {
	t      *testing.T
	net    *relay.Net
	a, b   *puppet.Puppet
	frontA netip.AddrPort
	frontB netip.AddrPort

	mu     sync.Mutex
	traced []string // "a>b passed PING"
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{t: t}
	p.net = relay.New(relay.Config{Trace: p.trace})
	t.Cleanup(func() {
		if err := p.net.Close(); err != nil {
			t.Error(err)
		}
	})
	p.a, p.frontA = p.member("a")
	p.b, p.frontB = p.member("b")
	return p
}

func (p *pair) member(name string) (*puppet.Puppet, netip.AddrPort) {
	p.t.Helper()
	pup, err := puppet.New(puppet.Config{Name: name})
	must(p.t, err)
	p.t.Cleanup(func() { pup.Close() })
	front, err := p.net.Listen(name, 0)
	must(p.t, err)
	must(p.t, p.net.Serve(name, pup.BusAddr()))
	p.net.Know(name, pup.ID())
	return pup, front
}

func (p *pair) trace(ev relay.TraceEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fate := map[relay.Fate]string{relay.Passed: "passed", relay.Held: "held", relay.Refused: "refused"}[ev.Fate]
	typ, _ := (puppet.Event{Frame: ev.Bytes}).Type()
	p.traced = append(p.traced, ev.From+">"+ev.To+" "+fate+" "+typ.String())
}

func (p *pair) sawTrace(want string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.traced, want)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTime)
	t.Cleanup(cancel)
	return ctx
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(testTime); !is(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func send(t *testing.T, p *puppet.Puppet, link, words string) {
	t.Helper()
	b, err := p.Build(strings.Fields(words), nil)
	must(t, err)
	must(t, p.Send(bounded(t), link, b))
}

// want receives the next packet on a link and compares its type and currentEpoch.
func want(t *testing.T, p *puppet.Puppet, link string, typ bus.Type, epoch uint64) {
	t.Helper()
	ev, err := p.Recv(bounded(t), puppet.Filter{Link: link})
	must(t, err)
	if ev.Closed {
		t.Fatalf("link %s is closed, want %s", link, typ)
	}
	pkt, err := bus.Parse(ev.Frame)
	must(t, err)
	if pkt.Type != typ || pkt.CurrentEpoch != epoch {
		t.Fatalf("got %s of epoch %d, want %s of %d", pkt.Type, pkt.CurrentEpoch, typ, epoch)
	}
}

func wantClosed(t *testing.T, p *puppet.Puppet, link string) {
	t.Helper()
	ev, err := p.Recv(bounded(t), puppet.Filter{Link: link})
	must(t, err)
	if !ev.Closed {
		t.Fatalf("link %s: got a packet, want the end", link)
	}
}

func TestFramesPassBothWays(t *testing.T) {
	p := newPair(t)
	must(t, p.a.Dial(bounded(t), p.frontB, ""))
	send(t, p.a, puppet.Out, "PING currentEpoch=1")
	send(t, p.a, puppet.Out, "PING currentEpoch=2")
	want(t, p.b, puppet.In, bus.TypePing, 1)
	want(t, p.b, puppet.In, bus.TypePing, 2)
	send(t, p.b, puppet.In, "PONG currentEpoch=3")
	want(t, p.a, puppet.Out, bus.TypePong, 3)
	must(t, p.a.CloseLink(puppet.Out))
	wantClosed(t, p.b, puppet.In)
	for _, l := range []string{"a>b passed PING", "b>a passed PONG"} {
		if !p.sawTrace(l) {
			t.Errorf("the trace lacks %q: %q", l, p.traced)
		}
	}
}

func TestSilenceHoldsOneWay(t *testing.T) {
	p := newPair(t)
	must(t, p.a.Dial(bounded(t), p.frontB, ""))
	send(t, p.a, puppet.Out, "PING currentEpoch=1")
	want(t, p.b, puppet.In, bus.TypePing, 1)

	must(t, p.net.Cut("a", "b", relay.Silence))
	send(t, p.a, puppet.Out, "PING currentEpoch=2")
	eventually(t, "the frame is held", func() bool { return p.sawTrace("a>b held PING") })
	send(t, p.b, puppet.In, "PONG currentEpoch=3")
	want(t, p.a, puppet.Out, bus.TypePong, 3)

	must(t, p.net.Heal("a", "b"))
	send(t, p.a, puppet.Out, "PING currentEpoch=4")
	want(t, p.b, puppet.In, bus.TypePing, 2) // TCP would have sent it again
	want(t, p.b, puppet.In, bus.TypePing, 4)
}

func TestSilenceHoldsAttemptsAndEnds(t *testing.T) {
	p := newPair(t)
	must(t, p.a.Dial(bounded(t), p.frontB, "old"))
	send(t, p.a, "old", "PING currentEpoch=1")
	want(t, p.b, "in1", bus.TypePing, 1)
	must(t, p.net.Cut("a", "b", relay.Silence))
	must(t, p.net.Cut("b", "a", relay.Silence))

	must(t, p.a.CloseLink("old"))
	must(t, p.a.Dial(bounded(t), p.frontB, "new"))
	send(t, p.a, "new", "MEET currentEpoch=2")
	eventually(t, "the attempt is held", func() bool { return p.sawTrace("a>b held MEET") })
	send(t, p.b, "in1", "PONG currentEpoch=3") // b believes in the old link

	must(t, p.net.Heal("a", "b"))
	must(t, p.net.Heal("b", "a"))
	wantClosed(t, p.b, "in1")            // what became of the old link comes through
	want(t, p.b, "in2", bus.TypeMeet, 2) // the node hears of the new link only now
	send(t, p.a, "new", "PING currentEpoch=4")
	want(t, p.b, "in2", bus.TypePing, 4)
}

func TestResetTakesBothLinksOfAPair(t *testing.T) {
	p := newPair(t)
	must(t, p.a.Dial(bounded(t), p.frontB, ""))
	must(t, p.b.Dial(bounded(t), p.frontA, ""))
	send(t, p.a, puppet.Out, "PING currentEpoch=1")
	send(t, p.b, puppet.Out, "PING currentEpoch=2")
	want(t, p.b, puppet.In, bus.TypePing, 1)
	want(t, p.a, puppet.In, bus.TypePing, 2)

	must(t, p.net.Cut("a", "b", relay.Reset))
	for _, pup := range []*puppet.Puppet{p.a, p.b} {
		wantClosed(t, pup, "out")
		wantClosed(t, pup, "in1")
	}
	must(t, p.a.Dial(bounded(t), p.frontB, "again"))
	b, err := p.a.Build([]string{"PING"}, nil)
	must(t, err)
	must(t, p.a.Send(bounded(t), "again", b))
	wantClosed(t, p.a, "again")
	if !p.sawTrace("a>b refused PING") {
		t.Errorf("the trace lacks the refused PING: %q", p.traced)
	}

	must(t, p.net.Heal("a", "b"))
	must(t, p.a.Dial(bounded(t), p.frontB, "healed"))
	send(t, p.a, "healed", "PING currentEpoch=3")
	want(t, p.b, "in2", bus.TypePing, 3)
}

func TestDelayKeepsTheOrder(t *testing.T) {
	p := newPair(t)
	const delay = 60 * time.Millisecond
	must(t, p.net.Delay("a", "b", delay))
	must(t, p.a.Dial(bounded(t), p.frontB, ""))
	start := time.Now()
	send(t, p.a, puppet.Out, "PING currentEpoch=1")
	eventually(t, "the relay knows a", func() bool { return p.sawTrace("a>b passed PING") })
	if passed := time.Since(start); passed < delay {
		t.Errorf("a frame passed after %v, held back for %v", passed, delay)
	}
	send(t, p.a, puppet.Out, "PING currentEpoch=2")
	must(t, p.net.Heal("a", "b")) // what is under way keeps its time
	send(t, p.a, puppet.Out, "PING currentEpoch=3")
	for e := uint64(1); e <= 3; e++ {
		want(t, p.b, puppet.In, bus.TypePing, e)
	}
}

func TestStrangersAreNeverCut(t *testing.T) {
	p := newPair(t)
	must(t, p.net.Cut("a", "b", relay.Silence))
	c, err := puppet.New(puppet.Config{Name: "c"})
	must(t, err)
	defer c.Close()
	must(t, c.Dial(bounded(t), p.frontB, ""))
	send(t, c, puppet.Out, "PING currentEpoch=7")
	want(t, p.b, puppet.In, bus.TypePing, 7)
	if !p.sawTrace(">b passed PING") {
		t.Errorf("the trace names the stranger: %q", p.traced)
	}
}

func TestWhatIsNoPacketPasses(t *testing.T) {
	p := newPair(t)
	must(t, p.a.Dial(bounded(t), p.frontB, ""))
	must(t, p.a.Send(bounded(t), puppet.Out, []byte("GET / HTTP/1.1\r\n\r\n")))
	wantClosed(t, p.b, puppet.In) // the receiver gives such a link up
	wantClosed(t, p.a, puppet.Out)
}

func TestANodeThatIsNotThereRefuses(t *testing.T) {
	p := newPair(t)
	front, err := p.net.Listen("later", 0)
	must(t, err)
	must(t, p.a.Dial(bounded(t), front, ""))
	send(t, p.a, puppet.Out, "PING")
	wantClosed(t, p.a, puppet.Out)

	must(t, p.b.Close())
	must(t, p.a.Dial(bounded(t), p.frontB, ""))
	send(t, p.a, puppet.Out, "PING")
	wantClosed(t, p.a, puppet.Out)
}

func TestMisuse(t *testing.T) {
	p := newPair(t)
	for what, err := range map[string]error{
		"cut of a node without relay": p.net.Cut("a", "nobody", relay.Silence),
		"cut from itself":             p.net.Cut("a", "a", relay.Silence),
		"heal of nobody":              p.net.Heal("nobody", "a"),
		"delay of nobody":             p.net.Delay("nobody", "a", time.Second),
		"serve of nobody":             p.net.Serve("nobody", p.frontA),
		"serve beyond loopback":       p.net.Serve("a", netip.MustParseAddrPort("192.0.2.1:7000")),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if _, err := p.net.Listen("a", 0); err == nil {
		t.Error("a second relay of a node: no error")
	}
	must(t, p.net.Close())
	if _, err := p.net.Listen("d", 0); err == nil {
		t.Error("a relay in a closed network: no error")
	}
}

// TestCloseLeavesNothing closes a network with links in every state.
func TestCloseLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	n := relay.New(relay.Config{})
	sink, err := puppet.New(puppet.Config{Name: "sink"})
	must(t, err)
	a, err := puppet.New(puppet.Config{Name: "a"})
	must(t, err)
	front, err := n.Listen("sink", 0)
	must(t, err)
	_, err = n.Listen("a", 0)
	must(t, err)
	must(t, n.Serve("sink", sink.BusAddr()))
	n.Know("a", a.ID())

	must(t, a.Dial(bounded(t), front, "open"))
	send(t, a, "open", "PING")
	want(t, sink, "in1", bus.TypePing, 0)
	must(t, a.Dial(bounded(t), front, "silent"))
	must(t, n.Delay("a", "sink", time.Hour))
	send(t, a, "open", "PING")
	must(t, n.Cut("a", "sink", relay.Silence))
	must(t, a.Dial(bounded(t), front, "ended"))
	must(t, a.CloseLink("ended"))

	must(t, n.Close())
	must(t, n.Close())
	must(t, a.Close())
	must(t, sink.Close())
	eventually(t, "every goroutine has ended", func() bool { return runtime.NumGoroutine() <= before })
}
