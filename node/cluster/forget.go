package cluster

import (
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// forgotten is a node that is not learned again for a while (an entry of nodes_black_list).
type forgotten struct {
	id     bus.ID
	expire uint64 // second of Unix time until which it holds, that one too
}

func (n *Node) nowSeconds() uint64 { return uint64(n.now / 1000) }

// cleanBlacklist mirrors clusterBlacklistCleanup.
func (n *Node) cleanBlacklist() {
	now := n.nowSeconds()
	n.blacklist = slices.DeleteFunc(n.blacklist, func(f forgotten) bool { return f.expire < now })
}

func (n *Node) putBlacklist(id bus.ID, expire uint64) {
	for i := range n.blacklist {
		if n.blacklist[i].id == id {
			n.blacklist[i].expire = expire
			return
		}
	}
	n.blacklist = append(n.blacklist, forgotten{id: id, expire: expire})
}

// blacklisted mirrors clusterBlacklistExists.
func (n *Node) blacklisted(id bus.ID) bool {
	if len(n.blacklist) == 0 {
		return false
	}
	n.cleanBlacklist()
	return slices.ContainsFunc(n.blacklist, func(f forgotten) bool { return f.id == id })
}

// handleForget is CLUSTER FORGET.
func (n *Node) handleForget(r Forget) Answer {
	p := n.lookupArg(r.Node)
	switch {
	case p == nil:
		n.cleanBlacklist()
		for _, f := range n.blacklist {
			// The table of Redis does not mind case.
			if strings.EqualFold(string(f.id[:]), r.Node) {
				return ok
			}
		}
		return unknownNode(r.Node)
	case p == n.myself:
		return refuse("I tried hard but I can't forget myself...")
	case n.myself.isReplica() && n.myself.master == p:
		return refuse("Can't forget my master!")
	}
	n.cleanBlacklist()
	n.putBlacklist(p.id, n.nowSeconds()+blacklistTTL)
	n.delPeer(p)
	n.later(todoUpdateState | todoSave)
	return ok
}

// handleForgotten forgets a node that the sender was told to forget.
func (n *Node) handleForgotten(sender *peer, id bus.ID, ttl uint64) {
	p := n.lookup(id)
	if p == nil || p == n.myself || (n.myself.isReplica() && n.myself.master == p) {
		return
	}
	if planted("forgotten-ignored") {
		return
	}
	if p == sender {
		n.unsafe(UnsafeForgetsItself, "node %s asks to be forgotten; the rest of its packet is ignored", sender.id)
	}
	expire := n.nowSeconds() + ttl
	if expire < ttl {
		expire = noEpochLeft
	}
	n.putBlacklist(id, expire)
	n.delPeer(p)
	n.later(todoUpdateState | todoSave)
}
