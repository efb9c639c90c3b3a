package slot

import (
	"fmt"
	"strconv"
	"strings"
)

// String prints s as its ranges in ascending order, "0-5,7,9-16383", or "-" when it is empty.
func (s Set) String() string {
	if s.Empty() {
		return "-"
	}
	return string(s.AppendRanges(nil, ','))
}

// AppendRanges appends the ranges of s to b, with sep between them: ',' in our own
// texts, ' ' in CLUSTER NODES and nodes.conf. An empty set appends nothing.
func (s *Set) AppendRanges(b []byte, sep byte) []byte {
	start := len(b)
	for lo, hi := range s.Ranges() {
		if len(b) > start {
			b = append(b, sep)
		}
		b = strconv.AppendUint(b, uint64(lo), 10)
		if hi > lo {
			b = append(b, '-')
			b = strconv.AppendUint(b, uint64(hi), 10)
		}
	}
	return b
}

// Parse reads the form that String prints. Ranges may come in any order and may
// touch, but not overlap: a slot that is named twice is a mistake of the writer.
func Parse(text string) (Set, error) {
	var s Set
	if text == "-" {
		return s, nil
	}
	for field := range strings.SplitSeq(text, ",") {
		lo, hi, err := ParseRange(field)
		if err != nil {
			return Set{}, err
		}
		var r Set
		r.AddRange(lo, hi)
		if twice := s.Intersect(&r); !twice.Empty() {
			return Set{}, fmt.Errorf("slot: %q: slot %d is named twice", text, twice.Next(0))
		}
		s = s.Union(&r)
	}
	return s, nil
}

// ParseRange reads "N" or "LO-HI", both ends included, in plain decimal digits.
func ParseRange(text string) (lo, hi uint16, err error) {
	first, second, isRange := strings.Cut(text, "-")
	if lo, err = parseSlot(first); err != nil {
		return 0, 0, fmt.Errorf("slot: %q: %w", text, err)
	}
	if !isRange {
		return lo, lo, nil
	}
	if hi, err = parseSlot(second); err != nil {
		return 0, 0, fmt.Errorf("slot: %q: %w", text, err)
	}
	if lo > hi {
		return 0, 0, fmt.Errorf("slot: %q: the range runs backwards", text)
	}
	return lo, hi, nil
}

func parseSlot(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	switch {
	case err != nil || text[0] == '+':
		return 0, fmt.Errorf("%q is not a slot number", text)
	case n >= Count:
		return 0, fmt.Errorf("slot %d is not below %d", n, Count)
	}
	return uint16(n), nil
}
