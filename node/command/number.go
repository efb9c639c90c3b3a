package command

import (
	"bytes"
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/node/command/table"
)

const notInt = "ERR value is not an integer or out of range"

// intArg parses a 64-bit integer argument or replies. Mirrors
// object.c:getLongLongFromObjectOrReply.
func (c *Client) intArg(b []byte) (int64, bool) {
	n, ok := table.ParseInt(b)
	if !ok {
		c.err(notInt)
	}
	return n, ok
}

// int32Arg mirrors object.c:getIntFromObjectOrReply.
func (c *Client) int32Arg(b []byte) (n int64, ok bool) {
	if n, ok = c.intArg(b); ok && (n < math.MinInt32 || n > math.MaxInt32) {
		c.err("ERR value is out of range, value must between -2147483648 and 2147483647")
		return 0, false
	}
	return n, ok
}

// maxLongDouble is how long the text of a long double may not be, in bytes (util.h:MAX_LONG_DOUBLE_CHARS).
const maxLongDouble = 5 * 1024

// parseFloat mirrors object.c:getLongDoubleFromObject: what strtold takes, whole,
// and no NaN. Spaces are refused.
func parseFloat(b []byte) (float64, bool) {
	if len(b) == 0 || len(b) >= maxLongDouble {
		return 0, false
	}
	for _, ch := range b {
		if ch == '_' || ch <= ' ' {
			return 0, false
		}
	}
	s := withExponent(string(b))
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) {
		return 0, false
	}
	if f == 0 && !isZero(s) {
		return math.Copysign(math.SmallestNonzeroFloat64, f), !isTiny(s) // as a long double it is not 0
	}
	return f, true
}

// isZero reports whether a number has no digit but 0, so that it is not one that underflows.
func isZero(s string) bool {
	digits, exponent := strings.TrimLeft(strings.ToLower(s), "+-"), "e"
	if hex, ok := strings.CutPrefix(digits, "0x"); ok {
		digits, exponent = hex, "p"
	}
	digits, _, _ = strings.Cut(digits, exponent)
	return strings.Trim(digits, "0.") == ""
}

// leastLongDouble is half the least long double but 0, which is rounded to 0.
var leastLongDouble = new(big.Float).SetMantExp(big.NewFloat(1), -16446)

// isTiny reports whether a number other than 0 is 0 as a long double.
func isTiny(s string) bool {
	f, err := bigFloat(s)
	return err != nil || f.Abs(f).Cmp(leastLongDouble) <= 0
}

// fastFloat mirrors util.c:fast_float_strtod as sort.c and the bounds of ranges by score use it: up to a NUL, nothing is 0, with no
// hexadecimal digits, and what overflows is infinite.
func fastFloat(b []byte) (float64, bool) {
	text := cString(b)
	if text == "" {
		return 0, true
	}
	if strings.ContainsAny(text, "xX_") {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, (err == nil || errors.Is(err, strconv.ErrRange)) && !math.IsNaN(f)
}

// withExponent completes a hexadecimal number, of which C asks no exponent.
func withExponent(s string) string {
	if isHex(s) && !strings.ContainsAny(s, "pP") {
		return s + "p0"
	}
	return s
}

func isHex(s string) bool {
	digits := strings.TrimLeft(s, "+-")
	return len(digits) > 2 && strings.EqualFold(digits[:2], "0x")
}

// cString is an argument as the %s of a C format shows it: up to a NUL.
func cString(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}

// lowerASCII returns a lower-case copy.
func lowerASCII(b []byte) []byte {
	out := make([]byte, len(b))
	for i, ch := range b {
		if 'A' <= ch && ch <= 'Z' {
			ch += 'a' - 'A'
		}
		out[i] = ch
	}
	return out
}

// splitWords splits at spaces.
func splitWords(s string) []string { return strings.Fields(s) }
