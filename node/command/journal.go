package command

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/store"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// journal is what changed in the keyspace since the driver last asked.
//
// It names keys, not commands: the log gets the state that a key has at the end of a turn.
// So no command needs a form in which it is repeatable, at the price of writing a
// large value again when a part of it changes.
type journal struct {
	on      bool
	flushed bool // everything went, before what keys names
	keys    map[string]struct{}

	touched  bool  // the running command has changed something
	commands int64 // that have, of this turn
}

// counted notes what a command changed as one for the log.
func (j *journal) counted() {
	if j.touched {
		j.touched = false
		j.commands++
	}
}

// advance moves the replication offset as Redis moves it while there is a log and no replica: by one for each command of the log, of which
// MULTI and EXEC around several are two. Mirrors replication.c:replicationFeedSlaves and server.c:propagatePendingCommands.
func (e *Engine) advance() {
	n := e.journal.commands
	if n > 1 {
		n += 2
	}
	e.offset += n
	e.journal.commands = 0
}

// SetJournal says whether changes are kept for AppendJournal. What was kept is forgotten.
func (e *Engine) SetJournal(on bool) {
	e.journal = journal{on: on, keys: map[string]struct{}{}}
}

func (j *journal) changed(key string) {
	if j.on {
		j.touched = true
		j.keys[key] = struct{}{}
	}
}

func (j *journal) emptied() {
	if j.on {
		j.touched = true
		j.flushed = true
		clear(j.keys)
	}
}

// AppendJournal appends to b, as one transaction, the commands that repeat what changed since the
// last call.
func (e *Engine) AppendJournal(b []byte) []byte {
	j := &e.journal
	if !j.flushed && len(j.keys) == 0 {
		return b
	}
	b = resp.AppendCommandStrings(b, "MULTI")
	if j.flushed {
		b = resp.AppendCommandStrings(b, "FLUSHALL")
	}
	for _, key := range slices.Sorted(maps.Keys(j.keys)) {
		if !j.flushed {
			b = resp.AppendCommandStrings(b, "DEL", key)
		}
		if o := e.DB.Held(key); o != nil {
			b = appendObject(b, o)
		}
	}
	j.flushed = false
	clear(j.keys)
	return resp.AppendCommandStrings(b, "EXEC")
}

// AppendState appends to b the commands that make the whole keyspace.
func (e *Engine) AppendState(b []byte) []byte {
	e.DB.Each(e.now, func(o *store.Object) { b = appendObject(b, o) })
	return b
}

// wordsPerCommand bounds a command of the log (server.h:AOF_REWRITE_ITEMS_PER_CMD).
const wordsPerCommand = 64

// appendObject appends the commands that make a key that is not there.
// Mirrors aof.c:rewriteObject.
func appendObject(b []byte, o *store.Object) []byte {
	var name string
	var words [][]byte
	switch o.Kind {
	case store.String:
		b = resp.AppendCommand(b, []byte("SET"), []byte(o.Key()), o.Str)
	case store.List:
		name, words = "RPUSH", o.Items
	case store.Set:
		name = "SADD"
		o.Dict.All(func(member string, _ []byte) { words = append(words, []byte(member)) })
	case store.Hash:
		name = "HSET"
		o.Dict.All(func(field string, value []byte) { words = append(words, []byte(field), value) })
	case store.SortedSet:
		name = "ZADD"
		for _, m := range o.ZSet.All() {
			words = append(words, strconv.AppendFloat(nil, m.Score, 'g', 17, 64), []byte(m.Member))
		}
	}
	for some := range slices.Chunk(words, wordsPerCommand) {
		b = resp.AppendCommand(b, slices.Concat([][]byte{[]byte(name), []byte(o.Key())}, some)...)
	}
	if when := o.Expire(); when != 0 {
		b = resp.AppendCommandStrings(b, "PEXPIREAT", o.Key(), strconv.FormatInt(when, 10))
	}
	return b
}

// Replay runs a command of a log: no client sent it, so it is not routed, checked or counted, and
// an error that it replies with is logged, as Redis does. The error is that of a log
// that this node cannot run.
func (e *Engine) Replay(argv [][]byte) error {
	cmd := table.Lookup(argv)
	if cmd == nil {
		return UnknownReplay(argv[0])
	}
	h := byCommand[cmd]
	if h == nil || cmd.Has(table.Blocking) || !cmd.ArityOK(len(argv)) {
		return errReplay(cmd.Name)
	}
	c := &Client{resp: 2, authenticated: true, user: e.users["default"], cmd: cmd, argv: argv}
	h(e, c)
	e.serveWaiting()
	if len(c.Out) > 0 && c.Out[0] == '-' {
		e.logf(cluster.LevelWarning, "== CRITICAL == This server is sending an error to its AOF-loading-client: '%s' after processing the command '%s'",
			strings.TrimRight(string(c.Out[1:]), "\r\n"), cmd.Name)
	}
	e.TakeDirty()
	return nil
}

type errReplay string

func (e errReplay) Error() string {
	return "slotnode does not execute '" + string(e) + "' of an append-only file"
}

// UnknownReplay names a command of a log that no server has.
type UnknownReplay string

func (e UnknownReplay) Error() string { return "Unknown command '" + string(e) + "'" }

// Reconcile brings the loaded keys and the slot table together: slots of nobody are claimed, keys
// in slots of others go. Mirrors cluster.c:verifyClusterConfigWithData; there is one database.
func (e *Engine) Reconcile() {
	if _, err := e.Cluster.Do(e.now, cluster.Claim{Populated: e.DB.Populated()}); err != nil {
		panic(err) // the driver's time went backwards: our bug
	}
}
