package config

import (
	"fmt"
	"math"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// parse checks the arguments of a directive and returns the text that CONFIG
// GET shows for them, or the legacy error text.
func (d *Directive) parse(args []string) (value, errText string) {
	if !d.is("m") && len(args) != 1 {
		return "", "wrong number of arguments"
	}
	switch kind, unsigned := strings.CutSuffix(d.kind, "-unsigned"); kind {
	case "bool":
		switch lower(cString(args[0])) {
		case "yes":
			value = "yes"
		case "no":
			value = "no"
		default:
			return "", "argument must be 'yes' or 'no'"
		}
	case "enum":
		if value, errText = d.parseEnum(args); errText != "" {
			return "", errText
		}
	case "int", "memory", "percent", "octal":
		if value, errText = d.parseNumber(kind, unsigned, args[0]); errText != "" {
			return "", errText
		}
	case "string":
		if value = args[0]; !whole[d.Name] {
			value = cString(value)
		}
	case "special":
		if value, errText = d.parseSpecial(args); errText != "" {
			return "", errText
		}
	}
	if check := checks[d.Name]; check != nil {
		if errText = check(value); errText != "" {
			return "", errText
		}
	}
	return value, ""
}

// parseEnum accepts several words only for directives of flag set type.
func (d *Directive) parseEnum(args []string) (value, errText string) {
	var bits []int
	for _, a := range args {
		i := slices.IndexFunc(d.limits, func(c string) bool { return lower(c) == lower(cString(a)) })
		if i < 0 {
			bits = nil
			break
		}
		bits = append(bits, i)
	}
	if len(bits) == 0 {
		return "", "argument(s) must be one of the following: " + strings.Join(d.limits, ", ")
	}
	slices.Sort(bits)
	var words []string
	for _, i := range slices.Compact(bits) {
		words = append(words, d.limits[i])
	}
	return strings.Join(words, " "), ""
}

// parseNumber mirrors config.c:numericParseString and numericBoundaryCheck.
func (d *Directive) parseNumber(kind string, unsigned bool, s string) (value, errText string) {
	var n int64
	var ok, percent bool
	switch kind {
	case "memory", "percent":
		n, ok = parseMemory(cString(s))
		if p, isPercent := strings.CutSuffix(s, "%"); !ok && isPercent && kind == "percent" && p != "" {
			n, ok = parseDecimal(p)
			ok, percent = ok && n >= 0, true
		}
	case "octal":
		v, err := strconv.ParseInt(s, 8, 64)
		n, ok = v, err == nil
	default:
		n, ok = parseDecimal(s)
	}
	if !ok {
		switch kind {
		case "percent":
			return "", "argument must be a memory or percent value"
		case "memory":
			return "", "argument must be a memory value"
		case "octal":
			return "", "argument couldn't be parsed as an octal number"
		}
		return "", "argument couldn't be parsed into an integer"
	}
	if unsigned {
		lo, _ := strconv.ParseUint(d.limits[0], 10, 64)
		hi, _ := strconv.ParseUint(d.limits[1], 10, 64)
		if u := uint64(n); u < lo || u > hi {
			verb := "%d"
			if kind == "octal" {
				verb = "%o"
			}
			return "", fmt.Sprintf("argument must be between "+verb+" and "+verb+" inclusive", lo, hi)
		}
		if kind == "octal" {
			return strconv.FormatInt(n, 8), ""
		}
		return strconv.FormatUint(uint64(n), 10), ""
	}
	lo, _ := strconv.ParseInt(d.limits[0], 10, 64)
	hi, _ := strconv.ParseInt(d.limits[1], 10, 64)
	if percent {
		if n > -lo {
			return "", fmt.Sprintf("percentage argument must be less or equal to %d", -lo)
		}
		return strconv.FormatInt(n, 10) + "%", ""
	}
	if n < lo || n > hi {
		return "", fmt.Sprintf("argument must be between %d and %d inclusive", lo, hi)
	}
	return strconv.FormatInt(n, 10), ""
}

// parseDecimal is util.c:string2ll: no plus, no leading zero, no space.
func parseDecimal(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == s
}

// parseMemory reads digits and a unit; k is 1000, kb 1024 (util.c:memtoull).
func parseMemory(s string) (int64, bool) {
	i := 0
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		i++
	}
	n, err := strconv.ParseUint("0"+s[:i], 10, 64) // no digit is 0
	mul, ok := map[string]uint64{"": 1, "b": 1, "k": 1000, "kb": 1 << 10, "m": 1e6, "mb": 1 << 20, "g": 1e9, "gb": 1 << 30}[lower(s[i:])]
	if err != nil || !ok || n > math.MaxUint64/mul {
		return 0, false
	}
	return int64(n * mul), true
}

// parseSpecial handles the directives with a syntax of their own.
func (d *Directive) parseSpecial(args []string) (value, errText string) {
	for i := range args {
		args[i] = cString(args[i])
	}
	if len(args) == 1 && args[0] == "" {
		args = nil
	}
	switch d.Name {
	case "save":
		if len(args)%2 != 0 {
			return "", "Invalid save parameters"
		}
		for i, a := range args {
			n, err := strconv.ParseInt(a, 10, 64)
			if err != nil || i%2 == 0 && n < 1 || i%2 == 1 && n < 0 {
				return "", "Invalid save parameters"
			}
		}
	case "bind":
		if len(args) > 16 {
			return "", "Too many bind addresses specified."
		}
	case "notify-keyspace-events":
		for _, a := range args {
			if strings.Trim(a, events+"AKEm") != "" {
				return "", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."
			}
		}
		return eventClasses(strings.Join(args, "")), ""
	case "replicaof":
		if len(args) != 2 {
			return "", "wrong number of arguments"
		}
		if strings.EqualFold(args[0], "no") && strings.EqualFold(args[1], "one") {
			args = nil
		} else if p, err := strconv.Atoi(args[1]); err != nil || p < 0 || p > 65535 {
			return "", "Invalid master port"
		}
	case "oom-score-adj-values":
		if len(args) != 3 {
			return "", "wrong number of arguments"
		}
	case "client-output-buffer-limit":
		if len(args)%4 != 0 {
			return "", "Wrong number of arguments in buffer limit configuration."
		}
	}
	return strings.Join(args, " "), ""
}

// whole are the strings of which a NUL does not end the value (config.c: SDS configs, and a check that looks at all).
var whole = map[string]bool{"masterauth": true, "requirepass": true, "cluster-announce-human-nodename": true}

// events are the classes of key events in the order of notify.c:keyspaceEventsFlagsToString; A is all up to d.
const events = "g$lshzxetdnoc"

func eventClasses(chars string) string {
	keep := func(of string) string {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(chars, r) {
				return r
			}
			return -1
		}, of)
	}
	all, _, _ := strings.Cut(events, "n")
	if strings.Contains(chars, "A") || keep(all) == all {
		return "A" + keep("KEm")
	}
	return keep(events + "KEm")
}

// checks are the directives that refuse some values of their kind.
var checks = map[string]func(v string) string{
	"cluster-announce-ip": func(v string) string {
		if a, err := netip.ParseAddr(v); v != "" && (err != nil || a.Zone() != "") {
			return "Cluster announce IP must be a valid IPv4 or IPv6 address"
		}
		return ""
	},
	"cluster-announce-hostname": func(v string) string {
		if len(v) >= 256 {
			return "Hostnames must be less than 256 characters"
		}
		for _, c := range []byte(v) {
			if !('A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.') {
				return "Hostnames may only contain alphanumeric characters, hyphens or dots"
			}
		}
		return ""
	},
	"cluster-announce-human-nodename": func(v string) string {
		for _, c := range []byte(v) {
			// cluster_legacy.c:isValidAuxChar
			if c <= ' ' || c == 0x7f || strings.IndexByte("!\"#$%&'()*+,:;<=>?@[\\]^{|}~", c) >= 0 {
				return "Announced human node name contained invalid character"
			}
		}
		return ""
	},
	"dbfilename": func(v string) string {
		if v == "" || filepath.Base(v) != v {
			return "dbfilename can't be a path, just a filename"
		}
		return ""
	},
	"appendfilename": func(v string) string {
		if v == "" {
			return "appendfilename can't be empty"
		}
		if filepath.Base(v) != v {
			return "appendfilename can't be a path, just a filename"
		}
		return ""
	},
}
