package slot

import (
	"fmt"
	"iter"
	"math/bits"
)

// Set is a set of slots: slot s is bit s%64 of word s/64. The zero value is
// empty, and == compares two sets.
//
// Methods that take one slot panic when it is not below Count: a slot number
// from outside must be checked before it gets here.
type Set [Count / 64]uint64

// Full returns the set of all slots.
func Full() (s Set) {
	for i := range s {
		s[i] = ^uint64(0)
	}
	return s
}

// Has reports whether slot n is in s.
func (s *Set) Has(n uint16) bool { return s[n/64]&(1<<(n%64)) != 0 }

// Add puts slot n into s.
func (s *Set) Add(n uint16) { s[n/64] |= 1 << (n % 64) }

// Remove takes slot n out of s.
func (s *Set) Remove(n uint16) { s[n/64] &^= 1 << (n % 64) }

// AddRange puts the slots lo..hi, both included, into s. It panics when lo > hi.
func (s *Set) AddRange(lo, hi uint16) {
	if lo > hi || hi >= Count {
		panic(fmt.Sprintf("slot: AddRange(%d, %d) is not a range of slots", lo, hi))
	}
	first, last := lo/64, hi/64
	head := ^uint64(0) << (lo % 64)
	tail := ^uint64(0) >> (63 - hi%64)
	if first == last {
		s[first] |= head & tail
		return
	}
	s[first] |= head
	for i := first + 1; i < last; i++ {
		s[i] = ^uint64(0)
	}
	s[last] |= tail
}

// Len returns the number of slots in s.
func (s *Set) Len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// Empty reports whether s holds no slot.
func (s *Set) Empty() bool { return *s == Set{} }

// Equal reports whether s and t hold the same slots.
func (s *Set) Equal(t *Set) bool { return *s == *t }

// Next returns the lowest slot of s that is not below from, or -1 if there is none.
// A negative from counts as 0.
func (s *Set) Next(from int) int { return s.scan(max(from, 0), 0) }

// scan finds the lowest slot from on whose bit differs from the bits of flip.
func (s *Set) scan(from int, flip uint64) int {
	if from >= Count {
		return -1
	}
	i := from / 64
	w := (s[i] ^ flip) >> (from % 64) << (from % 64)
	for w == 0 {
		i++
		for i+4 <= len(s) && (s[i]^flip)|(s[i+1]^flip)|(s[i+2]^flip)|(s[i+3]^flip) == 0 {
			i += 4
		}
		if i == len(s) {
			return -1
		}
		w = s[i] ^ flip
	}
	return i*64 + bits.TrailingZeros64(w)
}

// Ranges yields the maximal runs lo..hi, both included, of s in ascending order.
func (s *Set) Ranges() iter.Seq2[uint16, uint16] {
	return func(yield func(lo, hi uint16) bool) {
		for lo := s.Next(0); lo >= 0; {
			end := s.scan(lo, ^uint64(0))
			if end < 0 {
				end = Count
			}
			if !yield(uint16(lo), uint16(end-1)) {
				return
			}
			lo = s.Next(end)
		}
	}
}

// All yields every slot of s in ascending order.
func (s *Set) All() iter.Seq[uint16] {
	return func(yield func(n uint16) bool) {
		for i, w := range s {
			for ; w != 0; w &= w - 1 {
				if !yield(uint16(i*64 + bits.TrailingZeros64(w))) {
					return
				}
			}
		}
	}
}

// Union returns the slots that are in s or in t.
func (s *Set) Union(t *Set) Set {
	r := *s
	for i := range r {
		r[i] |= t[i]
	}
	return r
}

// Minus returns the slots of s that are not in t.
func (s *Set) Minus(t *Set) Set {
	r := *s
	for i := range r {
		r[i] &^= t[i]
	}
	return r
}

// Intersect returns the slots that are in both s and t.
func (s *Set) Intersect(t *Set) Set {
	r := *s
	for i := range r {
		r[i] &= t[i]
	}
	return r
}

// Intersects reports whether s and t share a slot, without building their intersection.
func (s *Set) Intersects(t *Set) bool {
	for i := range s {
		if s[i]&t[i] != 0 {
			return true
		}
	}
	return false
}
