package scenario

import (
	"slices"
)

// operands says what the words after a keyword are, as far as a name must have
// been declared.
type operands int

const (
	none     operands = iota
	declares          // the first word becomes a name
	one               // the first word is a declared name
	all               // every word without "=" is a declared name
)

// keywords are first words that are no actor. A verb of the runner that is no
// puppet verb must stand here.
var keywords = map[string]operands{
	"node":     declares,
	"puppet":   declares,
	"wait":     one,
	"hold":     one,
	"agree":    all,
	"snapshot": one,
	"kill":     one,
	"restart":  one,
	"pause":    one,
	"resume":   one,
	"cut":      all,
	"heal":     all,
	"delay":    all,
	"advance":  none,
}

// Keywords returns the first words that are no actor, sorted. They cannot be
// names of nodes or puppets.
func Keywords() []string {
	out := make([]string, 0, len(keywords))
	for k := range keywords {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
