package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/fixtures/commands"
)

// family is the commands of one case: those whose keys stand in the same places,
// or that have none.
type family struct {
	name    string
	point   []string // what the case says of it
	members []member
}

type member struct {
	commands.Info
	invocations []invocation
}

// shapes names the ways in which the table describes where keys stand. The first
// that matches counts; together they cover the table, which build's caller checks.
var shapes = []struct {
	name  string
	point string
	match func(s []commands.KeySpec) bool
}{
	{"one_key", "The key is the first argument and nothing else is a key.", single(1, 0, 1)},
	{"second_argument", "The key is the second argument, behind a subcommand or an option.", single(2, 0, 1)},
	{"two_keys", "Two keys stand side by side, or a destination before its only source.", func(s []commands.KeySpec) bool {
		return len(s) == 2 && isRange(s[0], 1, 0, 1) && isRange(s[1], 2, 0, 1) || single(1, 1, 1)(s)
	}},
	{"to_the_end", "Every argument is a key.", single(1, -1, 1)},
	{"but_the_last", "Every argument is a key but the last, a timeout.", single(1, -2, 1)},
	{"every_second", "Keys alternate with values.", single(1, -1, 2)},
	{"destination_and_sources", "A destination stands before sources that go to the end.", func(s []commands.KeySpec) bool {
		return len(s) == 2 && s[0].FindKeys == "range" && s[1].FindKeys == "range" && s[1].LastKey == -1 && s[1].BeginSearch == "index"
	}},
	{"counted", "A number says how many keys follow it.", func(s []commands.KeySpec) bool {
		return len(s) == 1 && s[0].FindKeys == "keynum"
	}},
	{"counted_with_destination", "A destination stands before a number of keys.", func(s []commands.KeySpec) bool {
		return len(s) == 2 && s[1].FindKeys == "keynum"
	}},
	{"behind_a_keyword", "A keyword stands before keys, or before a further one.", func(s []commands.KeySpec) bool {
		return slices.ContainsFunc(s, func(k commands.KeySpec) bool { return k.BeginSearch != "index" })
	}},
}

func single(index, last, step int) func([]commands.KeySpec) bool {
	return func(s []commands.KeySpec) bool { return len(s) == 1 && isRange(s[0], index, last, step) }
}

func isRange(s commands.KeySpec, index, last, step int) bool {
	return s.BeginSearch == "index" && s.FindKeys == "range" && s.Index == index && s.LastKey == last && s.KeyStep == step
}

// families puts every command of the table into one case, sorted by name. Pub/sub
// channels that are routed like keys are left to keys/channels; containers have
// no invocation of their own.
func families(table []commands.Info, docs []commands.Doc) []family {
	byName := map[string]commands.Doc{}
	for _, d := range docs {
		byName[d.Name] = d
	}
	found := map[string]*family{}
	for _, in := range table {
		doc, ok := byName[in.Name]
		if !ok {
			panic("gencases: no documentation of " + in.Name)
		}
		if in.Container && in.Name != "command" || isChannel(in) {
			continue
		}
		name, point := place(in, doc)
		f := found[name]
		if f == nil {
			f = &family{name: name, point: point}
			found[name] = f
		}
		f.members = append(f.members, member{in, invocations(in, doc)})
	}
	out := make([]family, 0, len(found))
	for _, f := range found {
		slices.SortFunc(f.members, func(a, b member) int {
			return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
		})
		out = append(out, *f)
	}
	slices.SortFunc(out, func(a, b family) int { return cmp.Compare(a.name, b.name) })
	return out
}

func isChannel(in commands.Info) bool {
	return slices.ContainsFunc(in.KeySpecs, func(s commands.KeySpec) bool { return slices.Contains(s.Flags, "not_key") })
}

// place is the family of a command. Those of one key are too many for one case
// and are told apart by the group of the documentation, as are those of none.
func place(in commands.Info, doc commands.Doc) (name string, point []string) {
	group := strings.ReplaceAll(doc.Group, "-", "_")
	if len(in.KeySpecs) == 0 {
		return "table_no_keys_" + group, []string{fmt.Sprintf("Commands of the group %s without keys say so.", doc.Group)}
	}
	for _, s := range shapes {
		if !s.match(in.KeySpecs) {
			continue
		}
		if s.name == "one_key" {
			return "table_one_key_" + group, []string{s.point, "", fmt.Sprintf("Commands of the group %s.", doc.Group)}
		}
		return "table_" + s.name, []string{s.point}
	}
	panic("gencases: no family takes the key specs of " + in.Name)
}
