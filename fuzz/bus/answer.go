package bus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// blank is a frame of a node without what differs from run to run: its id and ports, offset and state, gossip, which
// is drawn at random, and random ids in extensions. The frame is changed in place. What gossip could tell stands in CLUSTER NODES.
func blank(b []byte, own bus.ID, port, cport uint16) []byte {
	be := binary.BigEndian
	replaceRandom := func(b []byte) { copy(b, nodeID[:]) }
	if bus.ID(b[40:80]) == own {
		replaceRandom(b[40:80])
	}
	if be.Uint16(b[offPort:]) == port {
		be.PutUint16(b[offPort:], nodePort)
	}
	if be.Uint16(b[offCPort:]) == cport {
		be.PutUint16(b[offCPort:], nodePort+busOffset)
	}
	const offOffset, offState, offReplicaOf, offTotLen, offMFlags = 32, 2252, 2128, 4, 2253
	clear(b[offOffset : offOffset+8])
	b[offState] = 0
	b[offMFlags] &^= bus.MFlagPaused // it goes with a timer
	if bus.ID(b[offReplicaOf:offReplicaOf+bus.IDLen]) == own {
		replaceRandom(b[offReplicaOf:])
	}
	t := bus.Type(be.Uint16(b[offType:]))
	if t == bus.TypeFail || t == bus.TypeUpdate {
		at := bus.HeaderLen
		if t == bus.TypeUpdate {
			at += 8
		}
		if len(b) >= at+bus.IDLen && bus.ID(b[at:at+bus.IDLen]) == own {
			replaceRandom(b[at:])
		}
	}
	if !t.Gossips() {
		return b
	}
	p, err := bus.Parse(b)
	if err != nil {
		return b
	}
	body := p.Body.(*bus.Ping)
	body.Gossip = nil
	for i := range body.Exts {
		e := &body.Exts[i]
		switch {
		case (e.Type == bus.ExtShardID || e.Type == bus.ExtSecret) && len(e.Payload) >= bus.IDLen:
			replaceRandom(e.Payload)
		case e.Type == bus.ExtForgotten && len(e.Payload) >= bus.IDLen+8:
			clear(e.Payload[bus.IDLen : bus.IDLen+8])
		}
	}
	flags := p.MFlags
	p.Seal()
	p.MFlags = flags
	return p.Append(b[:0])
}

// compareAnswers compares what has come on a link on both sides since the last time. The note is empty where nothing
// differs.
func compareAnswers(l Link, o, t *side) string {
	co, ct := o.links[l], t.links[l]
	if co == nil || ct == nil {
		return ""
	}
	fo, ft := co.waiting, ct.waiting
	co.waiting, ct.waiting = nil, nil
	for i := range min(len(fo), len(ft)) {
		bo := blank(fo[i], o.id, o.node.Addr().Port(), o.node.BusAddr().Port())
		bt := blank(ft[i], t.id, t.node.Addr().Port(), t.node.BusAddr().Port())
		if !bytes.Equal(bo, bt) {
			return fmt.Sprintf("%s answers %s", l, firstDifference(bus.FrameText(bo), bus.FrameText(bt)))
		}
	}
	if len(fo) != len(ft) {
		return fmt.Sprintf("%s has %d answers (%s), not %d (%s)", l, len(fo), typesOf(fo), len(ft), typesOf(ft))
	}
	if co.gone != ct.gone {
		return fmt.Sprintf("%s is %s, not %s", l, fate(co), fate(ct))
	}
	return ""
}

func fate(c *conn) string {
	if c.gone {
		return "closed"
	}
	return "open"
}

func typesOf(frames [][]byte) string {
	var names []string
	for _, f := range frames {
		names = append(names, bus.Type(binary.BigEndian.Uint16(f[offType:])).String())
	}
	return strings.Join(names, " ")
}

// firstDifference is the first line in which two texts differ, cut to the words that do.
func firstDifference(o, t string) string {
	lo, lt := strings.Split(o, "\n"), strings.Split(t, "\n")
	for i := range max(len(lo), len(lt)) {
		var a, b string
		if i < len(lo) {
			a = strings.TrimSpace(lo[i])
		}
		if i < len(lt) {
			b = strings.TrimSpace(lt[i])
		}
		if a != b {
			return fmt.Sprintf("%q, not %q", a, b)
		}
	}
	return "the same"
}
