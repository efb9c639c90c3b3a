package runner

import (
	"context"
	"fmt"

	"github.com/slotdiff/slotdiff/harness/scenario"
)

var verbKill = &Verb{
	Name: "kill", Where: OnLine, Usage: "kill NODE",
	Doc: "Ends a node as SIGKILL does. Its connections are gone; its files and ports stay for `restart`.",
	run: onNode("kill", func(_ context.Context, n *node) error {
		n.down = true
		n.closeConns()
		return n.live.Kill()
	}),
}

var verbRestart = &Verb{
	Name: "restart", Where: OnLine, Usage: "restart NODE [make=other]",
	Doc: "Starts a node again with its ports, configuration and files, killing it first if it runs, and waits until it accepts connections. The target's starts when the oracle's is up: how long that took is nothing that the node counts. With `make=other` the other server of a mixed cluster takes its place, with the same ports, directives and nodes.conf; on the oracle side that is real Redis again.",
	run: func(ctx context.Context, c *call) (output, error) {
		words, opts, err := c.options(c.words, scenario.MakeKey)
		if err != nil {
			return output{}, err
		}
		c.words = words
		return onNode("restart", func(ctx context.Context, n *node) error {
			n.closeConns()
			again := func() error { return n.live.Restart(ctx) }
			if opts[scenario.MakeKey] != "" {
				again = func() error { return c.side.replace(ctx, n) }
			}
			if err := c.side.inTurn(ctx, again); err != nil {
				// It was killed, and the time of the case was over before it was up again: that is no crash.
				n.down = n.down || ctx.Err() != nil && n.live.Err() == nil
				return err
			}
			n.down, n.frozen = false, false
			if n.auth {
				return nil
			}
			return c.side.learnID(ctx, n)
		})(ctx, c)
	},
}

var verbPause = &Verb{
	Name: "pause", Where: OnLine, Usage: "pause NODE",
	Doc: "Freezes a node as SIGSTOP does: its connections stay open and nothing answers.",
	run: onNode("pause", func(_ context.Context, n *node) error {
		n.frozen = true
		return n.live.Pause()
	}),
}

var verbResume = &Verb{
	Name: "resume", Where: OnLine, Usage: "resume NODE",
	Doc: "Lets a paused node go on.",
	run: onNode("resume", func(_ context.Context, n *node) error {
		if err := n.live.Resume(); err != nil {
			return err
		}
		n.frozen = false
		return nil
	}),
}

// onNode is a verb whose only word is a node.
func onNode(verb string, do func(context.Context, *node) error) func(context.Context, *call) (output, error) {
	return func(ctx context.Context, c *call) (output, error) {
		args, err := c.expandAll(c.words)
		if err != nil {
			return output{}, err
		}
		if len(args) != 1 {
			return output{}, fmt.Errorf("%s: want one node", verb)
		}
		n, err := c.side.node(args[0])
		if err != nil {
			return output{}, err
		}
		if err := do(ctx, n); err != nil {
			return output{}, fmt.Errorf("%s %s: %w", verb, n.name, err)
		}
		return ok, nil
	}
}
