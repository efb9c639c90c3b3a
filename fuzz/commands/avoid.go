package commands

import (
	"slices"

	"github.com/slotdiff/slotdiff/wire/resp"
)

// avoid keeps later episodes from a difference that was found, as far as it would end them or tell nothing new: a
// command that the target does not have is not sent any more; of one whose run leaves other data behind the option is left out that stands
// in the shortened stream, or, where none does, only its route is compared. It counts from the next episode on.
func (e *Engine) avoid(d *difference, ops []op) {
	cat := loadCatalog()
	if missing(d.answers[theTarget]) && d.id != noCommand {
		e.absent = slices.Clone(e.absent)
		e.absent[d.id] = true
		return
	}
	if d.fault != faultDiffers || d.harmless {
		return
	}
	for _, o := range slices.Backward(ops) {
		c := cat.lookup(o.argv)
		if c == nil || !c.write {
			continue
		}
		var words []string
		for _, w := range tokensOf(c.args) {
			if slices.ContainsFunc(o.argv, func(a []byte) bool { return isOption(a, w) }) {
				words = append(words, w)
			}
		}
		if len(words) == 0 {
			e.learn(c.id)
			return
		}
		e.forbidden = cloneWords(e.forbidden)
		e.forbidden[c.id] = append(e.forbidden[c.id], words...)
		return
	}
}

func cloneWords(m map[uint16][]string) map[uint16][]string {
	out := make(map[uint16][]string, len(m))
	for id, words := range m {
		out[id] = slices.Clone(words)
	}
	return out
}

// harmless reports whether both sides hold the same data and connections behind two answers that differ. c may be nil;
// queue holds what EXEC ran.
func harmless(c *command, frame [2][]byte, queue []*command) bool {
	o, t := frame[theOracle], frame[theTarget]
	if o == nil || t == nil || o[0] == byte(resp.Push) || t[0] == byte(resp.Push) {
		return false
	}
	if o[0] == '-' && t[0] == '-' {
		return true
	}
	switch {
	case c == nil || string(o) == queued || string(t) == queued:
		return false
	case c.Name == "exec":
		return o[0] == t[0] && !slices.ContainsFunc(queue, func(q *command) bool { return q == nil || q.write || q.ways.scene })
	case c.Name == "hello":
		return o[0] == t[0]
	}
	return !c.write && (!c.ways.scene || slices.Contains(looks, c.Name))
}

const queued = "+QUEUED\r\n"

// looks are scenes that change nothing.
var looks = []string{
	"cluster|nodes", "cluster|info", "cluster|slots", "cluster|shards", "cluster|getkeysinslot", "config|get",
	"command|getkeys", "command|getkeysandflags", "script|exists",
}
