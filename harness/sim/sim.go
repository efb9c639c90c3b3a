package sim

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// Options say how a run is watched.
type Options struct {
	// Trace gets a line for every event, effect and operation, nil: nothing is written.
	Trace io.Writer
	// Log adds the cores' log records to the trace.
	Log bool
	// Tap is shown every frame that a host sends, nil: nobody. The bytes are not to be kept.
	Tap func(from Host, frame []byte)
	// Plant breaks the simulated driver on purpose, to see that the invariants notice.
	Plant Plant
}

// Stats are what a run did.
type Stats struct {
	Steps     uint64 // events that cores took
	Frames    uint64 // frames that cores sent
	Votes     uint64 // votes that were given
	Elections uint64 // elections that were won
	Unsound   uint64 // of these, won with votes of an earlier epoch or of another winner, as Redis lets it happen
	Millis    int64  // virtual time
}

// Sim is a world: hosts, the network between them, and the time. It is owned by one goroutine.
type Sim struct {
	setup    Setup
	opt      Options
	logLevel cluster.Level
	now      int64 // virtual milliseconds since the beginning
	queue    queue
	net      *rand.Rand // chance of the network and of disks

	hosts        []*host
	byAddr       map[addr]*host // by bus address, for look-up only
	byClientAddr map[addr]*host
	paths        paths
	held         []held   // streams and SYNs whose way is cut
	suspect      int      // who was found to disagree last
	heldMost     int      // when to look for those that nobody waits for
	frames       []*frame // spare
	wakes        []*wake  // spare

	acting *host // whose core runs, for panics
	ledger ledger
	plant  planted
	broken *Broken
	stats  Stats
}

// New sets a cluster up and starts its hosts.
func New(setup Setup, opt Options) (*Sim, error) {
	if err := setup.check(); err != nil {
		return nil, err
	}
	s := &Sim{
		setup: setup, opt: opt, logLevel: cluster.LevelWarning + 1,
		net:    rand.New(rand.NewPCG(setup.Seed, 0x6e657477)),
		byAddr: make(map[addr]*host), byClientAddr: make(map[addr]*host),
		paths: newPaths(setup.Nodes), ledger: newLedger(),
	}
	if opt.Log {
		s.logLevel = cluster.LevelDebug
	}
	s.plant.is = opt.Plant
	for i := range setup.Nodes {
		h := &host{sim: s, index: i, machine: setup.machine(i), past: make(map[bus.ID]*memory), ip: hostIP(i), set: setup.settings(i), clock: clock{base: epoch, rate: 1000}, on: true}
		s.plant.settings(&h.set)
		s.hosts = append(s.hosts, h)
		s.byAddr[addr{h.ip.String(), clientPort + 10000}] = h
		s.byClientAddr[addr{h.ip.String(), clientPort}] = h
	}
	s.guard(func() { s.form() })
	if s.broken != nil {
		return s, s.broken
	}
	return s, nil
}

// Stats are what was done so far.
func (s *Sim) Stats() Stats {
	st := s.stats
	st.Millis = s.now
	return st
}

// File is the nodes.conf of a host, nil: it has none.
func (s *Sim) File(h Host) []byte { return bytes.Clone(s.hosts[h].disk.cached) }

// Advance lets a span of virtual time pass, in milliseconds. The error is a [*Broken].
func (s *Sim) Advance(span int64) error {
	s.guard(func() { s.run(s.now + span) })
	if s.broken != nil {
		return s.broken
	}
	return nil
}

// Apply does one operation now. The error is a [*Broken].
func (s *Sim) Apply(op Op) error {
	s.guard(func() {
		s.tracef("%d op %s\n", s.now, FormatOp(op))
		op.apply(s)
	})
	if s.broken != nil {
		return s.broken
	}
	return nil
}

// Run plays a schedule. The error is a [*Broken], or says what is wrong with the setup.
func Run(sched *Schedule, opt Options) (Stats, error) {
	s, err := New(sched.Setup, opt)
	if err != nil {
		return Stats{}, err
	}
	for i, ev := range sched.Events {
		if err = s.Advance(ev.After); err == nil {
			err = s.Apply(ev.Op)
		}
		if err != nil {
			s.broken.Event = i
			break
		}
	}
	return s.Stats(), err
}

// guard runs f, and takes a panic for what it is: a bug that this run has found.
func (s *Sim) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			s.broke(NoPanic, s.acting, "%v", p)
		}
	}()
	if s.broken == nil {
		f()
	}
}

// run handles all events up to a time.
func (s *Sim) run(until int64) {
	for len(s.queue.heap) > 0 && s.queue.heap[0].at <= until && s.broken == nil {
		ev := s.queue.pop()
		s.now = ev.at
		s.handle(ev)
	}
	s.now = max(s.now, until)
}

func (s *Sim) handle(ev event) {
	switch ev.kind {
	case evTick:
		h := ev.host
		switch {
		case ev.gen != h.tickGen || h.core == nil:
		case h.paused:
			h.late = true
		default:
			h.report()
			h.step(cluster.Tick{})
			s.turn(h)
		}
	case evWake:
		s.wake(ev.host, ev.wake)
	case evDial:
		s.arrive(ev.end)
	case evResume:
		if ev.gen == ev.host.pauses {
			ev.host.resume()
		}
	}
}

func (s *Sim) tracef(format string, args ...any) {
	if s.opt.Trace != nil {
		fmt.Fprintf(s.opt.Trace, format, args...)
	}
}

func (s *Sim) traceEvent(h *host, ev cluster.Event) {
	if s.opt.Trace == nil {
		return
	}
	switch ev := ev.(type) {
	case cluster.Tick:
		s.tracef("%d %s tick\n", s.now, h.name())
	case cluster.Recv:
		s.tracef("%d %s recv %d %s %08x\n", s.now, h.name(), ev.Link, peekType(ev.Frame), sum(ev.Frame))
	default:
		s.tracef("%d %s %T %+v\n", s.now, h.name(), ev, ev)
	}
}

func (s *Sim) traceReady(h *host, rd *cluster.Ready) {
	if s.opt.Trace == nil {
		return
	}
	for _, r := range rd.Log {
		s.tracef("%d %s log %s\n", s.now, h.name(), r.Text)
	}
	if rd.Persist != nil {
		s.tracef("%d %s persist %08x sync=%v\n", s.now, h.name(), sum(rd.Persist), rd.Sync)
	}
	for _, op := range rd.Data {
		s.tracef("%d %s data %T\n", s.now, h.name(), op)
	}
	for _, id := range rd.Close {
		s.tracef("%d %s close %d\n", s.now, h.name(), id)
	}
	for _, d := range rd.Dial {
		s.tracef("%d %s dial %d %s\n", s.now, h.name(), d.Link, d.Host)
	}
	for _, snd := range rd.Send {
		s.tracef("%d %s send %d %s %08x\n", s.now, h.name(), snd.Link, peekType(snd.Frame), sum(snd.Frame))
	}
}

func sum(b []byte) uint32 { return crc32.ChecksumIEEE(b) }
