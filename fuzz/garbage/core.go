package garbage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// core is a node's core under garbage, and the little of a driver that it needs.
type core struct {
	src   *source
	n     *cluster.Node
	now   cluster.Time
	in    cluster.LinkID // the link that packets come over, 0: none
	ins   uint64
	out   []cluster.LinkID // dialled, and up
	peers map[string]int   // node by address, while it is being met
	ip    netip.Addr
}

const (
	linkLife   = 64 // packets of a link
	start      = 1_700_000_000_000
	tickPeriod = 100
	port       = 6379
)

// InProcess gives a core mutated packets.
func InProcess(ctx context.Context, o Options) ([]Sample, error) {
	src, err := newSource(o.Seed)
	if err != nil {
		return nil, err
	}
	set := cluster.DefaultSettings(port)
	set.NodeTimeout = 1000
	c := &core{src: src, now: start, ip: netip.AddrFrom4([4]byte{10, 0, 0, 1}), peers: map[string]int{}}
	c.n, err = cluster.New(cluster.Config{Rand: rand.NewPCG(o.Seed, 1), Now: start, Saved: src.file, Settings: set, LogLevel: cluster.LevelDebug})
	if err != nil {
		return nil, fmt.Errorf("garbage: %w", err)
	}
	var samples []Sample
	every := o.every()
	for i := uint64(0); i < o.Packets && ctx.Err() == nil; i++ {
		if i%life == 0 {
			if err := c.begin(i / life); err != nil {
				return samples, fmt.Errorf("garbage: after %d packets: %w", i, err)
			}
			if i > 0 && i%every == 0 {
				samples = append(samples, o.sample(i))
			}
		}
		if err := c.packet(i); err != nil {
			return samples, fmt.Errorf("garbage: packet %d of seed %d: %w", i, o.Seed, err)
		}
	}
	if err := c.begin(0); err != nil {
		return samples, fmt.Errorf("garbage: at the end: %w", err)
	}
	return append(samples, o.sample(o.Packets)), ctx.Err()
}

func (o *Options) sample(packets uint64) Sample {
	s := take(packets)
	if o.Sampled != nil {
		o.Sampled(s)
	}
	return s
}

// begin resets the node and lets it meet the others again: as a master with slots in even lives, as a
// replica in odd ones.
func (c *core) begin(number uint64) error {
	var replicate cluster.Request
	requests := []cluster.Request{cluster.Reset{Hard: true}, cluster.SetConfigEpoch{Epoch: 1}}
	for i := range c.src.file.Nodes {
		line := &c.src.file.Nodes[i]
		switch {
		case !line.Myself():
			host := int(netip.MustParseAddr(line.IP).As4()[3]) - 1
			c.peers[line.IP] = host
			requests = append(requests, cluster.Meet{IP: line.IP, Port: port, CPort: port + bus.PortIncrement})
			if line.Master.IsZero() && line.Slots != nil {
				replicate = cluster.Replicate{Node: line.ID.String()}
			}
		case line.Slots != nil && number%2 == 0:
			var add cluster.AddSlots
			for s := range line.Slots.All() {
				add.Slots = append(add.Slots, int(s))
			}
			requests = append(requests, add)
		}
	}
	for _, r := range requests {
		if err := c.do(r); err != nil {
			return err
		}
	}
	if err := c.tick(); err != nil { // dials them
		return err
	}
	clear(c.peers)
	if known := c.n.Known(); known != nodes {
		return fmt.Errorf("after a reset it knows %d nodes, not %d", known, nodes)
	}
	if number%2 == 1 {
		return c.do(replicate)
	}
	return nil
}

func (c *core) do(r cluster.Request) error {
	a, err := c.n.Do(c.now, r)
	if err != nil {
		return err
	}
	if a.Err() {
		return fmt.Errorf("%T: %s", r, a.Text)
	}
	return c.perform()
}

func (c *core) step(ev cluster.Event) error {
	if err := c.n.Step(c.now, ev); err != nil {
		return err
	}
	return c.perform()
}

func (c *core) tick() error {
	c.now += tickPeriod
	return c.step(cluster.Tick{})
}

// packet gives one packet, now and then over another link, and lets time pass.
func (c *core) packet(i uint64) error {
	if i%linkLife == 0 || c.in == 0 {
		if c.in != 0 {
			if err := c.step(cluster.LinkDown{Link: c.in, Reason: "EOF"}); err != nil {
				return err
			}
		}
		c.ins++
		c.in = cluster.Inbound(c.ins)
		if err := c.step(cluster.LinkUp{Link: c.in, Local: c.ip, Peer: c.ip}); err != nil {
			return err
		}
	}
	if i%linkLife == 0 {
		if err := c.tick(); err != nil {
			return err
		}
	}
	link := c.in
	if len(c.out) > 0 && c.src.rand.IntN(4) == 0 {
		link = c.out[c.src.rand.IntN(len(c.out))]
	}
	frame, _ := c.src.next(nil)
	return c.step(cluster.Recv{Link: link, Frame: frame})
}

// perform does what the core asks for: every dial succeeds, and every frame must be legal.
func (c *core) perform() error {
	for c.n.HasReady() {
		rd := c.n.Ready()
		for _, snd := range rd.Send {
			if v := bus.Check(snd.Frame); v.Action != bus.Accept {
				return fmt.Errorf("it sends a packet that is not legal: %v", v.Rule)
			}
		}
		for _, id := range rd.Close {
			if id == c.in {
				c.in = 0
			}
			if at := slices.Index(c.out, id); at >= 0 {
				c.out = slices.Delete(c.out, at, at+1)
			}
		}
		dials := slices.Clone(rd.Dial)
		for _, d := range dials {
			if err := c.n.Step(c.now, cluster.LinkUp{Link: d.Link, Local: c.ip, Peer: c.ip}); err != nil {
				return err
			}
			c.out = append(c.out, d.Link)
			if host, ok := c.peers[d.Host]; ok {
				if err := c.n.Step(c.now, cluster.Recv{Link: d.Link, Frame: c.src.pongs[host]}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
