package script

import (
	"regexp"

	lua "github.com/yuin/gopher-lua"
)

// rewordings turn what the virtual machine says into what Lua 5.1 says, as far as
// the machine tells: the names of the variables to blame are lost, and where it
// does not tell the type, the most usual one stands.
var rewordings = []struct {
	pattern *regexp.Regexp
	word    func(m []string) string
}{
	{
		regexp.MustCompile(`attempt to index a non-table object\((\w+)\) with key '.*'$`),
		func(m []string) string { return "attempt to index a " + m[1] + " value" },
	},
	{
		regexp.MustCompile(`attempt to call a non-function object$`),
		func([]string) string { return "attempt to call a nil value" },
	},
	{
		regexp.MustCompile(`cannot perform \w+ operation between (\w+) and (\w+)$`),
		func(m []string) string { return "attempt to perform arithmetic on a " + blamed(m[1], m[2]) + " value" },
	},
	{
		regexp.MustCompile(`attempt to compare (\w+) with (\w+)$`),
		func(m []string) string {
			if m[1] == m[2] {
				return "attempt to compare two " + m[1] + " values"
			}
			return m[0]
		},
	},
	{regexp.MustCompile(`__unm undefined$`), func([]string) string { return "attempt to perform arithmetic on a nil value" }},
	{regexp.MustCompile(`__len undefined$`), func([]string) string { return "attempt to get length of a nil value" }},
	{
		regexp.MustCompile(`for statement (init|limit|step) must be a number$`),
		func(m []string) string {
			if m[1] == "init" {
				m[1] = "initial value"
			}
			return "'for' " + m[1] + " must be a number"
		},
	},
}

// blamed is the type of the operand that is no number: the first one, unless it
// could be converted.
func blamed(left, right string) string {
	number := func(t string) bool { return t == "number" || t == "string" }
	if left == "number" || left == "string" && !number(right) {
		return right
	}
	return left
}

// reworded returns an error in the words of Lua 5.1.
func reworded(v lua.LValue) lua.LValue {
	s, ok := v.(lua.LString)
	if !ok {
		return v
	}
	for _, r := range rewordings {
		if at := r.pattern.FindStringSubmatchIndex(string(s)); at != nil {
			return s[:at[0]] + lua.LString(r.word(r.pattern.FindStringSubmatch(string(s))))
		}
	}
	return v
}
