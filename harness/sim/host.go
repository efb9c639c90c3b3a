package sim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/nodesconf"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// host is a machine and the node on it.
type host struct {
	sim     *Sim
	index   int
	machine int
	ip      netip.Addr
	set     cluster.Settings

	on   bool          // the machine has power
	core *cluster.Node // nil: the process does not run
	life int           // how often it was started
	disk disk

	clock    clock
	nextTick cluster.Time // the tick that is scheduled, local time
	tickGen  uint32       // ticks of older generations are void

	wakes   []*wake                 // that are due, in no order
	links   map[cluster.LinkID]*end // for look-up only
	ends    []*end                  // the same, in an order that the run determines
	again   []*end                  // that were lost with the power, and that frames came to since
	accepts uint64

	paused  bool
	pauses  uint32
	waiting []held // what arrived meanwhile
	late    bool   // a tick was due meanwhile

	armed *Crash // the power fails at this point of a Ready
	data  data
	seen  *memory            // of the node that it is now
	past  map[bus.ID]*memory // of all that it was: a hard reset makes another node of it
}

func (h *host) name() string { return Host(h.index).String() }

// boot starts the process from what is on disk.
func (h *host) boot() {
	s := h.sim
	var saved *nodesconf.File
	if h.disk.cached != nil {
		text := s.plant.onLoad(h, h.disk.cached)
		f, err := nodesconf.Parse(text)
		if err != nil {
			s.broke(Restarts, h, "nodes.conf does not parse: %v", err)
			return
		}
		saved = f
	}
	h.life++
	core, err := cluster.New(cluster.Config{
		Rand: rand.NewPCG(s.setup.Seed, uint64(h.index)<<32|uint64(h.life)), Now: h.clock.local(s.now),
		Saved: saved, Settings: h.set, LogLevel: s.logLevel,
	})
	if err != nil {
		s.broke(Restarts, h, "%v", err)
		return
	}
	h.core = core
	h.links, h.ends = make(map[cluster.LinkID]*end), nil
	h.data = data{offset: h.data.offset, written: s.now}
	h.armed = nil
	s.checkBoot(h)
	s.tracef("%d %s boot %s\n", s.now, h.name(), core.ID())
	// Ticks of hosts that start together do not come together.
	h.tickGen++
	h.nextTick = core.NextTick()
	s.queue.push(event{at: s.now + s.net.Int64N(tickPeriod), kind: evTick, host: h, gen: h.tickGen})
	s.turn(h)
}

// tickPeriod is how often a node ticks, ms.
const tickPeriod = 100

// expectTick schedules the next tick.
func (h *host) expectTick(anew bool) {
	next := h.core.NextTick()
	if next == h.nextTick && !anew {
		return
	}
	h.nextTick = next
	h.tickGen++
	h.sim.queue.push(event{at: h.clock.world(next, h.sim.now), kind: evTick, host: h, gen: h.tickGen})
}

// step feeds the core.
func (h *host) step(ev cluster.Event) {
	s := h.sim
	s.stats.Steps++
	s.acting = h
	s.traceEvent(h, ev)
	if err := h.core.Step(h.clock.local(s.now), ev); err != nil {
		panic(err) // the time never falls: our bug
	}
}

// turn does what is due after the events that were there.
func (s *Sim) turn(h *host) {
	for h.core != nil && h.core.HasReady() {
		rd := h.core.Ready()
		s.traceReady(h, &rd)
		s.plant.onReady(h, &rd)
		if h.armed != nil && rd.Sync {
			h.performAndCrash(&rd)
			return
		}
		h.performReady(&rd)
	}
	if h.core == nil {
		return
	}
	s.check(h)
	h.expectTick(false)
}

// performReady performs the effects of the core in their order.
func (h *host) performReady(rd *cluster.Ready) {
	if h.sim.plant.sendsFirst() {
		h.sendAll(rd.Send)
		rd.Send = nil
	}
	h.persist(rd)
	for _, op := range rd.Data {
		h.performData(op)
	}
	for _, id := range rd.Close {
		if e := h.links[id]; e != nil {
			e.hangUp(itemEOF)
		}
	}
	for _, d := range rd.Dial {
		h.dial(d)
	}
	h.sendAll(rd.Send)
}

func (h *host) persist(rd *cluster.Ready) {
	if rd.Persist != nil && h.sim.plant.writes() {
		h.disk.write(h.sim.plant.onPersist(h, rd.Persist), rd.Sync && !h.sim.plant.skipsSync())
	}
}

// sendAll puts frames on their way. A broadcast is one frame on many links.
func (h *host) sendAll(sends []cluster.Send) {
	s := h.sim
	var last *frame
	var first *byte
	for _, snd := range sends {
		if len(snd.Frame) == 0 {
			continue
		}
		if last == nil || first != &snd.Frame[0] || len(last.bytes) != len(snd.Frame) {
			if last != nil {
				s.release(last)
			}
			last, first = s.newFrame(snd.Frame), &snd.Frame[0]
			last.refs = 1
		}
		e := h.links[snd.Link]
		if e == nil {
			continue
		}
		s.stats.Frames++
		s.plant.rewrite(h, last.bytes)
		s.checkFrame(h, e, last.bytes)
		if s.opt.Tap != nil {
			s.opt.Tap(Host(h.index), last.bytes)
		}
		s.plant.onAsked(h, e, last.bytes)
		times := s.plant.onSend(h, last.bytes)
		for range times {
			last.refs++
			if e.up {
				e.send(last)
			} else {
				e.early = append(e.early, last)
			}
		}
	}
	if last != nil {
		s.release(last)
	}
}

// performAndCrash performs a Ready up to the point where the power fails.
func (h *host) performAndCrash(rd *cluster.Ready) {
	at := h.armed
	h.armed = nil
	if at.Point != BeforePersist {
		h.persist(rd)
	}
	if at.Point == AfterSends {
		for _, op := range rd.Data {
			h.performData(op)
		}
		h.sendAll(rd.Send[:min(at.Sends, len(rd.Send))])
	}
	h.losePower()
}

// losePower ends the machine. Nobody is told.
func (h *host) losePower() {
	s := h.sim
	s.tracef("%d %s loses power\n", s.now, h.name())
	for _, e := range slices.Clone(h.ends) {
		e.vanish()
	}
	h.on, h.core = false, nil
	h.disk.losePower(s.net.IntN(2) == 0)
	h.stop()
}

// kill ends the process. The kernel closes its connections and keeps its page cache.
func (h *host) kill() {
	s := h.sim
	s.tracef("%d %s is killed\n", s.now, h.name())
	for _, e := range slices.Clone(h.ends) {
		e.hangUp(itemEOF)
	}
	h.core = nil
	h.stop()
}

func (h *host) stop() {
	h.tickGen++
	h.armed = nil
	h.sim.retry() // SYNs to it are refused now
	h.resume()
}

// start brings the machine and its process up.
func (h *host) start() {
	if h.core != nil {
		return
	}
	h.on = true
	for _, e := range h.again {
		if e.other.open {
			e.unheard()
		}
	}
	h.again = nil
	h.sim.retry()
	h.boot()
}

// pause stops the process for a span: nothing is read and nothing ticks, and nobody is told.
func (h *host) pause(span int64) {
	h.paused = true
	h.pauses++
	h.sim.queue.push(event{at: h.sim.now + span, kind: evResume, host: h, gen: h.pauses})
}

func (h *host) resume() {
	if !h.paused {
		return
	}
	s := h.sim
	h.paused = false
	h.pauses++
	list := h.waiting
	h.waiting = nil
	for _, w := range list {
		s.unhold(w)
	}
	if h.late {
		h.late = false
		if h.core != nil {
			h.expectTick(true)
		}
	}
}

// do gives the core a request of an operator. It reports whether it was accepted; a host that does
// not run accepts nothing.
func (h *host) do(r cluster.Request) bool {
	if h.core == nil || h.paused {
		return false
	}
	s := h.sim
	s.acting = h
	h.report()
	s.stats.Steps++
	a, err := h.core.Do(h.clock.local(s.now), r)
	if err != nil {
		panic(err)
	}
	s.tracef("%d %s admin %T %s\n", s.now, h.name(), r, a.Text)
	s.noteReset(h)
	return !a.Err()
}

// addr is where a node listens.
type addr struct {
	host string
	port int
}

func hostIP(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i / 62500), byte(i / 250 % 250), byte(i%250 + 1)})
}

// Host is the number of a host, from 0. Its text is n0, n1, ...
type Host int

// String is the host's name.
func (h Host) String() string { return fmt.Sprintf("n%d", int(h)) }
