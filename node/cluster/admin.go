package cluster

import (
	"fmt"
	"strings"
)

// handleRequest runs an operator's command, in the order of checks and with the texts of
// cluster_legacy.c:clusterCommandSpecial.
func (n *Node) handleRequest(req Request) Answer {
	switch r := req.(type) {
	case Meet:
		return n.handleMeetRequest(r)
	case AddSlots:
		return n.changeSlots(r.Slots, false)
	case DelSlots:
		return n.changeSlots(r.Slots, true)
	case AddSlotsRange:
		return n.changeRanges(r.Ranges, false)
	case DelSlotsRange:
		return n.changeRanges(r.Ranges, true)
	case FlushSlots:
		return n.handleFlushSlots(r)
	case SetSlot:
		return n.handleSetSlot(r)
	case BumpEpoch:
		return n.handleBumpEpoch()
	case SetConfigEpoch:
		return n.handleSetConfigEpoch(r)
	case SaveConfig:
		n.persist, n.sync = true, true
		n.todo &^= todoSave | todoSync
		return ok
	case Forget:
		return n.handleForget(r)
	case Replicate:
		return n.handleReplicate(r)
	case CountFailureReports:
		return n.handleCountFailureReports(r)
	case Failover:
		return n.handleFailoverRequest(r)
	case Reset:
		return n.handleReset(r)
	case Publish:
		n.propagate(r)
		return ok
	case Configure:
		n.configure(r.Settings)
		return ok
	case KillLink:
		return n.handleKillLink(r)
	case Claim:
		n.reconcile(r)
		return ok
	}
	panic(fmt.Sprintf("cluster: no request: %T", req))
}

// ok is the answer +OK.
var ok = Answer{Kind: AnswerOK}

// refuse is an error reply with the code ERR. Line ends inside become spaces, as
// addReplyErrorFormat makes them.
func refuse(format string, args ...any) Answer {
	text := strings.Trim(fmt.Sprintf(format, args...), "\r\n")
	return Answer{Kind: AnswerError, Text: "ERR " + lineEnds.Replace(text)}
}

var lineEnds = strings.NewReplacer("\r", " ", "\n", " ")

// unknownNode is the answer to an id that names nobody.
func unknownNode(arg string) Answer { return refuse("Unknown node %s", cString(arg)) }

// cString is as much of an argument as Redis prints of it with %s.
func cString(arg string) string {
	s, _, _ := strings.Cut(arg, "\x00")
	return s
}

// handleCountFailureReports is CLUSTER COUNT-FAILURE-REPORTS.
func (n *Node) handleCountFailureReports(r CountFailureReports) Answer {
	p := n.lookupArg(r.Node)
	if p == nil {
		return unknownNode(r.Node)
	}
	return Answer{Kind: AnswerInt, Value: int64(n.countFailReports(p))}
}

// handleKillLink is DEBUG CLUSTERLINK KILL. Mirrors handleDebugClusterCommand.
func (n *Node) handleKillLink(r KillLink) Answer {
	p := n.lookupArg(r.Node)
	if p == nil {
		return unknownNode(r.Node)
	}
	if r.Direction&LinkTo != 0 {
		n.closeLink(p.out)
	}
	if r.Direction&LinkFrom != 0 {
		n.closeLink(p.in)
	}
	return ok
}
