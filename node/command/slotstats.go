package command

import (
	"cmp"
	"slices"

	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/slot"
)

// netBytes are what the commands of one slot brought and took.
type netBytes struct{ in, out int64 }

// noSlot is the slot of a command without one.
const noSlot = -1

// entered says what slot a client's command counts for: that of all its keys, whether it is served or not. Mirrors
// server.c:preprocessCommand.
func (e *Engine) entered(c *Client) {
	if !e.slotStatsEnabled().net || !c.cmd.Routed() {
		return
	}
	c.keyBuf = c.cmd.RoutingKeys(c.argv, c.keyBuf)
	c.slot = slotOfKeys(c.argv, c.keyBuf)
}

// slotOfKeys is noSlot where there is no key, or keys are of several slots.
func slotOfKeys(argv [][]byte, keys []table.Key) int {
	s := noSlot
	for _, k := range keys {
		switch of := int(slot.Of(argv[k.Pos])); {
		case s == noSlot:
			s = of
		case s != of:
			return noSlot
		}
	}
	return s
}

// net is the count of a slot of this node, or nil.
func (e *Engine) net(s int) *netBytes {
	if s == noSlot || !e.Cluster.Owns(uint16(s)) {
		return nil
	}
	if e.slotNet == nil {
		e.slotNet = map[int]*netBytes{}
	}
	if e.slotNet[s] == nil {
		e.slotNet[s] = &netBytes{}
	}
	return e.slotNet[s]
}

// countReply counts what a client was told since its command began: after each command of a transaction, so that the first
// replies count again with those behind. Mirrors cluster_slot_stats.c:clusterSlotStatsAddNetworkBytesOutForUserClient.
func (e *Engine) countReply(c *Client) {
	if n := e.net(c.slot); n != nil && !c.has(replyOff|replySkip) {
		n.out += int64(len(c.Out) - c.replyStart)
	}
}

// multiBytes is the length of a MULTI, which counts with its EXEC.
const multiBytes = 15

// countRequest counts a command that has ended: an array of bulk strings, or words with a blank between them. Mirrors
// cluster_slot_stats.c:clusterSlotStatsAddNetworkBytesInForUserClient.
func (e *Engine) countRequest(c *Client) {
	n := e.net(c.slot)
	if n == nil {
		return
	}
	header := func(n int) int { return len(itoa(n)) + 3 }
	size := header(len(c.argv))
	for _, a := range c.argv {
		size += header(len(a)) + len(a) + 2
	}
	if c.Inline {
		size = len(c.argv) + 1
		for _, a := range c.argv {
			size += len(a)
		}
	}
	n.in += int64(size)
	if c.cmd == cmdExec {
		n.in += multiBytes
	}
}

// slotMetric is a metric of a slot by its name.
func (e *Engine) slotMetric(name string, s int) int64 {
	n := e.slotNet[s]
	switch {
	case name == "key-count":
		return int64(e.DB.CountInSlot(uint16(s)))
	case n != nil && name == "network-bytes-in":
		return n.in
	case n != nil && name == "network-bytes-out":
		return n.out
	}
	return 0
}

// clusterSlotStats mirrors cluster_slot_stats.c:clusterSlotStatsCommand. Processor time and memory read as never
// touched: nobody else's could be the same.
func clusterSlotStats(e *Engine, c *Client) {
	mine := func(s int) bool { return e.Cluster.Owns(uint16(s)) }
	switch {
	case len(c.argv) == 5 && table.IsOption(c.argv[2], "slotsrange"):
		lo, hi := slotArg(c.argv[3]), slotArg(c.argv[4])
		if lo < 0 || hi < 0 {
			c.err(badSlot)
			return
		}
		if lo > hi {
			c.err("ERR Start slot number " + itoa(lo) + " is greater than end slot number " + itoa(hi))
			return
		}
		var slots []int
		for s := lo; s <= hi; s++ {
			if mine(s) {
				slots = append(slots, s)
			}
		}
		e.slotStats(c, slots)
	case len(c.argv) >= 4 && table.IsOption(c.argv[2], "orderby"):
		enabled := e.slotStatsEnabled()
		switch m := table.Option(c.argv[3]); {
		case m == "key-count":
		case m == "cpu-usec" && enabled.cpu, m == "memory-bytes" && enabled.mem,
			(m == "network-bytes-in" || m == "network-bytes-out") && enabled.net:
		default:
			c.err("ERR Unrecognized sort metric for ORDERBY.")
			return
		}
		limit, desc, ok := slotStatsOptions(c)
		if !ok {
			return
		}
		var slots []int
		for s := range slot.Count {
			if mine(s) {
				slots = append(slots, s)
			}
		}
		metric := table.Option(c.argv[3])
		slices.SortStableFunc(slots, func(a, b int) int {
			d := cmp.Compare(e.slotMetric(metric, a), e.slotMetric(metric, b))
			if desc {
				d = -d
			}
			return d
		})
		e.slotStats(c, slots[:min(limit, len(slots))])
	default:
		subcommandSyntax(c)
	}
}

func slotStatsOptions(c *Client) (limit int, desc, ok bool) {
	limit, desc = slot.Count, true
	limits, orders := 0, 0
	for i := 4; i < len(c.argv); i++ {
		switch {
		case table.IsOption(c.argv[i], "limit") && i+1 < len(c.argv):
			i++
			n, isInt := table.ParseInt(c.argv[i])
			if !isInt || n < 1 || n > slot.Count {
				c.err("ERR Limit has to lie in between 1 and 16384 (maximum number of slots).")
				return 0, false, false
			}
			limit = int(n)
			limits++
		case table.IsOption(c.argv[i], "asc"):
			desc = false
			orders++
		case table.IsOption(c.argv[i], "desc"):
			desc = true
			orders++
		default:
			c.syntax()
			return 0, false, false
		}
		if limits > 1 || orders > 1 {
			c.err("ERR Multiple filters of the same type are disallowed.")
			return 0, false, false
		}
	}
	return limit, desc, true
}

type slotStatKinds struct{ cpu, net, mem bool }

func (e *Engine) slotStatsEnabled() slotStatKinds {
	text := e.Config.Text("cluster-slot-stats-enabled")
	if text == "no" {
		return slotStatKinds{}
	}
	var k slotStatKinds
	for _, w := range splitWords(text) {
		switch w {
		case "yes":
			return slotStatKinds{true, true, true}
		case "cpu":
			k.cpu = true
		case "net":
			k.net = true
		case "mem":
			k.mem = true
		}
	}
	return k
}

func (e *Engine) slotStats(c *Client, slots []int) {
	k := e.slotStatsEnabled()
	c.array(len(slots))
	for _, s := range slots {
		c.array(2)
		c.int(int64(s))
		c.mapOf(1 + b2i(k.mem) + b2i(k.cpu) + 2*b2i(k.net))
		c.text("key-count")
		c.int(e.slotMetric("key-count", s))
		for _, m := range []struct {
			name string
			on   bool
		}{{"memory-bytes", k.mem}, {"cpu-usec", k.cpu}, {"network-bytes-in", k.net}, {"network-bytes-out", k.net}} {
			if m.on {
				c.text(m.name)
				c.int(e.slotMetric(m.name, s))
			}
		}
	}
}
