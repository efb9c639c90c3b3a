package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/wire/resp"
)

var verbCommand = &Verb{
	Name: "COMMAND", Where: OnNode,
	Usage: "NODE[/CONN] WORD ... [| FIELD ...]",
	Doc:   "Sends one RESP command and reads its reply, with any push messages before it. A connection is opened at its first use and lives until the case ends; without a name it is the node's default one. After a pipe only the named lines of a `field:value` text are kept, in the order named. `closed` means that the server ended the connection, `nothing` that it gave no reply within five seconds although it is alive.",
	run: func(ctx context.Context, c *call) (output, error) {
		words, fields := scenario.SplitPipe(c.words)
		args, err := c.expandAll(words)
		if err != nil {
			return output{}, err
		}
		n, err := c.node()
		if err != nil {
			return output{}, err
		}
		defer c.side.tempo.hurry(blocksFor)()
		return n.command(ctx, c.conn, args, fields)
	},
}

// command sends args on a connection and returns the reply in text form.
func (n *node) command(ctx context.Context, conn string, args, fields []string) (output, error) {
	if len(args) == 0 {
		return output{}, fmt.Errorf("node %s: a command is missing", n.name)
	}
	c, err := n.conn(ctx, conn)
	if err != nil {
		return output{}, err
	}
	if err := c.write(resp.AppendCommandStrings(nil, args...)); err != nil {
		return n.noReply(ctx, output{kind: commandKind(args)}, err)
	}
	return n.answer(ctx, c, args, fields)
}

// answer reads the reply to args, which were sent before.
func (n *node) answer(ctx context.Context, c *conn, args, fields []string) (output, error) {
	out := output{kind: commandKind(args)}
	replies := 1
	if isPubSub(args[0]) {
		replies = max(1, len(args)-1)
	}
	for replies > 0 {
		v, err := c.read(replyTimeout)
		if err != nil {
			return n.noReply(ctx, out, err)
		}
		if v.Kind != resp.Push || isPubSub(args[0]) {
			replies--
		}
		if v.IsError() {
			out.errorReply = true
		}
		if v, err = keepFields(v, fields); err != nil {
			return output{}, err
		}
		out.lines = append(out.lines, valueLines(v, fields)...)
		if v.IsError() {
			break // SUBSCRIBE and the like answer an error once
		}
	}
	return out, nil
}

// noReply is what a step answers when there is no reply: the connection's fate,
// unless the node has crashed or hangs.
func (n *node) noReply(ctx context.Context, out output, err error) (output, error) {
	var malformed *resp.FormatError
	switch {
	case errors.As(err, &malformed):
		out.lines = append(out.lines, "malformed reply: "+malformed.Error())
		return out, nil
	case errors.Is(err, errClosed):
		out.lines = append(out.lines, "closed")
		return out, n.explain(ctx, nil)
	case isTimeout(err):
		out.lines = append(out.lines, "nothing")
		out.owed = true
		if n.down || n.frozen {
			return out, nil
		}
		return out, n.ping(ctx)
	default:
		return out, n.explain(ctx, err)
	}
}

// commandKind is the name by which masks know a reply: the command, and the
// subcommand of a container command.
func commandKind(args []string) string {
	kind := strings.ToUpper(args[0])
	switch kind {
	case "CLUSTER", "CLIENT", "CONFIG", "COMMAND", "DEBUG", "MEMORY", "OBJECT", "PUBSUB", "SCRIPT", "FUNCTION", "ACL", "LATENCY", "SLOWLOG", "XINFO", "MODULE":
		if len(args) > 1 {
			kind += " " + strings.ToUpper(args[1])
		}
	}
	return kind
}

// keepFields reduces a text of field:value lines to the named ones.
func keepFields(v resp.Value, fields []string) (resp.Value, error) {
	if fields == nil || v.IsError() {
		return v, nil
	}
	if v.Kind != resp.Bulk && v.Kind != resp.Verbatim {
		return v, fmt.Errorf("the reply is a %s, and a pipe takes the fields of a text", v.Kind)
	}
	have := map[string]string{}
	for line := range strings.Lines(string(v.Str)) {
		line = strings.TrimRight(line, "\r\n")
		if key, _, ok := strings.Cut(line, ":"); ok {
			have[key] = line
		}
	}
	var kept []string
	for _, f := range fields {
		if line, ok := have[f]; ok {
			kept = append(kept, line)
		} else {
			kept = append(kept, f+" is missing")
		}
	}
	v.Str = []byte(strings.Join(kept, "\n"))
	return v, nil
}

// valueLines is the text form of a reply, one line an element. Kept fields stand bare.
func valueLines(v resp.Value, fields []string) []string {
	if fields != nil && !v.IsError() {
		return strings.Split(string(v.Str), "\n")
	}
	return strings.Split(strings.TrimSuffix(resp.Text(v), "\n"), "\n")
}

var verbSend = &Verb{
	Name: "send", Where: OnNode,
	Usage: "NODE[/CONN] send WORD ...",
	Doc:   "Sends one RESP command and does not read: for commands that block. `recv` reads later. With input lines, each is a further command of the same pipeline.",
	run: func(ctx context.Context, c *call) (output, error) {
		args, err := c.expandAll(c.words)
		if err != nil {
			return output{}, err
		}
		if len(args) == 0 {
			return output{}, fmt.Errorf("send: a command is missing")
		}
		n, err := c.node()
		if err != nil {
			return output{}, err
		}
		b := resp.AppendCommandStrings(nil, args...)
		for _, line := range c.step.Input {
			words, _, err := scenario.ParseWords(line)
			if err != nil {
				return output{}, err
			}
			if args, err = c.expandAll(words); err != nil {
				return output{}, err
			}
			b = resp.AppendCommandStrings(b, args...)
		}
		conn, err := n.conn(ctx, c.conn)
		if err != nil {
			return output{}, err
		}
		if err := conn.write(b); err != nil {
			return n.noReply(ctx, output{kind: "send"}, err)
		}
		return ok, nil
	},
}

// patience is how long to wait for what shall come within d, with the nodes' clock
// hurrying until relax is called: where nothing shall come, d of their clock is enough;
// else it is a bound for a slow machine.
func (c *call) patience(d time.Duration) (real time.Duration, relax func()) {
	if slices.Contains(c.step.Expect, "nothing") {
		return c.side.tempo.real(d), c.side.tempo.hurry(0)
	}
	return d, c.side.tempo.hurry(waitsFor)
}

var verbRecv = &Verb{
	Name: "recv", Where: OnNode,
	Usage: "NODE[/CONN] recv [count=N] within=D",
	Doc:   "Reads one reply or push message, or N of them. Answers `nothing` when none came in time and `closed` when the server ended the connection.",
	run: func(ctx context.Context, c *call) (output, error) {
		plain, opts, err := c.options(c.words, "within", "count")
		if err != nil {
			return output{}, err
		}
		if len(plain) > 0 {
			return output{}, fmt.Errorf("recv: unexpected word %q", plain[0].String())
		}
		within, err := duration(opts, "within")
		if err != nil {
			return output{}, err
		}
		count, err := number1(opts, "count")
		if err != nil {
			return output{}, err
		}
		n, err := c.node()
		if err != nil {
			return output{}, err
		}
		conn, err := n.conn(ctx, c.conn)
		if err != nil {
			return output{}, err
		}
		out := output{kind: "recv"}
		real, relax := c.patience(within)
		defer relax()
		end := time.Now().Add(real)
		for range count {
			v, err := conn.read(time.Until(end))
			if isTimeout(err) {
				if more := c.side.waiter.grant(ctx); more > 0 {
					end = time.Now().Add(more)
					v, err = conn.read(more)
				}
			}
			if err != nil {
				return n.noReply(ctx, out, err)
			}
			out.errorReply = out.errorReply || v.IsError()
			out.lines = append(out.lines, valueLines(v, nil)...)
		}
		return out, nil
	},
}
