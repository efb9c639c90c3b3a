package bus

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/fuzz/quirks"
	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/nodesconf"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// nodeTimeout of all nodes is so long that no timer of the protocol plays a part, ms.
const nodeTimeout = 3_600_000

// twin is the bundled node's core as a prediction of what a node does with an episode.
type twin struct {
	n     *cluster.Node
	rand  *rand.PCG // of n
	now   cluster.Time
	links [linkCount]*twinLink
	byID  map[cluster.LinkID]*twinLink
	next  uint64                  // inbound links so far
	dials map[Link]cluster.LinkID // dialled, and not yet there
	// failed are the dials of the step that is being taken which nobody answers.
	failed []cluster.LinkID
	acts   tokens
	// sent are digests of the frames that were sent, in order; kept only where it is not nil.
	sent []uint64
}

// twinLink is one connection. What the node receives on it has not been framed yet.
type twinLink struct {
	id   cluster.LinkID
	name Link
	buf  []byte
	open bool
	// bound is the first sender that the node knew on a link that it accepted: from then on the link belongs to it, whatever the
	// headers say.
	bound bus.ID
	// said is the header and extensions of the last packet that said something of its sender.
	said []byte
	// greeting is the fence that repeats said; empty: not made yet.
	greeting []byte
}

// effect is what an input came to.
type effect struct {
	// answers counts the frames that go out on each link.
	answers [linkCount]uint16
	closed  linkSet
	// unsafe are the names of rules by which the input leaves what Redis defines.
	unsafe []string
	// resized means that the number of masters with slots has changed, which Redis counts between two reads: what is read in one go with
	// the packet that changed it is judged by the number of before.
	resized bool
}

var digestSeed = maphash.MakeSeed()

var loopback = netip.MustParseAddr("127.0.0.1")

func newTwin() *twin {
	text := fmt.Sprintf("%s :%d@%d myself,master - 0 0 0 connected\nvars currentEpoch 0 lastVoteEpoch 0\n", nodeID, nodePort, nodePort+busOffset)
	saved, err := nodesconf.Parse([]byte(text))
	if err != nil {
		panic("fuzz/bus: " + err.Error())
	}
	set := cluster.DefaultSettings(nodePort)
	set.NodeTimeout = nodeTimeout
	set.ReplicaNoFailover = true
	const start = 1_795_000_000_000
	random := rand.NewPCG(1, 2)
	n, err := cluster.New(cluster.Config{Rand: random, Now: start, Saved: saved, Settings: set})
	if err != nil {
		panic("fuzz/bus: " + err.Error())
	}
	t := &twin{
		n: n, rand: random, now: start, byID: map[cluster.LinkID]*twinLink{}, dials: map[Link]cluster.LinkID{},
	}
	t.step(cluster.Tick{})
	t.now += age.Milliseconds() // as are the nodes of a lane
	t.step(cluster.Tick{})
	return t
}

// meet is the beginning of every episode: the node meets actors, who answer once and are then silent.
func (t *twin) meet(actors []int) {
	for _, a := range actors {
		t.step(cluster.Admin{Request: cluster.Meet{IP: "127.0.0.1", Port: int64(actorPort(a)), CPort: int64(actorPort(a) + busOffset)}})
	}
	t.settle()
	for _, a := range actors {
		h := template(a)
		h.Type = bus.TypePong
		l := Link{a, In}
		t.send(l, (&bus.Packet{Header: h}).Seal().Append(nil))
		t.send(l, appendFence(nil, l, nil))
	}
}

// settle lets the node dial whom it wants to dial, and answers for those who listen.
func (t *twin) settle() effect {
	var all effect
	t.now += 100
	all.add(t.step(cluster.Tick{}))
	for a := range actorCount {
		name := Link{a, In}
		id, ok := t.dials[name]
		if !ok {
			continue
		}
		delete(t.dials, name)
		l := &twinLink{id: id, name: name, open: true}
		t.links[name.index()], t.byID[id] = l, l
		all.add(t.step(cluster.LinkUp{Link: id, Local: loopback, Peer: loopback}))
	}
	return all
}

func (e *effect) add(x effect) {
	for l, n := range x.answers {
		e.answers[l] += n
	}
	e.closed |= x.closed
	e.unsafe = append(e.unsafe, x.unsafe...)
	e.resized = e.resized || x.resized
}

// dial opens a link of an actor.
func (t *twin) dial(name Link) effect {
	eff := t.close(name)
	t.next++
	l := &twinLink{id: cluster.Inbound(t.next), name: name, open: true}
	t.links[name.index()], t.byID[l.id] = l, l
	eff.add(t.step(cluster.LinkUp{Link: l.id, Local: loopback, Peer: loopback}))
	return eff
}

// close ends a link from the actor's side.
func (t *twin) close(name Link) (eff effect) {
	l := t.links[name.index()]
	if l == nil || !l.open {
		return eff
	}
	l.open = false
	return t.step(cluster.LinkDown{Link: l.id, Reason: "EOF"})
}

// open reports whether a link is there and not closed by the node.
func (t *twin) open(name Link) bool {
	l := t.links[name.index()]
	return l != nil && l.open
}

// pending is how many bytes the node has of a packet that is not yet whole.
func (t *twin) pending(name Link) int {
	if l := t.links[name.index()]; l != nil && l.open {
		return len(l.buf)
	}
	return 0
}

// send gives bytes to a link, as the node frames them.
func (t *twin) send(name Link, b []byte) (eff effect) {
	l := t.links[name.index()]
	if l == nil || !l.open {
		return eff
	}
	rest := b
	if len(l.buf) > 0 {
		l.buf = append(l.buf, b...)
		rest = l.buf
	}
	for l.open {
		n, err := bus.FrameLen(rest)
		if err != nil {
			n = bus.PrefixLen
		} else if n == 0 || n > len(rest) {
			break
		}
		t.recv(l, rest[:n:n], &eff)
		rest = rest[n:]
	}
	l.buf = append(l.buf[:0], rest...)
	return eff
}

func (t *twin) recv(l *twinLink, frame []byte, eff *effect) {
	if !dialsNobody(frame) {
		eff.unsafe = append(eff.unsafe, abroad)
		return
	}
	v := bus.Check(frame)
	t.acts.rule(v.Rule)
	if eff.resized && v.Action == bus.Accept {
		eff.unsafe = append(eff.unsafe, oneRead)
	}
	size := t.n.Size()
	defer func() { eff.resized = eff.resized || t.n.Size() != size }()
	if v.Rule.Unsafe() {
		eff.unsafe = append(eff.unsafe, v.Rule.String())
	}
	if len(frame) >= bus.HeaderLen {
		typ := typeOf(frame)
		t.acts.packet(typ, v.Action)
		if typ.Gossips() && v.Action == bus.Accept {
			l.hear(frame)
		}
	}
	if v.Action == bus.Accept && l.bound.IsZero() && l.name.Which != In {
		if id := bus.ID(frame[40:80]); t.n.Knows(id) {
			l.bound = id
		}
	}
	t.stepInto(cluster.Recv{Link: l.id, Frame: frame}, eff)
	if t.n.FailoverDue() {
		eff.unsafe = append(eff.unsafe, byClock)
	}
	if l.name.Which == In && !l.open && v.Rule == bus.RuleNone && typeOf(frame).Gossips() &&
		bus.ID(frame[40:80]) == actorIDs[l.name.Actor] && gossipsAbout(frame, actorIDs[l.name.Actor]) {
		eff.unsafe = append(eff.unsafe, linkFreed)
	}
}

func typeOf(frame []byte) bus.Type { return bus.Type(frame[offType])<<8 | bus.Type(frame[offType+1]) }

// linkFreed is what the core does not call unsafe, because it has nothing to free: gossip about its sender made the
// node close the very link that the gossip came on.
const linkFreed = "link-freed"

// oneRead is what is neither side's fault: what a packet does depends on whether it is read together with the one before.
const oneRead = "one-read"

// cutShort is a packet, or a fence, that makes the node close another link of a flood, of which it may have read all or nothing by then.
const cutShort = "cut-short"

// byClock is what a clock decides: an election that a manual failover starts.
const byClock = "by-clock"

// hear keeps what a packet says of its sender. Only a PING tells an address, so that of any other is not kept.
func (l *twinLink) hear(frame []byte) {
	l.greeting = nil
	if typeOf(frame) == bus.TypePing {
		l.said = append(l.said[:0], frame...)
		return
	}
	if len(l.said) == 0 {
		l.said = appendFence(l.said, l.name, nil)
	}
	const offIP, offPPort = 2168, 2246
	var port [2]byte
	var ip [bus.IPLen]byte
	var more [4]byte // pport and cport
	copy(port[:], l.said[offPort:])
	copy(ip[:], l.said[offIP:])
	copy(more[:], l.said[offPPort:])
	l.said = append(l.said[:0], frame...)
	copy(l.said[offPort:], port[:])
	copy(l.said[offIP:], ip[:])
	copy(l.said[offPPort:], more[:])
}

func typeToken(t bus.Type) string {
	if !t.Known() {
		return "unknown"
	}
	return t.String()
}

// step gives the core an event, nil: none, and takes what comes of it.
func (t *twin) step(ev cluster.Event) (eff effect) {
	t.stepInto(ev, &eff)
	return eff
}

func (t *twin) stepInto(ev cluster.Event, eff *effect) {
	if ev != nil {
		if err := t.n.Step(t.now, ev); err != nil {
			panic("fuzz/bus: " + err.Error())
		}
	}
	rd := t.n.Ready()
	for _, r := range rd.Log {
		if rest, ok := strings.CutPrefix(r.Text, "unsafe "); ok {
			name, _, _ := strings.Cut(rest, ":")
			eff.unsafe = append(eff.unsafe, name)
			t.acts.add("unsafe:" + name)
			continue
		}
		t.acts.log(r.Text)
	}
	for _, op := range rd.Data {
		t.acts.data(op)
	}
	for _, id := range rd.Close {
		if l := t.byID[id]; l != nil && l.open {
			l.open = false
			eff.closed.add(l.name)
		}
		for name, pending := range t.dials {
			if pending == id {
				delete(t.dials, name)
			}
		}
	}
	for _, d := range rd.Dial {
		t.dialled(d)
	}
	failed := t.failed
	t.failed = nil
	for _, s := range rd.Send {
		if t.sent != nil {
			t.sent = append(t.sent, maphash.Bytes(digestSeed, s.Frame))
		}
		t.acts.send(typeOf(s.Frame))
		if l := t.byID[s.Link]; l != nil && l.open && isAnswer(l.name, s.Frame) {
			eff.answers[l.name.index()]++
		}
	}
	for _, id := range failed { // rd is of the past from here on
		t.stepInto(cluster.LinkDown{Link: id, Reason: "refused"}, eff)
	}
}

// dialled notes a dial to an actor; any other fails, as nobody listens.
func (t *twin) dialled(d cluster.Dial) {
	ip, err := netip.ParseAddr(d.Host)
	a := d.Port - actorPort0 - busOffset
	if err == nil && ip == loopback && a >= 0 && a < actorCount {
		name := Link{a, In}
		if old := t.links[name.index()]; old != nil && old.open {
			old.open = false // the newer one has the name; the older is not spoken to any more
		}
		if older, ok := t.dials[name]; ok {
			t.failed = append(t.failed, older)
		}
		t.dials[name] = d.Link
		return
	}
	t.failed = append(t.failed, d.Link)
}

// isAnswer reports whether a frame that the node sends is waited for: on a link that the node dialled only PONGs are.
func isAnswer(l Link, frame []byte) bool {
	return l.Which != In || frame[offType] == 0 && frame[offType+1] == byte(bus.TypePong)
}

// sight fills in what the node knows, for packets on a link, and returns the node that the link belongs to; zero: none yet.
func (t *twin) sight(l Link, in *quirks.Input) (bound bus.ID) {
	in.Receiver, in.Master, in.Dialled, in.Handshake = nodeID, bus.ID{}, l.Which == In, false
	in.Subscribed = true // every node has a listener
	in.Peers = make(map[bus.ID]quirks.Peer, t.n.Known())
	link := cluster.LinkID(0)
	if tl := t.links[l.index()]; tl != nil {
		link = tl.id
	}
	for n := range t.n.Sights() {
		// The id in a header does not matter on a link that belongs to a node, which may be the receiver.
		if link != 0 && !n.Flags.Has(bus.FlagHandshake) && (n.In == link || n.Out == link) {
			bound = n.ID
		}
		if n.Myself {
			in.Master, in.Slotted, in.Orphaned = n.Master, !n.Slots.Empty(), n.Flags.Has(bus.FlagReplica) && n.Master.IsZero()
			continue
		}
		if n.Flags.Has(bus.FlagHandshake) {
			in.Handshake = in.Handshake || l.Which == In && link != 0 && n.Out == link
		}
		in.Peers[n.ID] = quirks.Peer{
			Replica: n.Flags.Has(bus.FlagReplica), Roleless: !n.Flags.Any(bus.FlagMaster | bus.FlagReplica), Failing: n.Flags.Any(bus.FlagFail | bus.FlagPFail),
			Master: n.Master, ConfigEpoch: n.ConfigEpoch,
		}
	}
	return bound
}

// received is how many packets the node has counted.
func (t *twin) received() (n uint64) {
	st := t.n.Stats()
	for _, k := range st.Received {
		n += k
	}
	return n
}

// admin gives the node a client's command. It reports false for one that the twin does not know.
func (t *twin) admin(args []string) (effect, bool) {
	req, ok := request(args)
	if !ok {
		return effect{}, false
	}
	return t.step(cluster.Admin{Request: req}), true
}

// request is a CLUSTER command as the core takes it.
func request(args []string) (cluster.Request, bool) {
	num := func(i int) int { n, _ := strconv.Atoi(args[i]); return n }
	if len(args) < 2 || args[0] != "CLUSTER" {
		return nil, false
	}
	switch args[1] {
	case "MEET":
		return cluster.Meet{IP: args[2], Port: int64(num(3)), CPort: int64(num(4))}, true
	case "FORGET":
		return cluster.Forget{Node: args[2]}, true
	case "ADDSLOTSRANGE":
		return cluster.AddSlotsRange{Ranges: []cluster.Range{{Start: num(2), End: num(3)}}}, true
	case "DELSLOTSRANGE":
		return cluster.DelSlotsRange{Ranges: []cluster.Range{{Start: num(2), End: num(3)}}}, true
	case "FLUSHSLOTS":
		return cluster.FlushSlots{}, true
	case "BUMPEPOCH":
		return cluster.BumpEpoch{}, true
	case "SET-CONFIG-EPOCH":
		return cluster.SetConfigEpoch{Epoch: int64(num(2))}, true
	case "SAVECONFIG":
		return cluster.SaveConfig{}, true
	case "REPLICATE":
		return cluster.Replicate{Node: args[2]}, true
	case "COUNT-FAILURE-REPORTS":
		return cluster.CountFailureReports{Node: args[2]}, true
	case "SETSLOT":
		r := cluster.SetSlot{Slot: num(2)}
		switch args[3] {
		case "MIGRATING":
			r.Action = cluster.SetSlotMigrating
		case "IMPORTING":
			r.Action = cluster.SetSlotImporting
		case "STABLE":
			r.Action = cluster.SetSlotStable
		case "NODE":
			r.Action = cluster.SetSlotNode
		}
		if len(args) > 4 {
			r.Node = args[4]
		}
		return r, true
	}
	return nil, false
}

// appendFence appends a PING that repeats what was last said on a link, so that its only effect is its PONG. With nothing
// said it is what the actor is by itself.
func appendFence(dst []byte, l Link, said []byte) []byte {
	p := &bus.Packet{Header: template(l.Actor)}
	if q, err := bus.Parse(said); err == nil {
		p.Header = q.Header
		body := &bus.Ping{}
		if ping, ok := q.Body.(*bus.Ping); ok {
			for _, e := range ping.Exts {
				if e.Type != bus.ExtForgotten {
					body.Exts = append(body.Exts, e)
				}
			}
		}
		p.Body = body
	}
	mflags := p.MFlags
	p.Type = bus.TypePing
	p.Seal()
	if mflags.Has(bus.MFlagExtData) {
		p.MFlags = mflags
	}
	return p.Append(dst)
}

// fence is the fence for a link as it is now.
func (t *twin) fence(l Link) []byte {
	tl := t.links[l.index()]
	if tl == nil {
		return appendFence(nil, l, nil)
	}
	if len(tl.greeting) == 0 {
		// A fence that was handed out before stays as it is.
		tl.greeting = appendFence(nil, l, tl.said)
	}
	return tl.greeting
}
