package runner

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/slotdiff/slotdiff/harness/puppet"
	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// actor is a puppet with the ports it holds.
type actor struct {
	*puppet.Puppet
	ports *oracle.Port
	// uncounted is, by link, how many packets of the type of a fence were sent since the last one there.
	uncounted map[string]int
}

var verbPuppet = &Verb{
	Name: "puppet", Where: OnLine,
	Usage: "puppet NAME [field=value ...]",
	Doc:   "Starts a scripted peer that listens on a bus port of its own. Fields are those of `set`. Its id follows from the seed and its name, unless `id=` is given. With `auto=pong` it answers PING and MEET.",
	run: func(_ context.Context, c *call) (output, error) {
		words, err := c.expandAll(c.words)
		if err != nil {
			return output{}, err
		}
		if len(words) == 0 {
			return output{}, fmt.Errorf("puppet: a name is missing")
		}
		name := words[0]
		if err := c.side.unused(name); err != nil {
			return output{}, err
		}
		return c.side.startPuppet(name, words[1:])
	},
}

// startPuppet listens on a reserved pair of ports. Reserved means that no other
// slotdiff takes it; should a stranger have done so, another pair is tried.
func (s *side) startPuppet(name string, words []string) (output, error) {
	omit, err := bus.ParseOmit(s.omit)
	if err != nil {
		return output{}, fmt.Errorf("omit: %w", err)
	}
	for try := 0; ; try++ {
		port, err := oracle.AcquirePort()
		if err != nil {
			return output{}, fmt.Errorf("puppet %s: %w", name, err)
		}
		p, err := puppet.New(puppet.Config{Name: name, Seed: s.seed, Port: port.Client(), Words: words, Omit: omit, Trace: s.tracePuppet})
		if err == nil {
			s.puppets[name] = &actor{Puppet: p, ports: port}
			s.names.set(name, identity{id: p.ID().String(), addr: p.Addr(), bus: p.BusAddr()})
			return ok, nil
		}
		port.Release()
		if try == 4 || !errors.Is(err, syscall.EADDRINUSE) {
			return output{}, err
		}
	}
}

// tracePuppet keeps the traffic of a puppet's links.
func (s *side) tracePuppet(ev puppet.TraceEvent) {
	switch ev.Kind {
	case puppet.TraceIn:
		s.trace.frame(ev.Remote.String(), ev.Local.String(), true, ev.Bytes)
	case puppet.TraceOut:
		s.trace.frame(ev.Local.String(), ev.Remote.String(), true, ev.Bytes)
	}
}

var verbSet = &Verb{
	Name: "set", Where: OnPuppet,
	Usage: "PUPPET set field=value ...",
	Doc:   "Changes what a puppet says of itself in every packet from now on: all fields or, with an error, none.",
	run: func(_ context.Context, c *call) (output, error) {
		words, err := c.expandAll(c.words)
		if err != nil {
			return output{}, err
		}
		p := c.puppet()
		if err := p.Set(words...); err != nil {
			return output{}, err
		}
		c.side.names.set(c.actor, identity{id: p.ID().String(), addr: p.Addr(), bus: p.BusAddr()})
		return ok, nil
	},
}

var verbDial = &Verb{
	Name: "dial", Where: OnPuppet,
	Usage: "PUPPET dial NODE [link=NAME]",
	Doc:   "Opens a link to a node's bus port. Its name is `out` unless another is given; a closed link of that name is replaced.",
	run: func(ctx context.Context, c *call) (output, error) {
		plain, opts, err := c.options(c.words, "link")
		if err != nil {
			return output{}, err
		}
		if len(plain) != 1 {
			return output{}, fmt.Errorf("dial: want one node")
		}
		to, err := c.expand(plain[0])
		if err != nil {
			return output{}, err
		}
		id, known := c.side.names.get(to)
		if !known {
			return output{}, fmt.Errorf("dial: no actor %q has been started", to)
		}
		if err := c.puppet().Dial(ctx, id.bus, opts["link"]); err != nil {
			if errors.Is(err, syscall.ECONNREFUSED) {
				return output{kind: "dial", lines: []string{"refused"}}, nil
			}
			return output{}, err
		}
		return ok, nil
	},
}

var verbPuppetSend = &Verb{
	Name: "send", Where: OnPuppet,
	Usage: "PUPPET send TYPE [field=value ...] [link=NAME] [cut=N,...] [times=N]\n[gossip ... | ext ... lines]",
	Doc:   "Sends a packet made from what the puppet says of itself; fields override, and may lie (`totlen=2255 ver=2 raw@2214=ffff truncate=100 append=00ff`). Without `link=` it goes out on `out`, else on the newest open link. `cut=` splits it into several writes, `times=` sends it again and again. Answers `closed` when the link is known to be gone.",
	run: func(ctx context.Context, c *call) (output, error) {
		plain, opts, err := c.options(c.words, "link", "cut", "times")
		if err != nil {
			return output{}, err
		}
		frame, err := c.build(plain)
		if err != nil {
			return output{}, err
		}
		times, err := number1(opts, "times")
		if err != nil {
			return output{}, err
		}
		var cuts []int
		if s, given := opts["cut"]; given {
			for f := range strings.SplitSeq(s, ",") {
				n, err := strconv.Atoi(f)
				if err != nil || n < 0 {
					return output{}, fmt.Errorf("cut=%s: %q is not an offset", s, f)
				}
				cuts = append(cuts, n)
			}
		}
		ctx, cancel := context.WithTimeout(ctx, replyTimeout)
		defer cancel()
		p := c.puppet()
		c.side.puppets[c.actor].sent(opts["link"], frame, times)
		if times > 1 {
			err = p.Flood(ctx, opts["link"], frame, times)
		} else {
			err = p.SendPieces(ctx, opts["link"], frame, cuts...)
		}
		return linkAnswer(ok, err)
	},
}

// build makes a packet from words and the step's input lines.
func (c *call) build(words []word) ([]byte, error) {
	args, err := c.expandAll(words)
	if err != nil {
		return nil, err
	}
	lines, err := c.inputLines()
	if err != nil {
		return nil, err
	}
	return c.puppet().Build(args, lines)
}

// linkAnswer turns a link that is gone into the answer "closed".
func linkAnswer(out output, err error) (output, error) {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return output{kind: "packet", lines: []string{"closed"}}, nil
	}
	return out, err
}

var verbPuppetRecv = &Verb{
	Name: "recv", Where: OnPuppet,
	Usage: "PUPPET recv [TYPE] within=D [link=NAME] [with=WORDS] [show=header|extensions|sections]",
	Doc:   "Waits for the next packet, of that type and on that link if named (`in` is any link that a node opened, `out` the dialled one), and prints it; those before it on the link are passed over. With `with=` it must have these words in a line of its text form. Which nodes a gossip section picks is chance: `show=header` prints nothing of it and of the extensions, `show=extensions` nothing of it, `show=sections` how many entries and which extensions there are. Answers `closed` when the named link has ended, `nothing` when no such packet came in time.",
	run: func(ctx context.Context, c *call) (output, error) {
		w, err := c.awaited()
		if err != nil {
			return output{}, err
		}
		ev, out, err := c.recv(ctx, w.plain, w)
		if err != nil || out.lines != nil {
			return out, err
		}
		lines := splitLines(ev.Text())
		switch w.show {
		case "header":
			lines = slices.DeleteFunc(lines, func(l string) bool {
				return strings.HasPrefix(l, "  gossip ") || strings.HasPrefix(l, "  ext ")
			})
		case "extensions":
			lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "  gossip ") })
		case "sections":
			lines = sections(lines)
		}
		return output{kind: "packet", lines: lines}, nil
	},
}

// sections shortens a packet's text to its type and what follows its header: the number
// of gossip entries and the kinds of extensions, in their order.
func sections(lines []string) []string {
	gossip := 0
	var exts []string
	for _, l := range lines {
		if strings.HasPrefix(l, "  gossip ") {
			gossip++
		} else if ext, ok := strings.CutPrefix(l, "  ext "); ok {
			kind, _, _ := strings.Cut(ext, " ")
			exts = append(exts, kind)
		}
	}
	kinds := "-"
	if len(exts) > 0 {
		kinds = strings.Join(exts, ",")
	}
	kind, _, _ := strings.Cut(lines[0], " ")
	return []string{fmt.Sprintf("%s gossip=%d ext=%s", kind, gossip, kinds)}
}

// awaiting is what a verb that waits for a packet is told.
type awaiting struct {
	plain  []word // type, and what follows it
	link   string
	within time.Duration
	words  string // the packet must have them
	show   string // "": the whole packet
}

// awaited reads the words of a verb that waits for a packet.
func (c *call) awaited() (w awaiting, err error) {
	plain, opts, err := c.options(c.words, "within", "link", "with", "show")
	if err != nil {
		return w, err
	}
	if show, given := opts["show"]; given && show != "header" && show != "extensions" && show != "sections" {
		return w, fmt.Errorf("show=%s: want header, extensions or sections", show)
	}
	w = awaiting{plain: plain, link: opts["link"], words: opts["with"], show: opts["show"]}
	w.within, err = duration(opts, "within")
	return w, err
}

// recv waits for a packet. Without one in time the output says so.
func (c *call) recv(ctx context.Context, types []word, w awaiting) (puppet.Event, output, error) {
	f := puppet.Filter{Link: w.link, Words: w.words}
	switch len(types) {
	case 0:
	case 1:
		name, err := c.expand(types[0])
		if err != nil {
			return puppet.Event{}, output{}, err
		}
		t, err := bus.ParseType(name)
		if err != nil {
			return puppet.Event{}, output{}, err
		}
		f.Type = &t
	default:
		return puppet.Event{}, output{}, fmt.Errorf("recv: want one packet type, have %d words", len(types))
	}
	real, relax := c.patience(w.within)
	defer relax()
	ev, err := recvWithin(ctx, c.puppet(), real, f)
	if errors.Is(err, context.DeadlineExceeded) {
		if more := c.side.waiter.grant(ctx); more > 0 {
			ev, err = recvWithin(ctx, c.puppet(), more, f)
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return ev, output{kind: "packet", lines: []string{"nothing"}}, nil
	}
	return ev, output{}, err
}

func recvWithin(ctx context.Context, p *puppet.Puppet, d time.Duration, f puppet.Filter) (puppet.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return p.Recv(ctx, f)
}

var verbReply = &Verb{
	Name: "reply", Where: OnPuppet,
	Usage: "PUPPET reply TYPE ANSWER [field=value ...] within=D [link=NAME] [with=WORDS]\n[gossip ... | ext ... lines]",
	Doc:   "Waits for a packet of TYPE as `recv` does and answers it, on the link it came on, with a packet of type ANSWER made as `send` makes it.",
	run: func(ctx context.Context, c *call) (output, error) {
		w, err := c.awaited()
		if err != nil {
			return output{}, err
		}
		if len(w.plain) < 2 {
			return output{}, fmt.Errorf("reply: want the type to wait for and the type to answer with")
		}
		frame, err := c.build(w.plain[1:])
		if err != nil {
			return output{}, err
		}
		ev, out, err := c.recv(ctx, w.plain[:1], w)
		if err != nil || out.lines != nil {
			return out, err
		}
		if ev.Closed {
			return output{kind: "packet", lines: []string{"closed"}}, nil
		}
		c.side.puppets[c.actor].sent(ev.Link, frame, 1)
		return linkAnswer(ok, c.puppet().Send(ctx, ev.Link, frame))
	},
}

var verbClose = &Verb{
	Name: "close", Where: OnPuppet,
	Usage: "PUPPET close [link=NAME]",
	Doc:   "Closes a link from the puppet's end.",
	run: func(_ context.Context, c *call) (output, error) {
		_, opts, err := c.options(c.words, "link")
		if err != nil {
			return output{}, err
		}
		return linkAnswer(ok, c.puppet().CloseLink(opts["link"]))
	},
}
