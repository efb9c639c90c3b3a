package resp

import (
	"math"
	"strconv"
)

// FormatDouble appends f as Redis writes doubles in replies, mirroring util.c:d2string:
// whole numbers up to 2^62 as integers, otherwise digits that read back to f, positioned
// as fpconv_dtoa does; "inf", "-inf" and "nan".
func FormatDouble(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "nan"...)
	case math.IsInf(f, 1):
		return append(b, "inf"...)
	case math.IsInf(f, -1):
		return append(b, "-inf"...)
	case f == 0 && math.Signbit(f):
		return append(b, "-0"...)
	case math.Abs(f) <= 1<<62 && f == math.Trunc(f):
		return strconv.AppendInt(b, int64(f), 10)
	}
	if f < 0 {
		b = append(b, '-')
	}
	var buf [24]byte
	digits, exponent := grisuDigits(buf[:0], math.Abs(f))
	return positionDigits(b, digits, exponent)
}

// positionDigits writes the number digits x 10^exponent as fpconv's emit_digits does.
func positionDigits(b, digits []byte, exponent int) []byte {
	n := len(digits)
	scientific := exponent + n - 1 // the exponent behind one leading digit
	magnitude := max(scientific, -scientific)
	switch {
	case exponent >= 0 && magnitude < n+7:
		b = append(b, digits...)
		for range exponent {
			b = append(b, '0')
		}
		return b
	case exponent < 0 && (exponent > -7 || magnitude < 4):
		point := n + exponent
		if point > 0 {
			b = append(b, digits[:point]...)
			return append(append(b, '.'), digits[point:]...)
		}
		b = append(b, "0."...)
		for range -point {
			b = append(b, '0')
		}
		return append(b, digits...)
	}
	b = append(b, digits[0])
	if n > 1 {
		b = append(append(b, '.'), digits[1:]...)
	}
	b = append(b, 'e')
	if scientific >= 0 {
		b = append(b, '+')
	}
	return strconv.AppendInt(b, int64(scientific), 10)
}
