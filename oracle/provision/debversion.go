package provision

import (
	"strconv"
	"strings"
)

// compareDeb compares two Debian package versions by the rules of deb-version(7):
// epoch, upstream version, revision; "~" sorts before everything, even the end.
func compareDeb(a, b string) int {
	ea, ua, ra := splitDeb(a)
	eb, ub, rb := splitDeb(b)
	if ea != eb {
		return sign(ea - eb)
	}
	if c := compareDebPart(ua, ub); c != 0 {
		return c
	}
	return compareDebPart(ra, rb)
}

func splitDeb(v string) (epoch int, upstream, revision string) {
	if e, rest, ok := strings.Cut(v, ":"); ok {
		epoch, _ = strconv.Atoi(e)
		v = rest
	}
	upstream = v
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		upstream, revision = v[:i], v[i+1:]
	}
	return epoch, upstream, revision
}

// upstreamVersion is the dotted number a package's server calls its version:
// "8.6.3" for "5:8.6.3-1", "7.0.15" for "5:7.0.15-1~deb12u7".
func upstreamVersion(v string) string {
	_, up, _ := splitDeb(v)
	if i := strings.IndexFunc(up, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }); i >= 0 {
		up = up[:i]
	}
	return strings.TrimRight(up, ".")
}

func compareDebPart(a, b string) int {
	for a != "" || b != "" {
		for (a != "" && !digit(a[0])) || (b != "" && !digit(b[0])) {
			if c := order(a) - order(b); c != 0 {
				return sign(c)
			}
			a, b = a[1:], b[1:]
		}
		var na, nb string
		na, a = digits(a)
		nb, b = digits(b)
		if len(na) != len(nb) {
			return sign(len(na) - len(nb))
		}
		if c := strings.Compare(na, nb); c != 0 {
			return c
		}
	}
	return 0
}

// order is the sorting weight of a string's first character where no number is
// being compared.
func order(s string) int {
	switch {
	case s == "" || digit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 'a' && s[0] <= 'z':
		return int(s[0])
	default:
		return int(s[0]) + 256
	}
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// digits cuts the leading number off, without its leading zeros.
func digits(s string) (number, rest string) {
	i := 0
	for i < len(s) && digit(s[i]) {
		i++
	}
	return strings.TrimLeft(s[:i], "0"), s[i:]
}

func sign(n int) int { return min(1, max(-1, n)) }
