package sim

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strconv"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// Plant names a fault that is made on purpose between the core and its world, so that a run shows
// whether the invariants notice.
type Plant string

// PlantedFault is one entry of the registry of planted faults.
type PlantedFault struct {
	Name    Plant
	Text    string      // one sentence
	Noticed []Invariant // by which it is noticed
}

// Plants are all planted faults.
func Plants() []PlantedFault {
	return []PlantedFault{
		{"vote-always", "A master answers every request for votes with a vote.", []Invariant{OneVote, PersistFirst}},
		{"vote-again", "A master sends each vote to the candidate and to another node.", []Invariant{OneVote}},
		{"forget-vote", "A node forgets the epoch of its last vote when it restarts.", []Invariant{EpochsRise, OneVote}},
		{"forget-epoch", "A node restarts one epoch behind the one that it saved.", []Invariant{EpochsRise}},
		{"forget-claim", "A node restarts with the config epoch that it had before the last one.", []Invariant{EpochsRise}},
		{"save-old-config", "A file is written with a config epoch one too low.", []Invariant{PersistFirst}},
		{"save-no-vote", "A file is written without the epoch of the vote.", []Invariant{PersistFirst}},
		{"send-first", "Frames are sent before the file is written.", []Invariant{PersistFirst}},
		{"no-sync", "Nothing is ever synced.", []Invariant{PersistFirst}},
		{"no-save", "Nothing is ever written.", []Invariant{PersistFirst}},
		{"double-ack", "Each vote arrives twice.", []Invariant{Quorum}},
		{"forge-quorum", "A candidate gets its own request back as votes.", []Invariant{Quorum}},
		{"drop-requests", "No request for votes arrives.", []Invariant{Converges, Switches}},
		{"drop-votes", "No vote arrives.", []Invariant{Converges, Switches}},
		{"drop-claims", "No PONG with a claim of a new owner arrives, and no UPDATE.", []Invariant{Converges}},
		{"stale-claim", "A master claims its slots at config epoch 1 for ever.", []Invariant{Converges}},
		{"same-claim", "All masters claim their slots at one config epoch.", []Invariant{Converges, EpochsRise, PersistFirst}},
		{"deaf", "No PONG arrives.", []Invariant{Converges}},
		{"tear-file", "What is loaded is the first half of what was written.", []Invariant{Restarts}},
		{"lose-identity", "A node restarts under another id than it saved.", []Invariant{Restarts}},
		{"save-late", "What is written is the file before the last one.", []Invariant{PersistFirst, EpochsRise}},
		{"save-no-master", "A replica's file does not name its master.", []Invariant{Restarts, PersistFirst}},
		{"save-no-slots", "A file is written without the node's own slots.", []Invariant{Converges}},
		{"save-no-peers", "A file is written without any other master.", []Invariant{Converges, Restarts}},
		{"claim-more", "A master claims one slot too many.", []Invariant{Converges, OneOwner}},
		{"replica-claims", "A replica calls itself the master of its master's slots.", []Invariant{Converges, OneOwner, PersistFirst}},
		{"no-gossip", "Packets have no gossip section.", []Invariant{Converges}},
		{"gossip-healthy", "Gossip says that all nodes are healthy.", []Invariant{Converges}},
		{"gossip-port", "Gossip gives a wrong bus port.", []Invariant{Converges}},
		{"forget-forever", "A node that was told to forget another never stops to pass it on.", []Invariant{Converges}},
		{"no-migration", "No replica moves to a master that lost its own.", []Invariant{Converges}},
		{"drop-mfstart", "No request for a manual failover arrives.", []Invariant{Switches}},
		{"never-paused", "A master that a replica asked to pause never says that it did.", []Invariant{Switches}},
		{"offset-ahead", "A master says that it wrote more than it did.", []Invariant{Switches}},
		{"no-force", "A manual failover asks for votes as if the master had failed.", []Invariant{Switches}},
		{"old-epoch", "Votes are asked for in the epoch before.", []Invariant{Converges, Switches}},
	}
}

type planted struct {
	is   Plant
	late map[*host][]byte // save-late: what is written next
}

var (
	lastVote = regexp.MustCompile(`lastVoteEpoch \d+`)
	current  = regexp.MustCompile(`currentEpoch (\d+)`)
	mySlots  = regexp.MustCompile(`(myself,master - .* connected)[^\n]*`)
	myMaster = regexp.MustCompile(`(myself,slave) [0-9a-f]{40}`)
	others   = regexp.MustCompile(`(?m)^[0-9a-f]{40} \S+ master .*\n`)
	myEpoch  = regexp.MustCompile(`(myself,master - \d+ \d+ )(\d+)`)
)

// lower replaces the number in the last group of what re matches by one less.
func lower(re *regexp.Regexp, text []byte, by uint64) []byte {
	m := re.FindSubmatchIndex(text)
	if m == nil {
		return text
	}
	at := m[len(m)-2:]
	n, err := strconv.ParseUint(string(text[at[0]:at[1]]), 10, 64)
	if err != nil || n < by {
		return text
	}
	return bytes.Join([][]byte{text[:at[0]], strconv.AppendUint(nil, n-by, 10), text[at[1]:]}, nil)
}

// onLoad gives the text of the file that a node starts from.
func (p *planted) onLoad(h *host, text []byte) []byte {
	if h.life == 0 {
		return text
	}
	switch p.is {
	case "forget-vote":
		return lastVote.ReplaceAll(text, []byte("lastVoteEpoch 0"))
	case "forget-epoch":
		text = regexp.MustCompile(` [1-9]\d* connected`).ReplaceAll(text, []byte(" 0 connected"))
		return lower(current, text, 1)
	case "forget-claim":
		return lower(myEpoch, text, 1)
	case "tear-file":
		return text[:len(text)/2]
	case "lose-identity":
		return regexp.MustCompile(`(?m)^[0-9a-f]{40}( \S+ myself)`).ReplaceAll(text, []byte("00000000000000000000aaaaaaaaaaaaaaaaaaaa$1"))
	}
	return text
}

// onPersist gives the text that is written.
func (p *planted) onPersist(h *host, text []byte) []byte {
	switch p.is {
	case "save-old-config":
		return lower(myEpoch, text, 1)
	case "save-no-vote":
		return lastVote.ReplaceAll(text, []byte("lastVoteEpoch 0"))
	case "save-late":
		if p.late == nil {
			p.late = make(map[*host][]byte)
		}
		last, ok := p.late[h]
		p.late[h] = bytes.Clone(text)
		if ok {
			return last
		}
	case "save-no-master":
		return myMaster.ReplaceAll(text, []byte("$1 -"))
	case "save-no-slots":
		return mySlots.ReplaceAll(text, []byte("$1"))
	case "save-no-peers":
		return others.ReplaceAll(text, nil)
	}
	return text
}

// settings changes how a host is set up.
func (p *planted) settings(set *cluster.Settings) {
	if p.is == "no-migration" {
		set.MigrationBarrier = 1000
	}
}

// writes reports whether the file is written at all.
func (p *planted) writes() bool { return p.is != "no-save" }

// onSend says how often a frame is sent: once, but for planted faults.
func (p *planted) onSend(h *host, frame []byte) int {
	typ := peekType(frame)
	switch p.is {
	case "double-ack":
		if typ == bus.TypeAuthAck {
			return 2
		}
	case "drop-requests":
		if typ == bus.TypeAuthRequest {
			return 0
		}
	case "drop-votes":
		if typ == bus.TypeAuthAck {
			return 0
		}
	case "drop-claims":
		elected := binary.BigEndian.Uint64(frame[atConfigEpoch:]) > uint64(h.sim.setup.Masters)
		if typ == bus.TypeUpdate || (elected && (typ == bus.TypePong || typ == bus.TypePing)) {
			return 0
		}
	case "deaf":
		if typ == bus.TypePong {
			return 0
		}
	case "drop-mfstart":
		if typ == bus.TypeMFStart {
			return 0
		}
	}
	return 1
}

// onReady changes what the core asks for.
func (p *planted) onReady(h *host, rd *cluster.Ready) {
	if p.is != "vote-again" {
		return
	}
	for _, snd := range rd.Send {
		if peekType(snd.Frame) != bus.TypeAuthAck {
			continue
		}
		for _, e := range h.ends {
			if e.link != snd.Link && !e.link.Inbound() {
				rd.Send = append(rd.Send, cluster.Send{Link: e.link, Frame: snd.Frame})
				return
			}
		}
	}
}

// onRequest reports whether h votes for who asks for it at e, whatever the core says.
func (p *planted) onRequest(h *host, e *end, frame []byte) {
	if p.is != "vote-always" || peekType(frame) != bus.TypeAuthRequest || h.core.Replica() {
		return
	}
	for _, out := range h.ends {
		if out.peer == e.peer && !out.link.Inbound() && out.up {
			f := bytes.Clone(frame)
			setHeader(h, f, bus.TypeAuthAck)
			h.sendAll([]cluster.Send{{Link: out.link, Frame: f}})
			return
		}
	}
}

// onAsked gives a candidate votes that nobody gave: its own request comes back in the names of others.
func (p *planted) onAsked(h *host, e *end, frame []byte) {
	if p.is != "forge-quorum" || peekType(frame) != bus.TypeAuthRequest || e.peer == nil || e.peer.core == nil || e.peer.core.Replica() || e.other == nil {
		return
	}
	f := h.sim.newFrame(frame)
	f.refs = 1
	setHeader(e.peer, f.bytes, bus.TypeAuthAck)
	e.push(item{at: h.sim.now + latency, frame: f})
}

// setHeader makes a frame of the same layout one of another node and type.
func setHeader(h *host, frame []byte, typ bus.Type) {
	pkt, err := bus.Parse(frame)
	if err != nil {
		panic(err)
	}
	pkt.Type, pkt.Sender, pkt.Flags = typ, h.core.ID(), bus.FlagMaster
	pkt.Slots, pkt.ConfigEpoch, pkt.ReplicaOf = h.core.Owned(), h.core.Epochs().Config, bus.ID{}
	pkt.Append(frame[:0])
}

func (p *planted) sendsFirst() bool { return p.is == "send-first" }
func (p *planted) skipsSync() bool  { return p.is == "no-sync" }
