package bus

import (
	"fmt"
	"strings"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// tokens are what a core reached. The common ones are flags, so that a packet costs no text.
type tokens struct {
	rules   [64]bool
	packets [bus.TypeCount + 1][4]bool
	sends   [bus.TypeCount + 1]bool
	more    map[string]bool
	// deaf tokens take nothing: what is done again reaches nothing new.
	deaf bool
}

func (k *tokens) add(token string) {
	if k.deaf {
		return
	}
	if k.more == nil {
		k.more = map[string]bool{}
	}
	k.more[token] = true
}

func (k *tokens) rule(r bus.Rule)                 { k.rules[r] = true }
func (k *tokens) packet(t bus.Type, a bus.Action) { k.packets[min(t, bus.TypeCount)][a] = true }
func (k *tokens) send(t bus.Type)                 { k.sends[min(t, bus.TypeCount)] = true }
func (k *tokens) log(text string) {
	if !k.deaf {
		k.add("log:" + logToken(text))
	}
}

func (k *tokens) data(op cluster.DataOp) {
	if !k.deaf {
		k.add(strings.TrimPrefix(fmt.Sprintf("data:%T", op), "cluster."))
	}
}

// into adds all to a set of names.
func (k *tokens) into(set map[string]bool) {
	for r, ok := range k.rules {
		if ok {
			set["rule:"+bus.Rule(r).String()] = true
		}
	}
	for t := range k.packets {
		for a, ok := range k.packets[t] {
			if ok {
				set["packet:"+typeToken(bus.Type(t))+":"+bus.Action(a).String()] = true
			}
		}
		if k.sends[t] {
			set["send:"+typeToken(bus.Type(t))] = true
		}
	}
	for t := range k.more {
		set[t] = true
	}
}

// logToken is a log record without what varies in it: ids, names in parentheses, quoted texts, numbers.
func logToken(text string) string {
	var b strings.Builder
	depth, quoted, word := 0, false, 0
	for i := 0; i <= len(text) && b.Len() < 60; i++ {
		c := byte(' ')
		if i < len(text) {
			c = text[i]
		}
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case depth > 0:
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '\'':
			continue
		}
		if w := text[word:i]; len(w) > 1 && len(w) < 16 && !quoted && depth == 0 {
			b.WriteString("-" + w)
		}
		word = i + 1
	}
	return strings.TrimPrefix(b.String(), "-")
}
