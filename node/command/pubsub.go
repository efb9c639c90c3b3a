package command

import (
	"cmp"
	"slices"
	"sort"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/command/glob"
	"github.com/slotdiff/slotdiff/slot"
)

// subscribers are the clients of one channel in the order in which they came.
type subscribers struct{ list []*Client }

// space is one of the three name spaces of pub/sub.
type space struct {
	subscribe, unsubscribe string
	index                  func(e *Engine) map[string]*subscribers
	own                    func(c *Client) *map[string]bool
	count                  func(c *Client) int // what a subscription's reply counts
}

func global(c *Client) int { return len(c.channels) + len(c.patterns) }

var (
	channelSpace = &space{
		"subscribe", "unsubscribe",
		func(e *Engine) map[string]*subscribers { return e.channels },
		func(c *Client) *map[string]bool { return &c.channels }, global,
	}
	patternSpace = &space{
		"psubscribe", "punsubscribe",
		func(e *Engine) map[string]*subscribers { return e.patterns },
		func(c *Client) *map[string]bool { return &c.patterns }, global,
	}
	shardSpace = &space{
		"ssubscribe", "sunsubscribe",
		func(e *Engine) map[string]*subscribers { return e.shards },
		func(c *Client) *map[string]bool { return &c.shards },
		func(c *Client) int { return len(c.shards) },
	}
)

func init() {
	sub := func(s *space) handler {
		return func(e *Engine, c *Client) {
			// The others are let through in a transaction, for old clients' sake.
			if s == shardSpace && c.has(denyBlocking) {
				c.err("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client")
				return
			}
			for _, ch := range c.argv[1:] {
				e.subscribe(c, s, string(ch))
			}
		}
	}
	unsub := func(s *space) handler {
		return func(e *Engine, c *Client) {
			if len(c.argv) == 1 {
				e.unsubscribeSpace(c, s, true)
				return
			}
			for _, ch := range c.argv[1:] {
				e.unsubscribe(c, s, string(ch), true)
			}
		}
	}
	register(map[string]handler{
		"subscribe": sub(channelSpace), "psubscribe": sub(patternSpace), "ssubscribe": sub(shardSpace),
		"unsubscribe": unsub(channelSpace), "punsubscribe": unsub(patternSpace), "sunsubscribe": unsub(shardSpace),
		"publish":              func(e *Engine, c *Client) { e.publish(c, false) },
		"spublish":             func(e *Engine, c *Client) { e.publish(c, true) },
		"pubsub|channels":      func(e *Engine, c *Client) { pubsubChannels(c, e.channels) },
		"pubsub|shardchannels": func(e *Engine, c *Client) { pubsubChannels(c, e.shards) },
		"pubsub|numsub":        func(e *Engine, c *Client) { pubsubNumSub(c, e.channels) },
		"pubsub|shardnumsub":   func(e *Engine, c *Client) { pubsubNumSub(c, e.shards) },
		"pubsub|numpat":        func(e *Engine, c *Client) { c.int(int64(len(e.patterns))) },
	})
}

func (e *Engine) subscribe(c *Client, s *space, name string) {
	own := s.own(c)
	if !(*own)[name] {
		if *own == nil {
			*own = map[string]bool{}
		}
		(*own)[name] = true
		idx := s.index(e)
		if idx[name] == nil {
			idx[name] = &subscribers{}
		}
		idx[name].list = append(idx[name].list, c)
	}
	c.push(3)
	c.text(s.subscribe)
	c.text(name)
	c.int(int64(s.count(c)))
}

func (e *Engine) unsubscribe(c *Client, s *space, name string, notify bool) {
	own := *s.own(c)
	if own[name] {
		delete(own, name)
		idx := s.index(e)
		subs := idx[name]
		if i := slices.Index(subs.list, c); i >= 0 {
			subs.list = slices.Delete(subs.list, i, i+1)
		}
		if len(subs.list) == 0 {
			delete(idx, name)
		}
	}
	if notify {
		c.push(3)
		c.text(s.unsubscribe)
		c.text(name)
		c.int(int64(s.count(c)))
	}
}

// unsubscribeSpace leaves every channel, in the order of their names.
func (e *Engine) unsubscribeSpace(c *Client, s *space, notify bool) {
	names := sortedNames(*s.own(c))
	for _, n := range names {
		e.unsubscribe(c, s, n, notify)
	}
	if notify && len(names) == 0 {
		c.push(3)
		c.text(s.unsubscribe)
		c.null()
		c.int(int64(s.count(c)))
	}
}

func (e *Engine) unsubscribeAll(c *Client) {
	for _, s := range []*space{channelSpace, patternSpace, shardSpace} {
		e.unsubscribeSpace(c, s, false)
	}
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// publish mirrors pubsub.c:pubsubPublishMessageAndPropagateToCluster.
func (e *Engine) publish(c *Client, shard bool) {
	ch, msg := c.argv[1], c.argv[2]
	n := e.deliver(ch, msg, shard)
	if _, err := e.Cluster.Do(e.now, cluster.Publish{Channel: ch, Message: msg, Shard: shard}); err != nil {
		panic(err) // the driver's time went backwards: our bug
	}
	c.int(int64(n))
}

// pushTo makes what is written to a client a push: to the client whose command
// runs it comes after the command's own reply (networking.c, CLIENT_PUSHING and
// pending_push_messages). The function that it returns ends the push.
func (e *Engine) pushTo(to *Client) (end func()) {
	e.touch(to)
	if to != e.running {
		return func() {}
	}
	reply := to.Out
	to.Out = e.later
	return func() { e.later, to.Out = to.Out, reply }
}

// deliver gives a message to the local subscribers and returns their number.
func (e *Engine) deliver(ch, msg []byte, shard bool) int {
	n, sharded := 0, noSlot // sharded: the slot that a message counts for
	send := func(to *Client, kind string, pattern string) {
		words := 3
		if kind == "pmessage" {
			words = 4
		}
		defer e.pushTo(to)()
		if n := e.net(sharded); n != nil {
			start := len(to.Out)
			defer func() { n.out += int64(len(to.Out) - start) }()
		}
		to.push(words)
		to.text(kind)
		if words == 4 {
			to.text(pattern)
		}
		to.bulk(ch)
		to.bulk(msg)
		n++
	}
	if shard {
		if e.slotStatsEnabled().net {
			sharded = int(slot.Of(ch))
		}
		if subs := e.shards[string(ch)]; subs != nil {
			for _, to := range subs.list {
				send(to, "smessage", "")
			}
		}
		return n
	}
	if subs := e.channels[string(ch)]; subs != nil {
		for _, to := range subs.list {
			send(to, "message", "")
		}
	}
	for _, p := range sortedNames(e.patterns) {
		if glob.Match(p, string(ch), false) {
			for _, to := range e.patterns[p].list {
				send(to, "pmessage", p)
			}
		}
	}
	return n
}

// dropShardChannels unsubscribes every client from the shard channels of slots
// that changed hands, slot by slot. Mirrors pubsub.c:removeChannelsInSlot.
func (e *Engine) dropShardChannels(slots slot.Set) {
	names := slices.DeleteFunc(sortedNames(e.shards), func(name string) bool { return !slots.Has(slot.Of([]byte(name))) })
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(slot.Of([]byte(a)), slot.Of([]byte(b))) })
	for _, name := range names {
		for _, c := range slices.Clone(e.shards[name].list) {
			end := e.pushTo(c)
			e.unsubscribe(c, shardSpace, name, true)
			end()
		}
	}
}

func pubsubChannels(c *Client, idx map[string]*subscribers) {
	if len(c.argv) > 3 {
		subcommandSyntax(c)
		return
	}
	var names []string
	for _, n := range sortedNames(idx) {
		if len(c.argv) < 3 || glob.Match(string(c.argv[2]), n, false) {
			names = append(names, n)
		}
	}
	c.array(len(names))
	for _, n := range names {
		c.text(n)
	}
}

func pubsubNumSub(c *Client, idx map[string]*subscribers) {
	names := c.argv[2:]
	c.array(2 * len(names))
	for _, n := range names {
		c.bulk(n)
		if s := idx[string(n)]; s != nil {
			c.int(int64(len(s.list)))
		} else {
			c.int(0)
		}
	}
}
