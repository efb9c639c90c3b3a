package runner

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slotdiff/slotdiff/harness/puppet"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// The packet of a fence. A node counts every packet by its type before it looks at the version, and drops one of another version without
// asking who sent it (cluster_legacy.c:clusterProcessPacket), so that nothing but the count changes.
const (
	fenceType    = bus.TypeMFStart
	fenceVersion = "65535"
	fenceField   = "cluster_stats_messages_mfstart_received"
	fencePollMax = 20 * time.Millisecond
)

var verbFence = &Verb{
	Name: "fence", Where: OnPuppet,
	Usage: "PUPPET fence NODE [link=NAME] within=D",
	Doc:   "Waits until the node has processed all that the puppet sent on a link before, without changing anything: a packet of a version that does not exist goes out on it, which a node counts and drops, and CLUSTER INFO is asked until it is counted. What is sent on another link afterwards comes later for sure. Answers `closed` when the link is gone, and `nothing` when the packet is not counted in time, as on a link with half a packet in it.",
	run: func(ctx context.Context, c *call) (output, error) {
		plain, opts, within, err := c.fence()
		if err != nil {
			return output{}, err
		}
		to, err := c.expand(plain)
		if err != nil {
			return output{}, err
		}
		n, err := c.side.node(to)
		if err != nil {
			return output{}, fmt.Errorf("fence: %w", err)
		}
		return c.raise(ctx, n, opts["link"], within)
	},
}

// fence reads the words of a fence.
func (c *call) fence() (node word, opts map[string]string, within time.Duration, err error) {
	plain, opts, err := c.options(c.words, "link", "within")
	if err == nil && len(plain) != 1 {
		err = fmt.Errorf("want one node, have %d words", len(plain))
	}
	if err != nil {
		return node, nil, 0, err
	}
	within, err = duration(opts, "within")
	return plain[0], opts, within, err
}

// raise sends the packet of a fence and waits for its being counted. Of packets of that type which may not have been counted yet, on
// whatever link, there can be as many as were sent: so many and one more are sent.
func (c *call) raise(ctx context.Context, n *node, link string, within time.Duration) (output, error) {
	a := c.side.puppets[c.actor]
	count := 1
	for _, other := range c.side.puppets {
		for _, sent := range other.uncounted {
			count += sent
		}
	}
	frame, err := a.Build([]string{fenceType.String(), "ver=" + fenceVersion}, nil)
	if err != nil {
		return output{}, err
	}
	before, err := n.counted(ctx)
	if err != nil {
		return output{}, err
	}
	real, relax := c.patience(within)
	defer relax()
	end := time.Now().Add(real)
	err = a.Flood(ctx, link, frame, count)
	if out, err := linkAnswer(ok, err); err != nil || out.lines[0] != ok.lines[0] {
		return out, err
	}
	for interval := pollMin / 4; ; interval = min(2*interval, fencePollMax) {
		now, err := n.counted(ctx)
		switch {
		case err != nil:
			return output{}, err
		case now >= before+uint64(count):
			delete(a.uncounted, linkKey(link))
			return ok, nil
		case a.Gone(link):
			return output{kind: "packet", lines: []string{"closed"}}, nil
		case time.Now().After(end):
			a.owes(link, fenceType, count)
			return output{kind: "packet", lines: []string{"nothing"}}, nil
		}
		if err := pause(ctx, interval, nil); err != nil {
			return output{}, fmt.Errorf("fence: the case's deadline passed: %w", err)
		}
	}
}

// counted is how many packets of a fence's type the node says that it has received.
func (n *node) counted(ctx context.Context) (uint64, error) {
	c, err := n.prober(ctx)
	if err != nil {
		return 0, err
	}
	text, err := c.text("CLUSTER", "INFO")
	if err != nil {
		c.close()
		return 0, n.explain(ctx, fmt.Errorf("fence: node %s: CLUSTER INFO: %w", n.name, err))
	}
	_, after, found := strings.Cut(text, fenceField+":")
	if !found {
		return 0, nil // none so far
	}
	digits, _, _ := strings.Cut(after, "\r")
	count, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, n.broken("CLUSTER INFO: %s is %q", fenceField, digits)
	}
	return count, nil
}

// linkKey is how sent packets are kept by link: "" is mostly puppet.Out, and where it is not there is one packet more than need be.
func linkKey(link string) string {
	if link == "" {
		return puppet.Out
	}
	return link
}

// sent notes what a puppet sends that counts as a fence does.
func (a *actor) sent(link string, frame []byte, times int) {
	if len(frame) >= bus.HeaderLen {
		a.owes(link, bus.Type(binary.BigEndian.Uint16(frame[12:])), times)
	}
}

func (a *actor) owes(link string, t bus.Type, times int) {
	if t != fenceType {
		return
	}
	if a.uncounted == nil {
		a.uncounted = map[string]int{}
	}
	a.uncounted[linkKey(link)] += times
}
