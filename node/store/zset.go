package store

import "github.com/tidwall/btree"

// Scored is a member of a sorted set.
type Scored struct {
	Member string
	Score  float64 // never NaN
}

// The limits of a listpack (zset-max-listpack-entries, zset-max-listpack-value), as far as scores of -0 go.
const (
	listpackEntries = 128
	listpackValue   = 64
)

// ZSet is a sorted set: members in the order of their scores, those of equal
// score in the order of their bytes. The zero ZSet is not usable; use NewZSet.
type ZSet struct {
	large  bool // was beyond the limits of a listpack once
	scores map[string]float64
	order  *btree.BTreeG[Scored]
}

// NewZSet returns an empty sorted set.
func NewZSet() *ZSet {
	return &ZSet{
		scores: map[string]float64{},
		order: btree.NewBTreeGOptions(func(a, b Scored) bool {
			return a.Score < b.Score || a.Score == b.Score && a.Member < b.Member
		}, btree.Options{NoLocks: true}),
	}
}

// NewLarge is NewZSet for the result of a set operation, which Redis builds outside of a listpack.
func NewLarge() *ZSet {
	z := NewZSet()
	z.large = true
	return z
}

// Stored is z as it is after it was stored: in a listpack where it fits one.
// Mirrors t_zset.c:zsetConvertToListpackIfNeeded.
func (z *ZSet) Stored() *ZSet {
	out := NewZSet()
	for _, m := range z.All() {
		out.large = out.large || len(m.Member) > listpackValue || z.Len() > listpackEntries
	}
	for _, m := range z.All() {
		out.Set(m.Member, m.Score)
	}
	return out
}

// Unpack leaves the listpack for good, as Redis does with a set that SORT reads
// (sort.c:sortCommandGeneric).
func (z *ZSet) Unpack() { z.large = true }

// Len returns the number of members.
func (z *ZSet) Len() int { return len(z.scores) }

// Score returns the score of a member.
func (z *ZSet) Score(member string) (float64, bool) {
	s, ok := z.scores[member]
	return s, ok
}

// Set gives a member its score and adds it if it is new.
func (z *ZSet) Set(member string, score float64) {
	z.large = z.large || len(member) > listpackValue || len(z.scores) >= listpackEntries
	if score == 0 && !z.large {
		score = 0 // a listpack keeps whole numbers as integers, which have no -0 (t_zset.c:zzlInsertAt)
	}
	if old, ok := z.scores[member]; ok {
		z.order.Delete(Scored{member, old})
	}
	z.scores[member] = score
	z.order.Set(Scored{member, score})
}

// Delete removes a member and reports whether it was there.
func (z *ZSet) Delete(member string) bool {
	s, ok := z.scores[member]
	if ok {
		delete(z.scores, member)
		z.order.Delete(Scored{member, s})
	}
	return ok
}

// At returns the member of a rank, which must be in range.
func (z *ZSet) At(rank int) Scored {
	s, _ := z.order.GetAt(rank)
	return s
}

// All returns the members in order.
func (z *ZSet) All() []Scored { return z.order.Items() }

// Rank returns how many members come before the first one for which reached is
// true; reached must not turn false again along the order.
func (z *ZSet) Rank(reached func(s Scored) bool) int {
	lo, hi := 0, z.Len()
	for lo < hi {
		if mid := (lo + hi) / 2; reached(z.At(mid)) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// Clone returns a copy.
func (z *ZSet) Clone() *ZSet {
	c := NewZSet()
	c.large = z.large // a copy has the encoding of its source (t_zset.c:zsetDup)
	for _, s := range z.All() {
		c.Set(s.Member, s.Score)
	}
	return c
}
