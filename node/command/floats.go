package command

import (
	"bytes"
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
	if _, ok := parseFloat(b); !ok && !isHuge(b) {
		return nil, false
	}
	s := strings.ToLower(string(b))
	if strings.Contains(s, "inf") {
		f, err := strconv.ParseFloat(s, 64)
		return new(big.Float).SetPrec(64).SetFloat64(f), err == nil
	}
	f, _, err := big.ParseFloat(s, 0, 64, big.ToNearestEven)
	if err != nil {
		f, _, err = big.ParseFloat(s, 10, 64, big.ToNearestEven)
	}
	return f, err == nil
}

// isHuge reports whether b is a number beyond float64 that a long double holds.
func isHuge(b []byte) bool {
	f, _, err := big.ParseFloat(string(b), 10, 64, big.ToNearestEven)
	return err == nil && !bytes.ContainsAny(b, "_ pP") && f.MantExp(nil) < 16384
}
