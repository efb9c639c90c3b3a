package bus

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// Case is an episode as a case that starts from nothing. With what was found, it asks for the answers on the
// link that the note is about; in any case it ends with the node's state. What the lane sends in windows, one link after the other,
// stands between fences (fences.go).
func Case(e *Episode, f *found) *scenario.Case { return caseOf(e, f, nil) }

// caseOf is Case, which does not show what is hidden unless the note is about it.
func caseOf(e *Episode, f *found, h hidden) *scenario.Case {
	c := &scenario.Case{
		Comments: []string{fmt.Sprintf("An episode of slotdiff fuzz bus, seed %d.", e.Seed)},
		Header: scenario.Header{
			Scenario: "FR-P2C-007-E009", Contract: "B09", Anchors: []string{"A12"}, Class: "adversarial",
			Reason: "cluster.packet_parse_failclosed_violation", Source: "slotdiff fuzz bus",
		},
	}
	if f != nil {
		note, _, _ := strings.Cut(f.note, "\n")
		c.Comments = append(c.Comments, strings.Map(printable, strings.ToValidUTF8(note, "?")))
	}
	w := &writer{c: c, e: e, hidden: h, dialled: map[Link]bool{}, listens: f != nil && strings.HasPrefix(f.note, "messages ")}
	w.begin(e)
	c.Sections = append(c.Sections, scenario.Section{Title: "episode"})
	sc := scriptOf(e)
	for i := range sc.steps {
		st := &sc.steps[i]
		w.later = sc.steps[i+1:]
		w.fencesBefore(st)
		w.step(st, f != nil && about(f.note, st.link))
	}
	w.end(f)
	return c
}

// about reports whether a note is about what came on a link.
func about(note string, l Link) bool { return strings.HasPrefix(note, l.String()+" ") }

// printable puts '?' in the place of what no line of a case may have.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return '?'
}

// writer adds steps to a case.
type writer struct {
	c       *scenario.Case
	e       *Episode
	dialled map[Link]bool
	later   []step
	got     int // answers asked for on the link that matters
	listens bool
	hidden  hidden
	lines
}

func (w *writer) add(line string, input, expect []string) {
	words, _, err := scenario.ParseWords(line)
	if err != nil {
		panic(fmt.Sprintf("fuzz/bus: %q: %v", line, err))
	}
	if len(w.c.Sections) == 0 {
		w.c.Sections = []scenario.Section{{}}
	}
	sec := &w.c.Sections[len(w.c.Sections)-1]
	actor, _ := words[0].Literal()
	sec.Steps = append(sec.Steps, scenario.Step{Actor: actor, Words: words[1:], Input: input, Expect: expect})
}

var okAnswer = []string{"ok"}

// begin starts the node and the actors and lets them meet.
func (w *writer) begin(e *Episode) {
	line := []string{"node a"}
	for _, d := range directives() {
		line = append(line, d[0]+"="+d[1])
	}
	w.add(strings.Join(line, " "), nil, okAnswer)
	if w.listens {
		w.add("a/ear HELLO 3", nil, nil)
		w.add("a/ear PSUBSCRIBE *", nil, nil)
	}
	used := map[int]bool{}
	for _, a := range e.Met {
		used[a] = true
	}
	for i := range e.Ops {
		if e.Ops[i].Do == DoSend || e.Ops[i].Do == DoDial {
			used[e.Ops[i].Link.Actor] = true
		}
		// An actor can also be only spoken of.
		for a, id := range actorIDs {
			if strings.Contains(string(e.Ops[i].Frame)+strings.Join(e.Ops[i].Args, " "), string(id[:])) {
				used[a] = true
			}
		}
	}
	for a := range actorCount {
		if used[a] {
			epochs := ""
			if h := template(a); h.ConfigEpoch > 0 {
				epochs = fmt.Sprintf(" currentEpoch=%d configEpoch=%d", h.CurrentEpoch, h.ConfigEpoch)
			}
			w.add(fmt.Sprintf("puppet %s id=%s%s", actorNames[a], actorIDs[a], epochs), nil, okAnswer)
		}
	}
	for _, a := range e.Met {
		n := actorNames[a]
		w.add(fmt.Sprintf("a CLUSTER MEET 127.0.0.1 $%s.port $%s.cport", n, n), nil, []string{"+OK"})
	}
	for _, a := range e.Met {
		n := actorNames[a]
		w.add(n+" reply MEET PONG within=5s link=in", nil, okAnswer)
		w.add(n+" send PING link=in", nil, okAnswer)
	}
}

// end asks each link for its fate, which says that all has been processed, and shows the state: what the note is about, or all.
func (w *writer) end(f *found) {
	w.fences(Link{}, true)
	for a := range actorCount {
		for _, which := range []Which{Out, Out2} {
			if l := (Link{a, which}); w.dialled[l] {
				w.add(fmt.Sprintf("%s send PING totlen=9 link=%s", actorNames[a], which), nil, nil)
				if f != nil && about(f.note, l) { // any answer more is a difference too
					w.add(fmt.Sprintf("%s recv within=5s link=%s show=extensions", actorNames[a], which), nil, nil)
				}
				w.add(fmt.Sprintf("%s recv MFSTART within=5s link=%s", actorNames[a], which), nil, nil)
			}
		}
	}
	view := ""
	if f != nil {
		if name, _, ok := strings.Cut(f.note, " shows "); ok {
			view = name
		}
	}
	switch view {
	case "messages":
		w.add("a/ear PING", nil, nil) // with all that came before
	case "slots", "shards":
		w.add("snapshot a "+view, nil, nil)
	case "role":
		w.add("a ROLE", nil, nil)
	case "conf":
		w.conf()
	case "nodes", "info", "links":
		w.add("snapshot a state", nil, nil)
	default:
		for _, v := range []string{"state", "slots", "shards"} {
			if !w.hidden[v] {
				w.add("snapshot a "+v, nil, nil)
			}
		}
		if !w.hidden["conf"] && !w.hidden[confAddress] {
			w.conf()
		}
	}
}

func (w *writer) conf() {
	w.add("a CLUSTER SAVECONFIG", nil, nil)
	w.add("snapshot a conf", nil, nil)
}

// step adds one step of the script.
func (w *writer) step(s *step, matters bool) {
	n := actorNames[s.link.Actor]
	switch s.do {
	case DoDial:
		if w.dialled[s.link] {
			w.add(fmt.Sprintf("%s close link=%s", n, s.link.Which), nil, nil)
		}
		w.dialled[s.link] = true
		w.opened(s.link)
		w.add(fmt.Sprintf("%s dial a link=%s", n, s.link.Which), nil, nil)
	case DoClose:
		delete(w.dialled, s.link)
		w.opened(s.link)
		w.add(fmt.Sprintf("%s close link=%s", n, s.link.Which), nil, nil)
	case DoAdmin:
		args := make([]string, len(s.args))
		for i, a := range s.args {
			args[i] = named(a)
		}
		w.add("a "+strings.Join(args, " "), nil, nil)
		if w.listens {
			for _, c := range shardChannels {
				w.add(fmt.Sprintf("a/ear SSUBSCRIBE %q", c), nil, nil)
			}
		}
	case DoSettle:
		for _, a := range s.dialled {
			// What the node says on it first has gossip that is drawn at random, so it is asked for only where it must be there.
			in := Link{a, In}
			if slices.ContainsFunc(w.later, func(x step) bool { return x.do == DoSend && x.link == in }) {
				w.add(actorNames[a]+" recv within=5s link=in", nil, nil)
			}
		}
	case DoSend:
		if len(s.frame) > 0 {
			w.send(s)
			w.wrote(s)
		}
		if s.gone {
			delete(w.dialled, s.link)
			w.opened(s.link)
			w.add(fmt.Sprintf("%s recv MFSTART within=5s link=%s", n, s.link.Which), nil, nil)
			return
		}
		// Elsewhere no PONG is asked for: its gossip is drawn at random.
		if matters {
			for ; w.got < s.await; w.got++ {
				w.add(fmt.Sprintf("%s recv within=5s link=%s show=extensions", n, s.link.Which), nil, nil)
			}
		}
	}
}

// send spells a frame as a puppet's step.
func (w *writer) send(s *step) {
	words, lines := Spell(s.link.Actor, s.frame)
	line := fmt.Sprintf("%s send %s link=%s", actorNames[s.link.Actor], strings.Join(words, " "), s.link.Which)
	if s.times > 1 {
		line += fmt.Sprintf(" times=%d", s.times)
	} else if len(s.cuts) > 0 {
		var cuts []string
		for _, c := range s.cuts {
			if c > 0 && c < len(s.frame) {
				cuts = append(cuts, fmt.Sprint(c))
			}
		}
		if len(cuts) > 0 {
			line += " cut=" + strings.Join(cuts, ",")
		}
	}
	w.add(line, lines, nil)
}

// named puts references in the place of canonical ids and ports.
func named(text string) string {
	if text == fmt.Sprint(deadPort) {
		return text
	}
	text = strings.ReplaceAll(text, string(nodeID[:]), "$a.id")
	for a, id := range actorIDs {
		n := actorNames[a]
		text = strings.ReplaceAll(text, string(id[:]), "$"+n+".id")
		text = strings.ReplaceAll(text, fmt.Sprintf("%d@%d", actorPort(a), actorPort(a)+busOffset), "$"+n+".port@$"+n+".cport")
		text = strings.ReplaceAll(text, fmt.Sprintf("port=%d", actorPort(a)), "port=$"+n+".port")
		text = strings.ReplaceAll(text, fmt.Sprintf("cport=%d", actorPort(a)+busOffset), "cport=$"+n+".cport")
	}
	return text
}

// Spell says a canonical frame as the words and lines of a puppet's send, such that they make exactly its bytes.
func Spell(a int, frame []byte) (words, lines []string) {
	base := frame
	if n, err := bus.FrameLen(frame); err == nil && n > bus.HeaderLen && n < len(frame) {
		base = frame[:n]
	}
	words, lines, ok := spellPacket(a, base)
	if !ok {
		words, lines = []string{"PING"}, nil
	}
	built, err := bus.Build(template(a), unquoted(words), lines)
	if err != nil {
		panic(fmt.Sprintf("fuzz/bus: %v %q: %v", words, lines, err))
	}
	words = append(words, patches(built, frame)...)
	for i := range words {
		words[i] = named(words[i])
	}
	lines = append([]string(nil), lines...)
	for i := range lines {
		lines[i] = named(lines[i])
	}
	return words, lines
}

// unquoted are words as the parser of cases gives them to a verb: it takes one level of quotes away.
func unquoted(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		parsed, _, err := scenario.ParseWords(w)
		if err != nil || len(parsed) != 1 {
			panic(fmt.Sprintf("fuzz/bus: %q is not one word", w))
		}
		out[i], _ = parsed[0].Literal()
	}
	return out
}

// spellPacket spells a frame that parses, but for what only patches can say.
func spellPacket(a int, frame []byte) (words, lines []string, ok bool) {
	p, err := bus.Parse(frame)
	if err != nil {
		return nil, nil, false
	}
	own := (&bus.Packet{Header: template(a)})
	own.Type, own.Body = p.Type, p.Body
	own.TotLen, own.Count, own.Extensions = p.TotLen, p.Count, p.Extensions
	mine, err1 := textOf(p)
	usual, err2 := textOf(own)
	if err1 != nil || err2 != nil {
		return nil, nil, false
	}
	words = []string{strings.Fields(mine[0])[0]}
	known := map[string]bool{}
	head, _ := split(usual)
	for _, w := range head {
		known[w] = true
	}
	head, body := split(mine)
	for _, w := range head {
		if key, _, _ := strings.Cut(w, "="); !known[w] || key == "count" || key == "extcount" || key == "totlen" {
			if strings.ContainsAny(w, "\"\\ '#$|") {
				return nil, nil, false // a patch says it with fewer quotes
			}
			words = append(words, w)
		}
	}
	if ping, isPing := p.Body.(*bus.Ping); isPing && len(ping.Exts) > 0 && !says(words, "mflags") {
		words = append(words, fmt.Sprintf("mflags=%x", p.MFlags[:]))
	}
	for _, l := range body {
		l = strings.TrimSpace(l)
		kind, rest, _ := strings.Cut(l, " ")
		if kind == "gossip" || kind == "ext" || kind == "raw" || kind == "about" || kind == "publish" || kind == "module" {
			lines = append(lines, kind+" "+rest)
		}
	}
	return words, lines, true
}

// says reports whether one of the words gives a key.
func says(words []string, key string) bool {
	for _, w := range words {
		if strings.HasPrefix(w, key+"=") {
			return true
		}
	}
	return false
}

func textOf(p *bus.Packet) ([]string, error) {
	b, err := p.MarshalText()
	return strings.Split(strings.TrimRight(string(b), "\n"), "\n"), err
}

// split parts the text form into the words of the header and the lines of the body.
func split(text []string) (head, body []string) {
	for i, l := range text {
		first := strings.Fields(l)[0]
		if i == 0 {
			head = append(head, strings.Fields(l)[1:]...)
			continue
		}
		if strings.Contains(first, "=") {
			head = append(head, strings.Fields(l)...)
		} else {
			body = append(body, l)
		}
	}
	return head, body
}

// patches are the words that make of the bytes have those of want.
func patches(have, want []byte) (words []string) {
	if len(have) > len(want) {
		words = append(words, fmt.Sprintf("truncate=%d", len(want)))
		have = have[:len(want)]
	}
	for i := 0; i < len(have); {
		if have[i] == want[i] {
			i++
			continue
		}
		end, last := i+1, i+1
		for end < len(have) && end-last < 8 {
			if have[end] != want[end] {
				last = end + 1
			}
			end++
		}
		words = append(words, fmt.Sprintf("raw@%d=%x", i, want[i:last]))
		i = last
	}
	if len(want) > len(have) {
		words = append(words, fmt.Sprintf("append=%x", want[len(have):]))
	}
	return words
}
