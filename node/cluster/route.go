package cluster

import (
	"bytes"
	"strconv"

	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// Query is a command that is about to run, as much of it as decides where it must run.
//
// An EXEC is asked about as one query with the keys of all queued commands in order; a command
// that is being queued is asked about for itself, as Redis does.
type Query struct {
	// Keys are the keys and shard channels. Without any the command is served here. The caller
	// leaves them out for commands without key specs and for a link from this node's master.
	Keys [][]byte
	// Present reports whether a key exists, without touching or expiring it. It is called only
	// while the slot is open (migrating or importing). nil: no key exists.
	Present func(key []byte) bool

	Write     bool // the command's own WRITE flag (of a script: the one that it declares); never set for EXEC
	ExecWrite bool // an EXEC that has queued a write
	Migrate   bool // the command is MIGRATE
	// ShardPubSub says that the command, or one queued for the EXEC, publishes or subscribes to
	// shard channels. The keys from ShardFrom on are its own and those of the commands behind it.
	ShardPubSub bool
	ShardFrom   int

	// Nested says that the keys were not compared among themselves before: the query is about a
	// command inside a script, or about an EXEC. Any other command that spans slots is refused as
	// such even where the first slot has no owner (server.c:preprocessCommand).
	Nested bool

	Asking   bool // the client sent ASKING, or the command has the ASKING flag
	ReadOnly bool // the client sent READONLY
	TLS      bool // the client came over TLS and is told TLS ports
}

// RouteKind says what to do with a command.
type RouteKind uint8

// The kinds, in the order of the CLUSTER_REDIR_* codes.
const (
	RouteServe     RouteKind = iota
	RouteCrossSlot           // keys of several slots
	RouteTryAgain            // several keys, some absent, in an open slot
	RouteAsk                 // the slot is migrating and no key is here
	RouteMoved               // another node owns the slot
	RouteDown                // the cluster is down
	RouteUnbound             // nobody owns the slot
	RouteDownRO              // the cluster is down and the command writes
)

// Route says where a command goes.
type Route struct {
	Kind RouteKind
	// Slot is the slot of the keys, -1 where there are none or where Redis does not get that far.
	Slot int
	// Node, Host and Port name the other node for RouteAsk and RouteMoved. Host is the preferred
	// endpoint, which may be empty or "?".
	Node bus.ID
	Host string
	Port int
}

// Error is the text of the error reply, without '-'. It is empty for RouteServe.
// Mirrors cluster.c:clusterRedirectClient.
func (r Route) Error() string { return string(r.AppendError(nil)) }

// AppendError appends [Route.Error] to b.
func (r Route) AppendError(b []byte) []byte {
	switch r.Kind {
	case RouteServe:
		return b
	case RouteCrossSlot:
		return append(b, "CROSSSLOT Keys in request don't hash to the same slot"...)
	case RouteTryAgain:
		return append(b, "TRYAGAIN Multiple keys request during rehashing of slot"...)
	case RouteDown:
		return append(b, "CLUSTERDOWN The cluster is down"...)
	case RouteDownRO:
		return append(b, "CLUSTERDOWN The cluster is down and only accepts read commands"...)
	case RouteUnbound:
		return append(b, "CLUSTERDOWN Hash slot not served"...)
	case RouteAsk:
		b = append(b, "ASK "...)
	case RouteMoved:
		b = append(b, "MOVED "...)
	default:
		panic("cluster: unknown kind of route " + strconv.Itoa(int(r.Kind)))
	}
	b = strconv.AppendInt(b, int64(r.Slot), 10)
	b = append(b, ' ')
	b = append(b, r.Host...)
	b = append(b, ':')
	return strconv.AppendInt(b, int64(r.Port), 10)
}

// Route says where the command of q must run. It changes nothing.
// Mirrors cluster.c:getNodeByQuery.
func (n *Node) Route(q Query) Route {
	if len(q.Keys) == 0 {
		return Route{Slot: -1}
	}
	first := q.Keys[0]
	s := slot.Of(first)
	if !q.Nested && spansSlots(q.Keys[1:], s) {
		return Route{Kind: RouteCrossSlot, Slot: -1}
	}
	owner := n.slots[s]
	if owner == nil {
		return Route{Kind: RouteUnbound, Slot: -1}
	}
	migrating := owner == n.myself && n.migrating[s] != nil
	importing := !migrating && n.importing[s] != nil
	distinct := false
	present, absent := 0, 0
	for i, key := range q.Keys {
		if i > 0 {
			if q.Nested && slot.Of(key) != s {
				return Route{Kind: RouteCrossSlot, Slot: -1}
			}
			distinct = distinct || !bytes.Equal(first, key)
		}
		if (migrating || importing) && (!q.ShardPubSub || i < q.ShardFrom) {
			if q.Present != nil && q.Present(key) {
				present++
			} else {
				absent++
			}
		}
	}
	if n.state != bus.StateOK {
		switch {
		case q.ShardPubSub:
			if !n.set.AllowPubSubShardWhenDown {
				return Route{Kind: RouteDown, Slot: -1}
			}
		case !n.set.AllowReadsWhenDown:
			return Route{Kind: RouteDown, Slot: -1}
		case q.Write:
			return Route{Kind: RouteDownRO, Slot: -1}
		}
	}
	serve := Route{Slot: int(s)}
	if (migrating || importing) && q.Migrate {
		return serve
	}
	if migrating && absent > 0 {
		if present > 0 {
			return Route{Kind: RouteTryAgain, Slot: int(s)}
		}
		if n.migrating[s] == n.myself {
			return serve // SETSLOT MIGRATING to oneself: nobody else to ask
		}
		return n.redirect(RouteAsk, s, n.migrating[s], q.TLS)
	}
	if importing && q.Asking {
		if distinct && absent > 0 {
			return Route{Kind: RouteTryAgain, Slot: int(s)}
		}
		return serve
	}
	if (q.ReadOnly || q.ShardPubSub) && !q.Write && !q.ExecWrite &&
		n.myself.isReplica() && n.myself.master == owner {
		return serve
	}
	if owner != n.myself {
		return n.redirect(RouteMoved, s, owner, q.TLS)
	}
	return serve
}

func spansSlots(keys [][]byte, s uint16) bool {
	for _, key := range keys {
		if slot.Of(key) != s {
			return true
		}
	}
	return false
}

// BlockedQuery is a client that waits for keys of one slot.
type BlockedQuery struct {
	// Slot is that of the first key, -1: blocked by a module on no key.
	Slot     int
	ReadOnly bool // the client sent READONLY
	Write    bool // the blocking command has the WRITE flag
	TLS      bool
}

// RouteBlocked says whether a client that waits for keys may go on waiting (RouteServe) or
// what it is told instead. Mirrors cluster.c:clusterRedirectBlockedClientIfNeeded.
func (n *Node) RouteBlocked(q BlockedQuery) Route {
	if n.state != bus.StateOK {
		return Route{Kind: RouteDown, Slot: -1}
	}
	if q.Slot < 0 {
		return Route{Slot: -1}
	}
	s := uint16(q.Slot)
	owner := n.slots[s]
	if q.ReadOnly && !q.Write && n.myself.isReplica() && n.myself.master == owner {
		owner = n.myself
	}
	switch {
	case owner == n.myself || n.importing[s] != nil:
		return Route{Slot: q.Slot}
	case owner == nil:
		return Route{Kind: RouteUnbound, Slot: -1}
	}
	return n.redirect(RouteMoved, s, owner, q.TLS)
}

func (n *Node) redirect(kind RouteKind, s uint16, to *peer, tls bool) Route {
	return Route{Kind: kind, Slot: int(s), Node: to.id, Host: n.endpoint(to), Port: to.clientPort(tls)}
}

// endpoint mirrors clusterNodePreferredEndpoint.
func (n *Node) endpoint(p *peer) string {
	switch n.set.Endpoint {
	case EndpointIP:
		return p.ip
	case EndpointHostname:
		if p.hostname == "" {
			return "?"
		}
		return p.hostname
	}
	return ""
}
