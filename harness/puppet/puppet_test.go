package puppet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/harness/puppet"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// testTime bounds a test; nothing waits that long unless it fails.
const testTime = 20 * time.Second

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTime)
	t.Cleanup(cancel)
	return ctx
}

func newPuppet(t *testing.T, name string, words ...string) *puppet.Puppet {
	t.Helper()
	p, err := puppet.New(puppet.Config{Name: name, Words: words})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// send builds and sends a packet of p.
func send(t *testing.T, p *puppet.Puppet, link, words string, lines ...string) {
	t.Helper()
	b, err := p.Build(strings.Fields(words), lines)
	must(t, err)
	must(t, p.Send(testContext(t), link, b))
}

func recv(t *testing.T, p *puppet.Puppet, f puppet.Filter) puppet.Event {
	t.Helper()
	ev, err := p.Recv(testContext(t), f)
	must(t, err)
	return ev
}

// nothing demands that nothing that f takes has come.
func nothing(t *testing.T, p *puppet.Puppet, f puppet.Filter) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // Recv looks at what is there before it looks at ctx
	if ev, err := p.Recv(ctx, f); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %s %v", ev.Text(), err)
	}
}

func TestAutoPongAnswersFromTheTemplateOfTheMoment(t *testing.T) {
	p := newPuppet(t, "p")
	q := newPuppet(t, "q", "auto=pong", "slots=0-99", "currentEpoch=7")
	must(t, p.Dial(testContext(t), q.BusAddr(), ""))

	for _, typ := range []string{"PING", "MEET"} {
		send(t, p, "", typ)
		ev := recv(t, p, puppet.Filter{})
		want := fmt.Sprintf("PONG sender=%s\n  ver=1 port=%d pport=0 cport=%d ip=-\n  currentEpoch=7 configEpoch=0 offset=0\n"+
			"  slots=0-99 replicaof=-\n  flags=master,myself state=ok mflags=000000\n", q.ID(), q.Addr().Port(), q.BusAddr().Port())
		if got := ev.Text(); got != want || ev.Link != puppet.Out || ev.Inbound {
			t.Errorf("%s is answered on %s by\n%swant\n%s", typ, ev.Link, got, want)
		}
	}

	must(t, q.Set("slots=-", "role=replica", "replicaof="+p.ID().String(), "nodename=n", "hostname=h", "offset=5", "state=fail"))
	send(t, p, "", "PING")
	got := recv(t, p, puppet.Filter{}).Text()
	for _, want := range []string{
		" offset=5\n", "  slots=- replicaof=" + p.ID().String(), "flags=replica,myself state=fail mflags=040000\n",
		"  ext hostname \"h\"\n  ext nodename \"n\"\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}

	must(t, q.Set("auto=off", "hostname=-"))
	send(t, p, "", "PING")
	send(t, p, "", "FAIL about=x")
	recv(t, q, puppet.OfType(bus.TypeFail, puppet.In)) // so the PING before it was handled
	nothing(t, p, puppet.Filter{})
}

// What a puppet omits it hands over of no packet; the trace has it.
func TestOmit(t *testing.T) {
	omit, err := bus.ParseOmit("flags=nofailover ext=shardid")
	must(t, err)
	var mu sync.Mutex
	var traced []byte
	p, err := puppet.New(puppet.Config{Name: "p", Omit: omit, Trace: func(ev puppet.TraceEvent) {
		mu.Lock()
		defer mu.Unlock()
		if ev.Kind == puppet.TraceIn {
			traced = bytes.Clone(ev.Bytes)
		}
	}})
	must(t, err)
	t.Cleanup(func() { must(t, p.Close()) })
	q := newPuppet(t, "q")
	must(t, q.Dial(testContext(t), p.BusAddr(), ""))
	sent, err := q.Build([]string{"PING", "flags=master,nofailover"}, []string{"ext shardid s", `ext hostname "h"`})
	must(t, err)
	must(t, q.Send(testContext(t), "", sent))
	want, err := q.Build([]string{"PING", "flags=master"}, []string{`ext hostname "h"`})
	must(t, err)
	if got := recv(t, p, puppet.Filter{}).Text(); got != bus.FrameText(want) {
		t.Errorf("have\n%swant\n%s", got, bus.FrameText(want))
	}
	mu.Lock()
	defer mu.Unlock()
	if !bytes.Equal(traced, sent) {
		t.Errorf("the trace has\n%s", bus.FrameText(traced))
	}
}

func TestRecvSkipsOnlyOnItsLink(t *testing.T) {
	p := newPuppet(t, "p")
	q := newPuppet(t, "q")
	must(t, q.Dial(testContext(t), p.BusAddr(), "x"))
	send(t, q, "x", "PING currentEpoch=1")
	recv(t, p, puppet.Filter{Link: "in1"})
	must(t, q.Dial(testContext(t), p.BusAddr(), "y"))
	send(t, q, "y", "PING currentEpoch=2")
	send(t, q, "y", "FAIL currentEpoch=3")
	recv(t, p, puppet.OfType(bus.TypeFail, "in2")) // skips the PING before it
	nothing(t, p, puppet.Filter{Link: "in2"})

	send(t, q, "x", "PING currentEpoch=4")
	send(t, q, "x", "PONG currentEpoch=5")
	send(t, q, "x", "UPDATE currentEpoch=6")
	recv(t, p, puppet.OfType(bus.TypePong, puppet.In))
	send(t, q, "y", "PONG currentEpoch=7")
	recv(t, p, puppet.OfType(bus.TypePong, "in2"))
	ev := recv(t, p, puppet.Filter{})
	if typ, ok := ev.Type(); !ok || typ != bus.TypeUpdate || ev.Link != "in1" || !ev.Inbound {
		t.Errorf("the frame on the other link is lost; got %s on %s", typ, ev.Link)
	}

	me, other := q.ID(), puppet.ID(0, "other")
	send(t, q, "x", "PING sender="+other.String())
	send(t, q, "y", "PING")
	if ev := recv(t, p, puppet.Filter{Sender: &me}); ev.Link != "in2" {
		t.Errorf("the frame of %s came on %s", me, ev.Link)
	}
	if ev := recv(t, p, puppet.Filter{Sender: &other}); ev.Link != "in1" {
		t.Errorf("the frame of %s came on %s", other, ev.Link)
	}
	send(t, q, "x", "PING currentEpoch=8")
	send(t, q, "x", "PING currentEpoch=9 slots=7")
	if ev := recv(t, p, puppet.Filter{Link: "in1", Words: "slots=7 "}); !strings.Contains(ev.Text(), "currentEpoch=9 ") {
		t.Errorf("the frame with these words is %s", ev.Text())
	}
	nothing(t, p, puppet.Filter{Link: "in1"})
}

func TestClosedLinks(t *testing.T) {
	p := newPuppet(t, "p")
	q := newPuppet(t, "q")
	ctx := testContext(t)
	must(t, p.Dial(ctx, q.BusAddr(), ""))
	send(t, p, "", "PING")
	recv(t, q, puppet.Filter{})
	send(t, q, puppet.In, "PONG")
	must(t, q.CloseLink(puppet.In))

	// What came before is still there; then the link stays closed.
	if ev := recv(t, p, puppet.OfType(bus.TypePong, puppet.Out)); ev.Closed {
		t.Fatal("the PONG is lost")
	}
	for range 3 {
		if ev := recv(t, p, puppet.OfType(bus.TypePong, puppet.Out)); !ev.Closed || ev.Err != nil || ev.Text() != "closed\n" {
			t.Fatalf("%+v", ev)
		}
	}
	nothing(t, p, puppet.Filter{}) // nobody asked for that link
	if ev := recv(t, q, puppet.Filter{Link: puppet.In}); !ev.Closed || !ev.Inbound || ev.Link != "in1" {
		t.Fatalf("%+v", ev)
	}
	nothing(t, q, puppet.Filter{Link: puppet.In}) // the next inbound link may still come
	if ev := recv(t, q, puppet.Filter{Link: "in1"}); !ev.Closed {
		t.Fatalf("%+v", ev)
	}

	// A closed link can be dialled again under its name, an open one cannot.
	must(t, p.Dial(ctx, q.BusAddr(), ""))
	send(t, p, "", "PING")
	if ev := recv(t, q, puppet.Filter{}); ev.Link != "in2" {
		t.Errorf("the second link is %s", ev.Link)
	}
	if err := p.Dial(ctx, q.BusAddr(), puppet.Out); err == nil || !strings.Contains(err.Error(), "there is an open link of that name") {
		t.Errorf("dialled twice: %v", err)
	}
}

// raw accepts one connection of a puppet and does with it what a puppet would not.
func raw(t *testing.T, p *puppet.Puppet, f func(net.Conn)) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	must(t, p.Dial(testContext(t), netip.MustParseAddrPort(l.Addr().String()), ""))
	conn, err := l.Accept()
	must(t, err)
	defer conn.Close()
	f(conn)
}

func TestBrokenFramesEndALinkWithTheirBytes(t *testing.T) {
	whole, err := bus.Build(bus.Header{}, []string{"PING"}, nil)
	must(t, err)
	huge := append([]byte("RCmb"), 0xff, 0xff, 0xff, 0xff)
	for _, c := range []struct {
		send, want []byte
		err        func(error) bool
	}{
		{whole[:100], whole[:100], func(err error) bool { return err == io.ErrUnexpectedEOF }},
		{whole[:3], whole[:3], func(err error) bool { return err == io.ErrUnexpectedEOF }},
		{[]byte("GET / HTTP/1.1\r\n"), []byte("GET / HT"), func(err error) bool {
			var re *bus.RuleError
			return errors.As(err, &re) && re.Rule == bus.RuleSignature
		}},
		{huge, huge, func(err error) bool { return strings.Contains(fmt.Sprint(err), "4294967295 bytes is more") }},
		{nil, nil, func(err error) bool { return err == nil }},
	} {
		p := newPuppet(t, "p")
		raw(t, p, func(conn net.Conn) {
			_, err := conn.Write(append(bytes.Clone(whole), c.send...))
			must(t, err)
			must(t, conn.(*net.TCPConn).CloseWrite())
			if ev := recv(t, p, puppet.Filter{Link: puppet.Out}); !bytes.Equal(ev.Frame, whole) {
				t.Errorf("the whole frame before is %q", ev.Text())
			}
			ev := recv(t, p, puppet.Filter{Link: puppet.Out})
			if !ev.Closed || !bytes.Equal(ev.Frame, c.want) || !c.err(ev.Err) {
				t.Errorf("%q: closed %v, bytes %q, error %v", c.send, ev.Closed, ev.Frame, ev.Err)
			}
		})
	}
}

func TestPiecesAndFlood(t *testing.T) {
	p := newPuppet(t, "p")
	q := newPuppet(t, "q", "auto=pong")
	ctx := testContext(t)
	must(t, p.Dial(ctx, q.BusAddr(), ""))
	ping, err := p.Build([]string{"PING"}, nil)
	must(t, err)
	must(t, p.SendPieces(ctx, "", ping, 0, 1, 4, 7, 8, 9, 2255, 2256))
	recv(t, p, puppet.OfType(bus.TypePong, ""))
	if err := p.SendPieces(ctx, "", ping, 9, 8); err == nil || !strings.Contains(err.Error(), "cannot cut 2256 bytes at 8 after 9") {
		t.Errorf("%v", err)
	}
	must(t, p.SendPieces(ctx, "", ping[9:])) // the rest of the piece that was sent

	const n = 1000
	must(t, p.Flood(ctx, "", ping, n))
	for range n + 1 {
		recv(t, p, puppet.OfType(bus.TypePong, ""))
	}
	nothing(t, p, puppet.Filter{})
}

// A peer that does not read cannot hold a script for ever.
func TestWritesEndWithTheirContext(t *testing.T) {
	p := newPuppet(t, "p")
	raw(t, p, func(net.Conn) {
		ctx, cancel := context.WithCancel(testContext(t))
		done := make(chan error, 1)
		go func() { done <- p.Flood(ctx, "", make([]byte, 1<<20), 1<<10) }()
		select {
		case err := <-done:
			t.Fatalf("a gigabyte went nowhere: %v", err)
		default:
		}
		cancel()
		if err := <-done; err == nil {
			t.Error("no error")
		}
	})
}

func TestTemplateWords(t *testing.T) {
	p := newPuppet(t, "p", "role=replica", "flags=0x400,master")
	before := p.Template()
	for words, want := range map[string]string{
		"currentEpoch=9 slots=16384": `puppet p: word "slots=16384": slot`,
		"role=slave":                 `puppet p: word "role=slave": "slave" is neither master nor replica`,
		"auto=yes":                   `puppet p: word "auto=yes": "yes" is neither pong nor off`,
		"colour=red":                 `puppet p: word "colour=red": unknown key`,
		"master":                     `puppet p: word "master": it is not key=value`,
		"shardid=" + strings.Repeat("x", 41): `puppet p: word "shardid=` + strings.Repeat("x", 41) +
			`": bus: line 1`,
	} {
		if err := p.Set(strings.Fields(words)...); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", words, err, want)
		}
		if after := p.Template(); after.Header != before.Header || len(after.Exts) != 0 {
			t.Errorf("%s: the template has changed", words)
		}
	}
	must(t, p.Set("id=abc", "role=master", "secret=s", "shardid=i", "hostname=h", "nodename=n"))
	after := p.Template()
	if p.ID() != bus.IDFrom("abc") || after.Header.Flags.String() != "master,extensions" ||
		!slices.Equal(after.Exts, []string{"ext hostname h", "ext nodename n", "ext shardid i", "ext secret s"}) {
		t.Errorf("%+v", after)
	}
	b, err := p.Build([]string{"FAIL"}, nil)
	must(t, err)
	if v := bus.Check(b); v.Rule != bus.RuleNone {
		t.Errorf("a FAIL of a puppet with extensions: %s", v)
	}
	for _, w := range puppet.Words() {
		if err := p.Set(w.Key + "=\x00"); err == nil || strings.Contains(err.Error(), "unknown key") {
			// Texts and ids take anything; whatever refuses must know the key.
			if err != nil {
				t.Errorf("listed word %s: %v", w.Key, err)
			}
		}
		if w.Doc == "" {
			t.Errorf("word %s has no doc", w.Key)
		}
	}
}

func TestIDDependsOnSeedAndNameOnly(t *testing.T) {
	ids := map[bus.ID]bool{}
	for seed := range uint64(3) {
		for _, name := range []string{"p", "q", "1/p"} {
			id := puppet.ID(seed, name)
			if !id.Valid() || ids[id] || id != puppet.ID(seed, name) {
				t.Errorf("seed %d name %s: %s", seed, name, id)
			}
			ids[id] = true
		}
	}
}

func TestErrors(t *testing.T) {
	p := newPuppet(t, "p")
	ctx := testContext(t)
	for want, err := range map[string]error{
		"puppet p: there is no open link":                                     p.Send(ctx, "", nil),
		"puppet p link out: there is no such link":                            p.CloseLink(puppet.Out),
		"puppet p link in: there is no such link":                             p.Send(ctx, puppet.In, nil),
		"puppet p link in3: the name is kept for links that nodes open":       p.Dial(ctx, p.BusAddr(), "in3"),
		"puppet p link out: 192.0.2.1:17000 is not a loopback address":        p.Dial(ctx, netip.MustParseAddrPort("192.0.2.1:17000"), ""),
		`puppet p: bus: packet type: "X" is neither a number nor one of PING`: errOf(p.Build([]string{"X"}, nil)),
		"puppet p link z: there is no such link":                              errOf(p.Recv(ctx, puppet.Filter{Link: "z"})),
		"puppet q: client port 60000 has no bus port":                         errOf(puppet.New(puppet.Config{Name: "q", Port: 60000})),
		`puppet q: word "x=y": unknown key`:                                   errOf(puppet.New(puppet.Config{Name: "q", Words: []string{"x=y"}})),
		"puppet q: listen tcp4 127.0.0.1:":                                    errOf(puppet.New(puppet.Config{Name: "q", Port: p.Addr().Port()})),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A link that a node opened and that has ended is gone, not unknown.
func TestInboundLinkThatHasEnded(t *testing.T) {
	p, q := newPuppet(t, "p"), newPuppet(t, "q")
	if !p.Gone(puppet.In) {
		t.Error("a link that never was is not gone")
	}
	must(t, q.Dial(testContext(t), p.BusAddr(), ""))
	send(t, q, "", "PING")
	recv(t, p, puppet.Filter{Link: puppet.In})
	if p.Gone(puppet.In) || q.Gone("") {
		t.Error("an open link is gone")
	}
	must(t, q.CloseLink(""))
	if ev := recv(t, p, puppet.Filter{Link: puppet.In}); !ev.Closed {
		t.Errorf("%v", ev)
	}
	if err := p.Send(testContext(t), puppet.In, nil); !errors.Is(err, net.ErrClosed) || !p.Gone(puppet.In) {
		t.Errorf("%v", err)
	}
}

func errOf[T any](_ T, err error) error { return err }

func TestTraceTellsEverything(t *testing.T) {
	var mu sync.Mutex
	seen := make(map[string][]string) // by link
	p, err := puppet.New(puppet.Config{Name: "p", Words: []string{"auto=pong"}, Trace: func(ev puppet.TraceEvent) {
		mu.Lock()
		defer mu.Unlock()
		if ev.Puppet != "p" || ev.At.IsZero() || !ev.Local.IsValid() || !ev.Remote.IsValid() || ev.Inbound != (ev.Link == "in1") {
			t.Errorf("%+v", ev)
		}
		seen[ev.Link] = append(seen[ev.Link], fmt.Sprint([]string{"open", "in", "out", "close"}[ev.Kind], " ", len(ev.Bytes)))
	}})
	must(t, err)
	defer p.Close()
	q := newPuppet(t, "q")
	ctx := testContext(t)
	must(t, p.Dial(ctx, q.BusAddr(), ""))
	send(t, p, "", "FAIL")
	must(t, q.Dial(ctx, p.BusAddr(), ""))
	send(t, q, "", "PING")
	recv(t, q, puppet.OfType(bus.TypePong, puppet.Out))
	must(t, p.Close())
	want := map[string][]string{"out": {"open 0", "out 2296", "close 0"}, "in1": {"open 0", "in 2256", "out 2256", "close 0"}}
	if fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", seen, want)
	}
}

// After Close nothing of the puppet runs, and whoever waits is told.
func TestCloseEndsEverything(t *testing.T) {
	p, err := puppet.New(puppet.Config{Name: "p"})
	must(t, err)
	q := newPuppet(t, "q")
	ctx := testContext(t)
	for _, link := range []string{"", "x", "y"} {
		must(t, p.Dial(ctx, q.BusAddr(), link))
	}
	must(t, q.Dial(ctx, p.BusAddr(), ""))
	send(t, q, "", "PING")
	recv(t, p, puppet.Filter{})
	done := make(chan error, 1)
	go func() {
		_, err := p.Recv(ctx, puppet.Filter{})
		done <- err
	}()
	must(t, p.Close())
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("a waiting Recv ends with %v", err)
	}
	must(t, p.Close())
	if err := p.Dial(ctx, q.BusAddr(), "z"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a dial after Close: %v", err)
	}
	must(t, q.Close())
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, f := range []string{"(*Puppet).accept", "(*link).read"} {
		if bytes.Contains(stacks, []byte(f)) {
			t.Errorf("%s still runs:\n%s", f, stacks)
		}
	}
}
