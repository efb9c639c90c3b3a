package bus

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

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
	// linger is how long the end of an episode waits for a crash.
	linger time.Duration
	// dirty means that an episode may have left what CLUSTER RESET HARD does not clear: traits of the node itself.
	dirty  bool
	proven *proven
}

// found is what an episode showed.
type found struct {
	kind triage.Kind
	note string
	op   int // the last op that had been done
}

func newLane(o, t oracle.Driver, p *proven) (*lane, error) {
	ln := &lane{proven: p}
	ln.sides[0] = &side{name: "oracle", driver: o, links: map[Link]*conn{}, came: make(chan struct{})}
	ln.sides[1] = &side{name: "target", driver: t, links: map[Link]*conn{}, came: make(chan struct{})}
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
			c := &conn{nc: nc, r: bufio.NewReaderSize(nc, 16<<10), in: true}
			head, err := c.r.Peek(80)
			if err == nil {
				id := bus.ID(head[40:80])
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

// prepare gives both sides a node that knows only itself.
func (ln *lane) prepare(ctx context.Context, fresh bool) error {
	fresh = fresh || ln.dirty
	ln.dirty = false
	for i, s := range ln.sides {
		if !fresh && s.node != nil && !s.ended() && s.reset() == nil {
			continue
		}
		ln.started++
		if err := s.start(ctx, fmt.Sprintf("bus%c%d", s.name[0], i)); err != nil {
			return err
		}
		if err := s.reset(); err != nil {
			return err
		}
	}
	return nil
}

// meet lets the node meet actors, who complete the handshake and are silent from then on.
func (ln *lane) meet(actors []int) error {
	for _, s := range ln.sides {
		var cmds [][]string
		for _, a := range actors {
			cmds = append(cmds, []string{"CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(int(ln.ports[a])), strconv.Itoa(int(ln.ports[a]) + busOffset)})
		}
		if _, err := s.ask(cmds...); err != nil {
			return err
		}
	}
	for _, a := range actors {
		l := Link{a, In}
		h := template(a)
		h.Type = bus.TypePong
		pong := step{do: DoSend, link: l, frame: (&bus.Packet{Header: h}).Seal().Append(nil)}
		greet := step{do: DoSend, link: l, frame: fence(l, nil)}
		for _, s := range ln.sides {
			if err := s.awaitDial(a, 1); err != nil {
				return fmt.Errorf("%s: actor %s: %w", s.name, actorNames[a], err)
			}
			s.write(&pong, &ln.ports)
			s.write(&greet, &ln.ports)
		}
	}
	for _, a := range actors {
		for _, s := range ln.sides {
			l := Link{a, In}
			if err := s.await(l, 1, false); err != nil {
				return fmt.Errorf("%s: actor %s: %w", s.name, actorNames[a], err)
			}
			s.links[l].got, s.links[l].waiting = 0, nil
		}
	}
	for _, s := range ln.sides {
		var err error
		if s.counted, err = s.received(); err != nil {
			return err
		}
	}
	return nil
}

// play plays an episode. A nil found: nothing differs and everybody lives.
func (ln *lane) play(ctx context.Context, e *Episode, fresh bool) (*found, error) {
	if err := ln.prepare(ctx, fresh); err != nil {
		return nil, err
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
	steps, open := script(e)
	ln.dirty = speaksForNode(e)
	dials := [actorCount]int{}
	for _, a := range e.Met {
		dials[a] = 1
	}
	for i := range steps {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		f, err := ln.perform(&steps[i], &dials, e.Hunt)
		if errors.Is(err, errNoDial) {
			return nil, nil // how long a node takes to dial is nobody's promise
		}
		if f != nil || err != nil {
			return f, err
		}
	}
	return ln.judge(ctx, e, len(e.Ops)-1, open)
}

// speaksForNode reports whether an actor calls itself by the node's own id.
func speaksForNode(e *Episode) bool {
	for i := range e.Ops {
		if b := e.Ops[i].Frame; len(b) >= 80 && bus.ID(b[40:80]) == nodeID {
			return true
		}
	}
	return false
}

// script is an episode as steps, and the links on which packets are whole at its end.
func script(e *Episode) ([]step, map[Link]bool) {
	c := newConductor(e.Met)
	for i := range e.Ops {
		c.op = i
		c.perform(&e.Ops[i])
	}
	c.flush()
	open := map[Link]bool{}
	for l := range c.links {
		open[l] = c.open(l) && c.pending(l) == 0
	}
	return c.steps, open
}

// perform does one step on both sides and compares what comes of it.
func (ln *lane) perform(st *step, dials *[actorCount]int, hunt bool) (*found, error) {
	note := ""
	switch st.do {
	case DoDial:
		for _, s := range ln.sides {
			if err := s.dial(st.link); err != nil {
				note = fmt.Sprintf("%s: dial: %v", s.name, err)
			}
		}
	case DoClose:
		note = compareAnswers(st.link, ln.sides[0], ln.sides[1])
		for _, s := range ln.sides {
			s.hang(st.link)
		}
	case DoAdmin:
		note = ln.command(st.args)
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
		for _, s := range ln.sides {
			s.write(st, &ln.ports)
		}
		if st.await == 0 && !st.gone && st.received == 0 {
			return nil, nil
		}
		var errs [2]error
		for i, s := range ln.sides {
			if (st.link.Which == In || st.await == 0) && !st.gone {
				errs[i] = s.awaitReceived(st.received)
			} else {
				errs[i] = s.await(st.link, st.await, st.gone)
			}
		}
		if st.gone {
			// What was still to be written when the node closed the link may be lost, or not.
			for _, s := range ln.sides {
				if c := s.links[st.link]; c != nil {
					c.waiting = nil
				}
			}
		}
		switch {
		case (st.link.Which == In || st.await == 0) && (errs[0] == nil) == (errs[1] == nil):
			// What came is compared at the end: when it comes is up to how other links are read.
		case errs[0] == nil && errs[1] == nil:
			note = compareAnswers(st.link, ln.sides[0], ln.sides[1])
		case errs[0] != nil && errs[1] != nil && errs[0].Error() == errs[1].Error():
			// The twin was wrong about both alike.
		default:
			note = fmt.Sprintf("%s: oracle %s, target %s", st.link, orFine(errs[0]), orFine(errs[1]))
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

func orFine(err error) string {
	if err == nil {
		return "as expected"
	}
	return err.Error()
}

// command gives both nodes a command with canonical ids and ports and compares the replies.
func (ln *lane) command(args []string) string {
	var replies [2]string
	for i, s := range ln.sides {
		real := make([]string, len(args))
		for j, a := range args {
			if a == string(nodeID[:]) {
				a = string(s.id[:])
			}
			real[j] = a
		}
		r, err := s.ask(real)
		if err != nil {
			return fmt.Sprintf("%s: %v", s.name, err)
		}
		replies[i] = s.fold(string(r[0].AppendText(nil)))
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
func (ln *lane) judge(ctx context.Context, e *Episode, op int, open map[Link]bool) (*found, error) {
	if ln.linger > 0 {
		select {
		case <-ln.sides[0].node.Done():
		case <-ln.sides[1].node.Done():
		case <-time.After(ln.linger):
		}
	}
	note, views, err := ln.compareViews()
	for deadline := time.Now().Add(settleTime); err == nil && note != "" && !e.Hunt && time.Now().Before(deadline) && ctx.Err() == nil; {
		note, views, err = ln.compareViews()
	}
	if err != nil || note != "" {
		if err != nil {
			note = err.Error()
		}
		if f := ln.health(op, note); f != nil {
			return f, nil
		}
		if err != nil {
			return nil, err
		}
	}
	for i, kind := range []triage.Kind{triage.OracleCorrupt, triage.Invariant} {
		if why := broken(views[i][0], "$a.id"); why != "" {
			return &found{kind, ln.sides[i].name + ": " + why, op}, nil
		}
	}
	if note != "" && !e.Hunt {
		return &found{triage.Divergence, note, op}, nil
	}
	if note := ln.drain(open); note != "" {
		if f := ln.health(op, note); f != nil {
			return f, nil
		}
		if !e.Hunt {
			return &found{triage.Divergence, note, op}, nil
		}
	}
	return ln.restarts(ctx, op)
}

func (ln *lane) compareViews() (string, [2][]view, error) {
	var v [2][]view
	for i, s := range ln.sides {
		var err error
		if v[i], err = s.views(); err != nil {
			return "", v, err
		}
	}
	return difference(v[0], v[1]), v, nil
}

// drain makes both nodes close every link with bytes that are no packet, and compares what was still to come on each.
func (ln *lane) drain(open map[Link]bool) string {
	bye := make([]byte, bus.PrefixLen)
	binary.BigEndian.PutUint32(bye[4:], 9)
	for l := range ln.sides[0].links {
		if !open[l] {
			continue
		}
		for _, s := range ln.sides {
			if c := s.links[l]; c != nil {
				_ = c.nc.SetWriteDeadline(time.Now().Add(patience))
				_, _ = c.nc.Write(bye)
			}
		}
	}
	for a := range actorCount {
		for w := range In + 1 {
			l := Link{a, w}
			if !open[l] || ln.sides[0].links[l] == nil || ln.sides[1].links[l] == nil {
				continue
			}
			for _, s := range ln.sides {
				if err := s.await(l, 0, true); err != nil {
					return fmt.Sprintf("%s: %s: %v", s.name, l, err)
				}
			}
			if note := compareAnswers(l, ln.sides[0], ln.sides[1]); note != "" {
				return note
			}
		}
	}
	return ""
}
