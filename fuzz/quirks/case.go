package quirks

import (
	"bytes"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/harness/puppet"
	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// MatchCase returns the first quirk of such a version that a case may meet, or nil; see [Inputs].
func (l *List) MatchCase(version string, c *scenario.Case) *Quirk {
	if l == nil {
		return nil
	}
	for in := range Inputs(c) {
		if q := l.Match(version, in); q != nil {
			return q
		}
	}
	return nil
}

// Inputs are the packets of a case as each of its nodes frames them, in order. What they mean is not
// known before the case is played, so every puppet is taken for a node that every receiver knows, as its last packet described
// it, for failed once somebody has said so, and every link for one to a node in handshake. A receiver follows whom it was
// told to follow, and owns slots that it was given after that. A packet on a link that may belong to a node comes once as it is and once
// as said by that node. The input is the same each time and is good until the next.
func Inputs(c *scenario.Case) iter.Seq[*Input] {
	return func(yield func(*Input) bool) {
		w := newWalk(c)
		for _, st := range c.Steps() {
			w.command(st)
			p, ok := w.sent[st]
			if !ok {
				continue
			}
			key := w.links.of(p.Puppet, st)
			w.in.Dialled = key.inbound()
			for _, frame := range w.streams.frames(key, repeated(st, p.Frame)) {
				for _, w.in.Frame = range w.readings(key, p.Puppet, frame) {
					for _, w.in.Receiver = range w.nodes {
						if !yield(&w.in) {
							return
						}
					}
					if parsed, err := bus.Parse(w.in.Frame); err == nil {
						w.in.learn(parsed)
						w.meet(p.Puppet, parsed)
					}
				}
			}
		}
	}
}

// walk is a case on its way through its steps.
type walk struct {
	in      Input
	nodes   []bus.ID
	ids     map[string]bus.ID // of nodes and puppets, by the reference to them
	sent    map[*scenario.Step]runner.Sent
	streams streams
	links   links
	bound   map[linkKey]bus.ID // whom a link may belong to
}

func newWalk(c *scenario.Case) *walk {
	w := &walk{
		in:  Input{Peers: map[bus.ID]Peer{}, Handshake: true, Met: map[bus.ID]bool{}, Listed: map[bus.ID]bool{}},
		ids: map[string]bus.ID{}, sent: map[*scenario.Step]runner.Sent{},
		streams: streams{}, links: links{}, bound: map[linkKey]bus.ID{},
	}
	for _, p := range runner.Packets(c) {
		w.sent[p.Step] = p
	}
	for name := range runner.Puppets(c) {
		w.ids["$"+name+".id"] = puppet.ID(0, name)
		w.in.Peers[puppet.ID(0, name)] = Peer{}
	}
	forgets := false
	times := map[bus.ID]int{} // how many nodes have an id in their nodes.conf
	for _, st := range c.Steps() {
		if st.Actor == "node" && len(st.Words) > 0 {
			name := st.Words[0].String()
			w.nodes = append(w.nodes, puppet.ID(0, name))
			w.ids["$"+name+".id"] = puppet.ID(0, name)
		}
		what := runner.Describe(c, st)
		if strings.Contains(what, "SUBSCRIBE") {
			w.in.Subscribed = true
		}
		forgets = forgets || what == "CLUSTER FORGET" || what == "CLUSTER RESET" || what == "send CLUSTER FORGET" || what == "send CLUSTER RESET"
	}
	for _, st := range c.Steps() {
		if st.Actor != "node" {
			continue
		}
		for _, line := range st.Input {
			const flags, master = 2, 3 // columns of nodes.conf
			f := strings.Fields(line)
			if len(f) == 0 {
				continue
			}
			if id, ok := w.id(f[0]); ok {
				w.in.Met[id] = true
				times[id]++
			}
			if len(f) > master && strings.Contains(f[flags], "myself") {
				if id, ok := w.id(f[master]); ok {
					w.in.Master = id
				}
			}
		}
	}
	for id, n := range times {
		w.in.Listed[id] = n == len(w.nodes) && !forgets
	}
	return w
}

// id reads a reference to an actor's id, or an id.
func (w *walk) id(word string) (bus.ID, bool) {
	if id, ok := w.ids[word]; ok {
		return id, true
	}
	if len(word) != bus.IDLen {
		return bus.ID{}, false
	}
	return bus.IDFrom(word), true
}

// command takes what a step that sends no packet changes.
func (w *walk) command(st *scenario.Step) {
	if to, ok := w.id(clusterCommand(st, "REPLICATE")); ok {
		w.in.Master = to // of a node that only gossip knows, perhaps
	}
	w.in.Slotted = w.in.Slotted || !w.in.Master.IsZero() && strings.HasPrefix(clusterSubcommand(st), "ADDSLOTS")
	switch {
	case clusterSubcommand(st) == "MEET":
		for id := range w.in.Peers {
			w.in.Met[id] = true
		}
	case st.Actor == "restart" || st.Actor == "kill":
		clear(w.streams)
		clear(w.bound)
	case renews(st):
		key := w.links.of(st.Actor, st)
		if st.Words[0].String() == "dial" {
			key = w.links.dial(st)
		}
		delete(w.streams, key)
		delete(w.bound, key)
	}
}

// readings are a packet as its header says, and as the node has it that its link may belong to.
func (w *walk) readings(key linkKey, from string, frame []byte) [][]byte {
	if len(frame) < bus.HeaderLen {
		return [][]byte{frame}
	}
	const at = 40
	sender, owner := bus.ID(frame[at:at+bus.IDLen]), w.bound[key]
	if key.inbound() {
		owner = puppet.ID(0, from)
	} else if _, known := w.in.Peers[sender]; known && owner.IsZero() {
		w.bound[key] = sender
	}
	if owner.IsZero() || owner == sender {
		return [][]byte{frame}
	}
	other := bytes.Clone(frame)
	copy(other[at:], owner[:])
	return [][]byte{frame, other}
}

// meet takes whom the receivers may know from a packet on.
func (w *walk) meet(from string, p *bus.Packet) {
	ping, ok := p.Body.(*bus.Ping)
	if !ok {
		return
	}
	if p.Type == bus.TypeMeet {
		w.in.Met[p.Sender], w.in.Met[puppet.ID(0, from)] = true, true
	}
	for i := range ping.Gossip {
		w.in.Met[ping.Gossip[i].ID] = true
	}
}

// linkKey names a link of a puppet as the steps do.
type linkKey struct{ puppet, link string }

// inbound reports whether the receiver opened the link.
func (k linkKey) inbound() bool {
	rest, ok := strings.CutPrefix(k.link, puppet.In)
	return ok && strings.Trim(rest, "0123456789") == ""
}

// links are the links that puppets have dialled, the newest last.
type links map[string][]string

// dial notes the link that a step opens.
func (l links) dial(st *scenario.Step) linkKey {
	name := link(st)
	if name == "" {
		name = puppet.Out
	}
	l[st.Actor] = append(l[st.Actor], name)
	return linkKey{st.Actor, name}
}

// of is the link that a step of a puppet is about: the one named, that on which came what it replies to, `out`, or else the newest.
func (l links) of(actor string, st *scenario.Step) linkKey {
	name, all := link(st), l[actor]
	switch {
	case name != "":
	case st.Words[0].String() == "reply" || len(all) == 0:
		name = puppet.In
	case slices.Contains(all, puppet.Out):
		name = puppet.Out
	default:
		name = all[len(all)-1]
	}
	return linkKey{actor, name}
}

// streams are the bytes of packets that are not yet whole, by link.
type streams map[linkKey][]byte

// frames are the packets that a node reads once b is written: where one was cut, the next completes it, whatever that means. What
// is no packet stands by itself.
func (s streams) frames(link linkKey, b []byte) (frames [][]byte) {
	rest := append(slices.Clip(s[link]), b...)
	delete(s, link)
	for len(rest) > 0 {
		frame, after, err := bus.CutFrame(rest)
		if err != nil {
			return append(frames, rest) // the link is closed
		}
		if frame == nil {
			s[link] = rest
			return frames
		}
		frames, rest = append(frames, frame), after
	}
	return frames
}

// repeated is what a step writes: a packet that is cut or prolonged meets itself where it is sent several times. More than a few times
// make no other packets.
func repeated(st *scenario.Step, frame []byte) []byte {
	if one, rest, err := bus.CutFrame(frame); err == nil && one != nil && len(rest) == 0 {
		return frame
	}
	const most = 64
	times, err := strconv.Atoi(option(st, "times"))
	if err != nil || times < 1 {
		times = 1
	}
	return bytes.Repeat(frame, min(times, most))
}

// learn takes what a packet says of its sender and of others.
func (in *Input) learn(p *bus.Packet) {
	peer := in.Peers[p.Sender]
	peer.Replica, peer.Master = p.Flags&bus.FlagReplica != 0, p.ReplicaOf
	peer.Roleless = peer.Roleless && !p.ReplicaOf.IsZero() // who says that he is a master becomes one
	peer.ConfigEpoch = max(peer.ConfigEpoch, p.ConfigEpoch)
	in.Peers[p.Sender] = peer
	failed := func(id bus.ID) {
		if peer, ok := in.Peers[id]; ok {
			peer.Failing = true
			in.Peers[id] = peer
		}
	}
	switch body := p.Body.(type) {
	case *bus.Fail:
		failed(body.About)
	case *bus.Ping:
		for i := range body.Gossip {
			if in.Peers[body.Gossip[i].ID] == (Peer{}) && !body.Gossip[i].Flags.Any(bus.FlagMaster|bus.FlagReplica|bus.FlagNoAddr) {
				in.Peers[body.Gossip[i].ID] = Peer{Roleless: true}
			}
			if body.Gossip[i].Flags.Any(bus.FlagFail | bus.FlagPFail) {
				failed(body.Gossip[i].ID)
			}
		}
	}
}

// renews reports whether a step opens or ends a link: what it had of a packet is lost.
func renews(st *scenario.Step) bool {
	return len(st.Words) > 0 && (st.Words[0].String() == "dial" || st.Words[0].String() == "close")
}

// link is the option that names a step's link, "" where it has none.
func link(st *scenario.Step) string { return option(st, "link") }

// option is the value of an option of a step; "": it has none.
func option(st *scenario.Step, name string) string {
	for _, w := range st.Words {
		if key, value, ok := strings.Cut(w.String(), "="); ok && key == name {
			return value
		}
	}
	return ""
}

// clusterSubcommand is the subcommand of CLUSTER in capitals; "": another step.
func clusterSubcommand(st *scenario.Step) string {
	words := st.Words
	if len(words) > 0 && words[0].String() == "send" {
		words = words[1:]
	}
	if len(words) < 2 || !strings.EqualFold(words[0].String(), "CLUSTER") {
		return ""
	}
	return strings.ToUpper(words[1].String())
}

// clusterCommand is the last word of a CLUSTER command with such a subcommand; "": another step.
func clusterCommand(st *scenario.Step, subcommand string) string {
	if clusterSubcommand(st) != subcommand {
		return ""
	}
	return st.Words[len(st.Words)-1].String()
}
