package cluster

import (
	"errors"
	"fmt"

	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// Node is the core of one node. It is owned by one goroutine at a time.
type Node struct {
	rand     Random
	set      Settings
	logLevel Level

	now      Time
	nextTick Time
	ticks    uint64

	myself       *peer
	peers        []*peer // in the order in which they were learned, myself too
	due          []Time  // of each of peers: see nextLook
	byID         map[bus.ID]*peer
	shards       []*shard // in the order in which they were learned
	shardByID    map[bus.ID]*shard
	blacklist    []forgotten
	links        map[LinkID]*link // for look-up only
	queued       []*link          // those with unwritten bytes in the last report
	lastLink     LinkID
	pings        uint64 // packets with gossip that were sent, ever
	secret       bus.ID // internal secret
	currentEpoch uint64

	slots       *[slot.Count]*peer // owners
	migrating   map[uint16]*peer   // to whom; for look-up only
	importing   map[uint16]*peer   // from whom; for look-up only
	open        slot.Set           // slots that are migrating or importing
	notClaiming slot.Set           // slots whose owner no longer claims them (owner_not_claiming_slot)

	state         bus.State
	size          int // masters that own slots
	pfails        int // nodes with an address in PFAIL, of the last tick
	orphans       orphanCount
	firstUpdate   Time // when the state was first computed, 0: not yet
	minorityTime  Time // when this node was last in a minority
	lastVoteEpoch uint64

	manual  manualFailover
	vote    election
	follows bool // the data plane was told to follow a master

	report Report
	stats  Stats

	todo  todo
	dec   bus.Decoder
	about []*peer // whom the gossip that is being taken is about, nil: not known
	// What is being sent.
	pkt      bus.Packet
	ping     bus.Ping
	fail     bus.Fail
	update   bus.Update
	empty    bus.Empty
	extBytes []byte

	ready   Ready
	spare   Ready // the one that the driver has
	frames  frames
	spent   frames // those of spare
	persist bool
	sync    bool
	text    []byte
	changed slot.Set // slots whose owner changed: their shard channels go
	// anyChanged says that changed is not empty; lastChanged is the last of them. They rise.
	anyChanged  bool
	lastChanged uint16
	slotChanges uint64
}

// New makes a node that knows only itself, or what cfg.Saved says.
// Mirrors clusterInit.
func New(cfg Config) (*Node, error) {
	if cfg.Rand == nil {
		return nil, errors.New("cluster: Config.Rand is nil")
	}
	if cfg.Now <= 0 {
		return nil, fmt.Errorf("cluster: Config.Now is %d", cfg.Now)
	}
	n := &Node{
		now:          cfg.Now,
		rand:         cfg.Rand,
		set:          cfg.Settings,
		logLevel:     cfg.LogLevel,
		byID:         make(map[bus.ID]*peer),
		shardByID:    make(map[bus.ID]*shard),
		links:        make(map[LinkID]*link),
		migrating:    make(map[uint16]*peer),
		importing:    make(map[uint16]*peer),
		slots:        new([slot.Count]*peer),
		orphans:      orphanCount{stale: true},
		state:        bus.StateFail,
		minorityTime: -1 << 62,
		manual:       manualFailover{masterOffset: -1},
	}
	if cfg.Saved != nil {
		if err := n.load(cfg.Saved); err != nil {
			return nil, fmt.Errorf("cluster: nodes.conf: %w", err)
		}
		n.logf(LevelNotice, "Node configuration loaded, I'm %s", n.myself.id)
	} else {
		n.myself = n.newPeer(bus.ID{}, bus.FlagMyself|bus.FlagMaster)
		n.addPeer(n.myself)
		n.addToShard(n.myself.shardID, n.myself)
		// The first file is written before the node knows its ports, and so without them.
		n.text = n.AppendConfig(nil)
		n.ready.Persist, n.ready.Sync = n.text, true
		n.logf(LevelNotice, "No cluster configuration found, I'm %s", n.myself.id)
	}
	n.myself.port, n.myself.tlsPort, n.myself.cport = n.set.announced()
	n.updateMyFlags()
	if n.set.AnnounceIP != "" {
		n.myself.ip = n.set.AnnounceIP
	}
	n.setHostname(n.myself, n.set.AnnounceHostname)
	n.setNodename(n.myself, n.set.AnnounceNodename)
	n.secret = n.randomID()
	return n, nil
}

// Step takes one event. now must be positive and must not be less than it was before.
// The error is that of a driver that breaks these rules; the event is then not taken.
func (n *Node) Step(now Time, ev Event) error {
	if now <= 0 || now < n.now {
		return fmt.Errorf("cluster: step: time %d after %d", now, n.now)
	}
	n.now = now
	switch ev := ev.(type) {
	case Tick:
		n.handleTick()
	case LinkUp:
		n.handleLinkUp(ev)
	case LinkDown:
		n.handleLinkDown(ev)
	case Recv:
		n.handleRecv(ev)
	case Admin:
		a := n.handleRequest(ev.Request)
		a.Tag = ev.Tag
		n.ready.Answers = append(n.ready.Answers, a)
	case Report:
		n.handleReport(ev)
	default:
		return fmt.Errorf("cluster: step: no event: %T", ev)
	}
	return nil
}

// Do is Step with an [Admin] event whose answer is given at once instead of with the Ready. The
// answer may be sent only after the effects of the next Ready were performed.
func (n *Node) Do(now Time, req Request) (Answer, error) {
	if now <= 0 || now < n.now {
		return Answer{}, fmt.Errorf("cluster: do: time %d after %d", now, n.now)
	}
	n.now = now
	return n.handleRequest(req), nil
}

// HasReady reports whether Ready would give anything to do.
func (n *Node) HasReady() bool {
	return n.todo != 0 || n.persist || n.anyChanged || !n.ready.Empty()
}

// Ready finishes what was put off while events were taken, and drains all effects. A driver calls it
// when it has stepped all events that were there, as Redis calls clusterBeforeSleep.
func (n *Node) Ready() Ready {
	n.beforeSleep()
	if n.persist {
		n.text = n.AppendConfig(n.text[:0])
		n.ready.Persist, n.ready.Sync = n.text, n.sync
		n.persist, n.sync = false, false
	}
	n.dropChannels()
	rd := n.ready
	clear(n.spare.Send) // frames of a large broadcast would live on
	n.ready = Ready{
		Log: n.spare.Log[:0], Data: n.spare.Data[:0], Close: n.spare.Close[:0],
		Dial: n.spare.Dial[:0], Send: n.spare.Send[:0], Answers: n.spare.Answers[:0],
	}
	n.spare = rd
	n.frames, n.spent = n.spent, n.frames
	n.frames.reset()
	return rd
}

// NextTick is when the next [Tick] is due; 0: at once.
func (n *Node) NextTick() Time { return n.nextTick }

// ID is this node's id. It changes with a hard reset.
func (n *Node) ID() bus.ID { return n.myself.id }

// ShardID is this node's shard id.
func (n *Node) ShardID() bus.ID { return n.myself.shardID }

// State is the state of the cluster as this node sees it.
func (n *Node) State() bus.State { return n.state }

// Replica reports whether this node is a replica.
func (n *Node) Replica() bool { return n.myself.isReplica() }

// Secret is what the nodes of the cluster share and no client knows: the smallest secret of all.
func (n *Node) Secret() bus.ID { return n.secret }

// Knows reports whether a node of that id is known; this node is.
func (n *Node) Knows(id bus.ID) bool { return n.lookup(id) != nil }

// Owns reports whether this node, or the master that it is a replica of, owns slot s.
func (n *Node) Owns(s uint16) bool { return n.slots[s] != nil && n.slots[s] == n.shardMaster() }

// Importing reports whether this node imports slot s.
func (n *Node) Importing(s uint16) bool { return n.open.Has(s) && n.importing[s] != nil }

// Owned are the slots that this node owns itself.
func (n *Node) Owned() slot.Set { return *n.myself.owned() }

// SlotChanges is how often any slot got or lost an owner. While it stays, so does [Node.Owned],
// unless this node becomes another one by a hard reset.
func (n *Node) SlotChanges() uint64 { return n.slotChanges }

// shardMaster is this node, or the master that it is a replica of; nil where that is not known.
func (n *Node) shardMaster() *peer {
	if n.myself.isMaster() {
		return n.myself
	}
	return n.myself.master
}

func (n *Node) later(t todo) { n.todo |= t }

// saveNow mirrors clusterSaveConfigOrDie(1): the Ready that carries what follows persists first.
func (n *Node) saveNow() {
	n.todo &^= todoSave | todoSync
	n.persist, n.sync = true, true
}

// beforeSleep mirrors clusterBeforeSleep, but for one point: what a failover wants to be saved is
// saved now. Redis saves it before it sleeps again, when the request for votes that names the new
// epoch may have been written.
func (n *Node) beforeSleep() {
	t := n.todo
	n.todo = 0
	if t&todoManualFailover != 0 {
		if n.myself.isReplica() {
			n.handleManualFailover()
			n.handleReplicaFailover()
		}
	} else if t&todoFailover != 0 {
		n.handleReplicaFailover()
	}
	t |= n.todo & (todoSave | todoSync)
	n.todo &^= todoSave | todoSync
	if t&todoUpdateState != 0 {
		n.updateState()
	}
	if t&todoSave != 0 {
		n.persist = true
		n.sync = n.sync || t&todoSync != 0
	}
	if t&todoBroadcastPong != 0 {
		n.broadcastPong(false)
	}
}

// logf records one line, if anyone listens.
func (n *Node) logf(level Level, format string, args ...any) {
	if level < n.logLevel {
		return
	}
	n.ready.Log = append(n.ready.Log, LogRecord{Level: level, Text: fmt.Sprintf(format, args...)})
}
