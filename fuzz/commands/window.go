package commands

import (
	"bytes"
	"strings"

	"github.com/slotdiff/slotdiff/wire/resp"
)

// The connections of a stream.
const (
	connPubSub = 3 // the only one that subscribes
	connBlock  = 4 // the only one that blocks for longer than a moment
	conns      = 5
	general    = 3 // connections 0, 1 and 2 do everything else
)

// mode says how a window is read back.
type mode uint8

const (
	modeCount mode = iota // one reply a command
	modeMark              // a PING with a word of its own ends it: pushes and confirmations come in any number
	modeSend              // one command that may block: nothing is read
	modeAwait             // no command: the reply to the last modeSend is read
)

// window is a run of commands on one connection. The next begins when every reply of this one is read,
// so that commands of different connections have one order.
type window struct {
	conn    int
	mode    mode
	buf     []byte   // the commands as they are sent
	ends    []int    // where each ends in buf
	blocked bool     // modeSend: its client waited, on both sides
	ids     []uint16 // of each in the catalog, noCommand for one that is not in it
	waits   bool     // modeCount: some command may block for a moment
}

const noCommand = 0xffff

func (w *window) reset(conn int, m mode) {
	w.conn, w.mode, w.blocked, w.waits = conn, m, false, false
	w.buf, w.ends, w.ids = w.buf[:0], w.ends[:0], w.ids[:0]
}

func (w *window) add(id uint16, argv ...[]byte) {
	w.buf = resp.AppendCommand(w.buf, argv...)
	w.ends = append(w.ends, len(w.buf))
	w.ids = append(w.ids, id)
}

// len is the number of commands.
func (w *window) len() int { return len(w.ends) }

// bytes are those of command i.
func (w *window) bytes(i int) []byte {
	from := 0
	if i > 0 {
		from = w.ends[i-1]
	}
	return w.buf[from:w.ends[i]]
}

// argv takes command i apart again.
func (w *window) argv(i int) [][]byte {
	v, _, err := resp.Parse(w.bytes(i))
	if err != nil {
		panic("fuzz/commands: " + err.Error()) // our own encoding
	}
	out := make([][]byte, len(v.Elems))
	for j, e := range v.Elems {
		out[j] = e.Str
	}
	return out
}

// op is one command of an episode, for a case and for reduction.
type op struct {
	conn    int
	mode    mode // modeCount, modeSend or modeAwait
	argv    [][]byte
	blocked bool // modeSend: its client waited, on both sides
	last    bool // of its window
}

// changesTable reports whether a command is one of CLUSTER that may change the slot table or the epoch.
func (o *op) changesTable() bool {
	if len(o.argv) < 2 || !bytes.EqualFold(o.argv[0], []byte("CLUSTER")) {
		return false
	}
	switch strings.ToUpper(string(o.argv[1])) {
	case "ADDSLOTS", "ADDSLOTSRANGE", "DELSLOTS", "DELSLOTSRANGE", "SETSLOT", "FLUSHSLOTS", "BUMPEPOCH":
		return true
	}
	return false
}

// ops is the window as single commands. A marked window's PING is the reader's, not the stream's.
func (w *window) ops() []op {
	if w.mode == modeAwait {
		return []op{{conn: w.conn, mode: modeAwait}}
	}
	var out []op
	for i := range w.ends {
		m := w.mode
		if m == modeMark {
			m = modeCount
		}
		out = append(out, op{w.conn, m, w.argv(i), w.blocked, i == w.len()-1})
	}
	return out
}
