// Package store is the keyspace of a cluster node: database 0, its values, their
// expiry and an index of keys by slot. Time is an argument everywhere, in
// milliseconds of Unix time.
//
// It is not safe for concurrent use, knows no replies and redirects nobody.
package store

import (
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/tidwall/btree"

	"github.com/slotdiff/slotdiff/slot"
)

// Kind is the type of a value.
type Kind uint8

// The kinds of values that the node executes.
const (
	String Kind = iota
	List
	Set
	Hash
	SortedSet
)

// String is the name that TYPE answers.
func (k Kind) String() string { return [...]string{"string", "list", "set", "hash", "zset"}[k] }

// Encoding is what the history of a string says about its encoding.
type Encoding uint8

// The encodings.
const (
	Natural Encoding = iota // int if it is an integer, else embstr or raw by its length
	NotInt                  // made by INCRBYFLOAT, which never yields int
	Raw                     // changed in place
)

// Object is a value. Only the field of its kind is used; the owner of a DB may
// change it in place between calls, never keep it across commands.
type Object struct {
	Kind Kind
	Str  []byte
	// Encoding narrows what OBJECT ENCODING may call a string.
	Encoding Encoding
	Items    [][]byte // List, head first
	Dict     *Dict    // Set (values are nil) and Hash
	ZSet     *ZSet    // SortedSet

	key    string
	expire int64 // 0: never
}

// Key is the name under which the object is stored.
func (o *Object) Key() string { return o.key }

// Expire is the moment from which the key is gone, 0: never.
func (o *Object) Expire() int64 { return o.expire }

func (o *Object) expired(now int64) bool { return o.expire != 0 && now > o.expire }

// DB is the keyspace. The zero DB is not usable; use New.
type DB struct {
	// KeepExpired leaves expired keys in place, invisible, as a replica does
	// until its master deletes them.
	KeepExpired bool
	// OnExpire, if set, is told of every key that a lookup or ExpireDue deletes.
	OnExpire func(key string)

	slots   [slot.Count]map[string]*Object
	used    slot.Set
	size    int
	expires *btree.BTreeG[*Object]
	seed    maphash.Seed
}

// New returns an empty keyspace.
func New() *DB {
	return &DB{
		expires: btree.NewBTreeGOptions(func(a, b *Object) bool {
			return a.expire < b.expire || a.expire == b.expire && a.key < b.key
		}, btree.Options{NoLocks: true}),
		seed: maphash.MakeSeed(),
	}
}

// Len returns the number of keys, expired ones that are still there included.
func (db *DB) Len() int { return db.size }

// Expires returns the number of keys with an expiry.
func (db *DB) Expires() int { return db.expires.Len() }

// Peek returns the value of a key without deleting an expired one; nil if there
// is none.
func (db *DB) Peek(key []byte, now int64) *Object {
	o := db.slots[slot.Of(key)][string(key)]
	if o == nil || o.expired(now) {
		return nil
	}
	return o
}

// Lookup is Peek, but deletes a key that has expired.
func (db *DB) Lookup(key []byte, now int64) *Object {
	o := db.slots[slot.Of(key)][string(key)]
	if o == nil || !o.expired(now) {
		return o
	}
	if !db.KeepExpired {
		db.remove(o)
		if db.OnExpire != nil {
			db.OnExpire(o.key)
		}
	}
	return nil
}

// Holds reports whether a key is there, expired or not.
func (db *DB) Holds(key string) bool {
	return db.slots[slot.Of([]byte(key))][key] != nil
}

// Held is the value of a key, expired or not; nil if there is none.
func (db *DB) Held(key string) *Object { return db.slots[slot.Of([]byte(key))][key] }

// Put stores o under key and replaces what is there. The expiry is expire, 0 for
// none. The DB owns o from now on.
func (db *DB) Put(key []byte, o *Object, expire int64) {
	s := slot.Of(key)
	m := db.slots[s]
	if m == nil {
		m = map[string]*Object{}
		db.slots[s] = m
		db.used.Add(s)
	}
	if old := m[string(key)]; old != nil {
		if old.expire != 0 {
			db.expires.Delete(old)
		}
		o.key = old.key
	} else {
		o.key = string(key)
		db.size++
	}
	o.expire = expire
	m[o.key] = o
	if expire != 0 {
		db.expires.Set(o)
	}
}

// SetExpire changes when o is gone; 0 means never.
func (db *DB) SetExpire(o *Object, expire int64) {
	if o.expire != 0 {
		db.expires.Delete(o)
	}
	o.expire = expire
	if expire != 0 {
		db.expires.Set(o)
	}
}

// Delete removes a key and reports whether it was there, expired or not.
func (db *DB) Delete(key []byte) bool {
	o := db.slots[slot.Of(key)][string(key)]
	if o == nil {
		return false
	}
	db.remove(o)
	return true
}

func (db *DB) remove(o *Object) {
	s := slot.Of([]byte(o.key))
	delete(db.slots[s], o.key)
	if len(db.slots[s]) == 0 {
		db.slots[s] = nil
		db.used.Remove(s)
	}
	if o.expire != 0 {
		db.expires.Delete(o)
	}
	db.size--
}

// Flush removes all keys.
func (db *DB) Flush() {
	db.slots = [slot.Count]map[string]*Object{}
	db.used = slot.Set{}
	db.size = 0
	db.expires.Clear()
}

// Populated returns the slots that hold a key.
func (db *DB) Populated() slot.Set { return db.used }

// CountInSlot returns the number of keys of a slot.
func (db *DB) CountInSlot(s uint16) int { return len(db.slots[s]) }

// KeysInSlot returns up to max keys of a slot, sorted.
func (db *DB) KeysInSlot(s uint16, max int) []string {
	keys := make([]string, 0, len(db.slots[s]))
	for k := range db.slots[s] {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys[:min(max, len(keys))]
}

// DropSlot deletes the keys of a slot and returns them, sorted.
func (db *DB) DropSlot(s uint16) []string {
	keys := db.KeysInSlot(s, db.size)
	for _, k := range keys {
		db.remove(db.slots[s][k])
	}
	return keys
}

// ExpireDue deletes up to max keys that have expired and returns how many.
func (db *DB) ExpireDue(now int64, max int) int {
	if db.KeepExpired {
		return 0
	}
	n := 0
	for ; n < max; n++ {
		o, ok := db.expires.Min()
		if !ok || !o.expired(now) {
			break
		}
		db.remove(o)
		if db.OnExpire != nil {
			db.OnExpire(o.key)
		}
	}
	return n
}

// Each calls f for every key that has not expired, by slot, sorted within it.
func (db *DB) Each(now int64, f func(o *Object)) {
	for s := db.used.Next(0); s >= 0; s = db.used.Next(s + 1) {
		for _, k := range db.KeysInSlot(uint16(s), db.size) {
			if o := db.slots[s][k]; !o.expired(now) {
				f(o)
			}
		}
	}
}

// Random returns a key that has not expired, chosen by r, which returns a number
// below its argument; nil if it finds none.
func (db *DB) Random(now int64, r func(n int) int) *Object {
	for try := 0; try < 100 && db.size > 0; try++ {
		i := r(db.size)
		for s := db.used.Next(0); s >= 0; s = db.used.Next(s + 1) {
			if n := len(db.slots[s]); i >= n {
				i -= n
				continue
			}
			if o := db.slots[s][db.KeysInSlot(uint16(s), i+1)[i]]; !o.expired(now) {
				return o
			}
			break
		}
	}
	return nil
}

// Scan returns about count keys from a cursor on, and the next cursor, 0 at the
// end. A key that is there from the first call to the last is returned at least
// once. A cursor is the slot in its low 14 bits, as in Redis, and above it the
// first 48 bits of the hash by which the keys of a slot are ordered.
func (db *DB) Scan(cursor uint64, count int) (next uint64, objects []*Object) {
	from := cursor >> 14
	s := int(cursor % slot.Count)
	for s = db.used.Next(s); s >= 0; s = db.used.Next(s + 1) {
		if uint64(s) != cursor%slot.Count {
			from = 0
		}
		type hashed struct {
			h uint64
			o *Object
		}
		var hs []hashed
		for k, o := range db.slots[s] {
			if h := maphash.String(db.seed, k) >> 16; h >= from {
				hs = append(hs, hashed{h, o})
			}
		}
		slices.SortFunc(hs, func(a, b hashed) int { return cmp.Compare(a.h, b.h) })
		for i, x := range hs {
			if len(objects) >= count && (i == 0 || hs[i-1].h != x.h) {
				return max(x.h<<14|uint64(s), 1), objects
			}
			objects = append(objects, x.o)
		}
	}
	return 0, objects
}
