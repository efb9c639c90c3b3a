package commands

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// counts compares how many keys there are, and how many in each slot that has some: every window.
func (p *player) counts(t *topology) (*difference, error) {
	qs := [][]string{{"DBSIZE"}}
	for pl := range t.groups {
		for i := range t.groups[pl] {
			qs = append(qs, []string{"CLUSTER", "COUNTKEYSINSLOT", strconv.Itoa(int(t.groups[pl][i].slot))})
		}
	}
	d, _, err := p.ask(qs)
	return d, err
}

// views are what a node says of the cluster.
var views = [][]string{{"CLUSTER", "NODES"}, {"CLUSTER", "INFO"}, {"CLUSTER", "SLOTS"}, {"CLUSTER", "SHARDS"}, {"ROLE"}}

// keys compares which keys there are, what each holds and when it expires: every part-th key from the
// index on, all of them with part 1.
func (p *player) keys(part, index int) (*difference, error) {
	d, r, err := p.ask([][]string{{"KEYS", "*"}})
	if d != nil || err != nil || p.tainted {
		return d, err
	}
	var names []string
	for _, e := range r[0].Elems {
		names = append(names, string(e.Str))
	}
	slices.Sort(names)
	var qs [][]string
	var asked []string
	for i, k := range names {
		if i%part == index%part {
			qs = append(qs, []string{"ASKING"}, []string{"TYPE", k}, []string{"ASKING"}, []string{"PEXPIRETIME", k})
			asked = append(asked, k)
		}
	}
	d, r, err = p.ask(qs)
	if d != nil || err != nil || p.tainted {
		return d, err
	}
	var content [][]string
	for i, k := range asked {
		if q := contentOf(string(r[4*i+1].Str), k); q != nil {
			content = append(content, []string{"ASKING"}, q)
		}
	}
	d, _, err = p.ask(content)
	return d, err
}

// contentOf reads all of a key.
func contentOf(typ, key string) []string {
	switch typ {
	case "string":
		return []string{"GET", key}
	case "list":
		return []string{"LRANGE", key, "0", "-1"}
	case "hash":
		return []string{"HGETALL", key}
	case "set":
		return []string{"SMEMBERS", key}
	case "zset":
		return []string{"ZRANGE", key, "0", "-1", "WITHSCORES"}
	}
	return nil
}

// ask puts questions to both sides on the harness's own connection and compares the answers. It returns the
// oracle's. After ASKING the difference names the question with it.
func (p *player) ask(qs [][]string) (*difference, []resp.Value, error) {
	if len(qs) == 0 {
		return nil, nil, nil
	}
	var b []byte
	for _, q := range qs {
		b = resp.AppendCommandStrings(b, q...)
	}
	var raw [2][]byte
	for _, s := range p.st.sides {
		s.probe.begin()
		if err := s.probe.write(b); err != nil && !gone(err) {
			return nil, nil, err
		}
	}
	for i, s := range p.st.sides {
		var err error
		raw[i], p.ends[i], err = s.probe.frames(len(qs), nil, p.ends[i][:0])
		if err != nil {
			if alive := s.alive(); alive != nil {
				return &difference{window: -1, fault: faultCrash, side: i, what: s.name + ": state question: " + ending(alive)}, nil, nil
			}
			return nil, nil, err
		}
	}
	fold := [2]folder{p.st.sides[theOracle].fold, p.st.sides[theTarget].fold}
	var answers []resp.Value
	from := [2]int{}
	for i, q := range qs {
		o, t := raw[theOracle][from[theOracle]:p.ends[theOracle][i]], raw[theTarget][from[theTarget]:p.ends[theTarget][i]]
		from = [2]int{p.ends[theOracle][i], p.ends[theTarget][i]}
		v, _, err := resp.Parse(o)
		if err != nil {
			return nil, nil, err
		}
		answers = append(answers, v)
		if string(o) == string(t) {
			continue
		}
		argv := make([][]byte, len(q))
		for j := range q {
			argv[j] = []byte(q[j])
		}
		c := p.tally.cat.lookup(argv)
		if look(c, o, t, fold, nil) != sightDiffers {
			continue
		}
		d := &difference{window: -1, command: i, id: c.id, what: "state: " + c.name()}
		for s, frame := range [2][]byte{o, t} {
			w, _, err := resp.Parse(frame)
			if err != nil {
				return nil, nil, err
			}
			d.answers[s] = p.answer(c.id, w, fold[s])
		}
		if i > 0 && q[0] != "CLUSTER" && qs[i-1][0] == "ASKING" {
			d.after = append(d.after, op{conn: 2, argv: texts("ASKING")})
		}
		d.after = append(d.after, op{conn: 2, argv: argv})
		d.harmless = q[0] == "CLUSTER" && q[1] != "COUNTKEYSINSLOT" || q[0] == "ROLE"
		if p.known == nil || !p.known(d) {
			return d, nil, nil
		}
		if !d.harmless {
			p.tainted = true
			return nil, nil, nil
		}
	}
	return nil, answers, nil
}

// invariants holds each side against what is true of any node (DESIGN §3), whatever the other says.
func (p *player) invariants(ctx context.Context) (*difference, error) {
	for i, s := range p.st.sides {
		what, err := s.invariant()
		if err != nil {
			if alive := s.alive(); alive != nil {
				return &difference{window: -1, fault: faultCrash, side: i, what: s.name + ": invariants: " + ending(alive)}, nil
			}
			return nil, err
		}
		if what != "" {
			return &difference{window: -1, fault: faultInvariant, side: i, what: s.name + ": " + what}, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, nil
}

// invariant returns what is broken, empty if nothing is.
func (s *side) invariant() (string, error) {
	r, err := s.probe.pipeline([][]string{{"CLUSTER", "NODES"}, {"ROLE"}, {"DBSIZE"}, {"KEYS", "*"}})
	if err != nil {
		return "", err
	}
	role := ""
	for line := range strings.Lines(string(r[0].Str)) {
		f := strings.Fields(line)
		if len(f) < 8 || len(f[0]) != 40 || strings.Trim(f[0], "0123456789abcdef") != "" {
			return "CLUSTER NODES: not a node's line: " + strings.TrimSpace(line), nil
		}
		if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "CLUSTER NODES: a control character", nil
		}
		if flags := strings.Split(f[2], ","); slices.Contains(flags, "myself") {
			if role != "" {
				return "CLUSTER NODES: myself stands twice", nil
			}
			role = "slave"
			if slices.Contains(flags, "master") {
				role = "master"
			}
		}
	}
	if len(r[1].Elems) == 0 || string(r[1].Elems[0].Str) != role {
		return "ROLE is not that of CLUSTER NODES", nil
	}
	slots := map[uint16]int{}
	var qs [][]string
	for _, e := range r[3].Elems {
		n := slot.Of(e.Str)
		if slots[n]++; slots[n] == 1 {
			qs = append(qs, []string{"CLUSTER", "GETKEYSINSLOT", strconv.Itoa(int(n)), "1000000"}, []string{"CLUSTER", "COUNTKEYSINSLOT", strconv.Itoa(int(n))})
		}
	}
	lists, err := s.probe.pipeline(qs)
	if err != nil {
		return "", err
	}
	sum := int64(0)
	for i := 0; i < len(lists); i += 2 {
		for _, e := range lists[i].Elems {
			if strconv.Itoa(int(slot.Of(e.Str))) != qs[i][2] {
				return "GETKEYSINSLOT lists a key of another slot", nil
			}
		}
		if lists[i+1].Int != int64(len(lists[i].Elems)) {
			return "COUNTKEYSINSLOT is not what GETKEYSINSLOT lists", nil
		}
		sum += lists[i+1].Int
	}
	if r[2].Int < sum {
		return "DBSIZE is less than its slots hold", nil
	}
	c, err := dial(s.node.Addr())
	if err != nil {
		return "", err
	}
	defer c.close()
	_, err = c.pipeline([][]string{{"PING"}, {"GET", "slotdiff:invariant"}, {"EVAL", "return 1", "0"}})
	return "", err
}
