package command

import (
	"fmt"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/command/config"
	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/store"
)

// Version is the release of Redis whose behaviour the node has, and which it
// names where clients ask.
const Version = "8.6.3"

// Host is what the engine asks of the process around it.
type Host interface {
	// Log writes a line to the server's log.
	Log(level cluster.Level, text string)
	// Sleep stops the whole node for some microseconds (DEBUG SLEEP).
	Sleep(microseconds int64)
	// Apply puts a directive with an effect on the process into effect; CONFIG SET
	// fails with the error's text and undoes everything.
	Apply(directive string) error
	// Rewrite writes the text of CONFIG REWRITE to the configuration file.
	Rewrite(cfg *config.Config) error
}

// Facts are what INFO shows of the process.
type Facts struct {
	PID        int
	RunID      string // 40 hex digits
	TCPPort    int
	StartTime  int64 // ms
	Executable string
	ConfigFile string
}

// Engine executes commands one at a time. It is not safe for concurrent use.
type Engine struct {
	Cluster *cluster.Node
	DB      *store.DB
	Config  *config.Config
	Facts   Facts
	host    Host
	rand    cluster.Random

	now        int64 // ms of Unix time
	nowUS      int64 // microseconds
	lastID     uint64
	scriptUses uint64
	offset     int64 // master_repl_offset

	clients []*Client // in the order of their ids
	running *Client   // whose command is being executed
	later   []byte    // pushes to it, which come after its reply
	dirty   []*Client // have something in Out or closed
	ready   []*Client // became unblocked

	users    map[string]*user
	scripts  map[string]*cached // by SHA-1
	watchers map[string]map[*Client]bool
	channels map[string]*subscribers
	patterns map[string]*subscribers
	shards   map[string]*subscribers

	waiting    map[string][]*Client // blocked on a key, in order of arrival
	pushed     []string             // keys that got items in this turn
	waits      int                  // blocked clients
	postponed  uint64               // commands that CLIENT PAUSE made wait, ever
	pause      pause
	master     *masterLink // nil: this node is a master
	shutdown   bool
	oom        bool // out of memory when the running command began
	noExpire   bool // DEBUG SET-ACTIVE-EXPIRE 0
	journal    journal
	dropFilter int // DEBUG CLUSTER-DROP-PACKET-FILTER, -1: none

	stats   stats
	slotNet map[int]*netBytes // of this node's slots, kept while cluster-slot-stats-enabled says so
}

// masterLink is the master that the node follows.
type masterLink struct {
	host string
	port int
}

// stats are the counters of INFO.
type stats struct {
	connections, commands, errors int64
	hits, misses, expired         int64
	perCommand                    map[*table.Command]*calls
	byError                       map[string]int64
}

type calls struct{ calls, rejected, failed int64 }

// Options are what New needs; all are required.
type Options struct {
	Cluster *cluster.Node
	DB      *store.DB
	Config  *config.Config
	Facts   Facts
	Host    Host
	Rand    cluster.Random
}

// New returns an engine without clients.
func New(o Options) *Engine {
	e := &Engine{
		Cluster: o.Cluster, DB: o.DB, Config: o.Config, Facts: o.Facts, host: o.Host, rand: o.Rand,
		users:      map[string]*user{"default": defaultUser()},
		scripts:    map[string]*cached{},
		watchers:   map[string]map[*Client]bool{},
		channels:   map[string]*subscribers{},
		patterns:   map[string]*subscribers{},
		shards:     map[string]*subscribers{},
		waiting:    map[string][]*Client{},
		dropFilter: -1,
		lastID:     3, // Redis gives the first three to clients of its own
	}
	e.resetStats()
	e.setRequirePass()
	e.DB.OnExpire = func(key string) {
		e.stats.expired++
		e.touched(key)
	}
	return e
}

func (e *Engine) resetStats() {
	e.slotNet = nil
	e.stats = stats{perCommand: map[*table.Command]*calls{}, byError: map[string]int64{}}
}

// SetNow moves the engine's time, in microseconds of Unix time. All commands of
// a turn see the same time.
func (e *Engine) SetNow(us int64) { e.nowUS, e.now = us, us/1000 }

// Connect adds a client. Peer and local are ip:port.
func (e *Engine) Connect(peer, local string) *Client {
	e.lastID++
	c := &Client{
		ID: e.lastID, Peer: peer, Local: local, resp: 2, created: e.now, lastActive: e.now,
		authenticated: e.openDefault(), user: e.users["default"],
	}
	e.clients = append(e.clients, c)
	e.stats.connections++
	return c
}

// Disconnect forgets a client, whose connection is gone or must go.
func (e *Engine) Disconnect(c *Client) {
	if c.gone {
		return
	}
	c.gone = true
	if c.blocked != nil {
		e.release(c)
	}
	e.unwatch(c)
	e.unsubscribeAll(c)
	for i, x := range e.clients {
		if x == c {
			e.clients = append(e.clients[:i], e.clients[i+1:]...)
			break
		}
	}
}

// ReplOffset is master_repl_offset, which other nodes are told.
func (e *Engine) ReplOffset() int64 { return e.offset }

// Clients returns how many clients are connected.
func (e *Engine) Clients() int { return len(e.clients) }

// touch marks a client as having output (or an end) for the driver.
func (e *Engine) touch(c *Client) {
	if !c.listed {
		c.listed = true
		e.dirty = append(e.dirty, c)
	}
}

// TakeDirty returns the clients that have output or are closing since the last
// call. The driver takes Out and leaves it empty.
func (e *Engine) TakeDirty() []*Client {
	d := e.dirty
	e.dirty = e.dirty[len(e.dirty):]
	for _, c := range d {
		c.listed = false
	}
	return d
}

// TakeUnblocked returns the clients that may go on with their next command.
func (e *Engine) TakeUnblocked() []*Client {
	r := e.ready
	e.ready = nil
	return r
}

// ShuttingDown reports whether SHUTDOWN was accepted.
func (e *Engine) ShuttingDown() bool { return e.shutdown }

// logf writes a notice.
func (e *Engine) logf(level cluster.Level, format string, args ...any) {
	e.host.Log(level, fmt.Sprintf(format, args...))
}

// do asks the cluster core to act and replies with its answer.
func (e *Engine) do(c *Client, req cluster.Request) cluster.Answer {
	a, err := e.Cluster.Do(e.now, req)
	if err != nil {
		panic(err) // the driver's time went backwards: our bug
	}
	switch a.Kind {
	case cluster.AnswerOK:
		c.ok()
	case cluster.AnswerStatus:
		c.status(a.Text)
	case cluster.AnswerInt:
		c.int(a.Value)
	case cluster.AnswerError:
		c.err(a.Text)
	}
	return a
}

// ProtocolError ends a client that sent what is no command; reply is the answer.
// Mirrors networking.c:setProtocolError.
func (e *Engine) ProtocolError(c *Client, reply []byte) {
	c.Out = append(c.Out, reply...)
	c.flags |= closing
	e.countError(reply)
	e.touch(c)
}
