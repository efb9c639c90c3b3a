package store

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/slotdiff/slotdiff/slot"
)

func str(s string) *Object { return &Object{Str: []byte(s)} }

func TestExpiry(t *testing.T) {
	db := New()
	var gone []string
	db.OnExpire = func(k string) { gone = append(gone, k) }
	db.Put([]byte("a"), str("1"), 100)
	if db.Lookup([]byte("a"), 100) == nil {
		t.Error("a key is there at the very moment of its expiry")
	}
	if db.Peek([]byte("a"), 101) != nil || db.Len() != 1 {
		t.Error("Peek must hide an expired key and keep it")
	}
	db.KeepExpired = true
	if db.Lookup([]byte("a"), 101) != nil || db.Len() != 1 || db.ExpireDue(101, 9) != 0 {
		t.Error("a replica hides an expired key and keeps it")
	}
	db.KeepExpired = false
	if db.Lookup([]byte("a"), 101) != nil || db.Len() != 0 || len(gone) != 1 {
		t.Error("Lookup must delete an expired key")
	}
	db.Put([]byte("b"), str("1"), 50)
	db.Put([]byte("c"), str("1"), 60)
	db.Put([]byte("c"), str("2"), 0)
	db.SetExpire(db.Peek([]byte("b"), 1), 70)
	if n := db.ExpireDue(69, 9); n != 0 {
		t.Errorf("%d keys expired early", n)
	}
	if n := db.ExpireDue(71, 9); n != 1 || db.Len() != 1 || db.Expires() != 0 {
		t.Errorf("expired %d, left %d with %d expiries", n, db.Len(), db.Expires())
	}
}

// TestSlotIndex checks the index against a plain map after random changes.
func TestSlotIndex(t *testing.T) {
	db := New()
	twin := map[string]bool{}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		k := fmt.Sprintf("{%d}%d", r.IntN(50), r.IntN(40))
		switch r.IntN(40) {
		case 0:
			s := slot.Of([]byte(k))
			for _, d := range db.DropSlot(s) {
				if !twin[d] || slot.Of([]byte(d)) != s {
					t.Fatalf("dropped %q of another slot", d)
				}
				delete(twin, d)
			}
			if db.CountInSlot(s) != 0 {
				t.Fatal("a dropped slot has keys")
			}
		case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15:
			if db.Delete([]byte(k)) != twin[k] {
				t.Fatalf("Delete(%q)", k)
			}
			delete(twin, k)
		default:
			db.Put([]byte(k), str("v"), 0)
			twin[k] = true
		}
	}
	if len(twin) == 0 || db.Len() != len(twin) {
		t.Fatalf("Len %d, want %d", db.Len(), len(twin))
	}
	sum := 0
	used := db.Populated()
	for s := range slot.Count {
		n := db.CountInSlot(uint16(s))
		if used.Has(uint16(s)) != (n > 0) {
			t.Fatalf("slot %d: %d keys, populated %v", s, n, used.Has(uint16(s)))
		}
		sum += n
	}
	if sum != db.Len() {
		t.Errorf("slots hold %d keys of %d", sum, db.Len())
	}
}

// TestScan checks the promise of SCAN while other keys come and go.
func TestScan(t *testing.T) {
	db := New()
	for i := range 3000 {
		db.Put(fmt.Appendf(nil, "{%d}stay%d", i%7, i), str("v"), 0)
	}
	seen := map[string]bool{}
	calls := 0
	for cursor := uint64(0); ; {
		next, objects := db.Scan(cursor, 10)
		for _, o := range objects {
			seen[o.Key()] = true
		}
		db.Put(fmt.Appendf(nil, "extra%d", calls), str("v"), 0)
		db.Delete(fmt.Appendf(nil, "extra%d", calls-3))
		if calls++; calls > 10000 {
			t.Fatal("SCAN does not end")
		}
		if cursor = next; cursor == 0 {
			break
		}
	}
	for i := range 3000 {
		if k := fmt.Sprintf("{%d}stay%d", i%7, i); !seen[k] {
			t.Fatalf("SCAN missed %s", k)
		}
	}
}
