package resp

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// TestDoublesReadBack checks what Grisu2 promises, over all magnitudes.
func TestDoublesReadBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	longer := 0
	const n = 50_000
	for range n {
		f := math.Float64frombits(rng.Uint64())
		if math.IsNaN(f) || math.IsInf(f, 0) {
			continue
		}
		text := string(FormatDouble(nil, f))
		if back, err := strconv.ParseFloat(text, 64); err != nil || back != f {
			t.Fatalf("%x is written as %s, which reads as %x, %v", f, text, back, err)
		}
		if !isDouble([]byte(text)) {
			t.Fatalf("%s is no double to the reader", text)
		}
		var buf [32]byte
		digits, _ := grisuDigits(buf[:0], math.Abs(f))
		shortest, _, _ := strings.Cut(strconv.FormatFloat(math.Abs(f), 'e', -1, 64), "e")
		if len(digits) > len(strings.ReplaceAll(shortest, ".", "")) {
			longer++
		}
	}
	if longer == 0 || longer > n/100 {
		t.Errorf("%d of %d doubles have more digits than they need, want some but few", longer, n)
	}
}
