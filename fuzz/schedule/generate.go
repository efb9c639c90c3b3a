// Package schedule makes the fault schedules of `slotdiff fuzz schedule` from seeds, and reduces
// those that break an invariant to the events that it takes.
//
// It refuses to know what is right: harness/sim plays a schedule and judges it.
package schedule

import (
	"math/rand/v2"
	"reflect"

	fuzz "github.com/google/gofuzz"

	"github.com/slotdiff/slotdiff/harness/sim"
	"github.com/slotdiff/slotdiff/slot"
)

// DefaultNodes is how many nodes a cluster has if nothing else is asked for.
const DefaultNodes = 7

// source gives gofuzz the chance of a PCG.
type source struct{ *rand.PCG }

func (s source) Int63() int64 { return int64(s.Uint64() >> 1) }
func (s source) Seed(int64)   { panic("fuzz/schedule: a run has one seed") }

// weights say how often an op is picked. Ops that are not named end a round or are part of its plan.
var weights = []struct {
	op     sim.Op
	weight int
	in     kind
}{
	{op: &sim.Cut{}, weight: 10},
	{op: &sim.Split{}, weight: 10},
	{op: &sim.Delay{}, weight: 8},
	{op: &sim.Drop{}, weight: 6},
	{op: &sim.Duplicate{}, weight: 5},
	{op: &sim.Reorder{}, weight: 5},
	{op: &sim.Mend{}, weight: 5},
	{op: &sim.Heal{}, weight: 6},
	{op: &sim.Sever{}, weight: 4},
	{op: &sim.HalfOpen{}, weight: 4},
	{op: &sim.Kill{}, weight: 6},
	{op: &sim.Crash{}, weight: 10},
	{op: &sim.Behead{}, weight: 6},
	{op: &sim.Start{}, weight: 12},
	{op: &sim.Tear{}, weight: 3},
	{op: &sim.Pause{}, weight: 6},
	{op: &sim.Skew{}, weight: 4},
	{op: &sim.Lag{}, weight: 5},
	{op: &sim.Failover{}, weight: 5},
	{op: &sim.ForceFailover{}, weight: 4},
	{op: &sim.Replicate{}, weight: 2},
	{op: &sim.Wait{}, weight: 6},
	{op: &sim.Takeover{}, weight: 3, in: alone},
	{op: &sim.Bump{}, weight: 3, in: alone},
	{op: &sim.Move{}, weight: 6, in: alone},
	{op: &sim.Forget{}, weight: 8, in: leaving},
	{op: &sim.Reset{}, weight: 8, in: leaving},
	{op: &sim.Blackout{}, weight: 6, in: machines},
}

// kind is what only some runs have, as bits.
type kind uint8

const (
	// alone: ops that take a config epoch without asking a majority. Redis does not promise
	// then that no two masters claim a slot at one epoch.
	alone kind = 1 << iota
	// leaving: nodes are forgotten or reset, and meet the others again after the faults.
	leaving
	// machines: several nodes share a machine.
	machines
)

// Rounds and times of a schedule, ms.
const (
	maxRounds    = 3
	maxFaults    = 12
	quiet        = 3000    // before the first fault
	convergeTime = 120_000 // for all views to agree after the faults
	forgetTime   = 100_000 // until nobody refuses a forgotten node, also by a slow clock
)

type generator struct {
	*rand.Rand
	fill  *fuzz.Fuzzer
	setup sim.Setup
	out   []sim.Event
}

// Generate makes the schedule of a seed for a cluster of so many nodes: rounds of faults, after each
// of which the network heals, everything is started, and all views must agree; at last an
// operator replaces a master, and one falls silent for good and must be replaced. The same arguments give the same schedule.
func Generate(seed uint64, nodes int) *sim.Schedule {
	src := source{rand.NewPCG(seed, 0x7363686564)}
	g := &generator{Rand: rand.New(src), setup: sim.DefaultSetup(seed)}
	g.setup.Nodes = nodes
	g.setup.Masters = max(1, nodes*3/7)
	if nodes >= 12 && g.IntN(2) == 0 {
		g.setup.Masters = nodes / 3
	}
	g.setup.Timeout = []int64{500, 1000, 1000, 2000}[g.IntN(4)]
	g.setup.Validity = []int{0, 0, 10}[g.IntN(3)]
	g.setup.Meet = nodes <= 10 && g.IntN(5) == 0
	in := kind(0)
	if nodes >= 12 && g.IntN(2) == 0 {
		in |= machines
		g.setup.Machines = nodes / 3
	}
	g.fill = g.fuzzer(src)
	if g.IntN(3) == 0 {
		in |= alone
	}
	if g.IntN(5) == 0 {
		in |= leaving
	}
	g.add(quiet, &sim.Wait{})
	for range 1 + g.IntN(maxRounds) {
		for range 1 + g.IntN(maxFaults) {
			g.add(g.gap(), g.op(in))
		}
		g.add(g.gap(), &sim.Heal{})
		g.add(0, &sim.StartAll{})
		if in&leaving != 0 {
			g.add(forgetTime, &sim.Join{})
		}
		g.add(0, &sim.Converge{Within: convergeTime})
	}
	// Until no voter remembers a vote about the master, and no replica lags.
	g.add(10*g.setup.Timeout, &sim.Switch{Slot: g.IntN(slot.Count)})
	g.add(0, &sim.Converge{Within: convergeTime})
	g.add(g.gap(), &sim.Behead{Slot: g.IntN(slot.Count)})
	g.add(0, &sim.Converge{Within: convergeTime})
	return &sim.Schedule{Setup: g.setup, Events: g.out}
}

func (g *generator) add(after int64, op sim.Op) {
	g.out = append(g.out, sim.Event{After: after, Op: op})
}

// gap is the time between two faults: often none, sometimes enough for an election.
func (g *generator) gap() int64 {
	switch g.IntN(4) {
	case 0:
		return 0
	case 1:
		return g.Int64N(100)
	case 2:
		return g.Int64N(g.setup.Timeout * 2)
	default:
		return g.Int64N(g.setup.Timeout * 8)
	}
}

// op picks an op and has its fields filled.
func (g *generator) op(in kind) sim.Op {
	total := 0
	for _, w := range weights {
		if w.in&^in == 0 {
			total += w.weight
		}
	}
	pick := g.IntN(total)
	for _, w := range weights {
		if w.in&^in != 0 {
			continue
		}
		if pick -= w.weight; pick < 0 {
			op := reflect.New(reflect.TypeOf(w.op).Elem()).Interface().(sim.Op)
			g.fill.Fuzz(op)
			return op
		}
	}
	panic("fuzz/schedule: weights do not add up")
}

// fuzzer fills the fields of ops with values that fit the cluster.
func (g *generator) fuzzer(src source) *fuzz.Fuzzer {
	pair := func(from, to *sim.Host) {
		*from = sim.Host(g.IntN(g.setup.Nodes))
		*to = sim.Host((int(*from) + 1 + g.IntN(max(1, g.setup.Nodes-1))) % g.setup.Nodes)
	}
	return fuzz.New().RandSource(src).NilChance(0).Funcs(
		func(h *sim.Host, c fuzz.Continue) { *h = sim.Host(c.Intn(g.setup.Nodes)) },
		func(side *sim.Hosts, c fuzz.Continue) {
			for _, h := range c.Perm(g.setup.Nodes)[:1+c.Intn(max(1, g.setup.Nodes/2))] {
				*side = append(*side, sim.Host(h))
			}
		},
		func(ms *sim.Millis, c fuzz.Continue) { *ms = sim.Millis(c.Int63n(g.setup.Timeout * 6)) },
		func(p *sim.Permille, c fuzz.Continue) { *p = sim.Permille(1 + c.Intn(1000)) },
		func(p *sim.CrashPoint, c fuzz.Continue) { *p = sim.CrashPoint(c.Intn(4)) },
		func(o *sim.Cut, c fuzz.Continue) { pair(&o.From, &o.To) },
		func(o *sim.Mend, c fuzz.Continue) { pair(&o.From, &o.To) },
		func(o *sim.Sever, c fuzz.Continue) { pair(&o.From, &o.To) },
		func(o *sim.HalfOpen, c fuzz.Continue) { pair(&o.From, &o.To) },
		func(o *sim.Replicate, c fuzz.Continue) { pair(&o.Host, &o.Of) },
		func(o *sim.Delay, c fuzz.Continue) {
			pair(&o.From, &o.To)
			c.Fuzz(&o.Ms)
			c.Fuzz(&o.MaxJitter)
			if c.RandBool() {
				o.Ms, o.MaxJitter = o.Ms/20, o.MaxJitter/20
			}
		},
		func(o *sim.Duplicate, c fuzz.Continue) {
			pair(&o.From, &o.To)
			c.Fuzz(&o.Share)
		},
		func(o *sim.Reorder, c fuzz.Continue) {
			pair(&o.From, &o.To)
			c.Fuzz(&o.Share)
		},
		func(o *sim.Forget, c fuzz.Continue) { pair(&o.Host, &o.Of) },
		func(o *sim.Reset, c fuzz.Continue) {
			c.Fuzz(&o.Host)
			o.Hard = sim.Flag(c.RandBool())
		},
		func(o *sim.Blackout, c fuzz.Continue) {
			o.From = c.Intn(g.setup.Machines)
			o.Count = 1 + c.Intn(g.setup.Machines-o.From)
		},
		func(o *sim.Drop, c fuzz.Continue) {
			pair(&o.From, &o.To)
			c.Fuzz(&o.Share)
		},
		func(o *sim.Crash, c fuzz.Continue) {
			c.FuzzNoCustom(o)
			if o.Sends = c.Intn(g.setup.Nodes); o.Point != sim.AfterSends {
				o.Sends = 0
			}
		},
		func(o *sim.Behead, c fuzz.Continue) { o.Slot = c.Intn(slot.Count) },
		func(o *sim.Skew, c fuzz.Continue) {
			c.FuzzNoCustom(o)
			o.Rate = sim.Permille(800 + c.Intn(450))
		},
		func(o *sim.Move, c fuzz.Continue) {
			c.Fuzz(&o.To)
			o.Lo = c.Intn(slot.Count)
			o.Hi = min(o.Lo+c.Intn(200), slot.Count-1)
		},
	)
}
