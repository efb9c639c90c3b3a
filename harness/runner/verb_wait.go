package runner

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/oracle"
)

// The pause between two looks at a condition begins at pollMin and doubles, up to waitMax
// while it is waited for and to holdMax while it must hold. For wait it bounds how late a
// condition is seen, never whether it is; many cases wait at once, so a look every few
// milliseconds would be what they spend their time on. A node logs most of what is waited
// for, and what it logs ends the pause.
const (
	pollMin = 2 * time.Millisecond
	waitMax = 160 * time.Millisecond
	toldMax = 400 * time.Millisecond // of a node whose log says that its state has changed
	holdMax = 50 * time.Millisecond
)

var verbWait = &Verb{
	Name: "wait", Where: OnLine,
	Usage: "wait NODE[/CONN] within=D\nCOMMAND [| FIELD ...]   or   snapshot VIEW",
	Doc:   "Eventually: repeats the question of its input line until the answer is the expected block, at most D long. A failure shows the answer seen last. While recording a step without expected block, the answer is the one that has not changed for a second.",
	run: func(ctx context.Context, c *call) (output, error) {
		n, q, within, err := c.question("within")
		if err != nil {
			return output{}, err
		}
		return c.eventually(ctx, within, n, func(ctx context.Context, _ bool) (output, error) { return q(ctx) })
	},
}

// eventually repeats look until it sees the expected block, at most for within, and at
// once when the node, which may be nil, logs something. The last look is told that it is.
func (c *call) eventually(ctx context.Context, within time.Duration, n *node, look func(ctx context.Context, last bool) (output, error)) (output, error) {
	want := c.step.Expect
	end := time.Now().Add(within)
	defer c.side.tempo.hurry(waitsFor)()
	most := waitMax
	if n.told() != nil {
		most = toldMax
	}
	most = c.side.tempo.real(most)
	var last []string
	since := time.Now()
	for interval := pollMin; ; interval = min(2*interval, max(most, pollMin)) {
		over := time.Now().After(end)
		if over {
			end = end.Add(c.side.waiter.grant(ctx))
			over = time.Now().After(end)
		}
		told := n.told()
		out, err := look(ctx, over)
		if err != nil {
			return out, err
		}
		seen := c.side.canonical(out).Lines
		if want != nil && slices.Equal(seen, want) {
			return out, nil
		}
		if !slices.Equal(seen, last) {
			last, since = seen, time.Now()
		}
		if want == nil && time.Since(since) > time.Second || over {
			return out, nil
		}
		if err := pause(ctx, min(interval, max(time.Until(end), pollMin)), told); err != nil {
			return out, fmt.Errorf("%s: the case's deadline passed; last seen %q", c.step.Actor, seen)
		}
	}
}

var verbHold = &Verb{
	Name: "hold", Where: OnLine,
	Usage: "hold NODE[/CONN] for=D\nCOMMAND [| FIELD ...]   or   snapshot VIEW",
	Doc:   "Always: repeats the question of its input line for D; every answer must be the expected block. The first that is not is the step's answer. While recording a step without expected block, every answer must be as the first.",
	run: func(ctx context.Context, c *call) (output, error) {
		_, q, long, err := c.question("for")
		if err != nil {
			return output{}, err
		}
		want := c.step.Expect
		defer c.side.tempo.hurry(0)()
		end := time.Now().Add(c.side.tempo.real(long))
		most := c.side.tempo.real(holdMax)
		for interval := pollMin; ; interval = min(2*interval, max(most, pollMin)) {
			out, err := q(ctx)
			if err != nil {
				return out, err
			}
			seen := c.side.canonical(out).Lines
			if want == nil {
				want = seen
			}
			if !slices.Equal(seen, want) || time.Now().After(end) {
				return out, nil
			}
			if err := pause(ctx, min(interval, max(time.Until(end), pollMin)), nil); err != nil {
				return out, fmt.Errorf("hold: the case's deadline passed; last seen %q", seen)
			}
		}
	},
}

// question reads the words and the input line of wait and hold: the node that is asked,
// how, and how long.
func (c *call) question(option string) (n *node, ask func(context.Context) (output, error), d time.Duration, err error) {
	plain, opts, err := c.options(c.words, option)
	if err != nil {
		return nil, nil, 0, err
	}
	if len(plain) != 1 || len(c.step.Input) != 1 {
		return nil, nil, 0, fmt.Errorf("%s: want one node and one input line", c.step.Actor)
	}
	if d, err = duration(opts, option); err != nil {
		return nil, nil, 0, err
	}
	actor, err := c.expand(plain[0])
	if err != nil {
		return nil, nil, 0, err
	}
	name, conn := (&scenario.Step{Actor: actor}).Conn()
	if n, err = c.side.node(name); err != nil {
		return nil, nil, 0, err
	}
	ask, err = c.asking(name, conn)
	return n, ask, d, err
}

// asking puts the question of the input line to a node.
func (c *call) asking(name, conn string) (ask func(context.Context) (output, error), err error) {
	n, err := c.side.node(name)
	if err != nil {
		return nil, err
	}
	words, _, err := scenario.ParseWords(c.step.Input[0])
	if err != nil {
		return nil, err
	}
	before, fields := scenario.SplitPipe(words)
	args, err := c.expandAll(before)
	if err != nil {
		return nil, err
	}
	if len(args) > 0 && args[0] == "snapshot" {
		if len(args) != 2 {
			return nil, fmt.Errorf("snapshot: want one view of %s", viewNames())
		}
		v, err := findView(args[1])
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) (output, error) { return v.take(ctx, n) }, nil
	}
	// A question whose answer did not come in time is not asked again before it has come: each answer
	// would be taken for that to the question after it, in this step and in those that follow.
	var owed bool
	return func(ctx context.Context) (out output, err error) {
		if owed {
			c, err := n.conn(ctx, conn)
			if err != nil {
				return output{}, err
			}
			out, err = n.answer(ctx, c, args, fields)
			owed = out.owed
			return out, err
		}
		out, err = n.command(ctx, conn, args, fields)
		owed = out.owed
		return out, err
	}, nil
}

// told is closed when the node next logs something; nil where its log cannot be heard.
func (n *node) told() <-chan struct{} {
	if n == nil {
		return nil
	}
	if t, ok := n.live.(oracle.Telling); ok {
		return t.Told()
	}
	return nil
}

// pause waits for d, less when early is closed, or when ctx ends, which is its error.
func pause(ctx context.Context, d time.Duration, early <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-early:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
