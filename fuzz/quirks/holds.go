package quirks

import "slices"

// With is the list and, for each of the texts, a quirk of any version that is named by its terms: what a target is not to be sent.
func (l *List) With(whens []string) (*List, error) {
	out := &List{}
	if l != nil {
		*out = *l
	}
	out.holds = slices.Clone(out.holds)
	for _, when := range whens {
		terms, err := parseTerms(when)
		if err != nil {
			return nil, err
		}
		out.holds = append(out.holds, &Quirk{Name: when, When: when, terms: terms})
	}
	return out, nil
}

// Holds reports whether With added some.
func (l *List) Holds() bool { return l != nil && len(l.holds) > 0 }

// MatchHold is Match of what With added.
func (l *List) MatchHold(in *Input) *Quirk {
	if !l.Holds() {
		return nil
	}
	s := look(in)
	for _, q := range l.holds {
		if q.holds(s) {
			return q
		}
	}
	return nil
}
