package bus

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/nodesconf"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// FuzzEpisode makes episodes of recipes, a byte a choice, and plays them on the bundled core: it must not panic, a frame that
// the rules refuse before they ask for its sender must have no answer, epochs do not fall, one node is myself, a slot has one owner, and
// what it would save must be read again as the same.
func FuzzEpisode(f *testing.F) {
	if len(seeds()) < bus.TypeCount {
		f.Fatalf("%d packets in the corpus", len(seeds()))
	}
	f.Add([]byte{})
	for i := range uint64(16) {
		src := rand.NewPCG(i, 9)
		b := make([]byte, 64<<(i%4))
		for j := range b {
			b[j] = byte(src.Uint64() >> 11)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, recipe []byte) {
		e := FromRecipe(recipe[:min(len(recipe), 2048)])
		c := newConductor(e.Met)
		var epoch, vote uint64
		for i := range e.Ops {
			op := &e.Ops[i]
			if op.Do != DoSend || !c.open(op.Link) {
				c.perform(op)
				continue
			}
			whole := c.pending(op.Link) == 0
			eff := c.send(op.Link, op.Frame)
			if v := bus.Check(op.Frame); whole && v.Action == bus.CloseLink && c.open(op.Link) {
				t.Errorf("op %d: %s, and the link is open", i, v)
			} else if whole && v.Action == bus.Ignore && !v.Rule.Unsafe() && eff.answers[op.Link.index()] > 0 {
				if n, _ := bus.FrameLen(op.Frame); n == len(op.Frame) {
					t.Errorf("op %d: %s, and there is an answer", i, v)
				}
			}
			if why := unsound(c.n, &epoch, &vote); why != "" {
				t.Fatalf("op %d, %s: %s", i, op.Tag(), why)
			}
		}
		text := c.n.AppendConfig(nil)
		saved, err := nodesconf.Parse(text)
		if err != nil {
			t.Fatalf("it cannot read what it saves: %v\n%s", err, text)
		}
		set := cluster.DefaultSettings(nodePort)
		again, err := cluster.New(cluster.Config{Rand: rand.NewPCG(3, 4), Now: c.now, Saved: saved, Settings: set})
		if err != nil {
			t.Fatalf("it does not start from what it saves: %v\n%s", err, text)
		}
		if again.ID() != nodeID {
			t.Fatalf("it starts as %s from\n%s", again.ID(), text)
		}
	})
}

// unsound says which invariant a core breaks, "" for none. epoch and vote are those of the last look.
func unsound(n *cluster.Node, epoch, vote *uint64) string {
	v := n.View()
	if v.CurrentEpoch < *epoch || v.VoteEpoch < *vote {
		return fmt.Sprintf("epochs fall from %d, %d to %d, %d", *epoch, *vote, v.CurrentEpoch, v.VoteEpoch)
	}
	*epoch, *vote = v.CurrentEpoch, v.VoteEpoch
	myself, slots := 0, 0
	for i := range v.Nodes {
		if v.Nodes[i].Flags.Has(bus.FlagMyself) {
			myself++
		}
		slots += v.Nodes[i].Slots.Len()
		for j := range i {
			if v.Nodes[i].Slots.Intersects(&v.Nodes[j].Slots) {
				return fmt.Sprintf("nodes %s and %s own one slot", v.Nodes[i].ID, v.Nodes[j].ID)
			}
		}
	}
	owned := 0
	for _, r := range v.Ranges {
		owned += int(r.End) - int(r.Start) + 1
	}
	if myself != 1 || owned != slots {
		return fmt.Sprintf("%d nodes are myself, %d slots have owners, who have %d", myself, owned, slots)
	}
	return ""
}
