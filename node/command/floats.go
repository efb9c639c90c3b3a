package command

import (
	"bytes"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/node/store"
)

// incrByFloat mirrors t_string.c:incrbyfloatCommand; Redis computes in x87's 64
// bits of precision and prints 17 decimals without trailing zeros.
func incrByFloat(e *Engine, c *Client) {
	o, ok := e.lookup(c, c.argv[1], store.String)
	if !ok {
		return
	}
	val := new(big.Float).SetPrec(64)
	if o != nil {
		if val, ok = parseLongDouble(o.Str); !ok {
			c.err("ERR value is not a valid float")
			return
		}
	}
	by, ok := parseLongDouble(c.argv[2])
	if !ok {
		c.err("ERR value is not a valid float")
		return
	}
	if val.IsInf() || by.IsInf() {
		c.err("ERR increment would produce NaN or Infinity")
		return
	}
	out := strings.TrimRight(val.Add(val, by).Text('f', 17), "0")
	out = strings.TrimSuffix(out, ".")
	if out == "-0" {
		out = "0"
	}
	e.replaceString(c.argv[1], o, []byte(out), store.NotInt)
	c.text(out)
}

// parseLongDouble reads what strtold takes whole, except NaN.
func parseLongDouble(b []byte) (*big.Float, bool) {
	f, ok := parseFloat(b)
	switch {
	case ok && math.IsInf(f, 0):
		return new(big.Float).SetPrec(64).SetFloat64(f), true
	case !ok && !isHuge(b):
		return nil, false
	}
	val, err := bigFloat(string(b))
	return val, err == nil
}

// isHuge reports whether b is a number beyond float64 that a long double holds.
func isHuge(b []byte) bool {
	if len(b) >= maxLongDouble || bytes.ContainsAny(b, "_ ") {
		return false
	}
	f, err := bigFloat(string(b))
	if err != nil {
		return false
	}
	exp := f.MantExp(nil)
	return exp >= 1024 && exp <= 16384
}

// bigFloat reads a number, decimal or hexadecimal, with the precision of a long double.
func bigFloat(s string) (*big.Float, error) {
	base := 10
	if isHex(s) {
		base = 0
	} else if strings.ContainsAny(s, "pP") {
		return nil, strconv.ErrSyntax // an exponent of 2 is for hexadecimal digits
	}
	f, _, err := big.ParseFloat(strings.ToLower(withExponent(s)), base, 64, big.ToNearestEven)
	return f, err
}
