package cluster

import "github.com/slotdiff/slotdiff/wire/bus"

// configure takes new settings, with the effects that the apply functions of config.c have.
func (n *Node) configure(s Settings) {
	old := n.set
	n.set = s
	clear(n.due)
	n.updateMyFlags()
	n.myself.port, n.myself.tlsPort, n.myself.cport = s.announced()
	if s.AnnounceIP != old.AnnounceIP {
		n.myself.ip = s.AnnounceIP
	}
	n.setHostname(n.myself, s.AnnounceHostname)
	n.setNodename(n.myself, s.AnnounceNodename)
}

// updateMyFlags mirrors clusterUpdateMyselfFlags.
func (n *Node) updateMyFlags() {
	flags := n.myself.flags &^ bus.FlagNoFailover
	if n.set.ReplicaNoFailover {
		flags |= bus.FlagNoFailover
	}
	if flags != n.myself.flags {
		n.setFlags(n.myself, flags, bus.FlagNoFailover)
		n.later(todoSave | todoUpdateState)
	}
}

// setHostname mirrors updateAnnouncedHostname; "" is none.
func (n *Node) setHostname(p *peer, name string) {
	if p.hostname != name {
		p.hostname = name
		n.later(todoSave)
	}
}

// setNodename mirrors updateAnnouncedHumanNodename; "" is none.
func (n *Node) setNodename(p *peer, name string) {
	if p.nodename != name {
		p.nodename = name
		n.later(todoSave)
	}
}
