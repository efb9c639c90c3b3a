package script

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/slotdiff/slotdiff/wire/resp"
)

// formatNumber is Lua's tostring of a number: printf's "%.14g" (luaconf.h:
// LUAI_NUMFFORMAT).
func formatNumber(f float64) string {
	if s, ok := notFinite(f); ok {
		return s
	}
	return strconv.FormatFloat(f, 'g', 14, 64)
}

// notFinite is what printf writes for infinities and NaN.
func notFinite(f float64) (string, bool) {
	switch {
	case math.IsNaN(f) && math.Signbit(f):
		return "-nan", true
	case math.IsNaN(f):
		return "nan", true
	case math.IsInf(f, 1):
		return "inf", true
	case math.IsInf(f, -1):
		return "-inf", true
	}
	return "", false
}

// formatArgument is how redis.call passes a number. Mirrors
// script_lua.c:luaArgsToRedisArgv: an integer where it is one, else the shortest
// form that reads back.
func formatArgument(f float64) []byte {
	if f >= -(1<<62) && f <= 1<<62 && f == math.Trunc(f) {
		return strconv.AppendInt(nil, int64(f), 10)
	}
	return resp.FormatDouble(nil, f)
}

// toInt is C's conversion of a double to a 64-bit integer, as x86-64 does it.
func toInt(f float64) int64 {
	if math.IsNaN(f) || f >= 1<<63 || f < -(1<<63) {
		return math.MinInt64
	}
	return int64(f)
}

// parseNumber is Lua's tonumber of a string in base 10: strtod with hexadecimal
// integers, spaces around it allowed (lobject.c:luaO_str2d).
func parseNumber(s string) (float64, bool) {
	s = strings.Trim(s, " \t\n\v\f\r")
	if s == "" || strings.ContainsAny(s, "_") {
		return 0, false
	}
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || digits == "" {
		return 0, false
	}
	if len(digits) > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') {
		if !strings.ContainsAny(digits, "pP") {
			s += "p0" // C does not ask for the exponent
		}
	} else if !strings.ContainsAny(digits[:1], "0123456789.iInN") {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// asNumber converts as arithmetic does.
func asNumber(v lua.LValue) (float64, bool) {
	switch v := v.(type) {
	case lua.LNumber:
		return float64(v), true
	case lua.LString:
		return parseNumber(string(v))
	}
	return 0, false
}

// asString converts as concatenation does.
func asString(v lua.LValue) (string, bool) {
	switch v := v.(type) {
	case lua.LString:
		return string(v), true
	case lua.LNumber:
		return formatNumber(float64(v)), true
	}
	return "", false
}
