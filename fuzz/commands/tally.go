package commands

import (
	"slices"
	"strings"
)

// tally is what an episode has reached: pairs of a command and a class of answer.
type tally struct {
	cat   *catalog
	kinds *classes
	seen  map[uint32]bool
	queue [conns][]*command // what each connection has queued in its transaction
}

func newTally() *tally {
	return &tally{cat: loadCatalog(), kinds: newClasses(), seen: map[uint32]bool{}}
}

// note adds an answer and reports whether the pair is new.
func (t *tally) note(id uint16, frame []byte) bool {
	k := t.pair(id, frame)
	if t.seen[k] {
		return false
	}
	t.seen[k] = true
	return true
}

func (t *tally) pair(id uint16, frame []byte) uint32 {
	return uint32(id)<<16 | uint32(t.kinds.of(frame))
}

// name is the token of a pair.
func (t *tally) name(pair uint32) string {
	name := "unknown"
	if id := uint16(pair >> 16); id != noCommand {
		name = t.cat.all[id].name()
	}
	return "answer:" + name + ":" + oneWord(t.kinds.text[pair&0xffff])
}

// oneWord makes one printable word of a class: a corpus keeps tokens in a text, separated by blanks.
func oneWord(text string) string {
	b := []byte(strings.Join(strings.Fields(text), "_"))
	for i, c := range b {
		if c <= ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}

// tokens are what was reached, sorted: "command:get", "answer:get:$", "error:-WRONGTYPE_Operation_against", "route:moved".
func (t *tally) tokens() []string {
	set := map[string]bool{}
	for k := range t.seen {
		text := t.kinds.text[k&0xffff]
		name := "unknown"
		if id := uint16(k >> 16); id != noCommand {
			name = t.cat.all[id].name()
		}
		set["command:"+name] = true
		set[t.name(k)] = true
		if strings.HasPrefix(text, "-") {
			set["error:"+oneWord(text)] = true
			if r := routeOf(text); r != "" {
				set[r] = true
			}
		}
	}
	out := make([]string, 0, len(set))
	for s := range set {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// queued follows transactions: what each EXEC will answer for.
func (t *tally) queued(conn int, id uint16, frame []byte) {
	switch {
	case len(frame) == 9 && string(frame) == "+QUEUED\r\n":
		var c *command
		if id != noCommand {
			c = &t.cat.all[id]
		}
		t.queue[conn] = append(t.queue[conn], c)
	case len(t.queue[conn]) > 0 && frame[0] != '-':
		// Anything else that is answered in a transaction ends it, or is MULTI's or WATCH's error.
		t.queue[conn] = t.queue[conn][:0]
	case len(t.queue[conn]) > 0 && strings.HasPrefix(string(frame), "-EXECABORT"):
		t.queue[conn] = t.queue[conn][:0]
	}
}

// AllTokens are the tokens of which a summary can say that they were not reached: every command, every route, and every fault of the oracle that is hunted.
func (e *Engine) AllTokens() []string {
	var out []string
	for i := range loadCatalog().all {
		out = append(out, "command:"+loadCatalog().all[i].name())
	}
	for _, r := range routes {
		out = append(out, r[1])
	}
	for _, h := range hunts {
		out = append(out, "quirk:"+h.name)
	}
	slices.Sort(out)
	return out
}
