// Package mask hides what differs from run to run of one and the same server, so that
// everything else can be compared exactly.
//
// A mask is a named normaliser of one nondeterministic field in one kind of answer, with
// its reason. Masks work on canonical text: the lines of a view, a packet or a reply in
// its text form, in which node ids and ports are already folded to names. They refuse to
// touch what is deterministic: epochs, flags, slots, states, error texts.
package mask

import (
	"fmt"
	"slices"
	"strings"
)

// Context says what an answer is.
type Context struct {
	// Kind is a command, with its subcommand, in upper case ("CLUSTER NODES", "INFO"), or
	// a view of its own: "nodes.conf", "packet".
	Kind string
}

// Mask is one entry of the registry.
type Mask struct {
	Name   string   // unique, in kebab-case: area and field
	Field  string   // what it hides, for people
	Reason string   // why that differs from run to run
	Kinds  []string // the kinds of answer in which it is looked for
	// Before and After are an example of what it does; Leaves is the text nearest to it
	// that it must not change. The documentation shows them and a test runs them.
	Before, After, Leaves string

	apply func(lines []string) []string // may change lines in place
}

// All returns every mask in the order in which they are applied: values before orders,
// because an order must not depend on a value that is about to be hidden.
func All() []Mask { return slices.Clone(registry) }

var registry = slices.Concat(nodesMasks, packetMasks, infoMasks, clientMasks, replyMasks, orderMasks)

// byKind is the registry by kind of answer, in order.
var byKind = func() map[string][]*Mask {
	m := map[string][]*Mask{}
	seen := map[string]bool{}
	for i := range registry {
		r := &registry[i]
		if seen[r.Name] {
			panic(fmt.Sprintf("mask: %q is registered twice", r.Name))
		}
		seen[r.Name] = true
		for _, kind := range r.Kinds {
			m[kind] = append(m[kind], r)
		}
	}
	return m
}()

// Apply hides what varies in an answer of the given kind. It returns the masked lines and
// the names of the masks that changed something; lines itself is left as it was.
func Apply(ctx Context, lines []string) (out []string, used []string) {
	out = slices.Clone(lines)
	for _, m := range byKind[ctx.Kind] {
		before := slices.Clone(out)
		out = m.apply(out)
		if !slices.Equal(before, out) {
			used = append(used, m.Name)
		}
	}
	return out, used
}

// ForKind returns the masks that are looked for in answers of a kind, in order.
func ForKind(kind string) []Mask {
	var masks []Mask
	for _, m := range byKind[kind] {
		masks = append(masks, *m)
	}
	return masks
}

// eachText makes a mask of a function on one text line, in whatever form it stands: bare
// in a view, after "| " in a multi-line string, or quoted.
func eachText(f func(text string) string) func([]string) []string {
	return func(lines []string) []string {
		for i, line := range lines {
			before, text, after := unwrap(line)
			lines[i] = before + f(text) + after
		}
		return lines
	}
}

// unwrap splits a line into its text and what the text form put around it.
func unwrap(line string) (before, text, after string) {
	body := strings.TrimLeft(line, " ")
	before = line[:len(line)-len(body)]
	switch {
	case strings.HasPrefix(body, "| "):
		return before + "| ", body[2:], ""
	case strings.HasPrefix(body, `|"`):
		before, body = before+"|", body[1:]
	case strings.HasPrefix(body, `=txt:"`):
		before, body = before+"=txt:", body[5:]
	case before != "":
		// Only the lines of aggregates and packets are indented.
	default:
		if !strings.HasPrefix(body, `"`) {
			return "", line, ""
		}
	}
	if len(body) < 2 || body[0] != '"' || body[len(body)-1] != '"' {
		return before, body, ""
	}
	text, after = body[1:len(body)-1], `"`
	for _, end := range []string{`\r\n`, `\n`} {
		if cut, ok := strings.CutSuffix(text, end); ok {
			return before + `"`, cut, end + after
		}
	}
	return before + `"`, text, after
}

// isNumber reports whether s is a run of decimal digits.
func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isHexID reports whether s is 40 lower-case hex digits: an id that no name was found for.
func isHexID(s string) bool {
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return len(s) == 40
}
