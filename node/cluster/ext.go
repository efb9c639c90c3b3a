package cluster

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// handleExtensions takes the extensions of a known sender. A name that is not there is
// taken back, a shard id that is not there is that of the sender's master.
// Mirrors clusterProcessPingExtensions.
func (n *Node) handleExtensions(sender *peer, body *bus.Ping) {
	var hostname, nodename []byte
	hostnameSafe, nodenameSafe := true, true
	shardID := bus.ID{}
	for i := range body.Exts {
		switch body.Exts[i].Type {
		case bus.ExtHostname:
			hostname, hostnameSafe = n.extName(sender, body, i)
		case bus.ExtNodename:
			nodename, nodenameSafe = n.extName(sender, body, i)
		case bus.ExtForgotten:
			if id, ttl, ok := body.ExtForgotten(i); ok {
				n.handleForgotten(sender, id, ttl)
			}
			if n.byID[sender.id] != sender {
				return // it is the forgotten one
			}
		case bus.ExtShardID:
			if id, ok := body.ExtID(i); ok && id.Valid() {
				shardID = id
			} else {
				n.unsafe(UnsafeShardID, "node %s announces %q", sender.id, id)
			}
		case bus.ExtSecret:
			if secret, ok := body.ExtID(i); ok && bytes.Compare(n.secret[:], secret[:]) > 0 {
				n.secret = secret
			}
		default:
			n.logf(LevelVerbose, "Received unknown extension type %d", body.Exts[i].Type)
		}
	}
	if hostnameSafe && sender.hostname != string(hostname) && !(planted("hostname-kept") && len(hostname) == 0) {
		n.setHostname(sender, string(hostname))
	}
	if nodenameSafe && sender.nodename != string(nodename) {
		n.setNodename(sender, string(nodename))
	}
	if planted("shard-ignored") {
		return
	}
	if shardID.IsZero() {
		shardID = sender.topMaster().shardID
	}
	n.updateShard(sender, shardID)
}

func (n *Node) extName(sender *peer, body *bus.Ping, i int) ([]byte, bool) {
	name, ok := body.ExtText(i)
	if !ok || !nameSafe(name) {
		n.unsafe(UnsafeName, "node %s announces %q", sender.id, name)
		return nil, false
	}
	return name, true
}

// nameSafe reports whether a name can stand in nodes.conf. Mirrors cluster.c:isValidAuxChar.
func nameSafe(name []byte) bool {
	for _, c := range name {
		if c < 0x20 || c == 0x7f || strings.IndexByte("!#$%&()*+:;<>?@[]^{|}~,= \"'\\", c) >= 0 {
			return false
		}
	}
	return true
}

// writeExtensions puts this node's extensions into the packet that is being built, in the
// order of Redis. Mirrors writePingExt.
func (n *Node) writeExtensions() {
	n.extBytes = n.extBytes[:0]
	exts := n.ping.Exts[:0]
	add := func(t bus.ExtType, from int) {
		for len(n.extBytes)%bus.ExtAlign != 0 {
			n.extBytes = append(n.extBytes, 0)
		}
		if planted("ext-length") && t == bus.ExtShardID {
			n.extBytes = append(n.extBytes, make([]byte, bus.ExtAlign)...)
		}
		exts = append(exts, bus.Extension{Type: t, Payload: n.extBytes[from:len(n.extBytes):len(n.extBytes)]})
	}
	text := func(t bus.ExtType, s string) {
		if s != "" {
			from := len(n.extBytes)
			n.extBytes = append(append(n.extBytes, s...), 0)
			add(t, from)
		}
	}
	text(bus.ExtHostname, n.myself.hostname)
	text(bus.ExtNodename, n.myself.nodename)
	now := n.nowSeconds()
	for _, f := range n.blacklist {
		if f.expire >= now {
			from := len(n.extBytes)
			n.extBytes = append(n.extBytes, f.id[:]...)
			n.extBytes = binary.BigEndian.AppendUint64(n.extBytes, f.expire-now)
			add(bus.ExtForgotten, from)
		}
	}
	from := len(n.extBytes)
	n.extBytes = append(n.extBytes, n.myself.shardID[:]...)
	add(bus.ExtShardID, from)
	from = len(n.extBytes)
	n.extBytes = append(n.extBytes, n.secret[:]...)
	add(bus.ExtSecret, from)
	n.ping.Exts = exts
}
