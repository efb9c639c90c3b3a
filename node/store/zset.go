package store

import "github.com/tidwall/btree"

// Scored is a member of a sorted set.
type Scored struct {
	Member string
	Score  float64 // never NaN
}

// listpackEntries is zset-max-listpack-entries, as far as scores of -0 go.
const listpackEntries = 128

// ZSet is a sorted set: members in the order of their scores, those of equal
// score in the order of their bytes. The zero ZSet is not usable; use NewZSet.
type ZSet struct {
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

// Len returns the number of members.
func (z *ZSet) Len() int { return len(z.scores) }

// Score returns the score of a member.
func (z *ZSet) Score(member string) (float64, bool) {
	s, ok := z.scores[member]
	return s, ok
}

// Set gives a member its score and adds it if it is new.
func (z *ZSet) Set(member string, score float64) {
	if score == 0 && len(z.scores) < listpackEntries {
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
	for _, s := range z.All() {
		c.Set(s.Member, s.Score)
	}
	return c
}
