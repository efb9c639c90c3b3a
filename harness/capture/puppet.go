package capture

import "github.com/slotdiff/slotdiff/harness/puppet"

// FromPuppet is what a puppet's trace event is in a capture of that side. A link that a node opened is shown as
// opened by the node.
func FromPuppet(side string, t puppet.TraceEvent) Event {
	ev := Event{At: t.At, Side: side, From: t.Local, To: t.Remote, Bytes: t.Bytes, Note: t.Puppet + " " + t.Link}
	switch t.Kind {
	case puppet.TraceOpen:
		ev.Kind = Open
		if t.Inbound {
			ev.From, ev.To = ev.To, ev.From
		}
	case puppet.TraceIn:
		ev.Kind = Data
		ev.From, ev.To = ev.To, ev.From
	case puppet.TraceOut:
		ev.Kind = Data
	case puppet.TraceClose:
		ev.Kind = Close
	}
	return ev
}
