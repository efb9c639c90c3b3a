package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// player sends windows to both sides of a stage and compares what comes back.
type player struct {
	st    *stage
	tally *tally
	gen   *generator // is told what was reached; may be nil
	// learn is told of a command that the target does not run.
	learn func(id uint16)
	// known reports whether a difference was met before. One that is, and is harmless, does not end the episode. It may be nil.
	known func(d *difference) bool

	played  []*window // of the episode so far, for a case
	news    []news
	ends    [2][]int
	pairs   uint64
	windows uint64
	// tainted: the oracle ran a writing command that the target did not. What follows proves nothing.
	tainted  bool
	lockstep bool
}

// send writes a window to both sides.
func (p *player) send(w *window) error {
	p.played = append(p.played, w)
	p.windows++
	p.pairs += uint64(w.len())
	out := w.buf
	if w.mode == modeMark {
		out = resp.AppendCommandStrings(slices.Clip(out), "PING", string(p.markWord()))
	}
	if p.lockstep && w.mode == modeCount && w.len() > 0 {
		out = w.bytes(0)
	}
	for _, s := range p.st.sides {
		c, err := s.conn(w.conn)
		if err != nil {
			return err
		}
		if w.mode != modeAwait {
			c.begin()
		}
		if len(out) > 0 {
			if err := c.write(out); err != nil && !gone(err) {
				return err // reading says what a broken connection means
			}
		}
	}
	return nil
}

// markWord is the word of the present window's mark.
func (p *player) markWord() []byte {
	return strconv.AppendInt([]byte("mark:"), int64(len(p.played)), 10)
}

// receive reads what came back for the window sent last, and compares. A nil difference means that all is equal.
func (p *player) receive(ctx context.Context) (*difference, error) {
	w := p.played[len(p.played)-1]
	switch {
	case w.mode == modeSend:
		waits, err := p.settle(ctx)
		w.blocked = waits == [2]bool{true, true}
		return nil, err
	case w.mode == modeCount && w.len() == 0:
		return nil, nil
	case p.lockstep && w.mode == modeCount:
		for i := range w.ends {
			if i > 0 {
				for _, s := range p.st.sides {
					s.conns[w.conn].begin()
					if err := s.conns[w.conn].write(w.bytes(i)); err != nil && !gone(err) {
						return nil, err
					}
				}
			}
			if d, err := p.compare(ctx, w, i, 1, nil); d != nil || err != nil {
				return d, err
			}
		}
		return nil, nil
	case w.mode == modeMark:
		return p.compare(ctx, w, 0, 0, append(p.markWord(), '\r', '\n'))
	case w.mode == modeAwait:
		return p.await(ctx, w)
	}
	return p.compare(ctx, w, 0, w.len(), nil)
}

// compare reads n replies to the commands of w from first on, or all up to the mark.
func (p *player) compare(ctx context.Context, w *window, first, n int, mark []byte) (*difference, error) {
	oc, tc := p.st.sides[theOracle].conns[w.conn], p.st.sides[theTarget].conns[w.conn]
	if w.waits && (n != 1 || p.tally.cat.blocks(p.idOf(w, first))) {
		defer p.st.poke()()
	}
	var raw [2][]byte
	var errs [2]error
	raw[theTarget], p.ends[theTarget], errs[theTarget] = tc.frames(n, mark, p.ends[theTarget][:0])
	if errs[theTarget] == nil && oc.same(raw[theTarget]) {
		p.noteAll(w, first, raw[theTarget], p.ends[theTarget])
		return nil, nil
	}
	if errs[theTarget] != nil {
		// The target may have used up the time of both.
		if err := oc.nc.SetDeadline(time.Now().Add(patience)); err != nil {
			return nil, err
		}
	}
	raw[theOracle], p.ends[theOracle], errs[theOracle] = oc.frames(n, mark, p.ends[theOracle][:0])
	return p.closer(ctx, w, first, raw, errs)
}

// idOf is the command that reply i of a window answers.
func (p *player) idOf(w *window, i int) uint16 {
	if w.mode == modeAwait {
		for k := len(p.played) - 2; k >= 0; k-- {
			if p.played[k].mode == modeSend {
				return p.played[k].ids[0]
			}
		}
	}
	if i < len(w.ids) {
		return w.ids[i]
	}
	return noCommand
}

// markedID is the command that a reply in a marked window answers, as far as that matters: confirmations come in any
// number, but only HELLO's answer differs from side to side.
func (p *player) markedID(frame []byte) uint16 {
	if bytes.Contains(frame, []byte("\r\nserver\r\n")) {
		return p.tally.cat.byName["hello"].id
	}
	return p.tally.cat.byName["ping"].id
}

// noteAll tells the tally of replies that are equal.
func (p *player) noteAll(w *window, first int, raw []byte, ends []int) {
	from, i := 0, first
	for _, end := range ends {
		frame := raw[from:end]
		from = end
		if frame[0] == byte(resp.Push) {
			continue
		}
		id := p.idOf(w, i)
		if w.mode == modeMark {
			id = noCommand
		}
		i++
		p.tally.queued(w.conn, id, frame)
		if p.tally.note(id, frame) {
			p.fresh(w, i-1, id, frame)
		}
	}
}

// fresh notes that command i of the window sent last reached something new in the episode.
func (p *player) fresh(w *window, i int, id uint16, frame []byte) {
	if p.gen == nil {
		return
	}
	p.gen.reached(id)
	if w.mode == modeCount && i < w.len() {
		p.news = append(p.news, news{len(p.played) - 1, i, p.tally.pair(id, frame)})
	}
}

// closer looks at a window whose bytes differ, reply by reply.
func (p *player) closer(ctx context.Context, w *window, first int, raw [2][]byte, errs [2]error) (*difference, error) {
	fold := [2]folder{p.st.sides[theOracle].fold, p.st.sides[theTarget].fold}
	from := [2]int{}
	i := first
	if w.mode == modeMark {
		for s := range raw {
			raw[s], p.ends[s] = inChannelOrder(raw[s], p.ends[s])
		}
	}
	for k := 0; ; k++ {
		var frame [2][]byte
		for s := range frame {
			if k < len(p.ends[s]) {
				frame[s] = raw[s][from[s]:p.ends[s][k]]
				from[s] = p.ends[s][k]
			}
		}
		if frame[theOracle] == nil && frame[theTarget] == nil {
			return p.verdictOfErrors(ctx, w, i, errs)
		}
		if frame[theOracle] == nil || frame[theTarget] == nil {
			if errs[theOracle] != nil || errs[theTarget] != nil {
				return p.verdictOfErrors(ctx, w, i, errs)
			}
			return p.differs(w, i, frame, fold), nil
		}
		id := p.idOf(w, i)
		if w.mode == modeMark {
			id = p.markedID(frame[theOracle])
		}
		if !bytes.Equal(frame[theOracle], frame[theTarget]) {
			var c *command
			if id != noCommand {
				c = &p.tally.cat.all[id]
			}
			switch look(c, frame[theOracle], frame[theTarget], fold, p.tally.queue[w.conn]) {
			case sightDiffers:
				d := p.differs(w, i, frame, fold)
				d.harmless = harmless(c, frame, p.tally.queue[w.conn])
				if p.known == nil || !p.known(d) {
					return d, nil
				}
				if p.tainted = p.tainted || !d.harmless; p.tainted {
					return nil, nil
				}
			case sightNotRun:
				if p.notRun(c, w.conn, id); p.tainted {
					return nil, nil // what follows in the window proves nothing either
				}
			}
		}
		if frame[theTarget][0] != byte(resp.Push) {
			p.tally.queued(w.conn, id, frame[theTarget])
			if p.tally.note(id, frame[theTarget]) {
				p.fresh(w, i, id, frame[theTarget])
			}
			i++
		}
	}
}

// notRun learns that the target does not run a command. Where the oracle's run of it may have changed
// something the episode ends.
func (p *player) notRun(c *command, conn int, id uint16) {
	if c != nil && c.ways.run && p.learn != nil {
		p.learn(id)
	}
	quiet := c != nil && !c.write && !c.ways.scene
	if c != nil && c.Name == "exec" {
		quiet = true
		for _, q := range p.tally.queue[conn] {
			quiet = quiet && q != nil && !q.write && !q.ways.scene
		}
	}
	p.tainted = p.tainted || !quiet
}

// differs makes the difference of a reply pair.
func (p *player) differs(w *window, i int, frame [2][]byte, fold [2]folder) *difference {
	d := &difference{window: len(p.played) - 1, command: i, id: p.idOf(w, i), what: p.nameOf(w, i)}
	var values [2]resp.Value
	for s := range frame {
		d.answers[s] = "nothing"
		if frame[s] != nil {
			v, _, err := resp.Parse(frame[s])
			if err != nil {
				d.answers[s] = "malformed reply"
				continue
			}
			values[s] = v
			d.answers[s] = p.answer(d.id, v, fold[s])
		}
	}
	p.pointAt(d, w, values, fold)
	return d
}

// pointAt names the command of a transaction whose part of EXEC's answer differs, as package cause does: as it is named outside
// of one, so that the stream is shortened to the command alone if that shows the same.
func (p *player) pointAt(d *difference, w *window, values [2]resp.Value, fold [2]folder) {
	queue := p.tally.queue[w.conn]
	o, t := values[theOracle].Elems, values[theTarget].Elems
	if d.what != "exec" || len(o) != len(queue) || len(t) != len(queue) {
		return
	}
	for i, c := range queue {
		if c == nil || o[i].Equal(t[i]) || lookAt(c, o[i], t[i], fold, nil) != sightDiffers {
			continue
		}
		d.what, d.id = c.name(), c.id
		d.answers = [2]string{p.answer(c.id, o[i], fold[theOracle]), p.answer(c.id, t[i], fold[theTarget])}
		return
	}
}

// answer is a reply as people see it, folded and masked.
func (p *player) answer(id uint16, v resp.Value, fold folder) string {
	kind := ""
	if id != noCommand {
		kind = p.tally.cat.all[id].kind()
	}
	return strings.Join(canonical(kind, v, fold), "\n")
}

func (p *player) nameOf(w *window, i int) string {
	if id := p.idOf(w, i); id != noCommand {
		return p.tally.cat.all[id].name()
	}
	if i < w.len() {
		return "unknown command"
	}
	return "mark"
}

// verdictOfErrors says what it means that a side ended or stopped answering.
func (p *player) verdictOfErrors(ctx context.Context, w *window, i int, errs [2]error) (*difference, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if errs[theOracle] == nil && errs[theTarget] == nil {
		return nil, nil
	}
	d := &difference{window: len(p.played) - 1, command: i, id: p.idOf(w, i), what: p.nameOf(w, i)}
	for s, err := range errs {
		d.answers[s] = "a reply"
		if err == nil {
			continue
		}
		side := p.st.sides[s]
		d.side = s
		switch alive := side.alive(); {
		case alive == nil && isTimeout(err):
			d.answers[s] = "nothing"
		case alive == nil:
			d.answers[s] = "closed"
			if _, malformed := errors.AsType[*resp.FormatError](err); malformed {
				d.answers[s] = "malformed reply"
			}
		default:
			d.fault = faultHang
			if errors.Is(alive, errDied) {
				// Which command of the window it was is not known; see episode.ops.
				d.fault, d.what = faultCrash, fmt.Sprintf("%s: %s", side.name, ending(alive))
				return d, nil
			}
			d.what = fmt.Sprintf("%s: %s: %s", side.name, d.what, ending(alive))
			return d, nil
		}
	}
	if d.answers[theOracle] == d.answers[theTarget] {
		return nil, fmt.Errorf("fuzz/commands: %s: %w: %s: %w", d.what, errBoth, d.answers[theOracle], errs[theOracle])
	}
	return d, nil
}

// ending is why a server is gone or silent, in one line: where it crashed, if it says so.
func ending(alive error) string {
	if at := cause.Crash(alive.Error()); at != "" {
		return at
	}
	return oneLine(alive.Error())
}

var (
	errDied = errors.New("the server is gone")
	errBoth = errors.New("both sides alike") // neither answers
)

// alive asks on a connection of its own whether the server still answers.
func (s *side) alive() error {
	for range 3 {
		c, err := dial(s.node.Addr())
		if err == nil {
			_, err = c.do("PING")
			c.close()
		}
		if err == nil {
			return nil
		}
		if !isTimeout(err) {
			select { // it hung up, so it may be about to end
			case <-s.node.Done():
			case <-time.After(lastWords):
			}
		}
		if err := s.died(); err != nil {
			return fmt.Errorf("%w: %w", errDied, err)
		}
		if isTimeout(err) {
			break
		}
	}
	return errors.New("no answer to PING")
}

// lastWords is how long a server may take to end once it has closed its port: real Redis writes a report of its crash.
const lastWords = 2 * time.Second

func isTimeout(err error) bool {
	var ne net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &ne) && ne.Timeout()
}

// gone reports whether a write failed because the other end is closed.
func gone(err error) bool { return err != nil && !isTimeout(err) }

// await reads what a command that may have blocked got. A client that still waits, although everything sent since
// has been executed, is hung up on.
func (p *player) await(ctx context.Context, w *window) (*difference, error) {
	waits, err := p.settle(ctx)
	if err != nil {
		return nil, err
	}
	if waits == [2]bool{} {
		return p.compare(ctx, w, 0, 1, nil)
	}
	d := &difference{window: len(p.played) - 1, id: p.idOf(w, 0), what: p.nameOf(w, 0)}
	for i, s := range p.st.sides {
		d.answers[i] = "waits"
		if !waits[i] {
			raw, _, err := s.conns[connBlock].frames(1, nil, nil)
			if err != nil {
				return nil, err
			}
			v, _, err := resp.Parse(raw)
			if err != nil {
				return nil, err
			}
			d.answers[i] = p.answer(d.id, v, s.fold)
		}
		s.conns[connBlock].close()
		s.conns[connBlock] = nil
	}
	if waits[theOracle] == waits[theTarget] {
		return nil, nil
	}
	return d, nil
}

// settle waits until the command just sent has been answered, or its client is blocked, on both sides.
func (p *player) settle(ctx context.Context) (waits [2]bool, err error) {
	for i, s := range p.st.sides {
		c := s.conns[connBlock]
		if c == nil {
			return waits, nil
		}
		for deadline := time.Now().Add(patience); !c.waiting(); {
			v, err := s.probe.do("INFO", "clients")
			if err != nil {
				return waits, nil //nolint:nilerr // the next question says what that means
			}
			if !strings.Contains(string(v.Str), "blocked_clients:0\r") {
				waits[i] = !c.waiting()
				break
			}
			if ctx.Err() != nil || time.Now().After(deadline) {
				return waits, errors.Join(ctx.Err(), c.nc.SetDeadline(time.Now()))
			}
		}
		if err := c.nc.SetDeadline(time.Now().Add(patience)); err != nil {
			return waits, err
		}
	}
	return waits, nil
}
