package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/fixtures/commands"
)

// invocation is one way to call a command.
type invocation struct {
	argv []string
	keys []int // places of the keys in argv, in the order of the arguments
}

// invocations calls the command in its shortest form, and once more for every
// optional argument that holds a key.
func invocations(in commands.Info, doc commands.Doc) []invocation {
	shortest := call(in, doc.Arguments)
	out := []invocation{shortest}
	for i, a := range doc.Arguments {
		if !optional(a) || !hasKey(a) || in.Name == "migrate" {
			continue // MIGRATE takes KEYS only with an empty key: keys/migrate has it
		}
		for _, choice := range choices(a) {
			args := slices.Clone(doc.Arguments)
			choice.Flags = slices.DeleteFunc(slices.Clone(choice.Flags), func(f string) bool { return f == "optional" })
			args[i] = choice
			if more := call(in, args); !slices.Equal(more.argv, shortest.argv) {
				out = append(out, more)
			}
		}
	}
	if in.Name == "pfmerge" {
		return out[1:] // without sources it is run wherever it is sent: keys/pfmerge_without_sources
	}
	return out
}

// choices are the arguments of which one stands for a: its alternatives, or itself.
func choices(a commands.Arg) []commands.Arg {
	if a.Type == "oneof" {
		return a.Arguments
	}
	return []commands.Arg{a}
}

// call walks the arguments of a command. Optional ones are left out, except keys
// that a count stands for.
func call(in commands.Info, args []commands.Arg) invocation {
	w := &walker{}
	w.argv = strings.Split(in.Name, "|")
	for i, a := range args {
		if !optional(a) || counted(args, i) {
			w.arg(a)
		}
	}
	for in.Arity < 0 && len(w.argv) < -in.Arity || in.Arity > 0 && len(w.argv) < in.Arity {
		w.argv = append(w.argv, fmt.Sprintf("arg%d", len(w.argv))) // the documentation leaves arguments out
	}
	return w.invocation
}

// counted reports whether the argument at i is what numkeys counts.
func counted(args []commands.Arg, i int) bool {
	return i > 0 && args[i-1].Name == "numkeys" && hasKey(args[i])
}

type walker struct {
	invocation
	nkeys int
}

// times is how often a repeatable argument is given: a key twice, so that there
// are two keys to find, and whatever is paired with keys as often as they.
const times = 2

func (w *walker) arg(a commands.Arg) {
	n := 1
	if multiple(a) && hasKey(a) {
		n = times
	}
	for i := range n {
		if a.Token != nil && (i == 0 || slices.Contains(a.Flags, "multiple_token")) && a.Type != "pure-token" {
			w.argv = append(w.argv, *a.Token)
		}
		w.value(a)
	}
}

func (w *walker) value(a commands.Arg) {
	switch a.Type {
	case "key":
		w.nkeys++
		w.keys = append(w.keys, len(w.argv))
		w.argv = append(w.argv, fmt.Sprintf("{%s}%d", foreignTag, w.nkeys))
	case "pure-token":
		w.argv = append(w.argv, *a.Token)
	case "oneof":
		w.arg(a.Arguments[0])
	case "block":
		paired := slices.ContainsFunc(a.Arguments, func(b commands.Arg) bool { return b.Type == "key" && multiple(b) })
		for _, b := range a.Arguments {
			switch {
			case optional(b):
			case paired && b.Type != "key" && multiple(b):
				for range times {
					w.value(b)
				}
			default:
				w.arg(b)
			}
		}
	case "integer":
		if a.Name == "numkeys" {
			w.argv = append(w.argv, fmt.Sprint(times))
			return
		}
		w.argv = append(w.argv, "1")
	case "double":
		w.argv = append(w.argv, "1.5")
	case "unix-time":
		w.argv = append(w.argv, "1893456000")
	case "pattern":
		w.argv = append(w.argv, "pattern*")
	case "string":
		w.argv = append(w.argv, strings.ReplaceAll(a.Name, " ", "-"))
	default:
		panic("gencases: the table has an argument of unknown type " + a.Type)
	}
}

func optional(a commands.Arg) bool { return slices.Contains(a.Flags, "optional") }

func multiple(a commands.Arg) bool { return slices.Contains(a.Flags, "multiple") }

func hasKey(a commands.Arg) bool {
	return a.Type == "key" || slices.ContainsFunc(a.Arguments, hasKey)
}
