// Package garbage gives the bundled node mutated packets, millions of them, in process or over a
// socket, and watches what the process holds meanwhile: it must not panic, send what is not legal, or grow.
//
// It refuses to know what the right answer to a packet is: `slotdiff fuzz bus` asks real Redis.
package garbage

// Options say how much garbage there is.
type Options struct {
	Seed    uint64
	Packets uint64
	// Every is how many packets lie between two samples; 0: a tenth of all.
	Every uint64
	// Sampled is shown each sample, nil: nobody.
	Sampled func(Sample)
}

// life is how many packets a node gets before it is reset. What it learned from garbage goes with the
// reset, as an operator would have it: Redis remembers a node that gossip made up for ever, too.
const life = 20_000

// every is the distance of samples: a multiple of life, since only a node that was reset holds nothing
// that a packet told it.
func (o *Options) every() uint64 {
	every := o.Every
	if every == 0 {
		every = o.Packets / 10
	}
	return max(every/life, 1) * life
}
