package mutate

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
)

// pool is what mutations take from other cases.
type pool struct {
	commands []scenario.Step // to nodes
	packets  []scenario.Step // that puppets send
	lines    []string        // gossip and extensions
	words    []string        // arguments of commands
	fields   []string        // key=value of packets
}

func newPool(cases []*scenario.Case) *pool {
	p := &pool{}
	for _, c := range cases {
		puppets := runner.Puppets(c)
		for _, st := range c.Steps() {
			actor, _ := st.Conn()
			switch what := runner.Describe(c, st); {
			case what != "" && what[0] >= 'A' && what[0] <= 'Z':
				p.commands = append(p.commands, *st)
				for _, w := range st.Words[1:] {
					if s, ok := w.Literal(); ok {
						p.words = append(p.words, s)
					}
				}
			case puppets[actor] && strings.HasPrefix(what, "send"):
				p.packets = append(p.packets, *st)
				p.lines = append(p.lines, st.Input...)
				for _, w := range st.Words[2:] {
					if _, _, ok := w.KeyValue(); ok {
						p.fields = append(p.fields, w.String())
					}
				}
			}
		}
	}
	for _, list := range []*[]string{&p.lines, &p.words, &p.fields} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return p
}

// mutation is a case on its way to a mutant.
type mutation struct {
	*rand.Rand
	pool *pool
	c    *scenario.Case
}

// clone copies a case as deep as mutations change it, with no answers but the conditions of wait and hold.
func clone(c *scenario.Case) *scenario.Case {
	out := *c
	out.Sections = []scenario.Section{{}}
	sec := &out.Sections[0]
	for _, st := range c.Steps() {
		own := copyStep(*st)
		if own.Actor != "wait" && own.Actor != "hold" {
			own.Expect = nil
		}
		own.Comment = ""
		sec.Steps = append(sec.Steps, own)
	}
	out.Path, out.Loose = "mutant"+scenario.Ext, true
	out.Header.Rules, out.Header.Recorded = nil, ""
	out.Comments = nil
	return &out
}

func copyStep(st scenario.Step) scenario.Step {
	st.Words, st.Input = slices.Clone(st.Words), slices.Clone(st.Input)
	return st
}

// maxChanges is the most that one mutant differs in from its case.
const maxChanges = 6

func (m *mutation) apply() {
	for range 1 + m.IntN(maxChanges) {
		steps := m.steps()
		switch m.IntN(10) {
		case 0, 1, 2:
			m.insert(m.command())
		case 3:
			m.insert(m.packet())
		case 4:
			if i := m.free(); i >= 0 { // drop
				m.c.Sections[0].Steps = slices.Delete(steps, i, i+1)
			}
		case 5:
			if i := m.free(); i >= 0 { // repeat
				m.c.Sections[0].Steps = slices.Insert(steps, i, copyStep(steps[i]))
			}
		case 6:
			if i, j := m.free(), m.free(); i >= 0 && j >= 0 {
				steps[i], steps[j] = steps[j], steps[i]
			}
		default:
			m.change()
		}
	}
}

func (m *mutation) steps() []scenario.Step { return m.c.Sections[0].Steps }

// free is the place of a step that is neither the start of an actor nor a wait, or -1.
func (m *mutation) free() int {
	steps := m.steps()
	for range 8 {
		i := m.IntN(len(steps))
		switch steps[i].Actor {
		case "node", "puppet", "wait", "hold", "kill", "restart":
		default:
			return i
		}
	}
	return -1
}

// insert puts a step somewhere behind the start of all actors.
func (m *mutation) insert(st scenario.Step, ok bool) {
	if !ok {
		return
	}
	steps := m.steps()
	first := 0
	for i := range steps {
		if a := steps[i].Actor; a == "node" || a == "puppet" {
			first = i + 1
		}
	}
	at := first + m.IntN(len(steps)-first+1)
	m.c.Sections[0].Steps = slices.Insert(steps, at, st)
}

// command takes a command from any case, for a node of this one.
func (m *mutation) command() (scenario.Step, bool) {
	nodes := m.actors("node")
	if len(m.pool.commands) == 0 || len(nodes) == 0 {
		return scenario.Step{}, false
	}
	st := copyStep(m.pool.commands[m.IntN(len(m.pool.commands))])
	_, conn, named := strings.Cut(st.Actor, "/")
	if st.Actor = nodes[m.IntN(len(nodes))]; named {
		st.Actor += "/" + conn
	}
	st.Expect, st.Comment = nil, ""
	return st, true
}

// packet takes a packet from any case, for a puppet of this one.
func (m *mutation) packet() (scenario.Step, bool) {
	puppets := m.actors("puppet")
	if len(m.pool.packets) == 0 || len(puppets) == 0 {
		return scenario.Step{}, false
	}
	st := copyStep(m.pool.packets[m.IntN(len(m.pool.packets))])
	st.Actor, st.Expect, st.Comment = puppets[m.IntN(len(puppets))], nil, ""
	return st, true
}

func (m *mutation) actors(kind string) []string {
	var out []string
	for _, st := range m.steps() {
		if st.Actor == kind && len(st.Words) > 0 {
			out = append(out, st.Words[0].String())
		}
	}
	return out
}

// change alters one step.
func (m *mutation) change() {
	i := m.free()
	if i < 0 {
		return
	}
	st := &m.steps()[i]
	what := runner.Describe(m.c, st)
	actor, _ := st.Conn()
	switch {
	case what != "" && what[0] >= 'A' && what[0] <= 'Z':
		m.changeCommand(st)
	case runner.Puppets(m.c)[actor] && strings.HasPrefix(what, "send"):
		m.changePacket(st)
	}
}

func (m *mutation) changeCommand(st *scenario.Step) {
	n := len(st.Words)
	at := 1 + m.IntN(max(1, n-1))
	switch k := m.IntN(6); {
	case k == 0 || n == 1: // one more
		st.Words = slices.Insert(st.Words, min(at, n), m.word())
	case k == 1:
		st.Words = slices.Delete(st.Words, at, at+1)
	case k == 2:
		st.Words = slices.Insert(st.Words, at, st.Words[at])
	case k == 3:
		j := 1 + m.IntN(n-1)
		st.Words[at], st.Words[j] = st.Words[j], st.Words[at]
	case k == 4:
		if s, ok := st.Words[at].Literal(); ok {
			st.Words[at] = scenario.Lit(m.value(s))
		}
	default:
		st.Words[at] = m.word()
	}
}

func (m *mutation) word() scenario.Word {
	if len(m.pool.words) == 0 || m.IntN(8) == 0 {
		return scenario.Lit(m.value("1"))
	}
	return scenario.Lit(m.pool.words[m.IntN(len(m.pool.words))])
}

// numbers are those at which implementations part.
var numbers = []string{
	"0", "1", "-1", "2", "15", "16", "255", "256", "16383", "16384", "32768", "65535", "65536", "2147483647", "2147483648",
	"4294967295", "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615",
}

// value is near s, or interesting.
func (m *mutation) value(s string) string {
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err == nil && m.IntN(2) == 0:
		return strconv.FormatInt(n+[]int64{-1, 1, 2, 1000}[m.IntN(4)], 10)
	case err == nil:
		return numbers[m.IntN(len(numbers))]
	}
	switch m.IntN(6) {
	case 0:
		return ""
	case 1:
		return strings.ToUpper(s)
	case 2:
		return s + s
	case 3:
		return "{" + s + "}" + s
	case 4:
		return s[:len(s)/2]
	default:
		return s + "\x00"
	}
}

func (m *mutation) changePacket(st *scenario.Step) {
	switch k := m.IntN(5); {
	case k == 0 && len(st.Words) > 2: // without a field
		at := 2 + m.IntN(len(st.Words)-2)
		st.Words = slices.Delete(st.Words, at, at+1)
	case k == 1 && len(m.pool.lines) > 0:
		st.Input = slices.Insert(st.Input, m.IntN(len(st.Input)+1), m.pool.lines[m.IntN(len(m.pool.lines))])
	case k == 2 && len(st.Input) > 0:
		at := m.IntN(len(st.Input))
		st.Input = slices.Delete(st.Input, at, at+1)
	case k == 3 && len(st.Words) > 2:
		at := 2 + m.IntN(len(st.Words)-2)
		if key, v, ok := st.Words[at].KeyValue(); ok {
			if s, lit := v.Literal(); lit {
				st.Words[at] = scenario.Lit(key + "=" + m.value(s))
			}
		}
	case len(m.pool.fields) > 0:
		words, _, err := scenario.ParseWords(m.pool.fields[m.IntN(len(m.pool.fields))])
		if err == nil {
			st.Words = append(st.Words, words...)
		}
	}
}

// maxDeadline bounds what a mutant may take on one side.
const maxDeadline = 20 * time.Second

// maxWait bounds each wait of a mutant: longer than what a server needs to come up (CLUSTER_WRITABLE_DELAY, two seconds), because many wait
// for what the mutation took away, and an episode lasts as long as its slowest mutant.
const maxWait = 3 * time.Second

// hurry bounds the waits of a step.
func hurry(st *scenario.Step) {
	for i, w := range st.Words {
		key, value, ok := w.KeyValue()
		if !ok || key != "within" && key != "for" {
			continue
		}
		if long, err := time.ParseDuration(value.String()); err == nil && long > maxWait {
			st.Words[i] = scenario.Lit(key + "=" + maxWait.String())
		}
	}
}

func hasNUL(w scenario.Word) bool {
	s, _ := w.Literal()
	return strings.IndexByte(s, 0) >= 0
}

// finish gives the mutant as its text has it, or nil if it is no case: a reference to an actor that it has not, a field
// twice, a command that would stop the tool.
func (m *mutation) finish() *scenario.Case {
	m.c.Header.Source = "slotdiff fuzz cases"
	m.c.Header.Deadline = min(m.c.Deadline(), maxDeadline)
	for i := range m.steps() {
		st := &m.steps()[i]
		if harmful(m.c, st) {
			return nil
		}
		hurry(st)
	}
	out, err := scenario.Parse(m.c.Path, scenario.Format(m.c))
	if err != nil || runner.Check(out) != nil {
		return nil
	}
	out.Loose = true
	return out
}

// harmful reports whether a step ends the server, or stops it for longer than a case lasts, because it was told to, or asks for what is
// chance, or for all of INFO, which tells of the server's own memory, threads and event loop.
func harmful(c *scenario.Case, st *scenario.Step) bool {
	switch what := runner.Describe(c, st); what {
	case "INFO":
		_, fields := scenario.SplitPipe(st.Words)
		return fields == nil
	case "DEBUG INTERNAL_SECRET":
		return true
	case "COMMAND", "COMMAND DOCS", "COMMAND LIST": // of all commands, in the order of a table of hashes
		return len(st.Words) <= strings.Count(what, " ")+1
	case "SHUTDOWN", "DEBUG SEGFAULT", "DEBUG PANIC", "DEBUG ASSERT", "DEBUG RESTART", "DEBUG CRASH-AND-RECOVER", "DEBUG SLEEP",
		"DEBUG OOM", "DEBUG LOOP", "CLIENT PAUSE", "MONITOR", "SYNC", "PSYNC", "REPLCONF", "DEBUG POPULATE", "RESTORE", "RESTORE-ASKING", "CONFIG REWRITE":
		return true
	default:
		// Redis finds a command by a name with a NUL by chance (docs/findings.md).
		names := strings.Count(what, " ") + 1
		return what != "" && what[0] >= 'A' && what[0] <= 'Z' && slices.ContainsFunc(st.Words[:min(names, len(st.Words))], hasNUL)
	}
}
