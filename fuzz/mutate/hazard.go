package mutate

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/harness/mask"
	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// hazard names why a mutant is no use to play, though every server bears it; "": it is. A node shows the addresses that it is told, in
// packets or by a command, and does not look at them.
func hazard(c *scenario.Case) string {
	for _, st := range c.Steps() {
		if announcesNoAddress(st) {
			return quirks.NoAddress
		}
	}
	if bareOfMasks(c) {
		return maskedElsewhere
	}
	return quirks.HazardOf(c)
}

// maskedElsewhere names a command in whose answer a mask hides what varies, where the answer comes as that of another: of EXEC, or of a
// command behind one whose answer nobody has read.
const maskedElsewhere = "masked-elsewhere"

func bareOfMasks(c *scenario.Case) bool {
	type conn struct {
		queues bool // MULTI
		unread []string
		late   bool // an answer has been read as that of a later command
	}
	conns := map[string]*conn{}
	masked := func(what string) bool { return len(mask.ForKind(what)) > 0 }
	for _, st := range c.Steps() {
		to := conns[st.Actor]
		if to == nil {
			to = &conn{}
			conns[st.Actor] = to
		}
		what, sent := strings.CutPrefix(runner.Describe(c, st), "send ")
		switch {
		case strings.HasPrefix(what, "recv"):
			to.unread = to.unread[min(1, len(to.unread)):]
			continue
		case sent:
			to.unread = append(to.unread, what)
		case len(to.unread) > 0:
			to.late = to.late || masked(what) || slices.ContainsFunc(to.unread, masked)
		}
		if masked(what) && (to.queues || to.late) {
			return true
		}
		switch what {
		case "MULTI":
			to.queues = true
		case "EXEC", "DISCARD", "RESET":
			to.queues = false
		}
	}
	return slices.ContainsFunc(slices.Collect(maps.Values(conns)), func(to *conn) bool { return to.late })
}

// taskByClock names a difference in what is told of a slot migration that has begun: when that was, and how far it is.
const taskByClock = "migration-by-clock"

// tellsOfTask reports whether a play ended at CLUSTER MIGRATION STATUS while the oracle had a task.
func tellsOfTask(res *verdict.Result) bool {
	if len(res.Steps) == 0 {
		return false
	}
	last := len(res.Steps) - 1
	_, command, _ := strings.Cut(strings.ToUpper(res.Steps[last].Text), " ")
	return strings.HasPrefix(command, "CLUSTER MIGRATION STATUS") && slices.ContainsFunc(res.Steps[:last], func(st verdict.Step) bool {
		return st.Oracle != nil && slices.Equal(st.Oracle.Lines, []string{`"<task>"`})
	})
}

// announcesNoAddress reports whether a command makes a node show itself with what is no address.
func announcesNoAddress(st *scenario.Step) bool {
	words := st.Words
	if len(words) > 0 && words[0].String() == "send" {
		words = words[1:]
	}
	if len(words) < 4 || !strings.EqualFold(words[0].String(), "CONFIG") || !strings.EqualFold(words[1].String(), "SET") {
		return false
	}
	for i := 2; i+1 < len(words); i += 2 {
		if !strings.EqualFold(words[i].String(), "cluster-announce-ip") {
			continue
		}
		ip := words[i+1].String()
		if s, ok := words[i+1].Literal(); ok {
			ip = s
		}
		ip, _, _ = strings.Cut(ip, "\x00")
		if _, err := netip.ParseAddr(ip); err != nil && ip != "" {
			return true
		}
	}
	return false
}
