package command

import (
	"bytes"
	"math"
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

// parseFloat mirrors object.c:getLongDoubleFromObject: what strtold takes, whole,
// and no NaN. Spaces are refused.
func parseFloat(b []byte) (float64, bool) {
	if len(b) == 0 || len(b) > 256 {
		return 0, false
	}
	for _, ch := range b {
		if ch == '_' || ch <= ' ' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.IsNaN(f) {
		return 0, false
	}
	return f, true
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
