package nodesconf

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// ErrEmpty says that a file is there and has nothing in it: the node never ran. Redis makes the
// file so, to lock it, before it writes it for the first time.
var ErrEmpty = errors.New("nodes.conf: empty")

// Error says where a file is damaged, and how. Line and column count from 1, the column in bytes.
type Error struct {
	Line, Column int
	Cause        string
	// Read is the line that was read last, with its end if it has one: Redis shows that one. It is
	// line Line unless something is missing from the whole file.
	Read string
}

// Error begins with the place.
func (e *Error) Error() string {
	return fmt.Sprintf("nodes.conf:%d:%d: %s", e.Line, e.Column, e.Cause)
}

// Parse reads a whole file. The error is ErrEmpty or an [*Error].
// Mirrors the parsing in cluster_legacy.c:clusterLoadConfig.
func Parse(text []byte) (*File, error) {
	if len(text) == 0 {
		return nil, ErrEmpty
	}
	p := parser{file: &File{}, ids: make(map[bus.ID]int)}
	for len(text) > 0 {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		text = rest
		p.line++
		p.read = string(line)
		if whole {
			p.read += "\n"
		}
		if !whole {
			return nil, p.errorf(len(line), "the line has no end: the file is torn")
		}
		if err := p.parseLine(line); err != nil {
			return nil, err
		}
	}
	if !p.vars {
		return nil, p.errorf(0, "no line of variables follows: the file is torn")
	}
	if err := p.checkMyself(); err != nil {
		return nil, err
	}
	return p.file, nil
}

type parser struct {
	file   *File
	line   int    // from 1
	read   string // its text, with its end
	vars   bool
	myself int            // line of this node, 0: not yet seen
	ids    map[bus.ID]int // lines of nodes
	me     int            // index in file.Nodes
}

// word is one field of a line with its place.
type word struct {
	text string
	col  int // from 0
}

func (p *parser) errorf(col int, format string, args ...any) *Error {
	return &Error{Line: p.line, Column: col + 1, Cause: fmt.Sprintf(format, args...), Read: p.read}
}

func (p *parser) parseLine(line []byte) error {
	words, err := p.split(line)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		if len(line) == 0 {
			return nil
		}
		return p.errorf(0, "a line of blanks")
	}
	if strings.EqualFold(words[0].text, "vars") {
		return p.parseVars(words)
	}
	return p.parseNode(words)
}

// split cuts a line at blanks. Redis would also take quotes, which it never writes.
func (p *parser) split(line []byte) ([]word, error) {
	var words []word
	start := -1
	for i := 0; i <= len(line); i++ {
		switch {
		case i == len(line) || isBlank(line[i]):
			if start >= 0 {
				words = append(words, word{string(line[start:i]), start})
				start = -1
			}
		case line[i] < 0x20 || line[i] == 0x7f || line[i] == '"' || line[i] == '\'':
			return nil, p.errorf(i, "unexpected character %q", line[i])
		case start < 0:
			start = i
		}
	}
	return words, nil
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

// parseVars reads the line of variables. Unknown ones are skipped, as Redis does.
func (p *parser) parseVars(words []word) error {
	if len(words)%2 == 0 {
		return p.errorf(words[len(words)-1].col, "variable %s has no value", words[len(words)-1].text)
	}
	p.vars = true
	for i := 1; i < len(words); i += 2 {
		var to *uint64
		switch strings.ToLower(words[i].text) {
		case "currentepoch":
			to = &p.file.CurrentEpoch
		case "lastvoteepoch":
			to = &p.file.VoteEpoch
		default:
			continue
		}
		v, err := p.number(words[i+1], math.MaxUint64)
		if err != nil {
			return err
		}
		*to = v
	}
	return nil
}

func (p *parser) number(w word, limit uint64) (uint64, error) {
	v, err := strconv.ParseUint(w.text, 10, 64)
	if err != nil || v > limit {
		return 0, p.errorf(w.col, "%q is no number in 0..%d", w.text, limit)
	}
	return v, nil
}

func (p *parser) id(w word) (bus.ID, error) {
	if len(w.text) != bus.IDLen {
		return bus.ID{}, p.errorf(w.col, "a node id has %d characters, %q has %d", bus.IDLen, w.text, len(w.text))
	}
	id := bus.ID([]byte(w.text))
	if !id.Valid() {
		return bus.ID{}, p.errorf(w.col, "%q is no node id", w.text)
	}
	return id, nil
}

// Fields of a node's line.
const (
	fieldID = iota
	fieldAddress
	fieldFlags
	fieldMaster
	fieldPing
	fieldPong
	fieldEpoch
	fieldLink
	fieldSlots // and all that follow
)

func (p *parser) parseNode(words []word) error {
	if len(words) < fieldSlots {
		last := words[len(words)-1]
		return p.errorf(last.col+len(last.text), "%d fields, a node has at least %d", len(words), fieldSlots)
	}
	var n Node
	var err error
	if n.ID, err = p.id(words[fieldID]); err != nil {
		return err
	}
	if first, twice := p.ids[n.ID]; twice {
		return p.errorf(words[fieldID].col, "node %s stands in line %d already", n.ID, first)
	}
	p.ids[n.ID] = p.line
	if err := p.parseAddress(&n, words[fieldAddress]); err != nil {
		return err
	}
	if err := p.parseFlags(&n, words[fieldFlags]); err != nil {
		return err
	}
	if w := words[fieldMaster]; w.text[0] != '-' {
		if n.Master, err = p.id(w); err != nil {
			return err
		}
		if n.Master == n.ID {
			return p.errorf(w.col, "a replica of itself")
		}
	}
	if err := p.parseNumbers(&n, words); err != nil {
		return err
	}
	for _, w := range words[fieldSlots:] {
		if err := p.parseSlots(&n, w); err != nil {
			return err
		}
	}
	if n.Myself() {
		p.me = len(p.file.Nodes)
	}
	p.file.Nodes = append(p.file.Nodes, n)
	return nil
}

func (p *parser) parseNumbers(n *Node, words []word) error {
	ping, err := p.number(words[fieldPing], math.MaxInt64)
	if err != nil {
		return err
	}
	pong, err := p.number(words[fieldPong], math.MaxInt64)
	if err != nil {
		return err
	}
	n.PingSent, n.PongReceived = int64(ping), int64(pong)
	if n.ConfigEpoch, err = p.number(words[fieldEpoch], math.MaxUint64); err != nil {
		return err
	}
	switch w := words[fieldLink]; w.text {
	case "connected":
		n.Connected = true
	case "disconnected":
	default:
		return p.errorf(w.col, "%q is no state of a link", w.text)
	}
	return nil
}

func (p *parser) parseFlags(n *Node, w word) error {
	col := w.col
	for name := range strings.SplitSeq(w.text, ",") {
		flag, ok := flagNamed(name)
		if !ok {
			return p.errorf(col, "%q is no flag", name)
		}
		n.Flags |= flag
		if flag == bus.FlagMyself {
			if p.myself != 0 {
				return p.errorf(col, "line %d is myself already", p.myself)
			}
			p.myself = p.line
		}
		col += len(name) + 1
	}
	return nil
}

func flagNamed(name string) (bus.NodeFlags, bool) {
	for _, f := range FlagNames {
		if strings.EqualFold(f.Name, name) {
			return f.Flag, true
		}
	}
	return 0, strings.EqualFold(name, "noflags")
}

// parseSlots reads a slot, a range of slots, or an open slot in brackets.
func (p *parser) parseSlots(n *Node, w word) error {
	if w.text[0] == '[' {
		return p.parseOpen(n, w)
	}
	first, last, isRange := strings.Cut(w.text, "-")
	if !isRange {
		last = first
	}
	lo, _, err := slot.ParseRange(first)
	if err != nil {
		return p.errorf(w.col, "%q is neither a slot nor a range of slots", w.text)
	}
	hi, _, err := slot.ParseRange(last)
	if err != nil {
		return p.errorf(w.col, "%q is neither a slot nor a range of slots", w.text)
	}
	if lo > hi {
		return nil // a range that runs backwards is empty
	}
	if n.Slots == nil {
		n.Slots = new(slot.Set)
	}
	n.Slots.AddRange(lo, hi)
	return nil
}

func (p *parser) parseOpen(n *Node, w word) error {
	number, peer, ok := strings.Cut(strings.TrimPrefix(w.text, "["), "-")
	if !ok || len(peer) < 3 || peer[1] != '-' || (peer[0] != '>' && peer[0] != '<') || !strings.HasSuffix(peer, "]") {
		return p.errorf(w.col, "%q is no open slot", w.text)
	}
	s, err := p.number(word{number, w.col + 1}, slot.Count-1)
	if err != nil {
		return err
	}
	id, err := p.id(word{peer[2 : len(peer)-1], w.col + len(number) + 4})
	if err != nil {
		return err
	}
	n.Open = append(n.Open, Open{Slot: uint16(s), Importing: peer[0] == '<', Node: id})
	return nil
}

// checkMyself demands what a node needs to know of itself.
func (p *parser) checkMyself() error {
	if p.myself == 0 {
		return p.errorf(0, "no node is myself")
	}
	p.line = p.myself
	me := &p.file.Nodes[p.me]
	if !me.Flags.Any(bus.FlagMaster | bus.FlagReplica) {
		return p.errorf(0, "myself is neither master nor replica")
	}
	if me.Flags.Any(bus.FlagReplica) && me.Master.IsZero() {
		return p.errorf(0, "myself is a replica of nobody")
	}
	return nil
}
