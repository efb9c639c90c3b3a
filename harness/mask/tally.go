package mask

import (
	"slices"
	"sync"
)

// Tally counts over a run how often each mask had its kind of answer before it, and how
// often it changed one. The zero value is ready. It may be used by many goroutines.
type Tally struct {
	mu            sync.Mutex
	looked, acted map[string]int
}

// Note adds one call of Apply: its context and the names it returned.
func (t *Tally) Note(ctx Context, used []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.looked == nil {
		t.looked, t.acted = map[string]int{}, map[string]int{}
	}
	for _, m := range byKind[ctx.Kind] {
		t.looked[m.Name]++
	}
	for _, name := range used {
		t.acted[name]++
	}
}

// Count says in how many answers the mask was looked for, and in how many it acted.
func (t *Tally) Count(name string) (looked, acted int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.looked[name], t.acted[name]
}

// Stale returns the names of the masks that had answers of their kind before them in at
// least enough cases and never changed one, sorted: either the field is gone or the
// mask no longer finds it.
func (t *Tally) Stale(enough int) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var names []string
	for name, n := range t.looked {
		if n >= enough && t.acted[name] == 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
