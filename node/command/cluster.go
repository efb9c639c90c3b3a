package command

import (
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/slot"
)

func init() {
	register(map[string]handler{
		"cluster|addslots":              clusterAddSlots,
		"cluster|delslots":              clusterAddSlots,
		"cluster|addslotsrange":         clusterAddSlotsRange,
		"cluster|delslotsrange":         clusterAddSlotsRange,
		"cluster|bumpepoch":             func(e *Engine, c *Client) { e.do(c, cluster.BumpEpoch{}) },
		"cluster|count-failure-reports": func(e *Engine, c *Client) { e.do(c, cluster.CountFailureReports{Node: string(c.argv[2])}) },
		"cluster|failover":              clusterFailover,
		"cluster|flushslots":            func(e *Engine, c *Client) { e.do(c, cluster.FlushSlots{Keys: e.DB.Len()}) },
		"cluster|forget":                func(e *Engine, c *Client) { e.do(c, cluster.Forget{Node: string(c.argv[2])}) },
		"cluster|meet":                  clusterMeet,
		"cluster|replicate":             func(e *Engine, c *Client) { e.do(c, cluster.Replicate{Node: string(c.argv[2]), Keys: e.DB.Len()}) },
		"cluster|reset":                 clusterReset,
		"cluster|saveconfig":            func(e *Engine, c *Client) { e.do(c, cluster.SaveConfig{}) },
		"cluster|set-config-epoch":      clusterSetConfigEpoch,
		"cluster|setslot":               clusterSetSlot,
		"cluster|migration":             clusterMigration,
		"cluster|syncslots":             clusterSyncSlots,
		"asking":                        func(_ *Engine, c *Client) { c.flags |= asking; c.ok() },
		"readonly":                      func(_ *Engine, c *Client) { c.flags |= readOnly; c.ok() },
		"readwrite":                     func(_ *Engine, c *Client) { c.flags &^= readOnly; c.ok() },
	})
}

const badSlot = "ERR Invalid or out of range slot"

// slotArg parses a slot, cluster.BadSlot if it is none.
func slotArg(b []byte) int {
	n, ok := table.ParseInt(b)
	if !ok || n < 0 || n >= slot.Count {
		return cluster.BadSlot
	}
	return int(n)
}

// subcommandSyntax mirrors networking.c:addReplySubcommandSyntaxError.
func subcommandSyntax(c *Client) {
	sub := cString(c.argv[1])
	if len(sub) > 128 {
		sub = sub[:128]
	}
	c.err("ERR unknown subcommand or wrong number of arguments for '" + sub + "'. Try " + strings.ToUpper(string(c.argv[0])) + " HELP.")
}

func clusterMeet(e *Engine, c *Client) {
	if len(c.argv) > 5 {
		subcommandSyntax(c)
		return
	}
	port, ok := table.ParseInt(c.argv[3])
	if !ok {
		c.err("ERR Invalid base port specified: " + cString(c.argv[3]))
		return
	}
	cport := port + 10000
	if len(c.argv) == 5 {
		if cport, ok = table.ParseInt(c.argv[4]); !ok {
			c.err("ERR Invalid bus port specified: " + cString(c.argv[4]))
			return
		}
	}
	e.do(c, cluster.Meet{IP: string(c.argv[2]), Port: port, CPort: cport})
}

func clusterAddSlots(e *Engine, c *Client) {
	slots := make([]int, 0, len(c.argv)-2)
	for _, a := range c.argv[2:] {
		slots = append(slots, slotArg(a))
	}
	if c.cmd.Name == "cluster|addslots" {
		e.do(c, cluster.AddSlots{Slots: slots})
	} else {
		e.do(c, cluster.DelSlots{Slots: slots})
	}
}

func clusterAddSlotsRange(e *Engine, c *Client) {
	if len(c.argv)%2 == 1 {
		c.arity()
		return
	}
	var ranges []cluster.Range
	for i := 2; i < len(c.argv); i += 2 {
		ranges = append(ranges, cluster.Range{Start: slotArg(c.argv[i]), End: slotArg(c.argv[i+1])})
	}
	if c.cmd.Name == "cluster|addslotsrange" {
		e.do(c, cluster.AddSlotsRange{Ranges: ranges})
	} else {
		e.do(c, cluster.DelSlotsRange{Ranges: ranges})
	}
}

func clusterSetSlot(e *Engine, c *Client) {
	r := cluster.SetSlot{Slot: slotArg(c.argv[2])}
	switch n := len(c.argv); {
	case table.IsOption(c.argv[3], "migrating") && n == 5:
		r.Action = cluster.SetSlotMigrating
	case table.IsOption(c.argv[3], "importing") && n == 5:
		r.Action = cluster.SetSlotImporting
	case table.IsOption(c.argv[3], "stable") && n == 4:
		r.Action = cluster.SetSlotStable
	case table.IsOption(c.argv[3], "node") && n == 5:
		r.Action = cluster.SetSlotNode
		if r.Slot >= 0 {
			r.Keys = e.DB.CountInSlot(uint16(r.Slot))
		}
	}
	if len(c.argv) == 5 {
		r.Node = string(c.argv[4])
	}
	e.do(c, r)
}

func clusterSetConfigEpoch(e *Engine, c *Client) {
	if n, ok := c.intArg(c.argv[2]); ok {
		e.do(c, cluster.SetConfigEpoch{Epoch: n})
	}
}

func clusterFailover(e *Engine, c *Client) {
	var r cluster.Failover
	switch {
	case len(c.argv) == 2:
	case len(c.argv) > 3:
		subcommandSyntax(c)
		return
	case table.IsOption(c.argv[2], "force"):
		r.Option = cluster.FailoverForce
	case table.IsOption(c.argv[2], "takeover"):
		r.Option = cluster.FailoverTakeover
	default:
		c.syntax()
		return
	}
	e.do(c, r)
}

func clusterReset(e *Engine, c *Client) {
	r := cluster.Reset{Keys: e.DB.Len()}
	switch {
	case len(c.argv) == 2:
	case len(c.argv) > 3:
		subcommandSyntax(c)
		return
	case table.IsOption(c.argv[2], "hard"):
		r.Hard = true
	case !table.IsOption(c.argv[2], "soft"):
		c.syntax()
		return
	}
	e.do(c, r)
}

// clusterMigration mirrors cluster_asm.c:clusterMigrationCommand. No task ever
// runs on this node, so what passes every check is refused by name.
func clusterMigration(e *Engine, c *Client) {
	if len(c.argv) < 4 {
		c.arity()
		return
	}
	switch table.Option(c.argv[2]) {
	case "import":
		if len(c.argv)%2 == 0 {
			c.arity()
			return
		}
		if text := e.checkImport(c.argv[3:]); text != "" {
			c.err("ERR " + text)
			return
		}
		c.err("ERR slotnode does not execute 'cluster|migration import'")
	case "status", "cancel":
		if len(c.argv) > 5 {
			c.arity()
			return
		}
		byID := table.IsOption(c.argv[3], "id")
		switch {
		case byID && len(c.argv) != 5, table.IsOption(c.argv[3], "all") && len(c.argv) != 4:
			c.arity()
		case !byID && !table.IsOption(c.argv[3], "all"):
			c.err("ERR unknown argument")
		case table.IsOption(c.argv[2], "cancel"):
			c.int(0)
		default:
			c.array(0)
		}
	default:
		c.err("ERR unknown argument")
	}
}

// checkImport returns the first reason against an import of the given slot
// ranges. Mirrors parseSlotRangesOrReply, slotRangeArrayNormalizeAndValidate and
// validateImportSlotRanges.
func (e *Engine) checkImport(args [][]byte) string {
	var ranges []cluster.Range
	for i := 0; i < len(args); i += 2 {
		r := cluster.Range{Start: slotArg(args[i]), End: slotArg(args[i+1])}
		if r.Start < 0 || r.End < 0 {
			return strings.TrimPrefix(badSlot, "ERR ")
		}
		ranges = append(ranges, r)
	}
	if text := normalize(&ranges); text != "" {
		return text
	}
	if e.Cluster.Replica() {
		return "slot migration not allowed on replica."
	}
	v := e.Cluster.View()
	if len(v.Open) > 0 {
		return "all slot states must be STABLE to start a slot migration task."
	}
	var owner [slot.Count]int
	for i := range owner {
		owner[i] = -1
	}
	for _, r := range v.Ranges {
		for s := int(r.Start); s <= int(r.End); s++ {
			owner[s] = r.Owner
		}
	}
	source := -1
	for _, r := range ranges {
		for s := r.Start; s <= r.End; s++ {
			switch {
			case owner[s] < 0:
				return "slot has no owner: " + itoa(s)
			case source < 0:
				source = owner[s]
			case source != owner[s]:
				return "slots belong to different source nodes"
			}
		}
	}
	if source == v.Self {
		return "this node is already the owner of the slot range"
	}
	return ""
}

// normalize sorts and joins ranges and refuses those that overlap or run backwards.
func normalize(ranges *[]cluster.Range) string {
	rs := *ranges
	if len(rs) >= slot.Count {
		return "invalid number of slot ranges: " + itoa(len(rs))
	}
	slices.SortStableFunc(rs, func(a, b cluster.Range) int { return a.Start - b.Start })
	out := rs[:1]
	for _, r := range rs[1:] {
		if last := &out[len(out)-1]; r.Start == last.End+1 {
			last.End = r.End
		} else {
			out = append(out, r)
		}
	}
	*ranges = out
	var used slot.Set
	for _, r := range out {
		if r.Start > r.End {
			return "start slot number " + itoa(r.Start) + " is greater than end slot number " + itoa(r.End)
		}
		for s := r.Start; s <= r.End; s++ {
			if used.Has(uint16(s)) {
				return "Slot " + itoa(s) + " specified multiple times"
			}
			used.Add(uint16(s))
		}
	}
	return ""
}
