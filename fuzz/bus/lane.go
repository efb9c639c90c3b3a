package bus

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// lane plays episodes one after the other on one node of each side. The actors are shared: their ids and ports are the same
// on both, so both get the same bytes.
type lane struct {
	sides   [2]*side // oracle, target
	held    [actorCount]*oracle.Port
	ports   ports
	listen  [actorCount]net.Listener
	wg      sync.WaitGroup
	started int
	plays   uint32
	// sent counts the packets of the last play, waited its windows; cut says why it ended before its end, "": it did not.
	sent, waited uint64
	cut          string
	messages     int // that the oracle's listener heard
	// clean means that both nodes have been reset since the last play.
	clean bool
	// tainted means that the last play was a hunt: a server that lives on may have been corrupted in a way that no reset mends.
	tainted bool
	// linger is how long the end of an episode waits for a crash.
	linger time.Duration
	// settle is how long states may take to become equal; 0: settleTime.
	settle time.Duration
	proven *proven
	quirks *quirks.List
	omit   bus.Omit // from what is compared
	hidden hidden   // of the state
}

// found is what an episode showed.
type found struct {
	kind triage.Kind
	note string
	op   int // the last op that had been done
}

var sideNames = [2]string{"oracle", "target"}

func newLane(o, t oracle.Driver, p *proven, known *quirks.List) (*lane, error) {
	ln := &lane{proven: p, quirks: known}
	for i, d := range []oracle.Driver{o, t} {
		ln.sides[i] = &side{name: sideNames[i], driver: d, came: make(chan struct{}), terms: terms{ports: &ln.ports}}
	}
	for a := range actorCount {
		if err := ln.hold(a); err != nil {
			ln.close()
			return nil, err
		}
	}
	return ln, nil
}

// hold takes a pair of ports for an actor and listens on its bus port.
func (ln *lane) hold(a int) error {
	for range 5 {
		p, err := oracle.AcquirePort()
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(p.Bus()))))
		if errors.Is(err, syscall.EADDRINUSE) {
			p.Release()
			continue
		} else if err != nil {
			p.Release()
			return err
		}
		ln.held[a], ln.ports[a], ln.listen[a] = p, p.Client(), l
		ln.wg.Go(func() { ln.accept(a, l) })
		return nil
	}
	return errors.New("fuzz bus: no free port for an actor")
}

// accept takes what nodes dial. The first frame tells which side it is.
func (ln *lane) accept(a int, l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		ln.wg.Go(func() {
			_ = nc.SetReadDeadline(time.Now().Add(patience))
			c := &conn{nc: nc, in: true}
			var err error
			for len(c.buf) < 80 && err == nil {
				err = c.fill()
			}
			if err == nil {
				id := bus.ID(c.buf[40:80])
				if ln.sides[0].accept(a, c, id) || ln.sides[1].accept(a, c, id) {
					return
				}
			}
			nc.Close()
		})
	}
}

func (ln *lane) close() {
	for _, s := range ln.sides {
		s.stop()
	}
	for a, l := range ln.listen {
		if l != nil {
			l.Close()
		}
		if ln.held[a] != nil {
			ln.held[a].Release()
		}
	}
	ln.wg.Wait()
}

// play plays an episode. A nil found: nothing differs and everybody lives.
func (ln *lane) play(ctx context.Context, e *Episode, fresh bool) (*found, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err := ln.prepare(ctx, fresh); err != nil {
		return nil, err
	}
	ln.plays++
	ln.sent, ln.waited, ln.cut, ln.tainted = 0, 0, "", e.Hunt
	for _, s := range ln.sides {
		s.within, s.quit = patience, ctx.Done()
		copy(s.mark[:], fmt.Sprintf("%0*x", len(mark), ln.plays))
	}
	if err := ln.meet(e.Met); err != nil {
		if f := ln.health(0, err.Error()); f != nil {
			return f, nil
		}
		if fresh {
			return nil, fmt.Errorf("fuzz bus: %w", err)
		}
		return ln.play(ctx, e, true)
	}
	if e.Hunt {
		for _, s := range ln.sides {
			s.within = huntPatience
		}
	}
	sc := scriptOf(e)
	dials := [actorCount]int{}
	for _, a := range e.Met {
		dials[a] = 1
	}
	for i := range sc.steps {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		f, err := ln.perform(ctx, &sc.steps[i], &dials, e.Hunt)
		if errors.Is(err, errNoDial) {
			return nil, nil // how long a node takes to dial is nobody's promise
		}
		if f != nil || err != nil {
			return f, err
		}
		if ln.cut != "" {
			return ln.judge(ctx, e, sc.steps[i].op, 0, &dials)
		}
	}
	last := len(e.Ops) - 1
	if f, err := ln.judge(ctx, e, last, sc.open, &dials); f != nil || err != nil || e.Hunt {
		return f, err // nobody knows what state a hunt leaves
	}
	return ln.leave(last), nil
}

func (ln *lane) flush() {
	for _, s := range ln.sides {
		s.flush()
	}
}

// perform does one step on both sides and compares what comes of it.
func (ln *lane) perform(ctx context.Context, st *step, dials *[actorCount]int, hunt bool) (*found, error) {
	note := ""
	if st.do != DoSend {
		ln.flush()
	}
	switch st.do {
	case DoDial:
		for _, s := range ln.sides {
			if err := s.dial(st.link); err != nil {
				note = fmt.Sprintf("%s: dial: %v", s.name, err)
			}
		}
	case DoClose:
		// The node reads to the end and then closes the link: one that is closed with answers unread is reset, and what the
		// node has not read yet is lost.
		var errs [2]error
		for _, s := range ln.sides {
			s.closeWrite(st.link)
		}
		for i, s := range ln.sides {
			errs[i] = s.await(st.link, 0, true, s.within)
		}
		note = unlike(st.link, errs) // answers that the node has not written by then are lost, or not
		for _, s := range ln.sides {
			s.hang(st.link)
		}
	case DoAdmin:
		note = ln.command(st.args)
	case DoLook:
		if hunt {
			return nil, nil
		}
		return ln.look(ctx, st.op)
	case DoSettle:
		for _, a := range st.dialled {
			dials[a]++
			for _, s := range ln.sides {
				if err := s.awaitDial(a, dials[a]); err != nil {
					return ln.health(st.op, err.Error()), err
				}
			}
		}
	case DoSend:
		ln.sent += st.packets()
		for _, s := range ln.sides {
			s.queue(st)
		}
		if !st.waits() {
			return nil, nil
		}
		ln.flush()
		ln.waited++
		errs := ln.foreseen(st)
		note = unlike(st.link, errs)
		if note == "" && errs[0] != nil && !hunt {
			ln.cut = fmt.Sprintf("op %d: %s: %v", st.op, st.link, errs[0])
			return nil, nil
		}
		if st.gone {
			// What was still to be written when the node closed the link may be lost, or not.
			for _, s := range ln.sides {
				if c := s.links[st.link.index()]; c != nil {
					c.forget()
				}
			}
		}
		// What came on a link that the node dialled is compared at the end: when it comes is up to how other links are read.
		if note == "" && st.received == 0 && errs[0] == nil {
			note = ln.compareAnswers(st.link)
		}
	}
	if note == "" {
		return nil, nil
	}
	if f := ln.health(st.op, note); f != nil || hunt {
		return f, nil
	}
	return &found{triage.Divergence, note, st.op}, nil
}

// command gives both nodes a command with canonical ids and ports and compares the replies.
func (ln *lane) command(args []string) string {
	var replies [2]string
	for i, s := range ln.sides {
		r, err := s.order(args)
		if err != nil {
			return fmt.Sprintf("%s: %v", s.name, err)
		}
		replies[i] = s.fold(string(r.AppendText(nil)))
	}
	if replies[0] != replies[1] {
		return fmt.Sprintf("%v: %q, not %q", args, replies[0], replies[1])
	}
	return ""
}

// health is a found crash or hang of either side, or nil.
func (ln *lane) health(op int, note string) *found {
	kinds := [2]map[string]triage.Kind{
		{"crash": triage.OracleCrash, "hang": triage.OracleHang},
		{"crash": triage.TargetCrash, "hang": triage.TargetHang},
	}
	for i, s := range ln.sides {
		if over(s.quit) {
			return nil // what did not come was not waited for
		}
		if h := s.health(); h != "" {
			detail := note
			if err := s.node.Err(); h == "crash" && err != nil {
				detail = err.Error()
			}
			s.stop()
			return &found{kinds[i][h], fmt.Sprintf("%s: %s: %s", s.name, h, detail), op}
		}
	}
	return nil
}

// settleTime is how long two states may take to become equal: some ticks.
const settleTime = 2 * time.Second

// judge compares the state of both sides, what else has come on links, and whether they start again.
func (ln *lane) judge(ctx context.Context, e *Episode, op int, open linkSet, dials *[actorCount]int) (*found, error) {
	if ln.linger > 0 {
		select {
		case <-ln.sides[0].node.Done():
		case <-ln.sides[1].node.Done():
		case <-time.After(ln.linger):
		}
	}
	note, views, err := ln.settled(ctx, e.Hunt)
	if f, err := ln.ailing(op, note, err); f != nil || err != nil {
		return f, err
	}
	for i, kind := range []triage.Kind{triage.OracleCorrupt, triage.Invariant} {
		if why := broken(views[i][0], "$a.id"); why != "" {
			return &found{kind, ln.sides[i].name + ": " + why, op}, nil
		}
	}
	if note != "" && !e.Hunt {
		return &found{triage.Divergence, note, op}, nil
	}
	if note := ln.drain(open, dials); note != "" {
		if f := ln.health(op, note); f != nil {
			return f, nil
		}
		if !e.Hunt {
			return &found{triage.Divergence, note, op}, nil
		}
	}
	return ln.restarts(ctx, op)
}

// settled compares the states, and once more as long as they differ and may still become equal.
func (ln *lane) settled(ctx context.Context, hunt bool) (note string, v [2][]view, err error) {
	note, v, err = ln.compareViews()
	for deadline := time.Now().Add(cmp.Or(ln.settle, settleTime)); err == nil && note != "" && !hunt && time.Now().Before(deadline) && ctx.Err() == nil; {
		note, v, err = ln.compareViews()
	}
	return note, v, err
}

// look compares the states in the middle of an episode.
func (ln *lane) look(ctx context.Context, op int) (*found, error) {
	note, _, err := ln.settled(ctx, false)
	if f, err := ln.ailing(op, note, err); f != nil || err != nil || note == "" {
		return f, err
	}
	return &found{triage.Divergence, note, op}, nil
}

// ailing says whether a server that failed is why a look at the states shows note or ended
// with err, which is returned if not.
func (ln *lane) ailing(op int, note string, err error) (*found, error) {
	if err != nil {
		note = err.Error()
	}
	if note == "" {
		return nil, nil
	}
	if f := ln.health(op, note); f != nil {
		return f, nil
	}
	return nil, err
}

func (ln *lane) compareViews() (string, [2][]view, error) {
	var v [2][]view
	for i, s := range ln.sides {
		var err error
		if v[i], err = s.views(); err != nil {
			return "", v, err
		}
	}
	return difference(ln.hidden.apply(v[0]), ln.hidden.apply(v[1])), v, nil
}

// drain makes both nodes close every link with bytes that are no packet, and nothing behind them, and compares what was still to come on each.
func (ln *lane) drain(open linkSet, dials *[actorCount]int) string {
	bye := make([]byte, bus.PrefixLen)
	binary.BigEndian.PutUint32(bye[4:], 9)
	for i := range linkCount {
		if !open.has(linkAt(i)) {
			continue
		}
		for _, s := range ln.sides {
			if c := s.links[i]; c != nil {
				_ = c.nc.SetWriteDeadline(time.Now().Add(patience))
				_, _ = c.nc.Write(bye)
				s.closeWrite(linkAt(i)) // Valkey does not look at a packet before 14 bytes of it have come
			}
		}
	}
	for i := range linkCount {
		l := linkAt(i)
		if !open.has(l) || ln.sides[0].links[i] == nil || ln.sides[1].links[i] == nil {
			continue
		}
		for _, s := range ln.sides {
			if err := s.await(l, 0, true, s.within); err != nil {
				return fmt.Sprintf("%s: %s: %v", s.name, l, err)
			}
		}
		if l.Which == In && dials[l.Actor] > 1 {
			continue // what the node said on the older link, and what on the newer, is up to its clock
		}
		if note := ln.compareAnswers(l); note != "" {
			return note
		}
	}
	return ""
}
