package slot

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// slowCRC16 is the definition of the checksum: division of polynomials, bit by bit.
func slowCRC16(b []byte) uint16 {
	var r uint32
	for _, c := range append(slices.Clone(b), 0, 0) {
		for bit := 7; bit >= 0; bit-- {
			r = r<<1 | uint32(c>>bit&1)
			if r&0x10000 != 0 {
				r ^= 0x10000 | polynomial
			}
		}
	}
	return uint16(r)
}

// slowTag is the hash-tag rule in the words of the cluster specification.
func slowTag(key string) string {
	if open := strings.Index(key, "{"); open >= 0 {
		if length := strings.Index(key[open+1:], "}"); length > 0 {
			return key[open+1 : open+1+length]
		}
	}
	return key
}

func TestCRC16(t *testing.T) {
	for in, want := range map[string]uint16{"": 0, "123456789": 0x31c3, "A": 0x58e5} {
		if got := CRC16([]byte(in)); got != want {
			t.Errorf("CRC16(%q) = %#04x, want %#04x", in, got, want)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		if got, want := CRC16(b), slowCRC16(b); got != want {
			t.Fatalf("CRC16(%x) = %#04x, want %#04x", b, got, want)
		}
	}
}

// recorded reads the answers of real Redis.
func recorded(t testing.TB) map[string]uint16 {
	t.Helper()
	f, err := os.Open("testdata/keyslot.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	answers := map[string]uint16{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		cut := strings.LastIndex(line, " ")
		key, err := strconv.Unquote(line[:cut])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		n, err := strconv.ParseUint(line[cut+1:], 10, 16)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		answers[key] = uint16(n)
	}
	return answers
}

func TestOfAsRedisAnswers(t *testing.T) {
	answers := recorded(t)
	if len(answers) < 300 {
		t.Fatalf("only %d recorded answers", len(answers))
	}
	for key, want := range answers {
		if got := Of([]byte(key)); got != want {
			t.Errorf("Of(%q) = %d, redis says %d", key, got, want)
		}
	}
}

func FuzzOf(f *testing.F) {
	for key := range recorded(f) {
		f.Add([]byte(key))
	}
	f.Fuzz(func(t *testing.T, key []byte) {
		if got, want := Of(key), slowCRC16([]byte(slowTag(string(key))))%Count; got != want {
			t.Errorf("Of(%q) = %d, want %d", key, got, want)
		}
	})
}

// twin is the slow obvious set that Set must behave like.
type twin map[uint16]bool

func (w twin) text() string {
	var parts []string
	for lo := 0; lo < Count; lo++ {
		if !w[uint16(lo)] {
			continue
		}
		hi := lo
		for hi+1 < Count && w[uint16(hi+1)] {
			hi++
		}
		if lo == hi {
			parts = append(parts, strconv.Itoa(lo))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", lo, hi))
		}
		lo = hi
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ",")
}

func (w twin) next(from int) int {
	for n := max(from, 0); n < Count; n++ {
		if w[uint16(n)] {
			return n
		}
	}
	return -1
}

// wantSame compares a set with its twin in every way that a caller can see.
func wantSame(t *testing.T, s Set, w twin) {
	t.Helper()
	n := 0
	for _, has := range w {
		if has {
			n++
		}
	}
	if s.Len() != n || s.Empty() != (n == 0) {
		t.Fatalf("Len = %d, Empty = %v, want %d slots", s.Len(), s.Empty(), n)
	}
	if got, want := s.String(), w.text(); got != want {
		t.Fatalf("String = %s, want %s", got, want)
	}
	for n := range uint16(Count) {
		if s.Has(n) != w[n] {
			t.Fatalf("Has(%d) = %v, want %v", n, s.Has(n), w[n])
		}
	}
	for _, from := range []int{-5, 0, 1, 63, 64, 65, 8191, Count - 1, Count, Count + 1} {
		if got, want := s.Next(from), w.next(from); got != want {
			t.Fatalf("Next(%d) = %d, want %d", from, got, want)
		}
	}
	var all []uint16
	for n := range s.All() {
		all = append(all, n)
	}
	if len(all) != n || !slices.IsSorted(all) {
		t.Fatalf("All yields %d slots, sorted %v, want %d", len(all), slices.IsSorted(all), n)
	}
	back, err := Parse(s.String())
	if err != nil || back != s {
		t.Fatalf("Parse(%s) = %s, %v", s, back, err)
	}
	wire := s.AppendWire([]byte("head"))
	if len(wire) != 4+WireLen {
		t.Fatalf("the wire form has %d bytes", len(wire)-4)
	}
	for n := range Count {
		if got := wire[4+n/8]>>(n%8)&1 == 1; got != w[uint16(n)] {
			t.Fatalf("bit %d of the wire form is %v, want %v", n, got, w[uint16(n)])
		}
	}
	var read Set
	if err := read.ReadWire(wire[4:]); err != nil || read != s {
		t.Fatalf("ReadWire = %s, %v", read, err)
	}
}

func TestSetAgainstTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 40 {
		var s Set
		w := twin{}
		for range rng.IntN(30) {
			lo := uint16(rng.IntN(Count))
			hi := min(Count-1, lo+uint16(rng.IntN(1+rng.IntN(400))))
			switch rng.IntN(3) {
			case 0:
				s.Add(lo)
				w[lo] = true
			case 1:
				s.AddRange(lo, hi)
				for n := lo; n <= hi; n++ {
					w[n] = true
				}
			case 2:
				for n := lo; n <= hi; n++ {
					s.Remove(n)
					w[n] = false
				}
			}
		}
		t.Run(strconv.Itoa(round), func(t *testing.T) { wantSame(t, s, w) })
	}
}

func TestSetEdges(t *testing.T) {
	full := twin{}
	for n := range uint16(Count) {
		full[n] = true
	}
	wantSame(t, Set{}, twin{})
	wantSame(t, Full(), full)
	for _, r := range [][2]uint16{{0, 0}, {63, 63}, {0, 63}, {63, 64}, {64, 127}, {1, 62}, {100, 1000}, {Count - 1, Count - 1}, {0, Count - 1}} {
		var s Set
		s.AddRange(r[0], r[1])
		w := twin{}
		for n := r[0]; n <= r[1]; n++ {
			w[n] = true
		}
		wantSame(t, s, w)
	}
}

func TestSetAlgebra(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	random := func() (s Set) {
		for i := range s {
			s[i] = rng.Uint64() & rng.Uint64()
		}
		return s
	}
	a, b := random(), random()
	union, minus, both := a.Union(&b), a.Minus(&b), a.Intersect(&b)
	for n := range uint16(Count) {
		if union.Has(n) != (a.Has(n) || b.Has(n)) || minus.Has(n) != (a.Has(n) && !b.Has(n)) || both.Has(n) != (a.Has(n) && b.Has(n)) {
			t.Fatalf("slot %d: a %v, b %v, union %v, minus %v, intersection %v", n, a.Has(n), b.Has(n), union.Has(n), minus.Has(n), both.Has(n))
		}
	}
	if !a.Intersects(&b) || minus.Intersects(&b) || !a.Equal(&a) || a.Equal(&b) {
		t.Error("Intersects or Equal does not fit the sets")
	}
}

func TestRangesStopsWhenTold(t *testing.T) {
	s, err := Parse("1,3,5-9")
	if err != nil {
		t.Fatal(err)
	}
	for lo, hi := range s.Ranges() {
		if lo != 1 || hi != 1 {
			t.Errorf("the first range is %d-%d", lo, hi)
		}
		break
	}
	for n := range s.All() {
		if n != 1 {
			t.Errorf("the first slot is %d", n)
		}
		break
	}
	if got := string(s.AppendRanges([]byte("x:"), ' ')); got != "x:1 3 5-9" {
		t.Errorf("AppendRanges = %q", got)
	}
}

func TestParseRejects(t *testing.T) {
	for text, want := range map[string]string{
		"":            `slot: "": "" is not a slot number`,
		"16384":       `slot: "16384": slot 16384 is not below 16384`,
		"0-16384":     `slot: "0-16384": slot 16384 is not below 16384`,
		"65536":       `slot: "65536": "65536" is not a slot number`,
		"-1":          `slot: "-1": "" is not a slot number`,
		"+1":          `slot: "+1": "+1" is not a slot number`,
		"5-3":         `slot: "5-3": the range runs backwards`,
		"1,,2":        `slot: "": "" is not a slot number`,
		"1-2-3":       `slot: "1-2-3": "2-3" is not a slot number`,
		"0-5,3":       `slot: "0-5,3": slot 3 is named twice`,
		"1, 2":        `slot: " 2": " 2" is not a slot number`,
		"-,1":         `slot: "-": "" is not a slot number`,
		"0x10":        `slot: "0x10": "0x10" is not a slot number`,
		"1_0":         `slot: "1_0": "1_0" is not a slot number`,
		"0-16383,0-1": `slot: "0-16383,0-1": slot 0 is named twice`,
	} {
		s, err := Parse(text)
		if err == nil || err.Error() != want || !s.Empty() {
			t.Errorf("Parse(%q) = %s, %v, want %s", text, s, err, want)
		}
	}
	if s, err := Parse("9-10,0-5,7"); err != nil || s.String() != "0-5,7,9-10" {
		t.Errorf("ranges out of order: %s, %v", s, err)
	}
}

func TestReadWireNeedsAllBytes(t *testing.T) {
	full := Full()
	s := full
	if err := s.ReadWire(make([]byte, WireLen-1)); err == nil || s != full {
		t.Errorf("ReadWire of too few bytes: %v, set changed %v", err, s != full)
	}
}

func TestAddRangePanics(t *testing.T) {
	for _, r := range [][2]uint16{{2, 1}, {0, Count}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("AddRange(%d, %d) did not panic", r[0], r[1])
				}
			}()
			var s Set
			s.AddRange(r[0], r[1])
		}()
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"-", "0-5,7,9-16383", "1,2,3", "5-3", "0-16384", "1,,2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			if !s.Empty() {
				t.Errorf("Parse(%q) failed and returned %s", text, s)
			}
			return
		}
		back, err := Parse(s.String())
		if err != nil || back != s {
			t.Errorf("Parse(%q) = %s, which reads back as %s, %v", text, s, back, err)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	for _, key := range []string{"foo", "user:1000:{session}:data", strings.Repeat("x", 256)} {
		b.Run(strconv.Itoa(len(key)), func(b *testing.B) {
			k := []byte(key)
			b.SetBytes(int64(len(k)))
			b.ReportAllocs()
			for b.Loop() {
				Of(k)
			}
		})
	}
}

func BenchmarkSetString(b *testing.B) {
	s, err := Parse("0-865,867-8191,9000,9002,10000-16383")
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 128)
	b.ReportAllocs()
	for b.Loop() {
		buf = s.AppendRanges(buf[:0], ' ')
	}
}

func BenchmarkReadWire(b *testing.B) {
	full := Full()
	wire := full.AppendWire(nil)
	var s Set
	b.SetBytes(WireLen)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.ReadWire(wire); err != nil {
			b.Fatal(err)
		}
	}
}
