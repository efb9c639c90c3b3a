package runner

import (
	"context"
	"fmt"
	"time"

	"github.com/slotdiff/slotdiff/harness/relay"
)

// partition is what the words of cut, heal and delay say.
type partition struct {
	from string
	to   []string
	// both is false for way=out: only what from sends is concerned.
	both bool
	how  relay.How
	by   time.Duration // of delay; 0 if not given
}

// readPartition reads the words of a verb that needs relays.
func readPartition(words []word) (partition, error) {
	p := partition{both: true, how: relay.Silence}
	var names []string
	for _, w := range words {
		text, literal := w.Literal()
		if !literal {
			return p, fmt.Errorf("%s is not the name of a node", w)
		}
		key, value, isPair := w.KeyValue()
		if !isPair {
			names = append(names, text)
			continue
		}
		v, _ := value.Literal()
		switch {
		case key == "way" && v == "both":
		case key == "way" && v == "out":
			p.both = false
		case key == "how" && v == "silent":
		case key == "how" && v == "reset":
			p.how = relay.Reset
		case key == "by":
			d, err := time.ParseDuration(v)
			if err != nil || d <= 0 {
				return p, fmt.Errorf("by=%s: not a positive duration such as 500ms or 2s", v)
			}
			p.by = d
		default:
			return p, fmt.Errorf("%s is not one of way=both way=out how=silent how=reset by=D", text)
		}
	}
	if len(names) < 2 {
		return p, fmt.Errorf("want a node and those it is parted from")
	}
	p.from, p.to = names[0], names[1:]
	return p, nil
}

// each calls do for every direction that is concerned.
func (p *partition) each(do func(from, to string) error) error {
	for _, to := range p.to {
		if err := do(p.from, to); err != nil {
			return err
		}
		if !p.both {
			continue
		}
		if err := do(to, p.from); err != nil {
			return err
		}
	}
	return nil
}

// onPairs makes a verb that changes what the relays do with pairs of nodes.
func onPairs(verb string, do func(n *relay.Net, p partition, from, to string) error) func(context.Context, *call) (output, error) {
	return func(ctx context.Context, c *call) (output, error) {
		p, err := readPartition(c.words)
		if err != nil {
			return output{}, fmt.Errorf("%s: %w", verb, err)
		}
		if verb == "delay" && p.by == 0 {
			return output{}, fmt.Errorf("delay: by= is missing, e.g. by=500ms")
		}
		for _, name := range append([]string{p.from}, p.to...) {
			n, err := c.side.node(name)
			if err != nil {
				return output{}, err
			}
			if n.down || n.frozen || n.auth {
				continue
			}
			// The case may have given it a new id since.
			if err := c.side.learnID(ctx, n); err != nil {
				return output{}, err
			}
		}
		p.by = c.side.tempo.real(p.by) // relays have the wall's clock
		net := c.side.relays.net
		return ok, p.each(func(from, to string) error { return do(net, p, from, to) })
	}
}

var verbCut = &Verb{
	Name: "cut", Where: OnLine,
	Usage: "cut NODE NODE ... [way=both|out] [how=silent|reset]",
	Doc:   "Parts the first node's bus from that of each of the others: nothing arrives and connections stay open, as in a network that is gone; what was sent meanwhile arrives when it heals, since TCP sends again. With `how=reset` the links between them are reset, and every new one at its first packet. With `way=out` only what the first node sends is concerned. Clients and replication streams are never cut. A node that any step of the case cuts, delays or heals has a relay before its bus port from its start on; `$a.cport` is the relay's port, which the node announces.",
	run: onPairs("cut", func(n *relay.Net, p partition, from, to string) error {
		return n.Cut(from, to, p.how)
	}),
}

var verbHeal = &Verb{
	Name: "heal", Where: OnLine,
	Usage: "heal NODE NODE ... [way=both|out]",
	Doc:   "Ends every cut and delay between the first node and each of the others. What was held back arrives at once.",
	run: onPairs("heal", func(n *relay.Net, _ partition, from, to string) error {
		return n.Heal(from, to)
	}),
}

var verbDelay = &Verb{
	Name: "delay", Where: OnLine,
	Usage: "delay NODE NODE ... by=D [way=both|out]",
	Doc:   "Holds every bus packet between the first node and each of the others back for D, in order.",
	run: onPairs("delay", func(n *relay.Net, p partition, from, to string) error {
		return n.Delay(from, to, p.by)
	}),
}
