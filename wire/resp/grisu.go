package resp

import (
	"math"
	"math/big"
	"math/bits"
	"sync"
)

// Redis finds the digits of a double with Grisu2 (Loitsch, "Printing floating-point
// numbers quickly and accurately with integers", 2010), as deps/fpconv of 8.6.3 does it.
// The digits always read back to the same double; for about one double in a thousand
// they are not the shortest that do, 1e23 being the best known. To write what Redis
// writes, it takes the same algorithm and the same choice among its cached powers.

// extended is the number frac x 2^exp.
type extended struct {
	frac uint64
	exp  int
}

// times is a*b with the 64 upper bits of the product, rounded half up.
func (a extended) times(b extended) extended {
	hi, lo := bits.Mul64(a.frac, b.frac)
	return extended{hi + lo>>63, a.exp + b.exp + 64}
}

// normalized shifts the highest bit of a to the top.
func (a extended) normalized() extended {
	n := bits.LeadingZeros64(a.frac)
	return extended{a.frac << n, a.exp - n}
}

// The cached powers are 10^firstPower, 10^(firstPower+powerStep) and so on.
const (
	firstPower = -348
	powerStep  = 8
	powerCount = 87
)

// cachedPowers are normalized, rounded to nearest.
var cachedPowers = sync.OnceValue(func() *[powerCount]extended {
	var powers [powerCount]extended
	for i := range powers {
		exponent := firstPower + i*powerStep
		power := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exponent, -exponent))), nil))
		if exponent < 0 {
			power.Inv(power)
		}
		// The mantissa is in [0.5, 1): shifted by 64 bits it is a whole number.
		mantissa := new(big.Float)
		exp := new(big.Float).SetPrec(64).SetMode(big.ToNearestEven).SetRat(power).MantExp(mantissa)
		frac, _ := mantissa.SetMantExp(mantissa, 64).Uint64()
		powers[i] = extended{frac, exp - 64}
	}
	return &powers
})

// powerFor returns the cached power 10^k that brings a number with the binary exponent
// exp to one between -60 and -32. Two can: the search starts where fpconv's does.
func powerFor(exp int) (power extended, k int) {
	powers := cachedPowers()
	guess := int(-float64(exp+powerCount) * 0.30102999566398114)
	for i := (guess - firstPower) / powerStep; ; {
		switch e := exp + powers[i].exp + 64; {
		case e < -60:
			i++
		case e > -32:
			i--
		default:
			return powers[i], firstPower + i*powerStep
		}
	}
}

// grisuDigits appends the digits that Redis writes for f > 0; f is near those digits
// x 10^exponent.
func grisuDigits(b []byte, f float64) (digits []byte, exponent int) {
	const hidden = 1 << 52
	mantissa := math.Float64bits(f)
	w := extended{mantissa & (hidden - 1), int(mantissa>>52&0x7ff) - 1075}
	if w.exp == -1075 {
		w.exp++ // subnormal
	} else {
		w.frac |= hidden
	}

	// Every number between lower and upper reads back to f.
	upper := extended{w.frac<<1 + 1, w.exp - 1}.normalized()
	lower := extended{w.frac<<1 - 1, w.exp - 1}
	if w.frac == hidden {
		lower = extended{w.frac<<2 - 1, w.exp - 2} // the doubles below are twice as dense
	}
	lower.frac <<= lower.exp - upper.exp
	lower.exp = upper.exp

	power, k := powerFor(upper.exp)
	w, upper, lower = w.normalized().times(power), upper.times(power), lower.times(power)
	// The products are off by less than one: keep to the safe side.
	upper.frac--
	lower.frac++
	digits, exponent = generateDigits(b, upper, upper.frac-w.frac, upper.frac-lower.frac)
	return digits, exponent - k
}

// generateDigits appends digits of upper from the highest on until what is left is within
// delta, the width of the safe interval; dist is how far the wanted number lies below
// upper. The number is those digits x 10^exponent.
func generateDigits(b []byte, upper extended, dist, delta uint64) (digits []byte, exponent int) {
	shift := uint(-upper.exp)
	whole, rest := upper.frac>>shift, upper.frac&(1<<shift-1)

	for exponent, unit := 9, uint64(1_000_000_000); exponent >= 0; exponent, unit = exponent-1, unit/10 {
		digit := whole / unit
		whole %= unit
		if digit > 0 || len(b) > 0 {
			b = append(b, '0'+byte(digit))
		}
		if left := whole<<shift + rest; left <= delta {
			roundLast(b, left, delta, unit<<shift, dist)
			return b, exponent
		}
	}
	for exponent = -1; ; exponent-- {
		rest, delta, dist = rest*10, delta*10, dist*10
		digit := rest >> shift
		rest &= 1<<shift - 1
		if digit > 0 || len(b) > 0 {
			b = append(b, '0'+byte(digit))
		}
		if rest < delta {
			roundLast(b, rest, delta, 1<<shift, dist)
			return b, exponent
		}
	}
}

// roundLast lowers the last digit while that stays inside the safe interval and comes
// nearer to the wanted number; left is what the digits leave of upper, unit what one step
// of the last digit is worth.
func roundLast(b []byte, left, delta, unit, dist uint64) {
	for left < dist && delta-left >= unit && (left+unit < dist || dist-left > left+unit-dist) {
		b[len(b)-1]--
		left += unit
	}
}
