// Package quirks knows the inputs that crash, hang or corrupt real Redis (fixtures/oracle_quirks.txt), each as terms on the
// decoded packet, its sender and what the receiver knows, with the version it holds for. An engine asks before it
// sends, so that a known fault is not found a thousand times; what is merely near one goes through.
//
// It knows as well which packets make a node show what it was told, though that can not be true ([Input.Hazard]): those are no
// faults, and no use to find.
//
// It refuses to send anything and to say what is right.
package quirks

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/slotdiff/slotdiff/fixtures"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// Input is a packet about to be sent, and what its receiver knows. It may be used again and again.
type Input struct {
	// Frame is the whole packet, as it will go out.
	Frame []byte
	// Receiver is the id of the node it is sent to.
	Receiver bus.ID
	// Master is whom the receiver follows; zero: nobody.
	Master bus.ID
	// Peers are the nodes that the receiver knows, without itself and without those in handshake.
	Peers map[bus.ID]Peer
	// Handshake means that the packet may go out on a link that the receiver opened to a node in handshake.
	Handshake bool
	// Dialled means that it goes out on a link that the receiver opened.
	Dialled bool
	// Subscribed means that a client of the receiver has subscribed to some channel.
	Subscribed bool
	// Slotted means that the receiver owns slots, Orphaned that it is a replica and does not know of whom.
	Slotted, Orphaned bool
	// Met are the nodes that the receiver may know, and Listed those that it knows for sure, of its nodes.conf. Only
	// [Input.Hazard] asks for them.
	Met, Listed map[bus.ID]bool
}

// Peer is what the receiver knows of a node.
type Peer struct {
	Replica     bool
	Roleless    bool   // neither master nor replica, as gossip can make a node known
	Failing     bool   // PFAIL or FAIL
	Master      bus.ID // of a replica
	ConfigEpoch uint64
}

// Quirk is one known fault of the oracle.
type Quirk struct {
	Name    string
	Line    int    // in the file, 1-based
	When    string // the terms as written
	Version string // prefix of the version in whole numbers, "8.6.3"
	Pattern string // the packet as a person writes it in a case
	Effect  string // "crash", "hang" or "corrupt"
	Seen    string // what was seen
	Safe    string // what a safe node does
	terms   []term
}

// List is a parsed file.
type List struct {
	quirks []*Quirk
	holds  []*Quirk
}

// All lists every quirk in the order of the file.
func (l *List) All() []*Quirk { return l.quirks }

// Load parses the list that the tool is built with.
func Load() (*List, error) { return Parse("fixtures/oracle_quirks.txt", fixtures.OracleQuirks) }

// Parse reads a list; its form is described at its head. Every mistake is reported, with file and line.
func Parse(file string, text []byte) (*List, error) {
	l := &List{}
	var errs []error
	names := map[string]bool{}
	sc := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; sc.Scan(); n++ {
		line := strings.TrimSpace(sc.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		q, err := parseQuirk(line)
		if err == nil && names[q.Name] {
			err = fmt.Errorf("the name %s stands twice", q.Name)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", file, n, err))
			continue
		}
		q.Line, names[q.Name] = n, true
		l.quirks = append(l.quirks, q)
	}
	if err := sc.Err(); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", file, err))
	}
	return l, errors.Join(errs...)
}

func parseQuirk(line string) (*Quirk, error) {
	f := strings.Split(line, " | ")
	if len(f) != 6 {
		return nil, fmt.Errorf("%d fields, want NAME | WHEN | VERSION | PATTERN | EFFECT | WHAT A SAFE NODE DOES", len(f))
	}
	q := &Quirk{Name: f[0], When: f[1], Version: f[2], Pattern: f[3], Safe: f[5]}
	var ok bool
	if q.Effect, q.Seen, ok = strings.Cut(f[4], ": "); !ok || q.Effect != "crash" && q.Effect != "hang" && q.Effect != "corrupt" {
		return nil, fmt.Errorf("effect %q: want crash, hang or corrupt, then what was seen", f[4])
	}
	var err error
	q.terms, err = parseTerms(q.When)
	return q, err
}

func parseTerms(when string) (terms []term, err error) {
	for text := range strings.SplitSeq(when, " & ") {
		t, err := parseTerm(text)
		if err != nil {
			return nil, fmt.Errorf("term %q: %w", text, err)
		}
		terms = append(terms, t)
	}
	return terms, nil
}

// Match returns the first quirk that such a version has with such an input, one that With added among them, or nil. A nil list has none.
func (l *List) Match(version string, in *Input) *Quirk {
	if l == nil {
		return nil
	}
	var s *sight
	for _, q := range l.quirks {
		if version != q.Version && !strings.HasPrefix(version, q.Version+".") {
			continue
		}
		if s == nil {
			s = look(in)
		}
		if q.holds(s) {
			return q
		}
	}
	return l.MatchHold(in)
}

func (q *Quirk) holds(s *sight) bool {
	for _, t := range q.terms {
		if !t(s) {
			return false
		}
	}
	return true
}
