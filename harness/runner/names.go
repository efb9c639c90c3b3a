package runner

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/slotdiff/slotdiff/harness/scenario"
)

// names is one side's table of the values that a case calls by name: $a.id,
// $a.addr, $a.port, $a.cport, $a.ip. Expanding and folding are inverse, so that
// both sides print the same text although every address and id differs.
//
// Invariant: every id, port and bus port belongs to one actor of the side.
type names struct {
	mu     sync.RWMutex
	actors map[string]identity
	anew   map[string][]string // actor -> the ids that it has been seen with since it was given its own, in order
	folds  *folds              // nil after a change
}

// identity is what the others know an actor by.
type identity struct {
	id   string // 40 characters; empty until known
	addr netip.AddrPort
	bus  netip.AddrPort
	// hidden is a node's own bus port behind its relay, for logs; invalid without relay.
	hidden netip.AddrPort
}

// folds holds the compiled replacements.
type folds struct {
	ids   map[string]string // id -> $a.id
	ports map[string]string // decimal port -> $a.port or $a.cport
}

func newNames() *names { return &names{actors: map[string]identity{}, anew: map[string][]string{}} }

func (n *names) set(actor string, id identity) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.actors[actor] = id
	delete(n.anew, actor)
	n.folds = nil
}

// rename notes that an actor is seen with another id than its own, as a node is after a hard reset. $a.id stays what it was until the
// node is started again; the other id is printed as $a.newid, and the next as $a.newid2, which are no references.
func (n *names) rename(actor, id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if known := n.actors[actor].id; known == "" || known == id || slices.Contains(n.anew[actor], id) {
		return
	}
	n.anew[actor] = append(n.anew[actor], id)
	n.folds = nil
}

// present is the id that an actor was seen with last.
func (n *names) present(actor string) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if ids := n.anew[actor]; len(ids) > 0 {
		return ids[len(ids)-1]
	}
	return n.actors[actor].id
}

func (n *names) get(actor string) (identity, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	id, ok := n.actors[actor]
	return id, ok
}

// lookup is the value of a reference. An actor that the side does not have, and
// a field that an actor does not have, is an error.
func (n *names) lookup(ref scenario.Ref) (string, error) {
	id, ok := n.get(ref.Name)
	if !ok {
		return "", fmt.Errorf("%s: no actor %q has been started", ref, ref.Name)
	}
	switch ref.Field {
	case "id":
		if id.id == "" {
			return "", fmt.Errorf("%s: actor %q has no node id", ref, ref.Name)
		}
		return id.id, nil
	case "addr":
		return id.addr.String(), nil
	case "port":
		return strconv.Itoa(int(id.addr.Port())), nil
	case "cport":
		return strconv.Itoa(int(id.bus.Port())), nil
	case "ip":
		return id.addr.Addr().String(), nil
	}
	return "", fmt.Errorf("%s: no field %q; there are id addr port cport ip", ref, ref.Field)
}

var (
	idRun   = regexp.MustCompile(`[0-9a-z]{40,}`)
	address = regexp.MustCompile(`127\.0\.0\.1:(\d{5})`)
	number  = regexp.MustCompile(`\d+`)
)

// fold replaces every id, address and port of the side's actors by its name.
// A port is folded only where it stands alone, never inside a longer word.
func (n *names) fold(s string) string {
	f := n.compiled()
	s = idRun.ReplaceAllStringFunc(s, f.foldIDs)
	s = address.ReplaceAllStringFunc(s, func(a string) string {
		if name, ok := f.ports[a[len(a)-5:]]; ok {
			if actor, isClient := strings.CutSuffix(name, ".port"); isClient {
				return actor + ".addr"
			}
			return a[:len(a)-5] + name
		}
		return a
	})
	return foldNumbers(s, f.ports)
}

// foldIDs replaces the ids inside one run of id characters. A run can be longer
// than an id: an escape such as \n may stand right before it.
func (f *folds) foldIDs(run string) string {
	for i := 0; i+40 <= len(run); i++ {
		if name, ok := f.ids[run[i:i+40]]; ok {
			return run[:i] + name + f.foldIDs(run[i+40:])
		}
	}
	return run
}

func foldNumbers(s string, ports map[string]string) string {
	var b strings.Builder
	last := 0
	for _, m := range number.FindAllStringIndex(s, -1) {
		if m[1]-m[0] != 5 || wordByte(s, m[0]-1) || wordByte(s, m[1]) {
			continue
		}
		name, ok := ports[s[m[0]:m[1]]]
		if !ok {
			continue
		}
		b.WriteString(s[last:m[0]])
		b.WriteString(name)
		last = m[1]
	}
	if last == 0 {
		return s
	}
	b.WriteString(s[last:])
	return b.String()
}

// wordByte reports whether s[i] would make a number beside it part of a longer
// word. An escape such as \n ends in a letter, but its backslash tells it apart.
func wordByte(s string, i int) bool {
	if i < 0 || i >= len(s) {
		return false
	}
	c := s[i]
	letter := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '.'
	if letter && i > 0 && s[i-1] == '\\' && (c == 'n' || c == 'r' || c == 't') {
		return false
	}
	return letter
}

func (n *names) compiled() *folds {
	n.mu.RLock()
	f := n.folds
	n.mu.RUnlock()
	if f != nil {
		return f
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	f = &folds{ids: map[string]string{}, ports: map[string]string{}}
	actors := make([]string, 0, len(n.actors))
	for a := range n.actors {
		actors = append(actors, a)
	}
	sort.Strings(actors)
	for a, ids := range n.anew {
		for i, id := range ids {
			f.ids[id] = "$" + a + ".newid"
			if i > 0 {
				f.ids[id] += strconv.Itoa(i + 1)
			}
		}
	}
	for _, a := range actors {
		id := n.actors[a]
		if len(id.id) == 40 {
			f.ids[id.id] = "$" + a + ".id"
		}
		f.ports[strconv.Itoa(int(id.addr.Port()))] = "$" + a + ".port"
		f.ports[strconv.Itoa(int(id.bus.Port()))] = "$" + a + ".cport"
		if id.hidden.IsValid() {
			f.ports[strconv.Itoa(int(id.hidden.Port()))] = "$" + a + ".cport"
		}
	}
	n.folds = f
	return f
}
